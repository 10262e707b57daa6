import { describe, expect, it } from 'vitest';
import { networkRequest, parseRoute } from '../../src/cli/commands/network-create.ts';

describe('a definition', () => {
  it('a definition contains only what was given', () => expect(networkRequest('web', {})).toEqual({ name: 'web' }));

  it("a definition has podman's fields for podman's options", () => {
    const options = {
      driver: 'macvlan',
      subnet: ['10.7.0.0/24', 'fd07::/64'],
      gateway: ['10.7.0.254'],
      ipRange: ['10.7.0.128/25', 'fd07::10-'],
      ipv6: true,
      internal: true,
      disableDns: true,
      dns: ['9.9.9.9'],
      route: [{ destination: '10.21.0.0/24', gateway: '10.7.0.9', metric: null, type: 'unicast' as const }],
      interfaceName: 'eth0',
      ipamDriver: 'none',
      opt: { mtu: '1400' },
      label: { team: 'web' },
    };
    expect(networkRequest('lan', options)).toEqual({
      name: 'lan',
      driver: 'macvlan',
      subnets: [
        { subnet: '10.7.0.0/24', gateway: '10.7.0.254', lease_range: { start_ip: '10.7.0.129', end_ip: '10.7.0.255' } },
        { subnet: 'fd07::/64', lease_range: { start_ip: 'fd07::10', end_ip: null } },
      ],
      ipv6_enabled: true,
      internal: true,
      dns_enabled: false,
      network_dns_servers: ['9.9.9.9'],
      routes: [{ destination: '10.21.0.0/24', gateway: '10.7.0.9', metric: null, type: 'unicast' }],
      network_interface: 'eth0',
      ipam_options: { driver: 'none' },
      options: { mtu: '1400' },
      labels: { team: 'web' },
    });
  });

  it.each([
    ['10.7.0.9/32', { start_ip: '10.7.0.9', end_ip: '10.7.0.9' }],
    ['fd07::/126', { start_ip: 'fd07::1', end_ip: 'fd07::3' }],
    ['-10.7.0.99', { start_ip: null, end_ip: '10.7.0.99' }],
  ])('a definition may lease addresses from %s only', (range, lease_range) =>
    expect(networkRequest('web', { subnet: ['10.7.0.0/24'], ipRange: [range] }).subnets).toEqual([
      { subnet: '10.7.0.0/24', lease_range },
    ]),
  );
});

describe('--route', () => {
  it.each([
    ['10.21.0.0/24,10.7.0.9', { destination: '10.21.0.0/24', gateway: '10.7.0.9', metric: null, type: 'unicast' }],
    ['fd21::/64,fd07::9,120', { destination: 'fd21::/64', gateway: 'fd07::9', metric: 120, type: 'unicast' }],
    ['10.22.0.0/16,blackhole', { destination: '10.22.0.0/16', gateway: null, metric: null, type: 'blackhole' }],
    ['10.22.0.0/16,prohibit,7', { destination: '10.22.0.0/16', gateway: null, metric: 7, type: 'prohibit' }],
  ])('--route accepts %s', (text, route) => expect(parseRoute(text)).toEqual(route));

  it.each([
    ['10.21.0.0/24', 'payload.invalid', 'the gateway is missing'],
    ['here,10.7.0.9', 'payload.invalid', '"here" is not a subnet'],
    ['10.21.0.0/24,there', 'address.invalid', 'there: expected an IP address'],
    ['10.21.0.0/24,10.7.0.9,far', 'payload.invalid', '"far" is not a metric'],
    ['10.21.0.0/24,10.7.0.9,1,2', 'payload.invalid', 'too many values'],
  ])('--route refuses %s', (text, code, message) =>
    expect(() => parseRoute(text)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    ),
  );
});
