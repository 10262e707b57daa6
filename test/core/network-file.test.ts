import { describe, expect, it } from 'vitest';
import type { NetworkDefinition } from '../../src/core/network/definition.ts';
import { broughtDefinition, definitionOf, fileOf } from '../../src/core/network/file.ts';
import { isBroughtNetwork } from '../../src/core/network/identity.ts';
import { definitionOf as sample } from './samples.ts';

const id = 'a3fcc81c0fd70ad271730737f331b18544ff60c0e03efb913898289f5ec7cb7f';
/** as podman 4.3 writes them */
const bridge = {
  name: 'pod1',
  id,
  driver: 'bridge',
  network_interface: 'podman1',
  created: '2026-11-21T07:09:14.003884908Z',
  subnets: [
    {
      subnet: '10.77.0.0/24',
      gateway: '10.77.0.1',
      lease_range: { start_ip: '10.77.0.129', end_ip: '10.77.0.255' },
    },
    { subnet: 'fdcf:17c7:31bd:13aa::/64', gateway: 'fdcf:17c7:31bd:13aa::1' },
  ],
  ipv6_enabled: true,
  internal: false,
  dns_enabled: true,
  labels: { a: 'b' },
  options: { mtu: '1400' },
  ipam_options: { driver: 'host-local' },
};
const internal = {
  name: 'int1',
  id,
  driver: 'bridge',
  network_interface: 'podman2',
  created: '2026-11-21T07:09:14.052629648Z',
  subnets: [{ subnet: '10.89.0.0/24' }],
  ipv6_enabled: false,
  internal: true,
  dns_enabled: false,
  ipam_options: { driver: 'host-local' },
};

describe('a definition that an engine brings with a container', () => {
  it("N19 an engine's definition has the engine's choice of rules and the port of its resolver, which a file never has", () => {
    const said = { firewall: 'none', dns_port: 5353 };
    const definition = broughtDefinition('pod1', { ...bridge, ...said });
    expect(definition).toMatchObject(said);
    if (typeof definition !== 'string') expect(fileOf(definition)).toEqual(bridge);
    expect(broughtDefinition('pod1', { ...bridge, firewall: 'iptables' })).toMatch(/^firewall/);
    expect(broughtDefinition('pod1', { ...bridge, name: 'other' })).toMatch(/^name/);
  });
});

describe('the file of a definition', () => {
  it.each([
    ['a bridge', bridge],
    ['an internal network without gateway', internal],
    ['macvlan', { ...internal, name: 'mac1', driver: 'macvlan', network_interface: 'eth0' }],
    [
      'routes and name servers',
      {
        ...bridge,
        routes: [
          { destination: '10.1.0.0/16', gateway: '10.77.0.9' },
          { destination: '10.2.0.0/16', route_type: 'blackhole' },
        ],
        network_dns_servers: ['192.0.2.53'],
      },
    ],
  ])('%s: a file of podman is written unchanged', (_, file) => {
    const definition = definitionOf(file.name, file);
    expect(definition).toMatchObject({ name: file.name });
    if (typeof definition !== 'string') expect(fileOf(definition, file)).toEqual(file);
  });

  it('N17 the file of a definition gets an MTU that is large enough for its IPv6 subnets', () => {
    const six = { ...bridge, name: 'six', subnets: [{ subnet: 'fd00:6::/64' }], ipv6_enabled: true };
    expect(definitionOf('six', { ...six, options: { mtu: '1200' } })).toBe(
      'options.mtu: 1200 is too small for IPv6, which needs 1280',
    );
    expect(definitionOf('six', { ...six, options: { mtu: '1280' } })).toMatchObject({ name: 'six' });
  });

  it('C04 the file of a definition is the same network when written by a podman without types of routes', () => {
    const refusing = { destination: '10.66.0.0/16', route_type: 'blackhole' };
    const leading = { destination: '10.67.0.0/16', gateway: '10.77.0.9' };
    const known = definitionOf('pod1', { ...bridge, name: 'pod1', routes: [refusing, leading] }) as NetworkDefinition;
    const told = (routes: object[]) =>
      broughtDefinition('pod1', { ...bridge, name: 'pod1', routes }) as NetworkDefinition;
    const dropped = { destination: '10.66.0.0/16', gateway: '' };
    expect(isBroughtNetwork(known, told([dropped, leading]))).toBe(true);
    expect(isBroughtNetwork(known, told([refusing, leading]))).toBe(true);
    expect(isBroughtNetwork(known, told([]))).toBe(true);
    expect(isBroughtNetwork(known, told([{ ...leading, gateway: '10.77.0.8' }]))).toBe(false);
    expect(isBroughtNetwork(known, told([{ ...refusing, route_type: 'prohibit' }, leading]))).toBe(false);
  });

  it('the file of a definition has its fields in the order of podman', () => {
    const definition = definitionOf('pod1', bridge);
    expect(typeof definition !== 'string' && Object.keys(fileOf(definition))).toEqual(Object.keys(bridge));
  });

  it('the file of a definition keeps unknown fields', () => {
    const newer = { ...bridge, network_flavour: { colour: 'blue' } };
    const definition = definitionOf('pod1', newer);
    expect(typeof definition !== 'string' && fileOf(definition, newer)).toEqual(newer);
  });

  it('the file of a netloom definition contains all of it', () => {
    for (const definition of [
      sample(),
      sample({ subnets: [{ subnet: '10.0.0.0/24', lease_range: { start_ip: '10.0.0.9' } }, { subnet: 'fd00::/64' }] }),
      sample({ internal: true, labels: { a: '1' }, options: { isolate: 'strict' } }),
      sample({ routes: [{ destination: '10.9.0.0/16', type: 'blackhole' }], network_dns_servers: ['192.0.2.1'] }),
    ])
      expect(definitionOf(definition.name, JSON.parse(JSON.stringify(fileOf(definition))))).toEqual(definition);
  });

  it.each([
    ['is no object', 7, /^the file must be an object in braces$/],
    [
      'is another network',
      { ...bridge, name: 'other' },
      /^name: the name in the file is "other", but the file is pod1.json$/,
    ],
    ['has a name that we cannot take', { ...bridge, name: 'a.b' }, /^name/],
    ['has an id that is too short', { ...bridge, id: 'abc' }, /^id/],
    [
      'has a driver that we do not know',
      { ...bridge, driver: 'overlay' },
      /^driver: must be bridge, macvlan or ipvlan, not "overlay"$/,
    ],
    ['has an invalid subnet', { ...bridge, subnets: [{ subnet: '10.0.0' }] }, /^subnets.0.subnet/],
    [
      'has an option that cannot be so',
      { ...bridge, options: { mtu: 'abc' } },
      /^option mtu=abc: mtu must be a whole number/,
    ],
    ['has no id', { ...bridge, id: undefined }, /^id: missing$/],
    ['has an id that is no hex', { ...bridge, id: 'z'.repeat(64) }, /^id: must be 64 hex digits/],
    ['has a number for its name', { ...bridge, name: 7 }, /^name: must be text in quotes$/],
    ['has no bridge', { ...bridge, network_interface: undefined }, /^network_interface: missing/],
    ['has an empty name for its bridge', { ...bridge, network_interface: '' }, /^network_interface: missing/],
    ['has a name no bridge can have', { ...bridge, network_interface: 'all' }, /^network_interface: "all" cannot be/],
    ['has a name no link can have', { ...bridge, network_interface: '..' }, /^network_interface/],
    ['was made at no time', { ...bridge, created: 'yesterday' }, /^created: is not a date/],
    ['was made on the 40th', { ...bridge, created: '2026-01-40T00:00:00Z' }, /^created/],
    ['was made at a number', { ...bridge, created: 1767225600 }, /^created/],
    ['has options that are numbers', { ...bridge, options: { mtu: 1400 } }, /^options.mtu/],
    ['has labels that are a list', { ...bridge, labels: ['a'] }, /^labels: must be an object in braces$/],
    ['says in words whether it is internal', { ...bridge, internal: 'no' }, /^internal: must be true or false$/],
    ['has subnets that are no list', { ...bridge, subnets: { subnet: '10.0.0.0/24' } }, /^subnets: must be a list$/],
    ['has an invalid name server', { ...bridge, network_dns_servers: [''] }, /^network_dns_servers.0: is not an IP/],
    ['N19 wants no rules', { ...bridge, firewall: 'none' }, /^firewall: cannot be set in a file; an engine/],
    ['N19 wants rules of some kind', { ...bridge, firewall: 'iptables' }, /^firewall: cannot be set in a file/],
    ['N19 has a port for its resolver', { ...bridge, dns_port: 5353 }, /^dns_port: cannot be set in a file/],
    ['has no subnets', { ...bridge, subnets: [] }, /^subnets: missing/],
    ['has subnets without IPAM', { ...bridge, ipam_options: { driver: 'none' } }, /^subnets: ipam driver none/],
    [
      'asks a DHCP server on a bridge of ours',
      { ...bridge, ipam_options: { driver: 'dhcp' } },
      /^ipam_options.*mode=unmanaged/,
    ],
    [
      'has a DHCP server for IPv6',
      { ...bridge, driver: 'macvlan', subnets: [{ subnet: 'fd00::/64' }], ipam_options: { driver: 'dhcp' } },
      /^ipam_options.*DHCPv6 is not supported/,
    ],
  ])('the file of a definition that %s is not loaded, and the reason is reported', (_, json, reason) => {
    expect(definitionOf('pod1', json)).toMatch(reason);
  });

  const v4 = { subnet: '10.77.0.0/24', gateway: '10.77.0.1' };
  it.each([
    ['a gateway outside', [{ ...v4, gateway: '10.78.0.1' }], /^subnets.0.gateway: .*10.78.0.1 is outside 10.77.0.0.24/],
    ['a gateway of the other family', [v4, { subnet: 'fd00::/64', gateway: '10.77.0.1' }], /^subnets.1.gateway/],
    ['an invalid gateway', [{ ...v4, gateway: 'first' }], /^subnets.0.gateway: is not an IP address/],
    ['no room for a gateway', [{ subnet: '10.77.0.1/32' }], /^subnets.0.gateway/],
    [
      'a range that begins outside',
      [{ ...v4, lease_range: { start_ip: '10.78.0.9' } }],
      /^subnets.0.lease_range: .*10.78/,
    ],
    [
      'a range that ends outside',
      [v4, { subnet: 'fd00::/64', lease_range: { end_ip: 'fd01::9' } }],
      /^subnets.1.lease/,
    ],
    [
      'a range reversed',
      [{ ...v4, lease_range: { start_ip: '10.77.0.9', end_ip: '10.77.0.8' } }],
      /lease_range: .*is after/,
    ],
    ['a range of the other family', [{ ...v4, lease_range: { start_ip: 'fd00::9' } }], /^subnets.0.lease_range/],
    ['one subnet within another', [v4, { subnet: '10.77.0.128/25' }], /^subnets.1.subnet: 10.77.0.128.25 overlaps/],
    ['a subnet that no network can have', [{ subnet: '127.0.1.0/24' }], /^subnets.0.subnet: .*overlaps 127.0.0.0.8/],
    ['a subnet without a length', [{ subnet: '10.77.0.0' }], /^subnets.0.subnet: is not a subnet/],
  ])('N14 the file of a definition that has %s is not loaded, and the field is named', (_, subnets, reason) => {
    expect(definitionOf('pod1', { ...bridge, subnets })).toMatch(reason);
  });

  it('N14 the file of a definition with a link name of more than 15 bytes is not loaded', () => {
    const macvlan = { ...bridge, driver: 'macvlan' };
    expect(definitionOf('pod1', { ...macvlan, network_interface: 'é'.repeat(14) })).toMatch(
      /^network_interface: cannot be the name of an interface/,
    );
    expect(definitionOf('pod1', { ...macvlan, network_interface: 'é'.repeat(7) })).toHaveProperty('name');
  });

  it('N14 the file of a definition with NUL in its link name is not loaded', () => {
    expect(definitionOf('pod1', { ...bridge, driver: 'macvlan', network_interface: 'up\0' })).toMatch(
      /^network_interface: cannot be the name of an interface/,
    );
  });

  it.each([
    ['the network address', { ...v4, gateway: '10.77.0.0' }],
    ['the broadcast address', { ...v4, gateway: '10.77.0.255' }],
    ['an anycast address', { subnet: 'fd00::/64', gateway: 'fd00::' }],
  ])('N14 the file of a definition that has %s as gateway is loaded, as by podman', (_, subnet) => {
    expect(definitionOf('pod1', { ...bridge, subnets: [subnet] })).toMatchObject({ subnets: [subnet] });
  });

  it.each([
    ['leads nowhere', { destination: 'far' }, /^routes.0.destination: is not a subnet/],
    [
      'leads to an address',
      { destination: '10.1.0.7/16', gateway: '10.77.0.9' },
      /^routes.0.destination: is an address/,
    ],
    ['has no gateway', { destination: '10.1.0.0/16' }, /^routes.0.gateway: missing/],
    ['has an invalid gateway', { destination: '10.1.0.0/16', gateway: 'x' }, /^routes.0.gateway: is not an IP/],
    [
      'goes by the other family',
      { destination: 'fd01::/64', gateway: '10.77.0.9' },
      /^routes.0.gateway: .*cannot lead/,
    ],
    [
      'is a hole with a gateway',
      { destination: '10.1.0.0/16', gateway: '10.77.0.9', type: 'blackhole' },
      /routes.0.gate/,
    ],
    [
      'is of two types',
      { destination: '10.1.0.0/16', type: 'blackhole', route_type: 'prohibit' },
      /^routes.0.route_type: differs from type/,
    ],
    ['is of no type', { destination: '10.1.0.0/16', gateway: '10.77.0.9', type: 'fast' }, /^routes.0.type/],
    [
      'has a huge metric',
      { destination: '10.1.0.0/16', gateway: '10.77.0.9', metric: 4_294_967_296 },
      /^routes.0.metric/,
    ],
    ['has a metric below 0', { destination: '10.1.0.0/16', gateway: '10.77.0.9', metric: -1 }, /^routes.0.metric/],
    ['has no number for a metric', JSON.parse('{"destination":"10.1.0.0/16","metric":1e999}'), /^routes.0.metric/],
  ])('N14 the file of a definition whose route %s is not loaded, and the field is named', (_, route, reason) => {
    expect(definitionOf('pod1', { ...bridge, routes: [route] })).toMatch(reason);
  });

  it('the file of a definition that has one route twice is not loaded', () => {
    const route = { destination: '10.1.0.0/16', gateway: '10.77.0.9' };
    expect(definitionOf('pod1', { ...bridge, routes: [route, { ...route, gateway: '10.77.0.10' }] })).toMatch(
      /^routes.1.destination: there are two/,
    );
    expect(definitionOf('pod1', { ...bridge, routes: [route, { ...route, metric: 7 }] })).toMatchObject({
      name: 'pod1',
    });
  });

  it('N14 the file of a definition is completed as by podman: gateways, the subnet of an address, IPv6', () => {
    const subnets = [{ subnet: '10.77.0.9/24' }, { subnet: 'FD00::7/64' }];
    expect(definitionOf('pod1', { ...bridge, subnets, ipv6_enabled: false, created: undefined })).toMatchObject({
      subnets: [
        { subnet: '10.77.0.0/24', gateway: '10.77.0.1' },
        { subnet: 'fd00::/64', gateway: 'fd00::1' },
      ],
      ipv6_enabled: true,
    });
    const inside = { ...internal, name: 'pod1' };
    expect(definitionOf('pod1', inside)).toMatchObject({ subnets: [{ gateway: null }] });
    expect(definitionOf('pod1', { ...inside, dns_enabled: true })).toMatchObject({
      subnets: [{ gateway: '10.89.0.1' }],
    });
    const upon = { ...inside, driver: 'macvlan', internal: false, network_interface: undefined };
    expect(definitionOf('pod1', upon)).toMatchObject({ network_interface: null, subnets: [{ gateway: '10.89.0.1' }] });
  });

  it('the file of a definition may enable IPv6 without an IPv6 subnet, and names without addresses', () => {
    const bare = { ...bridge, subnets: [], ipam_options: { driver: 'none' } };
    expect(definitionOf('pod1', bare)).toMatchObject({ ipv6_enabled: true, dns_enabled: true, subnets: [] });
  });

  it('the file of a definition leaves out an unknown time, because podman cannot read an empty one', () => {
    const definition = definitionOf('pod1', { ...bridge, created: undefined });
    expect(typeof definition !== 'string' && fileOf(definition)).not.toHaveProperty('created');
    expect(definitionOf('pod1', { ...bridge, created: '' })).toMatchObject({ created: '' });
  });
});
