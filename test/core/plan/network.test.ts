import { describe, expect, it } from 'vitest';
import type { NetworkRequest } from '../../../src/core/network/request.ts';
import { lowerPlan, raisePlan, updatePlan } from '../../../src/core/plan/network.ts';
import { describeStep, inverse } from '../../../src/core/steps/step.ts';
import { definitionOf } from '../samples.ts';

const grantOf = (request: Partial<NetworkRequest> = {}) => ({
  definition: definitionOf(request),
  searchDomain: 'dns.netloom',
});
const raised = (request: Partial<NetworkRequest>) => raisePlan(grantOf(request)).steps.map(describeStep);
const lowered = (request: Partial<NetworkRequest>) => lowerPlan(grantOf(request)).steps.map(describeStep);
const dual = { subnets: [{ subnet: '10.89.0.0/24' }, { subnet: 'fd00::/64' }] };

describe('the plans of a network', () => {
  it('the plans of a network have bridge, gateway, forwarding and elements for IPv4', () => {
    expect(raised({})).toMatchInlineSnapshot(`
      [
        "link.bridge netloom0",
        "link.ipv6 netloom0",
        "link.set netloom0 up route_localnet=0",
        "address.add 10.89.0.1/24 dev netloom0",
        "settings.persist netloom0",
        "nft.add same_network4 { 10.89.0.0/24 . 10.89.0.0/24 }, same_link { netloom0 . netloom0 }, network_links { netloom0 }, subnets4 { 10.89.0.0/24 }",
        "firewalld.trust 10.89.0.0/24",
        "dns.serve demo at 10.89.0.1",
        "link.find netloom0",
      ]
    `);
    expect(lowered({})).toMatchInlineSnapshot(`
      [
        "dns.retire demo",
        "nft.delete same_network4 { 10.89.0.0/24 . 10.89.0.0/24 }, same_link { netloom0 . netloom0 }, network_links { netloom0 }, subnets4 { 10.89.0.0/24 }",
        "address.delete 10.89.0.1/24 dev netloom0",
        "link.delete netloom0",
        "settings.forget netloom0",
        "firewalld.distrust 10.89.0.0/24",
        "definition.remove demo",
      ]
    `);
  });

  it('N19 the plans of a network have only the elements that allow traffic, and names, for a network without rules; firewalld is not asked', () => {
    const definition = { ...definitionOf({ ...dual, options: { isolate: 'strict' } }), firewall: 'none' as const };
    const grant = { definition, searchDomain: 'dns.netloom' };
    const elements = 'same_link { netloom0 . netloom0 }, network_links { netloom0 }, open_links { netloom0 }';
    const steps = raisePlan(grant).steps.map(describeStep);
    expect(steps).toContain(`nft.add ${elements}`);
    expect(steps).toContain('dns.serve demo at 10.89.0.1, fd00::1');
    expect(steps.join()).not.toContain('firewalld');
    const lower = lowerPlan(grant).steps.map(describeStep);
    expect(lower).toContain(`nft.delete ${elements}`);
    expect(lower.join()).not.toContain('firewalld');
    const { firewall: _, ...ruled } = definition;
    const changes = updatePlan(definition, { ...grant, definition: ruled }, { isUp: true, writes: false });
    expect(changes.steps.map(({ verb }) => verb)).toEqual(['nft.replace', 'firewalld.trust', 'dns.serve']);
    const back = updatePlan(ruled, grant, { isUp: true, writes: false });
    expect(back.steps.map(({ verb }) => verb)).toEqual(['nft.replace', 'firewalld.distrust', 'dns.serve']);
  });

  it('the plans of a network have elements of both families', () => {
    expect(raised(dual)).toMatchInlineSnapshot(`
      [
        "link.bridge netloom0",
        "link.ipv6 netloom0",
        "link.set netloom0 up route_localnet=0",
        "address.add fe80::b40b:93ff:fe36:f272/64 dev netloom0",
        "address.add 10.89.0.1/24 dev netloom0",
        "address.add fd00::1/64 dev netloom0",
        "settings.persist netloom0",
        "nft.add same_network4 { 10.89.0.0/24 . 10.89.0.0/24 } and 5 more",
        "firewalld.trust 10.89.0.0/24, fd00::/64",
        "dns.serve demo at 10.89.0.1, fd00::1",
        "link.find netloom0",
      ]
    `);
    expect(lowered(dual)).toMatchInlineSnapshot(`
      [
        "dns.retire demo",
        "nft.delete same_network4 { 10.89.0.0/24 . 10.89.0.0/24 } and 5 more",
        "address.delete fe80::b40b:93ff:fe36:f272/64 dev netloom0",
        "address.delete 10.89.0.1/24 dev netloom0",
        "address.delete fd00::1/64 dev netloom0",
        "link.delete netloom0",
        "settings.forget netloom0",
        "firewalld.distrust 10.89.0.0/24, fd00::/64",
        "definition.remove demo",
      ]
    `);
  });

  it('the plans of a network forward and masquerade nothing for an internal network', () => {
    expect(raised({ internal: true })).toMatchInlineSnapshot(`
      [
        "link.bridge netloom0",
        "link.ipv6 netloom0",
        "link.set netloom0 up",
        "address.add 10.89.0.1/24 dev netloom0",
        "settings.persist netloom0",
        "nft.add same_network4 { 10.89.0.0/24 . 10.89.0.0/24 }, same_link { netloom0 . netloom0 }, network_links { netloom0 }, internal_links { netloom0 }",
        "firewalld.trust 10.89.0.0/24",
        "dns.serve demo at 10.89.0.1",
        "link.find netloom0",
      ]
    `);
    expect(lowered({ internal: true })).toMatchInlineSnapshot(`
      [
        "dns.retire demo",
        "nft.delete same_network4 { 10.89.0.0/24 . 10.89.0.0/24 }, same_link { netloom0 . netloom0 }, network_links { netloom0 }, internal_links { netloom0 }",
        "address.delete 10.89.0.1/24 dev netloom0",
        "link.delete netloom0",
        "settings.forget netloom0",
        "firewalld.distrust 10.89.0.0/24",
        "definition.remove demo",
      ]
    `);
    expect(raisePlan(grantOf({ internal: true })).steps[2]).toMatchObject({ ipv4: { forwarding: false } });
  });

  it('the plans of a network give the bridge the requested MTU and a permanent MAC of its own', () => {
    expect(raisePlan(grantOf({ options: { mtu: '1400' } })).steps[0]).toEqual({
      verb: 'link.bridge',
      name: 'netloom0',
      macAddress: expect.stringMatching(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/),
      mtuBytes: 1400,
    });
    expect(raisePlan(grantOf())).toEqual(raisePlan(grantOf()));
  });

  it('the plans of a network set nothing of IPv6 on a bridge whose MTU has no room for it', () => {
    const settingsWith = (mtu: string) => raisePlan(grantOf({ options: { mtu } })).steps;
    expect(settingsWith('1280')[2]).toMatchObject({ verb: 'link.set', ipv6AddressGeneration: 'none' });
    expect(settingsWith('1279')[1]).toMatchObject({ verb: 'link.set' });
    expect(settingsWith('1279')[1]).not.toHaveProperty('ipv6AddressGeneration');
  });

  it('B07 the plans of a network have an inverse for every step that needs one', () => {
    const needNone = ['link.set', 'link.ipv6', 'link.find', 'sysctl.set'];
    for (const request of [{}, dual, { internal: true }])
      for (const step of raisePlan(grantOf(request)).steps)
        if (!needNone.includes(step.verb)) expect(inverse(step), describeStep(step)).not.toBeNull();
  });
});
