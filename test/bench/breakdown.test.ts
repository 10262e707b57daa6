import { expect, it } from 'vitest';
import { breakDown } from '../../bench/spans/breakdown.ts';

const call = { name: 'call', startNs: 0, endNs: 100 };
const span = (name: string, startNs: number, endNs: number) => ({ name, startNs, endNs });

it('every moment belongs to the innermost span, and uncovered ones to the rest', () => {
  const times = breakDown(call, [span('command', 10, 90), span('decode', 20, 30), span('commit', 40, 70)], 'NATS');
  expect(Object.fromEntries(times)).toEqual({ NATS: 20, command: 40, decode: 10, commit: 30 });
});

it('the parts add up to the whole when spans of several threads overlap', () => {
  const times = breakDown(call, [span('one', 10, 60), span('other', 40, 80), span('late', 95, 130)], 'rest');
  expect(Object.fromEntries(times)).toEqual({ rest: 25, one: 30, other: 40, late: 5 });
  expect([...times.values()].reduce((sum, each) => sum + each)).toBe(100);
});

it('spans of one name are taken together', () => {
  expect(breakDown(call, [span('decide', 0, 10), span('decide', 50, 60)], 'rest').get('decide')).toBe(20);
});
