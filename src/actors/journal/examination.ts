import { execFile } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { fault, NetloomError } from '../../core/fault.ts';

/** All tables of a journal. */
export const tableNames = ['meta', 'actors', 'ledgers', 'inbox', 'pending', 'outbox', 'replies'] as const;

const verdictSchema = z.discriminatedUnion('kind', [
  /** isLater: a later version wrote it, so only that was read */
  z.object({ kind: z.literal('sound'), isLater: z.boolean() }),
  z.object({ kind: z.literal('damaged'), why: z.string() }),
]);
/** How the examiner judges a journal. */
export type Verdict = z.infer<typeof verdictSchema>;

/** Whether it has made a copy without unused pages: not of a later version's journal, nor on a disk without room for it. */
const copyingSchema = z.object({ kind: z.enum(['copied', 'not-copied']) });
export type Copying = z.infer<typeof copyingSchema>;

/** Ends of a process that reads a damaged file. */
const faults: ReadonlySet<unknown> = new Set(['SIGBUS', 'SIGSEGV', 'SIGABRT']);

/** A journal of 10,000 containers is read in a second; a damaged one may have a loop. */
const examineWithinMs = 30_000;
const mostOutputBytes = 2 ** 28;
const program = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/**
 * Examines the journal in another process, before it is opened: a damaged file must not end the daemon, nor give it wrong rows. Replaces
 * a sound one by its copy. Returns null if there is none. Throws journal.unexamined when it cannot be said what it is.
 */
export async function examineJournal(directory: string, signal?: AbortSignal): Promise<Verdict | null> {
  if (!existsSync(`${directory}/data.mdb`)) return null;
  const copy = `${directory}/copy`;
  const ask = () => examineOnce(directory, copy, signal);
  // another program may have ended the first process
  const verdict = (await ask()) ?? (await ask());
  if (verdict === null)
    throw new NetloomError(fault('journal.unexamined', `the journal ${directory} could not be examined: try again`));
  return verdict;
}

/** null: the process ended for a reason that says nothing about the journal */
async function examineOnce(directory: string, copy: string, signal?: AbortSignal): Promise<Verdict | null> {
  rmSync(copy, { recursive: true, force: true });
  const { lines, end } = await run('./examiner.js', [directory, copy], signal);
  const [first, second] = lines;
  const verdict = first === undefined ? null : verdictSchema.parse(first);
  if (verdict?.kind === 'damaged') return verdict;
  if (verdict === null || second === undefined)
    return end.isByFile ? { kind: 'damaged', why: `reading it ends a process (${end.how})` } : null;
  if (copyingSchema.parse(second).kind === 'copied') {
    renameSync(`${copy}/data.mdb`, `${directory}/data.mdb`);
    // it lists the readers of the former file
    rmSync(`${directory}/lock.mdb`, { force: true });
  }
  rmSync(copy, { recursive: true, force: true });
  return verdict;
}

const recordSchema = z.tuple([z.string(), z.unknown()]);

/** Returns the records in a damaged journal that another process can read before the damage ends it, by the address of their actor. */
export async function readableRecords(directory: string): Promise<Map<string, unknown>> {
  const { lines } = await run('./salvager.js', [directory]);
  return new Map(lines.map((line) => recordSchema.parse(line)));
}

interface Run {
  /** whole lines of its output, as JSON */
  lines: unknown[];
  /** isByFile: a damaged file may have ended it, by a fault, or by a loop */
  end: { how: string; isByFile: boolean };
}

async function run(file: string, args: string[], signal?: AbortSignal): Promise<Run> {
  const options = { timeout: examineWithinMs, killSignal: 'SIGKILL', maxBuffer: mostOutputBytes, signal } as const;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program(file), ...args], options);
    return { lines: wholeLines(stdout), end: { how: 'exit code 0', isByFile: false } };
  } catch (error) {
    signal?.throwIfAborted();
    const { stdout = '', signal: by, code, killed } = error as ExecutionError;
    return { lines: wholeLines(stdout), end: { how: `${by ?? code}`, isByFile: faults.has(by) || killed === true } };
  }
}

/** What `execFile` adds to its errors. */
interface ExecutionError extends Error {
  stdout?: string;
  signal?: string;
  code?: number | string;
  /** by its time-out */
  killed?: boolean;
}

/** The last line may be cut off. */
const wholeLines = (text: string): unknown[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
