import { describe, expect, it } from 'vitest';
import { networkProposalSchema, proposedNetwork } from '../../src/core/network-proposal.ts';

const id = 'a'.repeat(64);

function propose(network: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const proposal = networkProposalSchema.parse({ network: { name: 'n1', id, driver: 'bridge', ...network }, ...more });
  return proposedNetwork(proposal, '2026-01-01T00:00:00Z');
}

describe('a network that an engine is about to define', () => {
  it('gets the first bridge name and the first subnet that nobody has', () => {
    const used = { interfaces: ['podman0', 'podman2'], subnets: ['10.89.0.0/24', '10.89.2.0/23'] };
    expect(propose({}, { used })).toMatchObject({
      id,
      network_interface: 'podman1',
      subnets: [{ subnet: '10.89.1.0/24', gateway: '10.89.1.1' }],
      dns_enabled: true,
      ipam_options: { driver: 'host-local' },
    });
  });

  it('takes names and subnets from where the engine says', () => {
    const options = { default_interface_name: 'nw', subnet_pools: [{ base: '172.20.0.0/16', size: 26 }] };
    expect(propose({}, { used: { subnets: ['172.20.0.0/26'] }, options })).toMatchObject({
      network_interface: 'nw0',
      subnets: [{ subnet: '172.20.0.64/26', gateway: '172.20.0.65' }],
    });
  });

  it('gets an IPv6 subnet beside it when that is asked for', () => {
    expect(propose({ ipv6_enabled: true })).toMatchObject({
      subnets: [{ subnet: '10.89.0.0/24' }, { subnet: expect.stringMatching(/^fd.*\/64$/) }],
    });
  });

  it('has no gateway where nothing would be there: internal, and without a resolver', () => {
    expect(propose({ internal: true, dns_enabled: false })).toMatchObject({ subnets: [{ gateway: null }] });
    expect(propose({ internal: true, dns_enabled: true })).toMatchObject({ subnets: [{ gateway: '10.89.0.1' }] });
    const subnets = [{ subnet: '10.7.0.0/24', gateway: '10.7.0.9' }];
    expect(propose({ internal: true, dns_enabled: false, subnets })).toMatchObject({
      subnets: [{ gateway: '10.7.0.9' }],
    });
  });

  it('is not answered for by name upon somebody else’s link', () => {
    const subnets = [{ subnet: '198.51.100.0/24' }];
    const network = { driver: 'macvlan', network_interface: 'wan0', dns_enabled: true, subnets };
    expect(propose(network)).toMatchObject({ network_interface: 'wan0', dns_enabled: false });
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
    ['no driver overlay', { driver: 'overlay' }, {}, 'mode.unsupported'],
    ['mtu', { options: { mtu: 'many' } }, {}, 'payload.invalid'],
  ])('is refused in words: %s', (words, network, more, code) => {
    expect(propose(network, more)).toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it('may have a bridge that another network has where a VLAN keeps them apart, or nothing is ours', () => {
    const used = { interfaces: ['br0'] };
    const unmanaged = { options: { mode: 'unmanaged' }, dns_enabled: false, subnets: [{ subnet: '10.7.0.0/24' }] };
    for (const more of [{ options: { vlan: '7' } }, unmanaged])
      expect(propose({ network_interface: 'br0', ...more }, { used })).toMatchObject({ network_interface: 'br0' });
  });

  it('may overlap what is in use when the engine has looked itself', () => {
    const subnets = [{ subnet: '10.88.0.0/16' }];
    const more = { used: { subnets: ['10.88.0.0/16'] }, options: { check_used_subnets: false } };
    expect(propose({ subnets }, more)).toMatchObject({ subnets: [{ subnet: '10.88.0.0/16', gateway: '10.88.0.1' }] });
  });
});
