/**
 * Records that grow with the number of containers. They are never changed in place, as all that machines remember, and a
 * copy of a thousand entries is what each change costs; so the copies are plain dictionaries (V8 copies what it takes for a
 * class of its own at several times that price, and leaves something out at ten times), and what was changed is remembered
 * beside them, so that nobody needs to compare all entries to find it.
 */
export type Ledger<Entry> = Readonly<Record<string, Entry>>;

/** From which ledger one was made, and by which entry it differs. */
const origins = new WeakMap<object, { from: WeakRef<object>; key: string }>();
/** How many changes are followed back before all entries are compared. */
const mostSteps = 16;

export function withEntry<Entry>(ledger: Ledger<Entry>, key: string, entry: Entry): Ledger<Entry> {
  const copy = copyOf(ledger);
  copy[key] = entry;
  return made(copy, ledger, key);
}

export function withoutEntry<Entry>(ledger: Ledger<Entry>, key: string): Ledger<Entry> {
  const copy = copyOf(ledger);
  delete copy[key];
  return made(copy, ledger, key);
}

/** The keys whose entries are not the same object in both. */
export function changedKeys(before: Ledger<unknown>, after: Ledger<unknown>): string[] {
  const candidates = keysBetween(before, after) ?? new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...candidates].filter((key) => before[key] !== after[key]);
}

/** By the changes that lead from one to the other; null: they are not known, or too many. */
function keysBetween(before: object, after: object): Set<string> | null {
  const keys = new Set<string>();
  let at: object | undefined = after;
  for (let step = 0; at && step <= mostSteps; step++) {
    if (at === before) return keys;
    const origin = origins.get(at);
    if (origin) keys.add(origin.key);
    at = origin?.from.deref();
  }
  return null;
}

function copyOf<Entry>(ledger: Ledger<Entry>): Record<string, Entry> {
  const copy: Record<string, Entry> = Object.create(null);
  for (const key in ledger) copy[key] = ledger[key] as Entry;
  return copy;
}

function made<Entry>(copy: Ledger<Entry>, from: Ledger<Entry>, key: string): Ledger<Entry> {
  origins.set(copy, { from: new WeakRef(from), key });
  return copy;
}
