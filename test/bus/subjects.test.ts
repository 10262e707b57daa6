import { describe, expect, it } from 'vitest';
import {
  commandSubject,
  eventSubject,
  eventsOf,
  nameOfToken,
  nameToken,
  subjectName,
  tracesOf,
} from '../../src/contract/subjects.ts';
import { seeded } from '../support/seeded.ts';

const first = 'abcXYZ019_-';
const letters = `${first}..`;

function names(seed: number, count: number, longest: number): string[] {
  const random = seeded(seed);
  const letter = (of: string) => of[Math.floor(random() * of.length)];
  return Array.from({ length: count }, () => {
    const rest = Array.from({ length: Math.floor(random() * longest) }, () => letter(letters));
    return [letter(first), ...rest].join('');
  });
}

describe('the token of a name', () => {
  it('the token of a name is the name itself when that was a token before dots were allowed', () => {
    for (const name of ['web', '_x', '-x', 'A-1_b', 'x'.repeat(64)]) expect(nameToken(name)).toBe(name);
  });

  it('the token of a name is reversible, is one token, and differs between all names', () => {
    const all = new Set([...names(1, 5_000, 4), ...names(2, 2_000, 250), 'a.b', 'a..b', 'a2Eb', `a${'.'.repeat(249)}`]);
    const tokens = new Map([...all].map((name) => [nameToken(name), name]));
    expect(tokens.size).toBe(all.size);
    for (const [token, name] of tokens) {
      expect(nameOfToken(token)).toBe(name);
      expect(token).not.toMatch(/[.*>\s]/);
    }
  });

  it.each(['', '.', '.a', 'a%2Eb', 'a b', '*', '>', 'a.*', 'ä', 'x'.repeat(251)])(
    'the token of a name is refused for %j',
    (name) => {
      expect(subjectName.test(name)).toBe(false);
      expect(() => nameToken(name)).toThrow(RangeError);
      expect(() => eventsOf({ id: name })).toThrow(RangeError);
    },
  );
});

describe('subjects', () => {
  it('subjects have a dot of a name as %2E, and nothing else', () => {
    expect(eventSubject('n1', 'network', 'my.net', 'created')).toBe('netloom.v1.n1.evt.network.my%2Enet.created');
    expect(eventsOf({ node: 'n1', noun: 'container', id: 'a.b' })).toBe('netloom.v1.n1.evt.container.a%2Eb.*');
    expect(tracesOf({ id: 'a.b' })).toBe('netloom.v1.*.trace.*.a%2Eb');
    expect(eventsOf({})).toBe('netloom.v1.*.evt.*.*.*');
  });

  it('subjects refuse a dot in a node, a noun or a verb', () => {
    expect(() => commandSubject('n.1', 'network', 'create')).toThrow(RangeError);
    expect(() => eventsOf({ node: 'n.1' })).toThrow(RangeError);
  });

  it("subjects of the longest name fit into a server's line", () => {
    const subject = eventsOf({ node: 'n'.repeat(64), noun: 'container', id: `a${'.'.repeat(249)}` });
    const request = `$JS.API.CONSUMER.CREATE.NETLOOM_EVENTS.${'c'.repeat(64)}.${subject}`;
    expect(request.length).toBeLessThan(2_048);
  });
});
