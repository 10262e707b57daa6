import { describe, expect, it } from 'vitest';
import { linkByName, linkName } from '#native';
import { apply, ip, run } from '../host.ts';
import { addBridge, addVeth, deleteLink, setLink } from '../requests.ts';
import { type Netns, netnsPairPerTest } from './netns-pair.ts';

let here: Netns;
let there: Netns;
netnsPairPerTest((pair) => {
  ({ here, there } = pair);
});

const link = (name: string, netns = here.path) => ip(`link show dev ${name}`, netns)[0];

describe('links', () => {
  it('the link API adds a bridge with its address and MTU, up or down', () => {
    apply(
      here.socket,
      addBridge('br0', { macAddress: '02:00:00:00:00:01', mtuBytes: 1400 }),
      addBridge('br1', { up: false }),
    );
    expect(link('br0')).toMatchObject({ address: '02:00:00:00:00:01', mtu: 1400, linkinfo: { info_kind: 'bridge' } });
    expect(link('br0').flags).toContain('UP');
    expect(link('br1').flags).not.toContain('UP');
  });

  it('the link API makes the peer of a veth directly in its namespace, with one queue on both sides', () => {
    apply(
      here.socket,
      addVeth('v0', there.path, {
        macAddress: 'fe:00:00:00:00:07',
        mtuBytes: 1300,
        peerName: 'eth7',
        peerMacAddress: '02:00:00:00:00:07',
      }),
    );
    expect(link('v0')).toMatchObject({ address: 'fe:00:00:00:00:07', mtu: 1300, operstate: 'DOWN' });
    expect(link('v0')).toMatchObject({ num_tx_queues: 1, num_rx_queues: 1 });
    expect(link('eth7', there.path)).toMatchObject({
      mtu: 1300,
      address: '02:00:00:00:00:07',
      num_tx_queues: 1,
      num_rx_queues: 1,
    });
    expect(linkByName(here.socket, 'v0')?.peerIndex).toBe(linkByName(there.socket, 'eth7')?.index);
  });

  it('the link API sets everything about a link in one request', () => {
    apply(
      here.socket,
      addBridge('br0'),
      addVeth('v0', there.path),
      setLink('v0', { up: true, master: 'br0', macAddress: '02:00:00:00:00:09', mtuBytes: 1450, alias: 'container a' }),
    );
    expect(link('v0')).toMatchObject({
      master: 'br0',
      address: '02:00:00:00:00:09',
      mtu: 1450,
      ifalias: 'container a',
    });
    expect(link('v0').flags).toContain('UP');
  });

  it('the link API keeps settings that the request does not have, and takes a link out of its bridge by ""', () => {
    apply(here.socket, addBridge('br0'), addVeth('v0', there.path), setLink('v0', { up: true, master: 'br0' }));
    apply(here.socket, setLink('v0', { mtuBytes: 1400, master: null, up: null }));
    expect(link('v0')).toMatchObject({ master: 'br0', mtu: 1400 });
    apply(here.socket, setLink('v0', { master: '' }));
    expect(link('v0').master).toBeUndefined();
    expect(link('v0').flags).toContain('UP');
  });

  it('the link API sets IPv4 configuration of a device without /proc', () => {
    const ipv4Configuration = { routeLocalnet: true, forwarding: true, rpFilter: 2, arpNotify: true };
    apply(here.socket, addBridge('br0'), setLink('br0', { ipv4Configuration }));
    const value = (key: string) => run(here.path, 'cat', [`/proc/sys/net/ipv4/conf/br0/${key}`]).trim();
    expect(['route_localnet', 'forwarding', 'rp_filter', 'arp_notify'].map(value)).toEqual(['1', '1', '2', '1']);
    apply(here.socket, setLink('br0', { ipv4Configuration: { forwarding: false } }));
    expect(['route_localnet', 'forwarding'].map(value)).toEqual(['1', '0']);
  });

  it('the link API gives no automatic IPv6 address to a link set up with address generation none', () => {
    apply(
      here.socket,
      addVeth('v0', there.path),
      addVeth('v1', there.path, { peerName: 'eth1' }),
      setLink('v0', { up: true, ipv6AddressGeneration: 'none' }),
      setLink('v1', { up: true, ipv6AddressGeneration: 'eui64' }),
    );
    apply(there.socket, setLink('eth0', { up: true }), setLink('eth1', { up: true }));
    expect(ip('-6 address show dev v0', here.path)).toEqual([]);
    expect(ip('-6 address show dev v1', here.path)).toHaveLength(1);
  });

  it('the link API makes a bridge port a hairpin, together with its bridge or later', () => {
    apply(here.socket, addBridge('br0'), addVeth('v0', there.path), setLink('v0', { master: 'br0', hairpin: true }));
    expect(link('v0').linkinfo.info_slave_data.hairpin).toBe(true);
    apply(here.socket, setLink('v0', { hairpin: false }));
    expect(link('v0').linkinfo.info_slave_data.hairpin).toBe(false);
  });

  it('the link API resolves an index to a link’s name', () => {
    apply(here.socket, addBridge('br0'));
    const { index } = linkByName(here.socket, 'br0') as { index: number };
    expect(linkName(here.socket, index)).toBe('br0');
    apply(here.socket, deleteLink('br0'));
    expect(linkName(here.socket, index)).toBeNull();
  });

  it('the link API deletes a link', () => {
    apply(here.socket, addBridge('br0'), deleteLink('br0'));
    expect(linkByName(here.socket, 'br0')).toBeNull();
  });
});
