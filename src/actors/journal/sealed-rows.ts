import { crc32 } from 'node:zlib';
import type { Database, Key, RangeOptions } from 'lmdb';
import { fault, NetloomError } from '../../core/fault.ts';

type Range = Pick<RangeOptions, 'start' | 'end' | 'limit'>;

/** Between the checksum and the value: in no JSON text of one value does it follow eight digits. */
const separator = '|';
const checksumDigits = 8;

/**
 * A table of the journal, whose rows carry a checksum of their key and their value: a byte that changed on the disk is noticed when the
 * row is read, and does not become another address or port. Rows of versions before 13 have none.
 */
export class SealedRows<Value, RowKey extends Key> {
  constructor(
    private readonly name: string,
    private readonly table: Database<string, RowKey>,
  ) {}

  get(key: RowKey): Value | undefined {
    const row = this.table.get(key);
    return row === undefined ? undefined : this.#open(key, row);
  }

  putSync(key: RowKey, value: Value): void {
    const text = JSON.stringify(value);
    this.table.putSync(key, `${checksum(key, text)}${separator}${text}`);
  }

  removeSync(key: RowKey): void {
    this.table.removeSync(key);
  }

  clearSync(): void {
    this.table.clearSync();
  }

  doesExist(key: RowKey): boolean {
    return this.table.doesExist(key);
  }

  *getRange(range: Range = {}): Generator<{ key: RowKey; value: Value }> {
    for (const { key, value } of this.table.getRange(range)) yield { key, value: this.#open(key, value) };
  }

  getKeys(range: Range = {}): Iterable<RowKey> {
    return this.table.getKeys(range);
  }

  getKeysCount(range: Range = {}): number {
    return this.table.getKeysCount(range);
  }

  /** Writes every row again, with its checksum. */
  seal(): void {
    for (const { key, value } of [...this.getRange()]) this.putSync(key, value);
  }

  /** Reads every row. Returns their number. Throws journal.damaged. */
  verify(): number {
    const { entryCount } = this.table.getStats() as { entryCount: number };
    let rows = 0;
    for (const _ of this.getRange()) rows += 1;
    if (rows !== entryCount) throw damaged(`the table ${this.name} has ${rows} rows instead of ${entryCount}`);
    return rows;
  }

  #open(key: RowKey, row: string): Value {
    const isSealed = row[checksumDigits] === separator;
    const text = isSealed ? row.slice(checksumDigits + separator.length) : row;
    const isIntact = !isSealed || row.startsWith(checksum(key, text));
    const value = isIntact ? parsed(text) : undefined;
    if (value === undefined)
      throw damaged(`the row ${JSON.stringify(key)} of the table ${this.name} is not what was written`);
    return value as Value;
  }
}

function checksum(key: Key, text: string): string {
  return crc32(text, crc32(JSON.stringify(key)))
    .toString(16)
    .padStart(checksumDigits, '0');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const damaged = (what: string): NetloomError =>
  new NetloomError(fault('journal.damaged', `the journal is damaged: ${what}`));
