/**
 * Records that grow with the number of containers. Like all that machines remember, they are never changed in place. A copy of a
 * thousand entries costs more than the rest of a set-up's decisions, so ledgers that are made here share what they have in
 * common: the entries lie in buckets, and a change copies one bucket. To a reader a ledger is a record like any other, its keys
 * in order. Each change is remembered beside it, so that finding changes needs no comparison of all entries.
 */
export type Ledger<Entry> = Readonly<Record<string, Entry>>;

type Bucket<Entry> = Readonly<Record<string, Entry>>;
type Buckets<Entry> = readonly Bucket<Entry>[];

const bucketCount = 64;

/** A ledger → the ledger it was made from, and the one entry that differs. */
const origins = new WeakMap<object, { from: WeakRef<object>; key: string }>();
/** How many changes are followed back before all entries are compared. */
const mostSteps = 16;

export function withEntry<Entry>(ledger: Ledger<Entry>, key: string, entry: Entry): Ledger<Entry> {
  return changed(ledger, key, (bucket) => {
    bucket[key] = entry;
  });
}

export function withoutEntry<Entry>(ledger: Ledger<Entry>, key: string): Ledger<Entry> {
  return changed(ledger, key, (bucket) => {
    delete bucket[key];
  });
}

/** Returns the keys whose entries are not the same object in both. */
export function changedKeys(before: Ledger<unknown>, after: Ledger<unknown>): string[] {
  const candidates = keysBetween(before, after) ?? new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...candidates].filter((key) => before[key] !== after[key]);
}

/** Follows the changes that lead from one to the other; null: they are unknown, or too many. */
function keysBetween(before: object, after: object): Set<string> | null {
  const keys = new Set<string>();
  for (const { ledger, changed } of history(after)) {
    if (ledger === before) return keys;
    if (changed !== null) keys.add(changed);
  }
  return null;
}

/** Yields a ledger and its ancestors, newest first, each with the key of its last change; stops after a limit. */
export function* history(ledger: object): Generator<{ ledger: object; changed: string | null }> {
  let at: object | undefined = ledger;
  for (let step = 0; at && step <= mostSteps; step++) {
    const origin = origins.get(at);
    yield { ledger: at, changed: origin?.key ?? null };
    at = origin?.from.deref();
  }
}

function changed<Entry>(
  ledger: Ledger<Entry>,
  key: string,
  change: (bucket: Record<string, Entry>) => void,
): Ledger<Entry> {
  const buckets = [...bucketsOf(ledger)];
  const index = bucketOf(key);
  const bucket = copyOf(buckets[index] as Bucket<Entry>);
  change(bucket);
  buckets[index] = bucket;
  const made = ledgerOf(buckets);
  origins.set(made, { from: new WeakRef(ledger), key });
  return made;
}

/** Copies a bucket by hand: V8's own copy costs several times as much once it treats the record as a separate class. */
function copyOf<Entry>(bucket: Bucket<Entry>): Record<string, Entry> {
  const copy: Record<string, Entry> = Object.create(null);
  for (const key in bucket) copy[key] = bucket[key] as Entry;
  return copy;
}

/** Hashes names, which share beginnings and end in numbers, and IDs, which are random. */
function bucketOf(key: string): number {
  let hash = 0;
  for (let index = Math.max(0, key.length - 6); index < key.length; index++)
    hash = (hash * 31 + key.charCodeAt(index)) | 0;
  return (hash >>> 0) % bucketCount;
}

const contents = Symbol('buckets');
interface Target {
  [contents]: Buckets<unknown>;
}

function bucketsOf<Entry>(ledger: Ledger<Entry>): Buckets<Entry> {
  const known = Reflect.get(ledger, contents) as Buckets<Entry> | undefined;
  if (known) return known;
  const buckets = Array.from({ length: bucketCount }, (): Record<string, Entry> => Object.create(null));
  for (const key of Object.keys(ledger)) (buckets[bucketOf(key)] as Record<string, Entry>)[key] = ledger[key] as Entry;
  return buckets;
}

/** A proxy type-checks as its target, but has the properties that its handler gives it. */
const Lookalike: new (target: Target, handler: ProxyHandler<Target>) => object = Proxy;

const ledgerOf = <Entry>(buckets: Buckets<Entry>): Ledger<Entry> =>
  new Lookalike({ [contents]: buckets }, asRecord) as Ledger<Entry>;

const bucketWith = (target: Target, key: string): Bucket<unknown> => target[contents][bucketOf(key)] as Bucket<unknown>;

/** Presents the buckets as a record with no other properties. */
const asRecord: ProxyHandler<Target> = {
  get: (target, key) => (typeof key === 'string' ? bucketWith(target, key)[key] : Reflect.get(target, key)),
  has: (target, key) => typeof key === 'string' && key in bucketWith(target, key),
  ownKeys: (target) => target[contents].flatMap((bucket) => Object.keys(bucket)).sort(),
  getOwnPropertyDescriptor: (target, key) =>
    typeof key === 'string' ? Object.getOwnPropertyDescriptor(bucketWith(target, key), key) : undefined,
  getPrototypeOf: () => Object.prototype,
  set: () => false,
  defineProperty: () => false,
  deleteProperty: () => false,
};
