import { describe, expect, it } from 'vitest';
import { changedKeys, type Ledger, withEntry, withoutEntry } from '../../src/core/ledger.ts';
import { seeded } from '../support/seeded.ts';

describe('a ledger', () => {
  const one: Ledger<string[]> = { web: ['10.0.0.2'], db: ['10.0.0.3'] };

  it('a ledger is not changed by ledgers derived from it', () => {
    expect(withEntry(one, 'cache', ['10.0.0.4'])).toEqual({ ...one, cache: ['10.0.0.4'] });
    expect(withEntry(one, 'web', [])).toEqual({ web: [], db: ['10.0.0.3'] });
    expect(withoutEntry(one, 'web')).toEqual({ db: ['10.0.0.3'] });
    expect(withoutEntry(one, 'nobody')).toEqual(one);
    expect(one).toEqual({ web: ['10.0.0.2'], db: ['10.0.0.3'] });
  });

  it('a ledger accepts any text as a name', () => {
    const odd = withEntry(withEntry(one, '__proto__', ['10.0.0.5']), 'constructor', []);
    expect(Object.keys(odd)).toEqual(['__proto__', 'constructor', 'db', 'web']);
    expect(changedKeys(one, odd).sort()).toEqual(['__proto__', 'constructor']);
  });

  it('a ledger is a plain record for readers, and rejects writes', () => {
    const more = withEntry(one, 'cache', ['10.0.0.4']);
    const plain = { cache: ['10.0.0.4'], db: ['10.0.0.3'], web: ['10.0.0.2'] };
    expect(JSON.stringify(more)).toBe(JSON.stringify(plain));
    expect({ ...more }).toEqual(plain);
    expect(Object.entries(more)).toEqual(Object.entries(plain));
    expect(['web' in more, 'nobody' in more, Object.hasOwn(more, 'db')]).toEqual([true, false, true]);
    expect(more.constructor).toBeUndefined();
    expect(() => Object.assign(more, { web: [] })).toThrow(TypeError);
    expect(Reflect.deleteProperty(more, 'web')).toBe(false);
    expect(more).toEqual(plain);
  });

  it('a ledger equals a full copy after any changes', () => {
    const random = seeded(3);
    let ledger: Ledger<number> = {};
    const plain = new Map<string, number>();
    for (let change = 0; change < 3_000; change++) {
      const key = `container-${Math.floor(random() * 500)}`;
      if (random() < 0.7) {
        plain.set(key, change);
        ledger = withEntry(ledger, key, change);
      } else {
        plain.delete(key);
        ledger = withoutEntry(ledger, key);
      }
      if (change % 100 === 0) expect(ledger).toEqual(Object.fromEntries(plain));
    }
    expect(Object.keys(ledger)).toEqual([...plain.keys()].sort());
  });

  it('a ledger lists the changed names', () => {
    const more = withEntry(one, 'cache', []);
    expect(changedKeys(one, one)).toEqual([]);
    expect(changedKeys(one, more)).toEqual(['cache']);
    expect(changedKeys(one, withoutEntry(more, 'cache'))).toEqual([]);
    expect(changedKeys(one, withoutEntry(more, 'web')).sort()).toEqual(['cache', 'web']);
    expect(changedKeys(more, one)).toEqual(['cache']);
  });

  it('a ledger lists the same changes for one that was made in another way, or by many changes', () => {
    const random = seeded(7);
    for (let round = 0; round < 200; round++) {
      const before = { a: [1], b: [2], c: [3] } as Ledger<number[]>;
      let after = before;
      for (let changes = Math.floor(random() * 40); changes > 0; changes--) {
        const key = String.fromCharCode(97 + Math.floor(random() * 26));
        after = random() < 0.5 ? withEntry(after, key, [changes]) : withoutEntry(after, key);
      }
      expect(changedKeys(before, after).sort()).toEqual(changedKeys(before, { ...after }).sort());
    }
  });
});
