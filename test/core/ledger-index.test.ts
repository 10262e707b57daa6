import { expect, it } from 'vitest';
import { type Ledger, withEntry, withoutEntry } from '../../src/core/ledger.ts';
import { LedgerIndex } from '../../src/core/ledger-index.ts';
import { seeded } from '../support/seeded.ts';

const letters = 'abcdefgh';

it('finds the same as a search of all entries, in every ledger, for every question', () => {
  const random = seeded(5);
  const pick = <Item>(items: ArrayLike<Item>): Item => items[Math.floor(random() * items.length)] as Item;
  const index = new LedgerIndex<readonly string[]>((terms) => terms);
  const ledgers: Ledger<readonly string[]>[] = [{ first: ['a', 'b'] }];
  for (let change = 0; change < 2_000; change++) {
    // mostly the newest is changed, sometimes an old one
    const from = random() < 0.9 ? (ledgers.at(-1) as Ledger<readonly string[]>) : pick(ledgers);
    const key = `container${Math.floor(random() * 40)}`;
    const terms = Array.from({ length: Math.floor(random() * 4) }, () => pick(letters));
    ledgers.push(random() < 0.7 ? withEntry(from, key, terms) : withoutEntry(from, key));
    if (random() < 0.5) continue;
    const asked = random() < 0.8 ? (ledgers.at(-1) as Ledger<readonly string[]>) : pick(ledgers);
    const term = pick(letters);
    const having = Object.keys(asked).filter((each) => asked[each]?.includes(term));
    expect([...index.find(asked, term)].sort()).toEqual(having);
  }
});
