import { expect, it } from 'vitest';
import { pairsAmong } from '../../bench/scenarios/neighbours.ts';

const names = (...peers: Parameters<typeof pairsAmong>[0]) =>
  pairsAmong(peers).map(({ one, other }) => `${one} ${other}`);

it('puts netloom beside everybody else', () => {
  expect(names('netloom', 'floor', 'cni')).toEqual(['netloom floor', 'netloom cni']);
});

it('puts the floor beside itself without settings, and nobody else', () => {
  expect(names('netloom', 'floor', 'floor-bare')).toEqual(['netloom floor', 'floor floor-bare']);
});

it('puts the door beside the newer netavark', () => {
  expect(names('netloom', 'door', 'netavark-nftables', 'netavark-iptables').slice(3)).toEqual([
    'door netavark-nftables',
  ]);
  expect(names('door', 'netavark-iptables')).toEqual(['door netavark-iptables']);
});

it('has nothing to say of one alone', () => {
  expect(names('netloom')).toEqual([]);
});
