import { readdirSync, statSync } from 'node:fs';
import { isSystemError, systemErrorText } from '../core/system-error.ts';
import { fault } from './system-fault.ts';

/** What the file system answers for a process that has ended. */
const ended: ReadonlySet<unknown> = new Set(['ENOENT', 'ESRCH']);
const refused: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM']);

/**
 * Inodes of the network namespaces in which threads of any process are. Throws a SystemFault unless every process can be seen:
 * a namespace must not count as empty because its processes are hidden.
 */
export function inhabitedNamespaces(proc = '/proc'): Set<number> {
  const processes = listed(proc).filter((entry) => /^\d+$/.test(entry));
  // there always is one, and with hidepid=2 only those of the same user are listed
  if (!processes.includes('1')) throw unseen('ENOENT', `${proc}/1: the processes of other users are hidden`);
  const threads = processes.flatMap((pid) =>
    listed(`${proc}/${pid}/task`).map((thread) => `${proc}/${pid}/task/${thread}`),
  );
  return new Set(threads.flatMap((thread) => namespaceOf(thread, proc)));
}

/** One that cannot be looked into is known too while it is in this process's own namespace. */
function namespaceOf(thread: string, proc: string): number[] {
  try {
    return [statSync(`${thread}/ns/net`).ino];
  } catch (error) {
    const isHidden = isSystemError(error) && refused.has(error.code);
    const [own] = isHidden ? statisticsOf(`${proc}/self`) : [];
    if (own !== undefined && statisticsOf(thread)[0] === own) return [statSync(`${proc}/self/ns/net`).ino];
    return nothingIfEnded(error);
  }
}

/** Each namespace has a file of its own for its statistics, and no capability is needed to look which one that is. */
const statisticsOf = (thread: string): number[] => unlessEnded(() => [statSync(`${thread}/net/dev`).ino]);

const listed = (directory: string): string[] => unlessEnded(() => readdirSync(directory));

/** A process may end while it is looked at. */
function unlessEnded<Item>(look: () => Item[]): Item[] {
  try {
    return look();
  } catch (error) {
    return nothingIfEnded(error);
  }
}

function nothingIfEnded(error: unknown): [] {
  if (!isSystemError(error)) throw error;
  if (ended.has(error.code)) return [];
  throw unseen(String(error.code), systemErrorText(error));
}

const unseen = (errno: string, detail: string) =>
  fault('list the processes in namespaces', errno, `${detail}; the daemon needs CAP_SYS_PTRACE`);
