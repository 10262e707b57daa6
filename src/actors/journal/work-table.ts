import type { ActorAddress } from '../../core/actor-address.ts';
import type { SealedRows } from './sealed-rows.ts';

type Row = [ActorAddress, number];

/** Work of actors in the order of its numbers: waiting messages of an inbox, or plans that are not carried out yet. */
export class WorkTable<Work> {
  constructor(private readonly rows: SealedRows<Work, Row>) {}

  put(address: ActorAddress, sequence: number, work: Work): void {
    this.rows.putSync([address, sequence], work);
  }

  remove(address: ActorAddress, sequence: number): void {
    this.rows.removeSync([address, sequence]);
  }

  /** Lists the work of an actor. */
  of(address: ActorAddress): { sequence: number; work: Work }[] {
    const range: { start: Row; end: Row } = { start: [address, 0], end: [address, Infinity] };
    return [...this.rows.getRange(range)].map(({ key, value }) => ({ sequence: key[1], work: value }));
  }

  has(address: ActorAddress, sequence: number): boolean {
    return this.rows.doesExist([address, sequence]);
  }

  /** Checks whether there is work with a number of `from` (inclusive) to `to` (exclusive). Costs half of what an empty list costs. */
  hasBetween(address: ActorAddress, from: number, to: number): boolean {
    return this.rows.getKeysCount({ start: [address, from], end: [address, to] }) > 0;
  }

  /** Lists actors with work: also those that do not exist (yet, or any longer). */
  addresses(): ActorAddress[] {
    return [...new Set([...this.rows.getKeys()].map(([address]) => address))];
  }

  clear(): void {
    this.rows.clearSync();
  }
}
