import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/core/fault.ts';
import { networkSettings } from '../../src/core/network/options.ts';
import type { NetworkRequest } from '../../src/core/network/request.ts';
import { networkDefinition, networkWish } from '../../src/core/network/wish.ts';
import { networkWishOf } from './samples.ts';

const dhcp = { driver: 'macvlan', ipam_options: { driver: 'dhcp' } };

const refused = (request: Partial<NetworkRequest>): Fault => {
  const made = networkWish({ name: 'demo', ...request });
  if (!('code' in made)) throw new Error('accepted');
  return made;
};

describe('a network wish', () => {
  it('a network wish fills in every default except those that need the host', () => {
    expect(networkWishOf({ subnets: null })).toEqual({
      name: 'demo',
      id: expect.stringMatching(/^[0-9a-f]{64}$/),
      driver: 'bridge',
      link: null,
      sharesLink: false,
      subnets: [],
      automatic: [4],
      ipv6Enabled: false,
      routes: [],
      internal: false,
      dnsEnabled: true,
      dnsServers: [],
      ipamDriver: 'host-local',
      labels: {},
      options: {},
    });
  });

  it('a network wish gives the first address of a subnet to the gateway, unless the wish has another', () => {
    expect(
      networkWishOf({ subnets: [{ subnet: '10.89.3.7/24' }, { subnet: 'fd00::/64', gateway: 'fd00::0:fe' }] }).subnets,
    ).toEqual([
      { subnet: '10.89.3.0/24', gateway: '10.89.3.1' },
      { subnet: 'fd00::/64', gateway: 'fd00::fe' },
    ]);
  });

  it.each([
    [{}, [4]],
    [{ ipv6_enabled: true }, [4, 6]],
    [{ ipv6_enabled: true, subnets: [{ subnet: '10.0.0.0/24' }] }, [6]],
    [{ ipv6_enabled: true, subnets: [{ subnet: 'fd00::/64' }] }, []],
    [{ subnets: [{ subnet: 'fd00::/64' }] }, []],
  ])('a network wish requests free subnets for missing families: %j → %j', (request, automatic) => {
    expect(networkWishOf({ subnets: null, ...request }).automatic).toEqual(automatic);
  });

  it.each([
    [dhcp],
    [{ ...dhcp, ipv6_enabled: true }],
    [{ ...dhcp, driver: 'bridge', network_interface: 'br0', options: { mode: 'unmanaged' } }],
  ])('C13 a network wish may leave addresses to a DHCP server: %j', (request) => {
    const wish = networkWishOf({ subnets: null, ...request });
    expect(wish).toMatchObject({ ipamDriver: 'dhcp', subnets: [], automatic: [], dnsEnabled: false });
    expect(networkDefinition(wish, { bridge: 'br0', subnets: [], created: '' }).ipam_options).toEqual({
      driver: 'dhcp',
    });
  });

  it('C13 a network wish refuses DHCPv6 explicitly', () => {
    for (const request of [
      { ...dhcp, subnets: [{ subnet: 'fd00::/64' }] },
      { ...dhcp, ipam_options: { driver: 'dhcp6' } },
      { ...dhcp, ipv6_enabled: true, options: { accept_ra: '0' } },
    ])
      expect(refused(request)).toMatchObject({
        code: 'mode.unsupported',
        message: expect.stringContaining('DHCPv6 is not supported'),
      });
  });

  it.each([
    [{ mtu: '1400' }, 1400],
    [{ 'com.docker.network.driver.mtu': '9000' }, 9000],
    [{}, null],
  ])('a network wish reads the MTU from its options: %j → %j', (options, mtuBytes) => {
    expect(networkSettings(networkWishOf({ options })).mtuBytes).toBe(mtuBytes);
  });

  it('C06 a network wish has no names without addresses, unless they are requested', () => {
    const ipam_options = { driver: 'none' };
    expect(networkWishOf({ subnets: null, ipam_options })).toMatchObject({ dnsEnabled: false, automatic: [] });
    const unmanaged = { options: { mode: 'unmanaged' }, network_interface: 'br0', ipam_options };
    expect(networkWishOf({ subnets: null, ...unmanaged })).toMatchObject({ dnsEnabled: false });
  });

  it('a network wish takes the name of its bridge from either place', () => {
    expect(networkWishOf({ network_interface: 'br7' }).link).toBe('br7');
    expect(networkWishOf({ options: { 'com.docker.network.bridge.name': 'br8' } }).link).toBe('br8');
  });

  it('a network wish refuses an invalid bridge name in either field', () => {
    expect(refused({ options: { 'com.docker.network.bridge.name': 'longer than fifteen' } })).toMatchObject({
      code: 'payload.invalid',
    });
  });

  it('a network wish lists the known options beside an unknown one', () => {
    expect(refused({ options: { bclim: '7' } })).toEqual({
      code: 'payload.invalid',
      message: expect.stringMatching(/^unknown option bclim; a bridge network knows accept_ra, mtu, .*isolate, .*vrf$/),
    });
    expect(refused({ driver: 'macvlan', options: { vrf: 'red' } }).message).toMatch(/macvlan network knows .*parent/);
  });

  const route = { destination: '10.98.0.0/16', gateway: '10.89.0.9' };
  const route6 = { destination: 'fd98::/64', gateway: 'fd00::9' };
  const everything = { destination: '0.0.0.0/0', gateway: '10.89.0.9' };
  const given = { subnets: [{ subnet: '10.89.0.0/24' }] };

  it.each([
    [{ routes: [route, { ...route, metric: 100 }] }, 'there are two routes to 10.98.0.0/16 with metric 100'],
    [
      {
        routes: [
          { ...route6, metric: 0 },
          { ...route6, metric: 1024 },
        ],
      },
      'there are two routes to fd98::/64 with metric 1024',
    ],
    [{ ...given, routes: [everything] }, 'default route with metric 100 already'],
    [{ routes: [everything] }, 'default route with metric 100 already'],
    [{ ...given, options: { metric: '7' }, routes: [{ ...everything, metric: 7 }] }, 'with metric 7 already'],
    [{ ...given, driver: 'macvlan', routes: [{ ...everything, metric: 99 }] }, 'with metric 99 already'],
    [{ ...given, routes: [{ ...route, gateway: '10.89.0.255' }] }, '10.89.0.255 is the broadcast address'],
    [
      { routes: [{ ...route, type: 'unicast' as const, route_type: 'prohibit' as const }] },
      'route_type prohibit differ',
    ],
  ])('C04 a network wish is refused with a route that would have no effect: %j', (request, words) => {
    expect(refused(request).message).toContain(words);
  });

  it.each([
    [
      {
        routes: [
          { ...route, metric: 0 },
          { ...route, metric: 1024 },
        ],
      },
    ],
    [{ ...given, routes: [{ ...everything, metric: 101 }] }],
    [{ ...given, internal: true, routes: [everything] }],
    [{ ...given, options: { no_default_route: 'true' }, routes: [everything] }],
    [{ ...given, routes: [{ destination: '::/0', gateway: 'fd00::9' }] }],
    [{ routes: [{ ...route, type: 'unicast' as const, route_type: 'unicast' as const }] }],
  ])('C04 a network wish accepts routes that have effect beside each other: %j', (request) => {
    expect(networkWishOf(request)).toHaveProperty('routes');
  });

  it.each([
    [{ driver: 'overlay' }, 'mode.unsupported'],
    [{ driver: 'macvlan', subnets: null }, 'payload.invalid'],
    [{ driver: 'macvlan', dns_enabled: true }, 'payload.invalid'],
    [{ driver: 'macvlan', options: { mode: 'l2' } }, 'payload.invalid'],
    [{ driver: 'ipvlan', options: { mode: 'bridge' } }, 'payload.invalid'],
    [{ options: { isolate: 'maybe' } }, 'payload.invalid'],
    [{ options: { metric: '-1' } }, 'payload.invalid'],
    [{ options: { vlan: '4095' } }, 'payload.invalid'],
    [{ options: { outbound_addr4: 'fd00::1' } }, 'payload.invalid'],
    [{ options: { outbound_addr6: 'fd00::1' } }, 'payload.invalid'],
    [{ internal: true, options: { outbound_addr4: '192.0.2.1' } }, 'payload.invalid'],
    [{ options: { mode: 'unmanaged' } }, 'payload.invalid'],
    [{ ipam_options: { driver: 'none' }, dns_enabled: true }, 'payload.invalid'],
    [{ ipam_options: { driver: 'none' }, subnets: [{ subnet: '10.0.0.0/24' }] }, 'payload.invalid'],
    [{ ipam_options: { driver: 'none' }, network_dns_servers: ['192.0.2.1'] }, 'payload.invalid'],
    [{ dns_enabled: false, network_dns_servers: ['192.0.2.1'] }, 'payload.invalid'],
    [
      { driver: 'macvlan', network_dns_servers: ['192.0.2.1'], subnets: [{ subnet: '10.0.0.0/24' }] },
      'payload.invalid',
    ],
    [{ network_dns_servers: ['one'] }, 'address.invalid'],
    [{ routes: [{ destination: 'far' }] }, 'subnet.invalid'],
    [{ routes: [{ destination: '10.1.0.7/16', gateway: '10.89.0.9' }] }, 'subnet.invalid'],
    [{ routes: [{ destination: '10.1.0.0/16' }] }, 'address.invalid'],
    [{ routes: [{ destination: '10.1.0.0/16', gateway: 'fd00::1' }] }, 'address.invalid'],
    [{ routes: [{ destination: '10.1.0.0/16', gateway: '10.89.0.9', type: 'blackhole' as const }] }, 'payload.invalid'],
    [{ ipam_options: { driver: 'dhcp' } }, 'mode.unsupported'],
    [{ driver: 'ipvlan', ipam_options: { driver: 'dhcp' } }, 'mode.unsupported'],
    [{ driver: 'macvlan', subnets: [{ subnet: 'fd00::/64' }], ipam_options: { driver: 'dhcp' } }, 'mode.unsupported'],
    [{ driver: 'macvlan', subnets: [{ subnet: '10.1.0.0/24' }], ipam_options: { driver: 'dhcp' } }, 'payload.invalid'],
    [{ ...dhcp, options: { accept_ra: '0' }, ipv6_enabled: true }, 'mode.unsupported'],
    [{ ...dhcp, ipam_options: { driver: 'dhcpv6' } }, 'mode.unsupported'],
    [{ ...dhcp, dns_enabled: true }, 'payload.invalid'],
    [{ ...dhcp, driver: 'bridge', options: { mode: 'unmanaged' } }, 'payload.invalid'],
    [{ options: { mtu: '67' } }, 'payload.invalid'],
    [{ options: { mtu: '65536' } }, 'payload.invalid'],
    [{ options: { mtu: '1e3' } }, 'payload.invalid'],
    [{ options: { mtu: '1279' }, subnets: [{ subnet: 'fd00::/64' }] }, 'payload.invalid'],
    [{ options: { mtu: '1279' }, ipv6_enabled: true }, 'payload.invalid'],
    [{ subnets: [{ subnet: '0.0.0.0/0' }] }, 'subnet.invalid'],
    [{ subnets: [{ subnet: '127.0.1.0/24' }] }, 'subnet.invalid'],
    [{ subnets: [{ subnet: '224.0.5.0/24' }] }, 'subnet.invalid'],
    [{ subnets: [{ subnet: '::/0' }] }, 'subnet.invalid'],
    [{ subnets: [{ subnet: 'fe80::/64' }] }, 'subnet.invalid'],
    [{ subnets: [{ subnet: 'ff05::/64' }] }, 'subnet.invalid'],
    [{ subnets: [{ subnet: '10.0.0.0/24', gateway: '10.0.0.255' }] }, 'address.invalid'],
    [{ subnets: [{ subnet: '10.0.0.0/24', gateway: '10.0.0.0' }] }, 'address.invalid'],
    [{ subnets: [{ subnet: '10.0.0.0' }] }, 'subnet.invalid'],
    [{ subnets: [{ subnet: '10.0.0.0/24', gateway: '10.0.1.1' }] }, 'address.outside-subnet'],
    [{ subnets: [{ subnet: '10.0.0.0/24', gateway: 'fd00::1' }] }, 'address.outside-subnet'],
    [{ subnets: [{ subnet: '10.0.0.0/24', gateway: 'first' }] }, 'address.invalid'],
    [{ subnets: [{ subnet: '10.0.0.0/24' }, { subnet: '10.0.0.128/25' }] }, 'subnet.invalid'],
    [{ subnets: [{ subnet: '10.0.0.0/24', lease_range: { start_ip: '10.0.1.5' } }] }, 'address.outside-subnet'],
    [{ subnets: [{ subnet: '10.0.0.0/24', lease_range: { end_ip: 'last' } }] }, 'address.invalid'],
    [
      { subnets: [{ subnet: '10.0.0.0/24', lease_range: { start_ip: '10.0.0.9', end_ip: '10.0.0.8' } }] },
      'address.invalid',
    ],
  ])('a network wish is refused: %j', (request, code) => {
    expect(refused(request)).toMatchObject({ code });
  });

  it.each<[string, Partial<NetworkRequest>, RegExp]>([
    ['C13 name servers beside those of a DHCP server', { ...dhcp, network_dns_servers: ['1.1.1.1'] }, /^--dns: .*dhcp/],
    [
      'name servers of a macvlan',
      { driver: 'macvlan', subnets: [{ subnet: '10.0.0.0/24' }], network_dns_servers: ['1.1.1.1'] },
      /^--dns: a macvlan network answers no names, so it has no use for name servers; give them to the containers$/,
    ],
    [
      'name servers without addresses',
      { ipam_options: { driver: 'none' }, network_dns_servers: ['1.1.1.1'] },
      /^--dns: .* --ipam-driver none answers no names/,
    ],
    ['an unmanaged network without its bridge', { options: { mode: 'unmanaged' } }, /: give --interface-name$/],
    [
      'an ipvlan without a subnet',
      { driver: 'ipvlan', subnets: null },
      /^an ipvlan network needs a subnet of its parent: give --subnet, or --ipam-driver none$/,
    ],
    [
      'two parents',
      { ...dhcp, network_interface: 'up0', options: { parent: 'lan0' } },
      /^--interface-name up0 and option parent=lan0 name different interfaces; give one of them$/,
    ],
  ])('a network wish is refused with %s, and the message explains what to do', (_, request, words) =>
    expect(refused(request)).toMatchObject({ code: 'payload.invalid', message: expect.stringMatching(words) }),
  );

  it('C05 a network wish accepts a route through a gateway that may be on another network of its containers', () => {
    const routes = [{ destination: '10.1.0.0/16', gateway: '10.1.0.1' }];
    expect(networkWishOf({ routes }).routes).toMatchObject(routes);
  });

  it('a network wish is refused for a gateway outside its subnet, with both in the message', () => {
    expect(refused({ subnets: [{ subnet: '10.0.0.0/24', gateway: '10.0.1.1' }] }).message).toBe(
      'gateway 10.0.1.1 is outside 10.0.0.0/24',
    );
  });

  it('a network wish becomes a definition with the bridge and the subnets that the host granted', () => {
    const wish = networkWishOf({ ipv6_enabled: true, internal: true, labels: { team: 'blue' } });
    const subnets = [...wish.subnets, { subnet: 'fd00::/64', gateway: 'fd00::1' }];
    expect(networkDefinition(wish, { bridge: 'netloom3', subnets, created: '2026-01-01T00:00:00Z' })).toMatchObject({
      name: 'demo',
      driver: 'bridge',
      network_interface: 'netloom3',
      created: '2026-01-01T00:00:00Z',
      subnets,
      ipv6_enabled: true,
      internal: true,
      labels: { team: 'blue' },
    });
  });
});
