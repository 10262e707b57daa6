import { expect, it } from 'vitest';
import { quickReport } from '../../bench/report/quick.ts';
import type { PairResult } from '../../bench/scenarios/pairs.ts';

const series = (p50Ms: number) => ({ count: 100, p50Ms, p99Ms: 2 * p50Ms });

function pair(other: PairResult['other'], present: number, [ours, theirs]: [number, number]): PairResult {
  const both = { one: series(ours), other: series(theirs) };
  return { one: 'netloom', other, present, setup: both, teardown: both };
}

it("the quick report has medians with no other container present, netloom's from the block with the floor", () => {
  const pairs = [
    pair('netavark-iptables', 0, [2.4, 60]),
    pair('door', 0, [2.3, 4]),
    pair('floor', 0, [2, 1.23456]),
    pair('floor', 100, [9, 9]),
  ];
  const figures = { p50Ms: 2, floorP50Ms: 1.235, netavarkP50Ms: 60, doorP50Ms: 4 };
  expect(quickReport(pairs)).toEqual({ setup: figures, teardown: figures });
});

it('the quick report prefers the netavark that uses nftables', () => {
  const pairs = [pair('netavark-iptables', 0, [2, 60]), pair('netavark-nftables', 0, [2, 33])];
  expect(quickReport(pairs).setup).toEqual({ p50Ms: 2, floorP50Ms: null, netavarkP50Ms: 33, doorP50Ms: null });
});

it('the quick report has null for a peer that is not installed', () => {
  expect(quickReport([])).toEqual({
    setup: { p50Ms: null, floorP50Ms: null, netavarkP50Ms: null, doorP50Ms: null },
    teardown: { p50Ms: null, floorP50Ms: null, netavarkP50Ms: null, doorP50Ms: null },
  });
});
