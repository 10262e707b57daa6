import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { linkByName, route } from '#native';
import { apply, ip, run } from '../host.ts';
import { reach, serve } from '../peers.ts';
import { addAddress, addBridge, addVeth, setLink } from '../requests.ts';
import { type Netns, type NetnsPair, netnsPairPerTest } from './netns-pair.ts';

let here: Netns;
let there: Netns;
let another: NetnsPair['another'];
netnsPairPerTest((pair) => {
  ({ here, there, another } = pair);
});

const link = (name: string, netns = here.path) => ip(`link show dev ${name}`, netns)[0];

describe('VLANs of a bridge', () => {
  const canFilter = spawnSync('unshare', '-n ip link add br0 type bridge vlan_filtering 1'.split(' ')).status === 0;

  it('VLANs of a bridge are not filtered by default', () => {
    apply(here.socket, addBridge('br0'), addBridge('br1', { vlanFiltering: false }), addVeth('v0', there.path));
    const filtering = ['br0', 'br1', 'v0'].map((name) => linkByName(here.socket, name)?.vlanFiltering);
    expect(filtering).toEqual([false, false, null]);
  });

  it.runIf(canFilter)('VLANs of a bridge are filtered when the bridge is made with filtering', () => {
    apply(here.socket, addBridge('br0', { vlanFiltering: true }));
    expect(link('br0').linkinfo.info_data.vlan_filtering).toBe(1);
    expect(linkByName(here.socket, 'br0')?.vlanFiltering).toBe(true);
  });

  it.runIf(canFilter)('VLANs of a bridge are set on a port in the request that attaches it and sets it up', () => {
    apply(
      here.socket,
      addBridge('br0', { vlanFiltering: true }),
      addVeth('v0', there.path),
      setLink('v0', { up: true, master: 'br0', bridgeVlan: 42, hairpin: true, alias: 'container a' }),
      setLink('v0', { bridgeVlan: 43 }),
    );
    const [{ vlans }] = JSON.parse(run(here.path, 'bridge', ['-j', 'vlan', 'show', 'dev', 'v0']));
    expect(vlans).toContainEqual({ vlan: 43, flags: ['PVID', 'Egress Untagged'] });
    expect(vlans).toContainEqual({ vlan: 42, flags: ['Egress Untagged'] });
    expect(link('v0')).toMatchObject({ master: 'br0', ifalias: 'container a' });
    expect(link('v0').flags).toContain('UP');
  });

  it.runIf(canFilter).each([
    [42, '10.1.0.2'],
    [43, null],
  ])('VLANs of a bridge keep containers of one bridge apart: 42 beside %i', async (second, seenAs) => {
    const other = another('other');
    apply(here.socket, addBridge('br0', { vlanFiltering: true }));
    apply(here.socket, addVeth('v0', there.path), addVeth('v1', other.path));
    apply(here.socket, setLink('v0', { up: true, master: 'br0', bridgeVlan: 42 }));
    apply(here.socket, setLink('v1', { up: true, master: 'br0', bridgeVlan: second }));
    apply(there.socket, setLink('eth0', { up: true }), addAddress('eth0', '10.1.0.2/24'));
    apply(other.socket, setLink('eth0', { up: true }), addAddress('eth0', '10.1.0.3/24'));
    await serve(other.path, '10.1.0.3', 9);
    expect(await reach(there.path, '10.1.0.3', 9, { withinMs: 1000 })).toBe(seenAs);
  });

  it.runIf(!canFilter)('VLANs of a bridge are refused with the reason where the kernel cannot filter', () => {
    const detail = 'the kernel has no VLAN filtering in bridges';
    apply(here.socket, addBridge('br1'), addVeth('v0', there.path), setLink('v0', { master: 'br1' }));
    expect(route(here.socket, [addBridge('br0', { vlanFiltering: true }), setLink('v0', { bridgeVlan: 42 })])).toEqual([
      { op: 'add bridge', errno: 'EOPNOTSUPP', detail },
      { op: 'set bridge vlan', errno: 'EOPNOTSUPP', detail: `the link is not a port of a bridge, or ${detail}` },
    ]);
    expect(linkByName(here.socket, 'br0')).toBeNull();
  });

  it('VLANs of a bridge are refused for a link that is not a port, while the rest of the request is done', () => {
    apply(here.socket, addVeth('v0', there.path));
    const faults = route(here.socket, [
      setLink('v0', { bridgeVlan: 42, mtuBytes: 1400, up: true }),
      setLink('nothing', { bridgeVlan: 42 }),
    ]);
    expect(faults).toEqual([
      {
        op: 'set bridge vlan',
        errno: 'EOPNOTSUPP',
        detail: expect.stringContaining('the link is not a port of a bridge'),
      },
      { op: 'set bridge vlan', errno: 'ENODEV', detail: 'no link is named nothing' },
    ]);
    expect(link('v0').mtu).toBe(1400);
    expect(link('v0').flags).toContain('UP');
  });
});
