import type { Database } from 'lmdb';
import type { MachineContext } from 'xstate';
import type { ActorAddress } from '../../core/actor-address.ts';
import type { Ledgers } from './ledgers.ts';
import type { ActorRecord } from './records.ts';

/** The state of each actor. Growing maps in it are stored apart, in the ledgers. */
export class ActorTable {
  constructor(
    private readonly rows: Database<ActorRecord, string>,
    private readonly ledgers: Ledgers,
  ) {}

  /** previous: the last stored context; null before the first */
  keep(address: ActorAddress, previous: MachineContext | null, { value, context }: ActorRecord): void {
    const rest = this.ledgers.write(address, previous, context);
    this.rows.putSync(address, { value, context: rest });
  }

  remove(address: ActorAddress): void {
    this.rows.removeSync(address);
    this.ledgers.remove(address);
  }

  get(address: ActorAddress): ActorRecord | null {
    const record = this.rows.get(address);
    return record ? this.#whole(address, record) : null;
  }

  exists(address: ActorAddress): boolean {
    return this.rows.doesExist(address);
  }

  /** Lists actors whose address has this prefix, by address. */
  all(prefix: string): { address: ActorAddress; record: ActorRecord }[] {
    return [...this.rows.getRange(rangeOf(prefix))].map(({ key, value }) => {
      const address = key as ActorAddress;
      return { address, record: this.#whole(address, value) };
    });
  }

  addresses(): ActorAddress[] {
    return [...this.rows.getKeys()] as ActorAddress[];
  }

  count(prefix: string): number {
    return this.rows.getKeysCount(rangeOf(prefix));
  }

  #whole(address: ActorAddress, { value, context }: ActorRecord): ActorRecord {
    return { value, context: this.ledgers.read(address, context) };
  }
}

const rangeOf = (prefix: string) => (prefix ? { start: prefix, end: `${prefix}\uffff` } : {});
