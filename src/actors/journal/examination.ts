import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** All tables of a journal. */
export const tableNames = ['meta', 'actors', 'ledgers', 'inbox', 'pending', 'outbox', 'replies'] as const;

/** What the examiner says of a journal; isLater: a later version wrote it, so only that was read. */
export type Verdict = { kind: 'sound'; isLater: boolean } | { kind: 'damaged'; why: string };
/** What it says when there is a copy without unused pages. */
export interface Copied {
  kind: 'copied';
}

/** What a daemon that starts finds in its run directory. */
export type JournalState =
  | { kind: 'sound' }
  /** there is none: a new run directory, or it was removed */
  | { kind: 'missing' }
  /** it was moved to `kept`; records: those that could still be read, by the address of their actor */
  | { kind: 'damaged'; why: string; kept: string; records: ReadonlyMap<string, unknown> };

/** A journal of 10,000 containers is read in a second; a damaged one may have a loop. */
const examineWithinMs = 30_000;
const mostOutputBytes = 2 ** 28;
const examiner = fileURLToPath(new URL('./examiner.js', import.meta.url));
const salvager = fileURLToPath(new URL('./salvager.js', import.meta.url));

/**
 * Examines the journal before it is opened, in another process: a damaged file must not end the daemon, nor give it wrong rows. A sound
 * one is replaced by its copy, a damaged one is moved aside. The run directory must be this daemon's.
 */
export async function examineJournal(runDirectory: string): Promise<JournalState> {
  const directory = `${runDirectory}/journal`;
  if (!existsSync(`${directory}/data.mdb`)) return { kind: 'missing' };
  const copy = `${directory}/copy`;
  rmSync(copy, { recursive: true, force: true });
  const { verdict, isCopied } = await askExaminer(directory, copy);
  if (verdict.kind === 'damaged') {
    const records = await readableRecords(directory);
    return { ...verdict, records, kept: setAside(runDirectory) };
  }
  if (isCopied) {
    renameSync(`${copy}/data.mdb`, `${directory}/data.mdb`);
    // it lists the readers of the former file
    rmSync(`${directory}/lock.mdb`, { force: true });
  }
  rmSync(copy, { recursive: true, force: true });
  return { kind: 'sound' };
}

async function askExaminer(directory: string, copy: string): Promise<{ verdict: Verdict; isCopied: boolean }> {
  const { stdout, end } = await run(examiner, directory, copy);
  const said = wholeLines(stdout).map((line) => JSON.parse(line) as Verdict | Copied);
  const [verdict = { kind: 'damaged', why: `reading it ends a process (${end})` }] = said.filter(isVerdict);
  return { verdict, isCopied: said.some((one) => !isVerdict(one)) };
}

const isVerdict = (said: Verdict | Copied): said is Verdict => said.kind !== 'copied';

/** The last line may be cut off. */
const wholeLines = (text: string): string[] => text.split('\n').slice(0, -1);

/** Returns the records that another process can read before the damage ends it. */
async function readableRecords(directory: string): Promise<Map<string, unknown>> {
  const { stdout } = await run(salvager, directory);
  return new Map(wholeLines(stdout).map((line) => JSON.parse(line) as [string, unknown]));
}

/** Runs one of the two programs; end: the signal or the exit code. */
async function run(program: string, ...args: string[]): Promise<{ stdout: string; end: string | number }> {
  const options = { timeout: examineWithinMs, killSignal: 'SIGKILL', maxBuffer: mostOutputBytes } as const;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], options);
    return { stdout, end: 0 };
  } catch (error) {
    const { stdout = '', signal, code } = error as { stdout?: string; signal?: string; code?: number };
    return { stdout, end: signal ?? code ?? 'unknown' };
  }
}

/** Keeps one damaged journal, the last. Returns its place. */
function setAside(runDirectory: string): string {
  const kept = `${runDirectory}/journal.damaged`;
  rmSync(kept, { recursive: true, force: true });
  renameSync(`${runDirectory}/journal`, kept);
  mkdirSync(`${runDirectory}/journal`, { mode: 0o700 });
  return kept;
}
