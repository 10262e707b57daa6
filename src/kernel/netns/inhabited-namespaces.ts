import { readdirSync, statSync } from 'node:fs';
import { SystemError } from '../../core/fault.ts';
import { isSystemError, systemErrorText } from '../../core/system-error.ts';

/** Errors of /proc for a process that has ended. */
const ended: ReadonlySet<unknown> = new Set(['ENOENT', 'ESRCH']);
const refused: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM']);

/**
 * Returns the inodes of the network namespaces that threads of any process are in. Throws a SystemFault unless the namespace of every
 * process is known: a namespace must not count as empty because its processes are hidden.
 */
export function inhabitedNamespaces(proc = '/proc'): Set<number> {
  const processes = listed(proc).filter((entry) => /^\d+$/.test(entry));
  // process 1 always exists, but hidepid=2 lists only processes of the same user
  if (!processes.includes('1')) throw unseen('ENOENT', `${proc}/1: the processes of other users are hidden`);
  const threads = processes.flatMap((pid) =>
    listed(`${proc}/${pid}/task`).map((thread) => `${proc}/${pid}/task/${thread}`),
  );
  const { seen, hidden } = look(threads);
  if (hidden.length > 0) refuseUnlessBeside([...seen.values()], hidden);
  return new Set(seen.keys());
}

interface Hidden {
  thread: string;
  error: unknown;
}

/** Maps each namespace to one of its threads; also returns the threads that cannot be read. */
function look(threads: readonly string[]): { seen: Map<number, string>; hidden: Hidden[] } {
  const seen = new Map<number, string>();
  const hidden: Hidden[] = [];
  for (const thread of threads)
    try {
      seen.set(statSync(`${thread}/ns/net`).ino, thread);
    } catch (error) {
      if (isSystemError(error) && refused.has(error.code)) hidden.push({ thread, error });
      else nothingIfEnded(error);
    }
  return { seen, hidden };
}

/** Throws for a thread that cannot be read, unless another thread of its namespace was seen. */
function refuseUnlessBeside(seen: readonly string[], hidden: readonly Hidden[]): void {
  const known = new Set(seen.flatMap(statisticsOf));
  for (const { thread, error } of hidden)
    if (!statisticsOf(thread).some((file) => known.has(file))) nothingIfEnded(error);
}

/** Identifies the namespace by its statistics file: each namespace has its own, and stat needs no capability. */
const statisticsOf = (thread: string): number[] => unlessEnded(() => [statSync(`${thread}/net/dev`).ino]);

const listed = (directory: string): string[] => unlessEnded(() => readdirSync(directory));

/** Reads from a process; returns nothing if it ends meanwhile. */
function unlessEnded<Item>(ask: () => Item[]): Item[] {
  try {
    return ask();
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
  new SystemError('list the processes in namespaces', errno, `${detail}; the daemon needs CAP_SYS_PTRACE`);
