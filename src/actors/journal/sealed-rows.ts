import { crc32 } from 'node:zlib';
import type { Database, Key, RangeOptions } from 'lmdb';
import { fault, NetloomError } from '../../core/fault.ts';

type Range = Pick<RangeOptions, 'start' | 'end' | 'limit'>;

/** The checksum before a value: no JSON text begins in this way. */
const sealPattern = /^[0-9a-f]{8}\|/;
const sealLength = 9;

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
    this.table.putSync(key, `${sealOf(key, text)}${text}`);
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
    const isSealed = sealPattern.test(row);
    const text = isSealed ? row.slice(sealLength) : row;
    const isIntact = !isSealed || row.startsWith(sealOf(key, text));
    const value = isIntact ? parsed(text) : undefined;
    if (value === undefined)
      throw damaged(`the row ${JSON.stringify(key)} of the table ${this.name} is not what was written`);
    return value as Value;
  }
}

function sealOf(key: Key, text: string): string {
  const checksum = crc32(text, crc32(JSON.stringify(key)));
  return `${checksum.toString(16).padStart(sealLength - 1, '0')}|`;
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
