import { expect, it } from 'vitest';
import { pairsAmong } from '../../bench/scenarios/neighbours.ts';
import { summarizePairs } from '../../bench/scenarios/pairs.ts';

const names = (...peers: Parameters<typeof pairsAmong>[0]) =>
  pairsAmong(peers).map(({ one, other }) => `${one} ${other}`);

it('netloom is measured beside every other peer', () => {
  expect(names('netloom', 'floor', 'cni')).toEqual(['netloom floor', 'netloom cni']);
});

it('the floor is measured beside itself without settings, and beside no other peer', () => {
  expect(names('netloom', 'floor', 'floor-bare')).toEqual(['netloom floor', 'floor floor-bare']);
});

it('the door is measured beside the newer netavark', () => {
  expect(names('netloom', 'door', 'netavark-nftables', 'netavark-iptables').slice(3)).toEqual([
    'door netavark-nftables',
  ]);
  expect(names('door', 'netavark-iptables')).toEqual(['door netavark-iptables']);
});

it('a single peer is measured beside nothing', () => {
  expect(names('netloom')).toEqual([]);
});

it('the rounds of all sittings of a pair are summarized together', () => {
  const sitting = (present: number, setupsMs: number[]) => ({
    one: 'netloom' as const,
    other: 'netloom-beside' as const,
    present,
    setup: { one: setupsMs, other: [4] },
    teardown: { one: [1], other: [2] },
  });
  const pairs = summarizePairs([sitting(0, [3, 5]), sitting(100, [9]), sitting(0, [7])]);
  expect(pairs.map(({ present, setup }) => [present, setup.one])).toEqual([
    [0, { count: 3, p50Ms: 5, p99Ms: 7 }],
    [100, { count: 1, p50Ms: 9, p99Ms: 9 }],
  ]);
});
