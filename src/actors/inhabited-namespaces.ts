import { readdirSync, statSync } from 'node:fs';

/** Inodes of the network namespaces in which threads of any process are. */
export function inhabitedNamespaces(): number[] {
  const processes = listed('/proc').filter((entry) => /^\d+$/.test(entry));
  const threads = processes.flatMap((pid) =>
    listed(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`),
  );
  return [...new Set(threads.flatMap((thread) => inodeOf(`${thread}/ns/net`)))];
}

/** A process may end while it is looked at. */
function listed(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function inodeOf(path: string): number[] {
  try {
    return [statSync(path).ino];
  } catch {
    return [];
  }
}
