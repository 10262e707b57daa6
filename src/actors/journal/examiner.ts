import { mkdirSync, statSync, writeSync } from 'node:fs';
import { type Database, type Key, open, type RootDatabase } from 'lmdb';
import { fault, NetloomError } from '../../core/fault.ts';
import { roomOf } from '../../files/free-space.ts';
import { type Copying, tableNames, type Verdict } from './examination.ts';
import { SealedRows } from './sealed-rows.ts';
import { journalVersion } from './version.ts';

/**
 * Entry point of the process that examines a journal: `node examiner.js <journal directory> <directory for a copy>`. LMDB reads its
 * file as memory, so a damaged one can end the process that reads it. Reads every row, and then writes a copy without unused pages, because
 * their list is not checked by reading. Prints a line of JSON for the verdict, and one for the copy.
 */
const [directory = '', copy = ''] = process.argv.slice(2);
const options = { encoding: 'string', noSync: true } as const;
const environment = attempt(() =>
  open({ path: directory, readOnly: true, noSubdir: false, maxDbs: tableNames.length + 1, ...options }),
);
const verdict = environment && attempt(() => examine(environment));
if (environment && verdict?.kind === 'sound')
  say({ kind: (await copied(environment, verdict)) ? 'copied' : 'not-copied' });

function examine(journal: RootDatabase): Verdict {
  const table = (name: string): SealedRows<unknown, Key> | null => {
    const opened: Database<string, Key> | undefined = journal.openDB<string, Key>({ name, ...options });
    return opened ? new SealedRows(name, opened) : null;
  };
  const version = table('meta')?.get('version');
  // its other rows may be of a kind that this version does not know
  const isLater = typeof version === 'number' && version > journalVersion;
  if (!isLater) for (const name of tableNames) verify(name, table(name), version !== undefined);
  return say({ kind: 'sound', isLater });
}

/** A journal that was begun has all tables, and one that was not has no rows. */
function verify(name: string, rows: SealedRows<unknown, Key> | null, isBegun: boolean): void {
  const count = rows?.verify() ?? null;
  if (isBegun ? count === null : count !== null && count > 0)
    throw new NetloomError(fault('journal.damaged', `the table ${isBegun ? name : 'meta'} is missing`));
}

/** Does what may fail because of damage; prints the verdict then, and returns null. */
function attempt<Result>(act: () => Result): Result | null {
  try {
    return act();
  } catch (error) {
    const why = error instanceof NetloomError ? error.message : `it cannot be read (${(error as Error).message})`;
    say({ kind: 'damaged', why });
    return null;
  }
}

/** Copies the journal. Returns false for a later version's, and if there is no room for all of it: lmdb's heap is damaged after a failed write. */
async function copied(journal: RootDatabase, { isLater }: Extract<Verdict, { kind: 'sound' }>): Promise<boolean> {
  if (isLater || roomOf(directory).freeBytes < 2 * statSync(`${directory}/data.mdb`).size) return false;
  mkdirSync(copy, { mode: 0o700 });
  await journal.backup(copy, true);
  return true;
}

function say<Line extends Verdict | Copying>(line: Line): Line {
  // at once: the next page may end this process
  writeSync(1, `${JSON.stringify(line)}\n`);
  return line;
}
