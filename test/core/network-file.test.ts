import { describe, expect, it } from 'vitest';
import { definitionOf, fileOf } from '../../src/core/network-file.ts';
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

describe('the file of a definition', () => {
  it.each([
    ['a bridge', bridge],
    ['an internal network without gateway', internal],
    ['macvlan', { ...internal, name: 'mac1', driver: 'macvlan', network_interface: 'eth0', internal: false }],
    [
      'routes and name servers',
      {
        ...bridge,
        routes: [{ destination: '10.1.0.0/16', gateway: '10.77.0.9', type: 'unicast' }],
        network_dns_servers: ['192.0.2.53'],
      },
    ],
  ])('%s: what podman wrote is written the same again', (_, file) => {
    const definition = definitionOf(file.name, file);
    expect(definition).toMatchObject({ name: file.name });
    if (typeof definition !== 'string') expect(fileOf(definition, file)).toEqual(file);
  });

  it('has its fields in the order of podman', () => {
    const definition = definitionOf('pod1', bridge);
    expect(typeof definition !== 'string' && Object.keys(fileOf(definition))).toEqual(Object.keys(bridge));
  });

  it('keeps what we do not know', () => {
    const newer = { ...bridge, network_flavour: { colour: 'blue' } };
    const definition = definitionOf('pod1', newer);
    expect(typeof definition !== 'string' && fileOf(definition, newer)).toEqual(newer);
  });

  it('of every definition of ours says all of it', () => {
    for (const definition of [
      sample(),
      sample({ subnets: [{ subnet: '10.0.0.0/24', lease_range: { start_ip: '10.0.0.9' } }, { subnet: 'fd00::/64' }] }),
      sample({ internal: true, labels: { a: '1' }, options: { isolate: 'strict' } }),
      sample({ routes: [{ destination: '10.9.0.0/16', type: 'blackhole' }], network_dns_servers: ['192.0.2.1'] }),
    ])
      expect(definitionOf(definition.name, JSON.parse(JSON.stringify(fileOf(definition))))).toEqual(definition);
  });

  it.each([
    ['is no object', 7, /the file/],
    ['is another network', { ...bridge, name: 'other' }, /name: it is other/],
    ['has a name that we cannot take', { ...bridge, name: 'a.b' }, /^name/],
    ['has an id that is too short', { ...bridge, id: 'abc' }, /^id/],
    ['has a driver that we do not know', { ...bridge, driver: 'overlay' }, /^driver/],
    ['has a subnet that is none', { ...bridge, subnets: [{ subnet: '10.0.0' }] }, /^subnets.0.subnet/],
    [
      'has an option that cannot be so',
      { ...bridge, options: { mtu: 'abc' } },
      /^option mtu=abc: mtu is a whole number/,
    ],
    ['asks a DHCP server', { ...bridge, ipam_options: { driver: 'dhcp' } }, /^ipam_options.driver/],
  ])('that %s is not taken, and the reason is told', (_, json, reason) => {
    expect(definitionOf('pod1', json)).toMatch(reason);
  });
});
