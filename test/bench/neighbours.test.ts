import { expect, it } from 'vitest';
import { pairsAmong } from '../../bench/scenarios/neighbours.ts';

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
