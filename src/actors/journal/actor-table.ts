import type { MachineContext } from 'xstate';
import { type ActorAddress, type ActorKind, isOfKind, type KindOf } from '../../core/actor-address.ts';
import type { Ledgers } from './ledgers.ts';
import { type ActorRecord, type KnownActor, readAs, type WrittenRecord } from './records.ts';
import type { SealedRows } from './sealed-rows.ts';

/** The state of each actor. Growing maps in it are stored apart, in the ledgers. */
export class ActorTable {
  constructor(
    private readonly rows: SealedRows<WrittenRecord, ActorAddress>,
    private readonly ledgers: Ledgers,
  ) {}

  /** previous: the last stored context; null before the first */
  keep(address: ActorAddress, previous: MachineContext | null, { value, context }: WrittenRecord): void {
    const rest = this.ledgers.write(address, previous, context);
    this.rows.putSync(address, { value, context: rest });
  }

  remove(address: ActorAddress): void {
    this.rows.removeSync(address);
    this.ledgers.remove(address);
  }

  get<Address extends ActorAddress>(address: Address): ActorRecord<KindOf<Address>> | null {
    const record = this.rows.get(address);
    return record ? readAs<KindOf<Address>>(this.#whole(address, record)) : null;
  }

  exists(address: ActorAddress): boolean {
    return this.rows.doesExist(address);
  }

  /** Lists actors by address. */
  all(): KnownActor[] {
    return [...this.rows.getRange()].map(({ key, value }) => ({
      address: key,
      record: readAs(this.#whole(key, value)),
    }));
  }

  /** Lists the actors of a kind by address. */
  of<Kind extends ActorKind>(kind: Kind): KnownActor<Kind>[] {
    return [...this.rows.getRange(rangeOf(kind))].flatMap(({ key, value }) =>
      isOfKind(key, kind) ? [{ address: key, record: readAs<Kind>(this.#whole(key, value)) }] : [],
    );
  }

  addresses(): ActorAddress[] {
    return [...this.rows.getKeys()];
  }

  count(kind: ActorKind): number {
    return this.rows.getKeysCount(rangeOf(kind));
  }

  #whole(address: ActorAddress, { value, context }: WrittenRecord): WrittenRecord {
    return { value, context: this.ledgers.read(address, context) };
  }
}

/** Every address begins with its kind, and no kind with another. */
const rangeOf = (kind: ActorKind) => ({ start: kind, end: `${kind}\uffff` });
