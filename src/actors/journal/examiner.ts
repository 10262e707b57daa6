import { mkdirSync, statSync, writeSync } from 'node:fs';
import { type Database, type Key, open, type RootDatabase } from 'lmdb';
import { NetloomError } from '../../core/fault.ts';
import { roomOf } from '../../files/free-space.ts';
import { type Copied, tableNames, type Verdict } from './examination.ts';
import { SealedRows } from './sealed-rows.ts';
import { journalVersion } from './version.ts';

/**
 * Entry point of the process that examines a journal: `node examiner.js <journal directory> <directory for a copy>`. LMDB reads its
 * file as memory, so a damaged one can end the process that reads it. Reads every row, and then writes a copy without unused pages, because
 * their list is not checked by reading. Prints a line of JSON for the verdict, and one for the copy.
 */
const [directory = '', copy = ''] = process.argv.slice(2);
const options = { encoding: 'string', noSync: true } as const;
const environment = attempt(() => open({ path: directory, readOnly: true, maxDbs: tableNames.length + 1, ...options }));
const verdict = environment && attempt(() => examine(environment));
if (environment && verdict?.kind === 'sound' && !verdict.isLater) await copyTo(environment);

function examine(journal: RootDatabase): Verdict {
  const table = (name: string): SealedRows<unknown, Key> | null => {
    // the first write of a journal makes its tables
    const opened: Database<string, Key> | undefined = journal.openDB<string, Key>({ name, ...options });
    return opened ? new SealedRows(name, opened) : null;
  };
  const version = table('meta')?.get('version');
  // its other rows may be of a kind that this version does not know
  const isLater = typeof version === 'number' && version > journalVersion;
  if (!isLater) for (const name of tableNames) table(name)?.verify();
  return say({ kind: 'sound', isLater });
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

/** lmdb takes no second try on a full disk: the copy is made only if there is room for all of it. */
async function copyTo(journal: RootDatabase): Promise<void> {
  if (roomOf(directory).freeBytes < 2 * statSync(`${directory}/data.mdb`).size) return;
  mkdirSync(copy, { mode: 0o700 });
  await journal.backup(copy, true);
  say({ kind: 'copied' });
}

function say<Said extends Verdict | Copied>(said: Said): Said {
  // at once: the next page may end this process
  writeSync(1, `${JSON.stringify(said)}\n`);
  return said;
}
