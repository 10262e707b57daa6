import { describe, expect, it } from 'vitest';
import { linkByName, netnsIdOf, route } from '#native';
import { apply, ip } from '../host.ts';
import { reach, serve } from '../peers.ts';
import { addAddress, addBridge, addIpvlan, addMacvlan, addVeth, setLink } from '../requests.ts';
import { type Netns, type NetnsPair, netnsPairPerTest } from './netns-pair.ts';

let here: Netns;
let there: Netns;
let another: NetnsPair['another'];
let nothing: string;
netnsPairPerTest((pair) => {
  ({ here, there, another, nothing } = pair);
});

const link = (name: string, netns = here.path) => ip(`link show dev ${name}`, netns)[0];

describe('macvlan', () => {
  /** Makes a link in the place of the uplink: its other end is outside. */
  const addUplink = () => {
    const outside = another('outside');
    apply(here.socket, addVeth('up0', outside.path), setLink('up0', { up: true }));
    apply(outside.socket, setLink('eth0', { up: true }));
  };

  it.each(['bridge', 'private', 'vepa', 'passthru', 'source'] as const)(
    'a macvlan is made directly in its namespace, mode %s',
    (mode) => {
      addUplink();
      // a passthru link has its parent's
      const macAddress = mode === 'passthru' ? null : '02:00:00:00:00:05';
      apply(here.socket, addMacvlan('eth0', 'up0', there.path, { mode, macAddress, mtuBytes: 1400 }));
      expect(linkByName(here.socket, 'eth0')).toBeNull();
      const shown = link('eth0', there.path);
      expect(shown).toMatchObject({
        mtu: 1400,
        operstate: 'DOWN',
        linkinfo: { info_kind: 'macvlan', info_data: { mode } },
      });
      const parent = linkByName(here.socket, 'up0');
      expect(shown.address).toBe(macAddress ?? parent?.macAddress);
      expect(linkByName(there.socket, 'eth0')).toMatchObject({
        kind: 'macvlan',
        macvlanMode: mode,
        broadcastLimit: null,
        parentIndex: parent?.index,
        peerIndex: null,
        peerNetnsId: netnsIdOf(there.socket, here.path),
      });
      expect(netnsIdOf(there.socket, here.path)).not.toBeNull();
    },
  );

  it('a macvlan gets a broadcast limit, of either sign', () => {
    addUplink();
    for (const [name, broadcastLimit] of [
      ['eth0', 7],
      ['eth1', -1],
    ] as const) {
      apply(here.socket, addMacvlan(name, 'up0', there.path, { broadcastLimit }));
      expect(linkByName(there.socket, name)?.broadcastLimit).toBe(broadcastLimit);
    }
  });

  it('a macvlan carries packets between two namespaces by way of its parent', async () => {
    addUplink();
    const other = another('other');
    apply(here.socket, addMacvlan('eth0', 'up0', there.path), addMacvlan('eth0', 'up0', other.path));
    apply(there.socket, setLink('eth0', { up: true }), addAddress('eth0', '10.1.0.2/24'));
    apply(other.socket, setLink('eth0', { up: true }), addAddress('eth0', '10.1.0.3/24'));
    await serve(other.path, '10.1.0.3', 9);
    expect(await reach(there.path, '10.1.0.3', 9)).toBe('10.1.0.2');
  });

  it('a macvlan can have a parent made by the same call, and gets no namespace number of its own', () => {
    apply(here.socket, addBridge('br0'), addMacvlan('mv0', 'br0', here.path), setLink('mv0', { up: true }));
    const parent = linkByName(here.socket, 'br0');
    expect(linkByName(here.socket, 'mv0')).toMatchObject({ up: true, parentIndex: parent?.index, peerNetnsId: null });
    expect(parent).toMatchObject({ parentIndex: null, peerNetnsId: null, macvlanMode: null });
  });

  it('a macvlan reports which parent is missing, that a name is taken, and which namespace is missing', () => {
    addUplink();
    apply(there.socket, addBridge('taken'));
    expect(
      route(here.socket, [
        addMacvlan('eth0', 'nothing', there.path),
        addMacvlan('taken', 'up0', there.path),
        addMacvlan('eth0', 'up0', nothing),
      ]),
    ).toEqual([
      { op: 'add macvlan', errno: 'ENODEV', detail: 'no link is named nothing' },
      { op: 'add macvlan', errno: 'EEXIST', detail: null },
      { op: 'add macvlan', errno: 'ENOENT', detail: nothing },
    ]);
    expect(route(here.socket, [addIpvlan('eth0', 'nothing', there.path)])).toEqual([
      { op: 'add ipvlan', errno: 'ENODEV', detail: 'no link is named nothing' },
    ]);
  });
});

describe('ipvlan', () => {
  it('an ipvlan is made in its namespace, or refused by a kernel without support, by name', () => {
    apply(here.socket, addVeth('up0', another('outside').path));
    const [fault] = route(here.socket, [addIpvlan('eth0', 'up0', there.path)]);
    if (fault) expect(fault).toEqual({ op: 'add ipvlan', errno: 'EOPNOTSUPP', detail: 'the kernel has no ipvlan' });
    else
      expect(link('eth0', there.path)).toMatchObject({ linkinfo: { info_kind: 'ipvlan', info_data: { mode: 'l2' } } });
  });
});
