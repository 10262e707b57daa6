import type { FactState } from '../../contract/facts.ts';
import type { OutboxRecord } from '../../contract/outbox.ts';
import { hostAddress } from '../../core/actor-address.ts';
import { mostFacts } from '../../files/outbox-limits.ts';
import type { MetaRows } from './meta-table.ts';
import type { SealedRows } from './sealed-rows.ts';

/** Facts for which there was no room. */
export interface LeftOut {
  count: number;
  /** ISO 8601: the first and the last of them */
  since: string;
  until: string;
}

const lastKey = 'event';
const leftOutKey = 'left out';

/**
 * The facts that wait for the stream, numbered 1, 2, 3, … without a gap: facts are added at the end and removed at the
 * beginning. There are never more than `mostFacts`; left-out ones are counted, and reported by a fact of their own
 * (`events-left-out`) before the next one. Writes belong into a transaction of the journal.
 */
export class OutboxTable {
  /** the number of the oldest fact, or of one before it: it only grows */
  #oldest = 1;

  constructor(
    private readonly table: SealedRows<OutboxRecord, number>,
    private readonly meta: MetaRows,
    private readonly stateOfHost: () => FactState,
  ) {}

  /** Number of the last fact. */
  last(): number {
    return (this.meta.get(lastKey) as number | undefined) ?? 0;
  }

  pending(): number {
    const [oldest = this.last() + 1] = this.table.getKeys({ limit: 1 });
    this.#oldest = oldest;
    return this.last() - oldest + 1;
  }

  after(sequence: number, limit: number): OutboxRecord[] {
    return [...this.table.getRange({ start: sequence + 1, limit })].map(({ value }) => value);
  }

  /** Adds a fact. Returns whether there was room for it. */
  add(fact: Pick<OutboxRecord, 'source' | 'fact' | 'data'>): boolean {
    if (this.#isFull()) return this.leaveOut();
    this.reportLeftOut();
    this.#append(fact);
    return true;
  }

  leaveOut(): false {
    const until = new Date().toISOString();
    const { count, since } = this.#leftOut() ?? { count: 0, since: until };
    this.meta.putSync(leftOutKey, { count: count + 1, since, until });
    return false;
  }

  /** Reports what was left out. Returns whether there was anything to report, and room for that. */
  reportLeftOut(): boolean {
    const data = this.#leftOut();
    if (!data || this.#isFull()) return false;
    this.meta.removeSync(leftOutKey);
    this.#append({ source: hostAddress, fact: 'events-left-out', data: { ...data, state: this.stateOfHost() } });
    return true;
  }

  removeThrough(sequence: number): void {
    for (const key of this.table.getKeys({ end: sequence + 1 })) this.table.removeSync(key);
  }

  #append({ source, fact, data }: Pick<OutboxRecord, 'source' | 'fact' | 'data'>): void {
    const sequence = this.last() + 1;
    this.meta.putSync(lastKey, sequence);
    this.table.putSync(sequence, { sequence, source, fact, data, time: new Date().toISOString() });
  }

  #leftOut(): LeftOut | undefined {
    return this.meta.get(leftOutKey) as LeftOut | undefined;
  }

  /** Counts the table only when there may be too many. */
  #isFull(): boolean {
    return this.last() - this.#oldest + 1 >= mostFacts && this.pending() >= mostFacts;
  }
}
