import { entryOf } from './entry.ts';
import { history, type Ledger } from './ledger.ts';

/** Term → the keys of the entries that have it. */
type Terms = Map<string, Set<string>>;

/**
 * Finds entries of a ledger by a term in them. The index moves along with the ledger: it belongs to the newest ledger that was
 * queried; for a ledger derived from that by a few changes, only those changes are indexed. For an older ledger, it is rebuilt.
 */
export class LedgerIndex<Entry> {
  readonly #indices = new WeakMap<object, Terms>();

  constructor(private readonly termsOf: (entry: Entry) => Iterable<string>) {}

  /** Returns the keys of the entries that have the term. */
  find(ledger: Ledger<Entry>, term: string): Iterable<string> {
    return this.#indexOf(ledger).get(term) ?? [];
  }

  #indexOf(ledger: Ledger<Entry>): Terms {
    const terms = this.#indices.get(ledger) ?? this.#movedTo(ledger) ?? this.#madeOf(ledger);
    this.#indices.set(ledger, terms);
    return terms;
  }

  /** Takes over the index of an ancestor of this ledger, which loses it. */
  #movedTo(ledger: Ledger<Entry>): Terms | null {
    const changed = new Set<string>();
    for (const { ledger: former, changed: key } of history(ledger)) {
      const terms = this.#indices.get(former);
      if (terms) {
        this.#indices.delete(former);
        for (const each of changed)
          this.#replace(terms, each, entryOf(former as Ledger<Entry>, each), entryOf(ledger, each));
        return terms;
      }
      if (key !== null) changed.add(key);
    }
    return null;
  }

  #madeOf(ledger: Ledger<Entry>): Terms {
    const terms: Terms = new Map();
    for (const key of Object.keys(ledger)) this.#replace(terms, key, undefined, ledger[key]);
    return terms;
  }

  #replace(terms: Terms, key: string, former: Entry | undefined, entry: Entry | undefined): void {
    if (former !== undefined) for (const term of this.termsOf(former)) remove(terms, term, key);
    if (entry !== undefined) for (const term of this.termsOf(entry)) add(terms, term, key);
  }
}

function add(terms: Terms, term: string, key: string): void {
  const keys = terms.get(term);
  if (keys) keys.add(key);
  else terms.set(term, new Set([key]));
}

function remove(terms: Terms, term: string, key: string): void {
  const keys = terms.get(term);
  keys?.delete(key);
  if (keys?.size === 0) terms.delete(term);
}
