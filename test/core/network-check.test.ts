import { describe, expect, it } from 'vitest';
import { firstClash, withoutClashes } from '../../src/core/network/check.ts';
import type { NetworkDefinition } from '../../src/core/network/definition.ts';
import { definitionOf } from './samples.ts';

function network(name: string, subnet: string, more: Partial<NetworkDefinition> = {}): NetworkDefinition {
  const made = definitionOf({ name, subnets: [{ subnet }] }, `${name}0`);
  return { ...made, ...more };
}

const first = { created: '2026-01-01T00:00:00Z' };
const second = { created: '2026-02-01T00:00:00Z' };

function read(definitions: NetworkDefinition[], known: string[] = [], standing: NetworkDefinition[] = []) {
  const found = withoutClashes({ definitions, damaged: [] }, (name) => known.includes(name), standing);
  return { names: found.definitions.map(({ name }) => name), damaged: found.damaged };
}

describe('N14 networks that exclude each other', () => {
  it('networks that exclude each other are reported: the later one is not loaded', () => {
    const [wide, narrow] = [network('wide', '10.7.0.0/16', second), network('narrow', '10.7.3.0/24', first)];
    for (const both of [
      [wide, narrow],
      [narrow, wide],
    ])
      expect(read(both)).toEqual({
        names: ['narrow'],
        damaged: [
          { file: 'wide.json', reason: 'subnets.0.subnet: 10.7.0.0/16 overlaps 10.7.3.0/24 of network narrow' },
        ],
      });
  });

  it('networks that exclude each other do not replace a known one, and one without a time is the latest', () => {
    const [old, young] = [network('old', '10.7.0.0/24', first), network('young', '10.7.0.0/24', second)];
    expect(read([old, young], ['young']).names).toEqual(['young']);
    expect(read([old, { ...young, name: 'a', created: '' }]).names).toEqual(['old']);
  });

  it('networks that exclude each other do not replace a known one whose file cannot be read', () => {
    const [gone, old] = [network('gone', '10.7.0.0/24', second), network('old', '10.7.0.0/25', first)];
    const bridge = network('bridge', '10.9.0.0/24', { ...first, network_interface: 'gone0' });
    expect(read([old, bridge, network('free', '10.8.0.0/24')], ['old'], [gone])).toEqual({
      names: ['free'],
      damaged: [
        { file: 'old.json', reason: 'subnets.0.subnet: 10.7.0.0/25 overlaps 10.7.0.0/24 of network gone' },
        { file: 'bridge.json', reason: 'network_interface: gone0 is the bridge of network gone' },
      ],
    });
  });

  it('networks that exclude each other are reported when two have one bridge', () => {
    const pair = [
      network('a', '10.7.0.0/24', first),
      network('b', '10.8.0.0/24', { ...first, network_interface: 'a0' }),
    ];
    expect(read(pair)).toEqual({
      names: ['a'],
      damaged: [{ file: 'b.json', reason: 'network_interface: a0 is the bridge of network a' }],
    });
  });

  it('C11 networks that exclude each other are reported when an unmanaged network uses a bridge of netloom, and the other way round', () => {
    const owner = network('own', '10.7.0.0/24', { network_interface: 'br0' });
    const unmanaged = network('um', '10.7.0.0/24', { network_interface: 'br0', options: { mode: 'unmanaged' } });
    const vlan = { ...owner, options: { vlan: '7' } };
    for (const one of [owner, vlan])
      expect(
        read([
          { ...unmanaged, ...second },
          { ...one, ...first },
        ]).damaged,
      ).toEqual([{ file: 'um.json', reason: 'network_interface: br0 is the bridge of network own' }]);
    expect(read([owner, unmanaged], ['um']).damaged).toEqual([
      { file: 'own.json', reason: 'network_interface: network um uses br0 as a bridge of others (mode=unmanaged)' },
    ]);
    expect(firstClash(unmanaged, [owner])).toMatchObject({ code: 'link.exists', network: 'own' });
  });

  it('networks that exclude each other do not include those that share foreign links, or VLANs of one bridge', () => {
    const shared: Partial<NetworkDefinition>[] = [
      { driver: 'macvlan' as const, network_interface: 'eth0' },
      { options: { mode: 'unmanaged' }, network_interface: 'br0' },
      { options: { vlan: '7' }, network_interface: 'br0' },
    ];
    for (const more of shared)
      expect(read([network('a', '10.7.0.0/24', more), network('b', '10.7.0.0/16', more)]).damaged).toEqual([]);
  });

  it('networks that exclude each other are each reported, and the one between them stays', () => {
    const all = [
      network('a', '10.0.0.0/8', first),
      network('b', '10.7.0.0/24', second),
      network('c', '10.8.0.0/24', second),
      network('d', '192.168.0.0/24', second),
    ];
    expect(read(all).names).toEqual(['a', 'd']);
  });

  it('networks that exclude each other are found quickly among a thousand', () => {
    const many = Array.from({ length: 4_000 }, (_, index) =>
      network(`n${index}`, `10.${index >> 8}.${index & 255}.0/24`, first),
    );
    const started = performance.now();
    expect(read(many).damaged).toEqual([]);
    expect(performance.now() - started).toBeLessThan(4_000);
  });
});
