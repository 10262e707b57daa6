import { describe, expect, it } from 'vitest';
import { networkProposalSchema, proposedNetwork } from '../../src/core/network/proposal.ts';

const id = 'a'.repeat(64);

/** The request of podman 6, on a host with these links. */
function propose(network: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const proposal = networkProposalSchema.parse({ network: { name: 'n1', id, driver: 'bridge', ...network }, ...more });
  const links = ['lo', 'wan0', 'podman3'].map((name) => ({ name, owner: null }));
  return proposedNetwork(proposal, '2026-01-01T00:00:00Z', [...links, { name: 'podman5', owner: 'network/gone' }]);
}

describe('a network that an engine is about to define', () => {
  it('a proposed network gets the first free bridge name and the first free subnet', () => {
    const used = { interfaces: ['podman0', 'podman2'], subnets: ['10.89.0.0/24', '10.89.2.0/23'] };
    expect(propose({}, { used })).toMatchObject({
      id,
      network_interface: 'podman1',
      subnets: [{ subnet: '10.89.1.0/24', gateway: '10.89.1.1' }],
      dns_enabled: true,
      ipam_options: { driver: 'host-local' },
    });
  });

  it("a proposed network takes names and subnets from the engine's pools", () => {
    const options = { default_interface_name: 'nw', subnet_pools: [{ base: '172.20.0.0/16', size: 26 }] };
    expect(propose({}, { used: { subnets: ['172.20.0.0/26'] }, options })).toMatchObject({
      network_interface: 'nw1',
      subnets: [{ subnet: '172.20.0.64/26', gateway: '172.20.0.65' }],
    });
  });

  it('a proposed network gets no name of a link of the host or a network; the first name is reserved for the default network', () => {
    const used = { interfaces: ['podman1'], names: { podman2: 'b'.repeat(64) } };
    expect(propose({}, { used })).toMatchObject({ network_interface: 'podman4' });
    // the name of a removed network is free, or about to be
    const more = { ...used, interfaces: ['podman1', 'podman4'] };
    expect(propose({}, { used: more })).toMatchObject({ network_interface: 'podman5' });
    expect(propose({})).toMatchObject({ network_interface: 'podman1' });
  });

  it("C06 a proposed network has no names without IPAM, whatever the engine's default is", () => {
    const bare = { ipam_options: { driver: 'none' }, dns_enabled: true };
    const made = { dns_enabled: false, subnets: [], network_interface: 'podman1', ipam_options: { driver: 'none' } };
    for (const more of [{}, { internal: true }, { ipv6_enabled: true }, { options: { mode: 'unmanaged' } }])
      expect(propose({ ...bare, ...more })).toMatchObject(made);
    expect(propose({ ...bare, network_dns_servers: ['192.0.2.1'] })).toMatchObject({ code: 'payload.invalid' });
    expect(propose({ ...bare, subnets: [{ subnet: '10.7.0.0/24' }] })).toMatchObject({ code: 'payload.invalid' });
  });

  it('C13 a proposed network keeps name servers of a bridge with a DHCP server, as netavark does, and refuses those of a macvlan', () => {
    const dhcp = { ipam_options: { driver: 'dhcp' }, network_dns_servers: ['192.0.2.1'], network_interface: 'br7' };
    expect(propose({ ...dhcp, options: { mode: 'unmanaged' } })).toMatchObject({ network_dns_servers: ['192.0.2.1'] });
    expect(propose({ ...dhcp, driver: 'macvlan' })).toMatchObject({ code: 'payload.invalid' });
  });

  it('C06 a proposed network upon a foreign bridge gets a free name and a free subnet by default', () => {
    const unmanaged = { options: { mode: 'unmanaged' } };
    const used = { subnets: ['10.89.0.0/24'] };
    expect(propose(unmanaged, { used })).toMatchObject({
      network_interface: 'podman1',
      subnets: [{ subnet: '10.89.1.0/24', gateway: '10.89.1.1' }],
      dns_enabled: true,
    });
    expect(propose({ ...unmanaged, network_interface: 'br7' }, { used })).toMatchObject({
      network_interface: 'br7',
      subnets: [{ subnet: '10.89.1.0/24' }],
    });
    const subnets = [{ subnet: '10.89.0.0/24' }];
    expect(propose({ ...unmanaged, subnets }, { used })).toMatchObject({ subnets, network_interface: 'podman1' });
    expect(propose({ ...unmanaged, ipv6_enabled: true }, { used })).toMatchObject({ subnets: [{}, {}] });
    // when every subnet is taken it shares one
    const one = { subnet_pools: [{ base: '10.89.0.0/24', size: 24 }] };
    expect(propose(unmanaged, { used, options: one })).toMatchObject({ subnets: [{ subnet: '10.89.0.0/24' }] });
  });

  it('C06 a proposed network with IPv6 gets the missing subnets of both families', () => {
    expect(propose({ ipv6_enabled: true, subnets: [{ subnet: 'fd07::/64' }] })).toMatchObject({
      subnets: [
        { subnet: 'fd07::/64', gateway: 'fd07::1' },
        { subnet: '10.89.0.0/24', gateway: '10.89.0.1' },
      ],
    });
    expect(propose({ subnets: [{ subnet: 'fd07::/64' }] })).toMatchObject({
      subnets: [{ subnet: 'fd07::/64' }],
      ipv6_enabled: true,
    });
  });

  it('C06 a proposed network may have a gateway at either end of its subnet', () => {
    for (const gateway of ['10.7.0.0', '10.7.0.255']) {
      const subnets = [{ subnet: '10.7.0.0/24', gateway }];
      expect(propose({ subnets })).toMatchObject({ subnets });
    }
  });

  it("a proposed network keeps options under netavark's names", () => {
    const options = { 'com.docker.network.driver.mtu': '1400', 'com.docker.network.bridge.name': 'br7' };
    expect(propose({ options })).toMatchObject({ options: { mtu: '1400' }, network_interface: 'br7' });
  });

  it('a proposed network gets an IPv6 subnet too on request', () => {
    expect(propose({ ipv6_enabled: true })).toMatchObject({
      subnets: [{ subnet: '10.89.0.0/24' }, { subnet: expect.stringMatching(/^fd.*\/64$/) }],
    });
  });

  it('a proposed network has no gateway where it would have no purpose: internal, and without a resolver', () => {
    expect(propose({ internal: true, dns_enabled: false })).toMatchObject({ subnets: [{ gateway: null }] });
    expect(propose({ internal: true, dns_enabled: true })).toMatchObject({ subnets: [{ gateway: '10.89.0.1' }] });
    const subnets = [{ subnet: '10.7.0.0/24', gateway: '10.7.0.9' }];
    expect(propose({ internal: true, dns_enabled: false, subnets })).toMatchObject({
      subnets: [{ gateway: '10.7.0.9' }],
    });
  });

  it('a proposed network has no names upon a foreign link', () => {
    const subnets = [{ subnet: '198.51.100.0/24' }];
    const network = { driver: 'macvlan', network_interface: 'wan0', dns_enabled: true, subnets };
    expect(propose(network)).toMatchObject({ network_interface: 'wan0', dns_enabled: false });
  });

  it('C13 a proposed network has its addresses from a DHCP server by default when it is a macvlan', () => {
    const network = { driver: 'macvlan', network_interface: 'wan0' };
    expect(propose(network)).toMatchObject({ ipam_options: { driver: 'dhcp' }, subnets: [], dns_enabled: false });
    expect(propose({ ...network, ipam_options: { driver: 'none' } })).toMatchObject({
      ipam_options: { driver: 'none' },
    });
    const unmanaged = { network_interface: 'br0', options: { mode: 'unmanaged' }, ipam_options: { driver: 'dhcp' } };
    expect(propose({ ...unmanaged, dns_enabled: true })).toMatchObject({ dns_enabled: false, subnets: [] });
  });

  it.each([
    ['network already exists', {}, { used: { names: { n1: 'b'.repeat(64) } } }, 'network.exists'],
    ['already in use', { network_interface: 'br0' }, { used: { interfaces: ['br0'] } }, 'link.exists'],
    ['already used', { subnets: [{ subnet: '10.7.0.0/24' }] }, { used: { subnets: ['10.7.0.0/16'] } }, 'subnet.taken'],
    [
      'could not find free subnet',
      {},
      { options: { subnet_pools: [{ base: '10.7.0.0/24', size: 24 }] }, used: { subnets: ['10.0.0.0/8'] } },
      'subnet.exhausted',
    ],
    ['unknown driver overlay', { driver: 'overlay' }, {}, 'mode.unsupported'],
    ['mtu', { options: { mtu: 'many' } }, {}, 'payload.invalid'],
    ['answers no names', { dns_enabled: false, network_dns_servers: ['9.9.9.9'] }, {}, 'payload.invalid'],
    [
      'parent interface lan7',
      { driver: 'macvlan', network_interface: 'lan7', subnets: [{ subnet: '10.7.0.0/24' }] },
      {},
      'link.unknown',
    ],
    ['not supported with ipvlan', { driver: 'ipvlan', network_interface: 'wan0' }, {}, 'mode.unsupported'],
    [
      'needs a subnet',
      { driver: 'macvlan', network_interface: 'wan0', ipam_options: { driver: 'host-local' } },
      {},
      'payload.invalid',
    ],
    ['could not create gateway', { subnets: [{ subnet: '10.7.0.0/31' }] }, {}, 'subnet.invalid'],
    ['outside', { subnets: [{ subnet: '10.7.0.0/24', gateway: '10.8.0.1' }] }, {}, 'address.outside-subnet'],
    [
      'outside',
      { subnets: [{ subnet: '10.7.0.0/24', lease_range: { end_ip: '10.8.0.1' } }] },
      {},
      'address.outside-subnet',
    ],
    [
      'not a subnet',
      { subnets: [{ subnet: '10.7.0.0/24' }], routes: [{ destination: '10.9.0.1/24', gateway: '10.7.0.9' }] },
      {},
      'subnet.invalid',
    ],
  ])('a proposed network is refused with an explanation: %s', (words, network, more, code) => {
    expect(propose(network, more)).toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it('a proposed network may share the bridge of another network when a VLAN keeps them apart, or the bridge is foreign', () => {
    const used = { interfaces: ['br0'] };
    const unmanaged = { options: { mode: 'unmanaged' }, dns_enabled: false, subnets: [{ subnet: '10.7.0.0/24' }] };
    const subnets = ['10.7.0.0/24'];
    expect(propose({ ...unmanaged, network_interface: 'br0' }, { used: { subnets } })).toMatchObject({ id });
    expect(
      propose({ options: { vlan: '7' }, subnets: [{ subnet: '10.7.0.0/24' }] }, { used: { subnets } }),
    ).toMatchObject({
      id,
    });
    for (const more of [{ options: { vlan: '7' } }, unmanaged])
      expect(propose({ network_interface: 'br0', ...more }, { used })).toMatchObject({ network_interface: 'br0' });
  });

  it('a proposed network may overlap a subnet in use when the engine has checked that itself', () => {
    const subnets = [{ subnet: '10.88.0.0/16' }];
    const more = { used: { subnets: ['10.88.0.0/16'] }, options: { check_used_subnets: false } };
    expect(propose({ subnets }, more)).toMatchObject({ subnets: [{ subnet: '10.88.0.0/16', gateway: '10.88.0.1' }] });
  });
});
