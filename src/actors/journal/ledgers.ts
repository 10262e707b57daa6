import { type ActorAddress, type ActorKind, actorKind } from '../../core/actor-address.ts';
import { changedKeys, type Ledger } from '../../core/ledger.ts';
import type { SealedRows } from './sealed-rows.ts';

/**
 * Maps in a machine's context that grow with the number of containers, stored one row per entry: a commit writes the
 * entries that changed, not the whole map, and costs the same with a thousand members as with none.
 */
const ledgersOf: Partial<Record<ActorKind, readonly string[]>> = { network: ['leases', 'macs'], host: ['ports'] };

type Context = Readonly<Record<string, unknown>>;
type Row = [address: string, field: string, entry: string];

export class Ledgers {
  constructor(private readonly rows: SealedRows<unknown, Row>) {}

  /** Writes the changes since `before` (null: nothing is stored yet); returns the context without its ledgers. */
  write(address: ActorAddress, before: Context | null, after: Context): Context {
    const fields = ledgersOf[actorKind(address)];
    if (!fields) return after;
    const rest: Record<string, unknown> = { ...after };
    for (const field of fields) {
      this.#writeChanges([address, field], (before?.[field] ?? {}) as Ledger<unknown>, after[field] as Ledger<unknown>);
      delete rest[field];
    }
    return rest;
  }

  /** Restores a context with its ledgers. */
  read(address: ActorAddress, context: Context): Context {
    const fields = ledgersOf[actorKind(address)] ?? [];
    const ledgers = fields.map((field) => [field, this.#entries(address, field)] as const);
    return ledgers.length === 0 ? context : { ...context, ...Object.fromEntries(ledgers) };
  }

  remove(address: ActorAddress): void {
    for (const field of ledgersOf[actorKind(address)] ?? [])
      for (const entry of Object.keys(this.#entries(address, field))) this.rows.removeSync([address, field, entry]);
  }

  /** Machines never change a value in place, so the same object is an unchanged entry. */
  #writeChanges([address, field]: [string, string], before: Ledger<unknown>, after: Ledger<unknown>): void {
    for (const entry of changedKeys(before, after))
      if (Object.hasOwn(after, entry)) this.rows.putSync([address, field, entry], after[entry]);
      else this.rows.removeSync([address, field, entry]);
  }

  #entries(address: string, field: string): Record<string, unknown> {
    const range: { start: Row; end: Row } = { start: [address, field, ''], end: [address, field, '\uffff'] };
    return Object.fromEntries([...this.rows.getRange(range)].map(({ key, value }) => [key[2], value]));
  }
}
