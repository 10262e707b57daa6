import { writeSync } from 'node:fs';
import { type Key, open } from 'lmdb';
import { tableNames } from './examination.ts';
import { SealedRows } from './sealed-rows.ts';

/**
 * Entry point of the process that reads what it can of a damaged journal: `node salvager.js <journal directory>`. Prints a line of JSON for
 * each actor, `[address, record]`, until all are read, or the damage ends it.
 */
const [directory = ''] = process.argv.slice(2);
const options = { encoding: 'string' } as const;
// lmdb takes a path with a dot for that of a file
const environment = open({
  path: directory,
  readOnly: true,
  noSubdir: false,
  maxDbs: tableNames.length + 1,
  ...options,
});
const table = environment.openDB<string, string>({ name: 'actors', ...options });
const rows = new SealedRows<unknown, Key>('actors', table);
for (const address of table.getKeys({})) {
  const record = readable(address);
  // at once: the next row may end this process
  if (record !== undefined) writeSync(1, `${JSON.stringify([address, record])}\n`);
}

function readable(address: Key): unknown {
  try {
    return rows.get(address);
  } catch {
    return undefined;
  }
}
