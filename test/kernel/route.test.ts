import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  linkByName,
  linkName,
  linkTowards,
  listAddresses,
  listLinks,
  listRoutes,
  netnsIdOf,
  type RouteRequest,
  type RouteSocket,
  route,
  sourceAddressFor,
} from '#native';
import { apply, becomeHost, type Host, ip, run } from './host.ts';
import { endPeers, reach, serve } from './peers.ts';
import {
  addAddress,
  addBridge,
  addIpvlan,
  addMacvlan,
  addRoute,
  addVeth,
  deleteAddress,
  deleteLink,
  deleteRoute,
  setLink,
} from './requests.ts';

let host: Host;
beforeAll(async () => {
  host = await becomeHost();
});
afterAll(() => {
  endPeers();
  host.close();
});

let count = 0;
let here: { path: string; socket: RouteSocket };
let there: { path: string; socket: RouteSocket };
beforeEach(() => {
  count += 1;
  here = host.netns(`here${count}`);
  there = host.netns(`there${count}`);
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

describe('macvlan', () => {
  /** Makes a link in the place of the uplink: its other end is outside. */
  const addUplink = () => {
    const outside = host.netns(`outside${count}`);
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
    const other = host.netns(`other${count}`);
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
        addMacvlan('eth0', 'up0', host.pin('nothing')),
      ]),
    ).toEqual([
      { op: 'add macvlan', errno: 'ENODEV', detail: 'no link is named nothing' },
      { op: 'add macvlan', errno: 'EEXIST', detail: null },
      { op: 'add macvlan', errno: 'ENOENT', detail: host.pin('nothing') },
    ]);
    expect(route(here.socket, [addIpvlan('eth0', 'nothing', there.path)])).toEqual([
      { op: 'add ipvlan', errno: 'ENODEV', detail: 'no link is named nothing' },
    ]);
  });
});

describe('ipvlan', () => {
  it('an ipvlan is made in its namespace, or refused by a kernel without support, by name', () => {
    apply(here.socket, addVeth('up0', host.netns(`outside${count}`).path));
    const [fault] = route(here.socket, [addIpvlan('eth0', 'up0', there.path)]);
    if (fault) expect(fault).toEqual({ op: 'add ipvlan', errno: 'EOPNOTSUPP', detail: 'the kernel has no ipvlan' });
    else
      expect(link('eth0', there.path)).toMatchObject({ linkinfo: { info_kind: 'ipvlan', info_data: { mode: 'l2' } } });
  });
});

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
    const other = host.netns(`other${count}`);
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

describe('addresses and routes', () => {
  it('the address and route API adds and deletes addresses of both families', () => {
    apply(here.socket, addBridge('br0'), addAddress('br0', '10.1.0.1/24'), addAddress('br0', 'fd00:1::1/64'));
    const shown = () =>
      ip('address show dev br0', here.path)[0].addr_info.filter(
        (address: { scope: string }) => address.scope === 'global',
      );
    expect(shown()).toEqual([
      expect.objectContaining({ local: '10.1.0.1', prefixlen: 24, broadcast: '10.1.0.255' }),
      expect.objectContaining({ local: 'fd00:1::1', prefixlen: 64, nodad: true }),
    ]);
    apply(here.socket, deleteAddress('br0', '10.1.0.1/24'), deleteAddress('br0', 'fd00:1::1/64'));
    expect(listAddresses(here.socket).filter((address) => address.scope === 'global')).toEqual([]);
  });

  it('the address and route API gives no broadcast address where the subnet has none', () => {
    apply(here.socket, addBridge('br0'), addAddress('br0', '10.1.0.1/31'), addAddress('br0', '10.2.0.1/32'));
    for (const address of ip('-4 address show dev br0', here.path)[0].addr_info) {
      expect(address.broadcast).toBeUndefined();
    }
  });

  it('the address and route API adds and deletes routes of both families, with gateway, device and metric', () => {
    apply(
      here.socket,
      addBridge('br0'),
      addAddress('br0', '10.1.0.1/24'),
      addAddress('br0', 'fd00:1::1/64'),
      addRoute('0.0.0.0/0', { gateway: '10.1.0.254' }),
      addRoute('10.5.0.0/16', { link: 'br0', metric: 50 }),
      addRoute('::/0', { gateway: 'fd00:1::fe', link: 'br0', metric: 77 }),
    );
    expect(ip('route show', here.path)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ dst: 'default', gateway: '10.1.0.254', protocol: 'static' }),
        expect.objectContaining({ dst: '10.5.0.0/16', dev: 'br0', scope: 'link', metric: 50 }),
      ]),
    );
    expect(ip('-6 route show default', here.path)).toEqual([
      expect.objectContaining({ gateway: 'fd00:1::fe', dev: 'br0', metric: 77 }),
    ]);
    apply(
      here.socket,
      deleteRoute('0.0.0.0/0', { gateway: '10.1.0.254' }),
      deleteRoute('10.5.0.0/16', { link: 'br0', metric: 50 }),
      deleteRoute('::/0'),
    );
    expect(ip('route show', here.path)).toHaveLength(1);
    expect(ip('-6 route show default', here.path)).toEqual([]);
  });

  const refusing = ['blackhole', 'unreachable', 'prohibit'] as const;
  it.each(refusing.flatMap((type) => [[type, '10.5.0.0/16', 4] as const, [type, 'fd00:5::/32', 6] as const]))(
    'the address and route API adds and deletes a route of type %s (%s)',
    (type, destination, family) => {
      const shown = () => ip(`-${family} route show ${destination}`, here.path);
      apply(here.socket, addRoute(destination, { type, metric: 77 }));
      expect(shown()).toEqual([expect.objectContaining({ type, dst: destination, metric: 77, protocol: 'static' })]);
      const found = listRoutes(here.socket);
      expect(found).toEqual([
        { destination, gateway: null, linkIndex: null, metric: 77, type, source: null, connected: false },
      ]);
      expect(route(here.socket, [addRoute(destination, { type, metric: 77 })])[0]?.errno).toBe('EEXIST');
      apply(here.socket, deleteRoute(destination, { type, metric: 77 }));
      expect(shown()).toEqual([]);
      apply(here.socket, addRoute(destination, { type }), deleteRoute(destination));
      expect(shown()).toEqual([]);
      expect(route(here.socket, [deleteRoute(destination, { type })])[0]?.errno).toBe('ESRCH');
    },
  );

  it('the address and route API deletes an IPv4 route only of the given type', () => {
    apply(here.socket, addRoute('10.5.0.0/16', { type: 'blackhole' }));
    const faults = route(here.socket, [deleteRoute('10.5.0.0/16', { type: 'prohibit' })]);
    expect(faults[0]).toMatchObject({ op: 'delete route', errno: 'ESRCH' });
    expect(listRoutes(here.socket)).toEqual([expect.objectContaining({ type: 'blackhole' })]);
  });

  it.each(refusing)(
    'the address and route API refuses what a route of type %s covers, and reaches the destination of a longer one',
    (type) => {
      apply(here.socket, setLink('lo', { up: true }), addBridge('br0'), addAddress('br0', '10.5.1.1/24'));
      apply(here.socket, addRoute('10.5.0.0/16', { type }), addRoute('fd00:5::/32', { type }));
      expect(sourceAddressFor(here.socket, '10.5.1.2')).toBe('10.5.1.1');
      expect(sourceAddressFor(here.socket, '10.5.2.2')).toBeNull();
      expect(sourceAddressFor(here.socket, 'fd00:5::2')).toBeNull();
    },
  );

  it('the address and route API sets up a whole container in one call', () => {
    apply(here.socket, addBridge('br0'), addAddress('br0', '10.1.0.1/24'), addVeth('v0', there.path));
    apply(
      there.socket,
      setLink('lo', { up: true }),
      setLink('eth0', { up: true }),
      addAddress('eth0', '10.1.0.2/24'),
      addRoute('0.0.0.0/0', { gateway: '10.1.0.1' }),
    );
    expect(ip('route show default', there.path)[0]).toMatchObject({ gateway: '10.1.0.1', dev: 'eth0' });
  });
});

describe('failures', () => {
  it("failures report the kernel's own message", () => {
    apply(here.socket, addBridge('br0'), addAddress('br0', '10.1.0.1/24'));
    expect(
      route(here.socket, [
        addBridge('br0'),
        addAddress('br0', '10.1.0.1/24'),
        deleteAddress('br0', '10.9.9.9/24'),
        addRoute('0.0.0.0/0', { gateway: '10.200.0.1' }),
        deleteRoute('10.77.0.0/16'),
        deleteLink('nothing'),
        addVeth('v0', host.pin('nothing')),
      ]),
    ).toEqual([
      { op: 'add bridge', errno: 'EEXIST', detail: null },
      { op: 'add address', errno: 'EEXIST', detail: 'ipv4: Address already assigned' },
      { op: 'delete address', errno: 'EADDRNOTAVAIL', detail: 'ipv4: Address not found' },
      { op: 'add route', errno: 'ENETUNREACH', detail: 'Nexthop has invalid gateway' },
      { op: 'delete route', errno: 'ESRCH', detail: null },
      { op: 'delete link', errno: 'ENODEV', detail: null },
      { op: 'add veth', errno: 'ENOENT', detail: host.pin('nothing') },
    ]);
  });

  it('failures do not stop the rest of a call', () => {
    const faults = route(here.socket, [
      addBridge('br0'),
      addAddress('br0', '10.1.0.1/24'),
      addAddress('nothing', '10.2.0.1/24'),
      addAddress('br0', '10.1.0.1/24'),
      addAddress('br0', '10.3.0.1/24'),
    ]);
    expect(faults.map((fault) => fault?.errno ?? null)).toEqual([null, null, 'ENODEV', 'EEXIST', null]);
    expect(faults[2]?.detail).toBe('no link is named nothing');
    expect(ip('-4 address show dev br0', here.path)[0].addr_info).toHaveLength(2);
  });

  it('failures do not keep a stale name: it is resolved again when an earlier request has replaced its link', () => {
    apply(
      here.socket,
      addBridge('br0'),
      addAddress('br0', '10.1.0.1/24'),
      deleteLink('br0'),
      addBridge('br0'),
      addAddress('br0', '10.2.0.1/24'),
    );
    expect(ip('-4 address show dev br0', here.path)[0].addr_info).toEqual([
      expect.objectContaining({ local: '10.2.0.1' }),
    ]);
  });

  it('failures are returned for each of hundreds of requests', () => {
    apply(here.socket, addBridge('br0'));
    const requests = Array.from(
      { length: 500 },
      (_, i): RouteRequest => addAddress('br0', `10.7.${i >> 8}.${i & 255}/32`),
    );
    const faults = route(here.socket, [...requests, requests[0] as RouteRequest]);
    expect(faults.slice(0, 500).every((fault) => fault === null)).toBe(true);
    expect(faults[500]?.errno).toBe('EEXIST');
    expect(listAddresses(here.socket).filter(({ address }) => address.startsWith('10.7.'))).toHaveLength(500);
  });

  it('failures are an empty list for an empty call', () => expect(route(here.socket, [])).toEqual([]));
});

describe('the state of the kernel', () => {
  it('the state of the kernel lists links as ip does', () => {
    apply(
      here.socket,
      addBridge('br0', { macAddress: '02:00:00:00:00:01' }),
      addVeth('v0', there.path),
      setLink('v0', { master: 'br0', alias: 'a container' }),
    );
    const links = listLinks(here.socket);
    for (const shown of ip('link show', here.path)) {
      const master = links.find((one) => one.name === shown.master);
      expect(links).toContainEqual(
        expect.objectContaining({
          index: shown.ifindex,
          name: shown.ifname,
          mtuBytes: shown.mtu,
          kind: shown.linkinfo?.info_kind ?? null,
          alias: shown.ifalias ?? null,
          up: shown.flags.includes('UP'),
          loopback: shown.ifname === 'lo',
          masterIndex: master?.index ?? null,
          peerIndex: shown.ifname === 'v0' ? shown.link_index : null,
        }),
      );
    }
    expect(linkByName(here.socket, 'br0')).toMatchObject({ macAddress: '02:00:00:00:00:01' });
    expect(linkByName(here.socket, 'nothing')).toBeNull();
  });

  it("the state of the kernel has a link's configuration, as it was set", () => {
    const ipv4Configuration = { routeLocalnet: true, forwarding: false, rpFilter: 2, arpNotify: true };
    apply(
      here.socket,
      addBridge('br0'),
      addVeth('v0', there.path),
      setLink('br0', { ipv4Configuration, ipv6AddressGeneration: 'none' }),
      setLink('v0', { master: 'br0', hairpin: true }),
    );
    expect(linkByName(here.socket, 'br0')).toMatchObject({
      hairpin: null,
      ipv4Configuration,
      ipv6AddressGeneration: 'none',
    });
    expect(linkByName(here.socket, 'v0')).toMatchObject({
      hairpin: true,
      ipv4Configuration: { routeLocalnet: false, arpNotify: false },
      ipv6AddressGeneration: 'eui64',
    });
    apply(here.socket, setLink('v0', { hairpin: false }));
    expect(linkByName(here.socket, 'v0')).toMatchObject({ hairpin: false });
  });

  it("the state of the kernel counts a link's traffic", () => {
    apply(here.socket, addVeth('v0', there.path), setLink('v0', { up: true }), addAddress('v0', '10.1.0.1/24'));
    apply(there.socket, setLink('eth0', { up: true }), addAddress('eth0', '10.1.0.2/24'));
    const sent = () => linkByName(here.socket, 'v0')?.statistics ?? expect.unreachable();
    const received = () => linkByName(there.socket, 'eth0')?.statistics ?? expect.unreachable();
    const [sentBefore, receivedBefore] = [sent(), received()];
    for (let i = 0; i < 3; i++) run(here.path, 'bash', ['-c', 'printf %01000d 1 > /dev/udp/10.1.0.2/9']);
    expect(sent().txPackets - sentBefore.txPackets).toBeGreaterThanOrEqual(3);
    expect(received().rxBytes - receivedBefore.rxBytes).toBeGreaterThanOrEqual(3000);
    expect(sent()).toMatchObject({ rxErrors: 0, txErrors: 0 });
  });

  it("the state of the kernel lists configured routes, without the kernel's own ones", () => {
    apply(
      here.socket,
      addBridge('br0'),
      addAddress('br0', '10.1.0.1/24'),
      addRoute('0.0.0.0/0', { gateway: '10.1.0.254', metric: 9 }),
    );
    const index = linkByName(here.socket, 'br0')?.index;
    const routes = listRoutes(here.socket).filter(({ destination }) => !destination.startsWith('fe80'));
    expect(routes).toHaveLength(2);
    expect(routes).toEqual(
      expect.arrayContaining([
        {
          destination: '0.0.0.0/0',
          gateway: '10.1.0.254',
          linkIndex: index,
          metric: 9,
          type: 'unicast',
          source: null,
          connected: false,
        },
        {
          destination: '10.1.0.0/24',
          gateway: null,
          linkIndex: index,
          metric: null,
          type: 'unicast',
          source: '10.1.0.1',
          connected: true,
        },
      ]),
    );
  });

  it('the state of the kernel has the source address and the link towards another address, and null when that is unreachable', () => {
    apply(
      here.socket,
      addBridge('br0'),
      addAddress('br0', '10.1.0.1/24'),
      addAddress('br0', 'fd00:1::1/64'),
      addRoute('0.0.0.0/0', { gateway: '10.1.0.254' }),
    );
    expect(sourceAddressFor(here.socket, '8.8.8.8')).toBe('10.1.0.1');
    expect(sourceAddressFor(here.socket, 'fd00:1::2')).toBe('fd00:1::1');
    expect(sourceAddressFor(here.socket, '2001:db8::1')).toBeNull();
    expect(sourceAddressFor(there.socket, '8.8.8.8')).toBeNull();
    const index = linkByName(here.socket, 'br0')?.index;
    expect(linkTowards(here.socket, '8.8.8.8')).toBe(index);
    expect(linkTowards(here.socket, 'fd00:1::2')).toBe(index);
    expect(linkTowards(here.socket, '2001:db8::1')).toBeNull();
    expect(linkTowards(there.socket, '8.8.8.8')).toBeNull();
  });
});
