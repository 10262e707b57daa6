import { describe, expect, it } from 'vitest';
import type { ContainerRequest } from '../../../../src/core/container/request.ts';
import { fileOf } from '../../../../src/core/network/file.ts';
import { derivedMac } from '../../../../src/core/object-names.ts';
import { namesLeftOut } from '../../../../src/core/plan/container/dns.ts';
import type { ContainerGrant } from '../../../../src/core/plan/container/grant.ts';
import { joinPlan, setupPlan, verifyPlan } from '../../../../src/core/plan/container/plan.ts';
import { statusBlocks } from '../../../../src/core/plan/container/status.ts';
import { definitionOf, leaseOf } from '../../samples.ts';
import { demo, dual, grantOf, shapes } from './grants.ts';

describe('C01 status blocks', () => {
  it("C01 status blocks have interface, MAC, addresses and gateways of each network, in podman's shape", () => {
    expect(statusBlocks(grantOf({ networks: [{ ...demo, staticMac: '02:00:00:00:00:07' }] }, [dual]))).toEqual({
      demo: {
        interfaces: {
          eth0: {
            mac_address: '02:00:00:00:00:07',
            subnets: [
              { ipnet: '10.89.0.2/24', gateway: '10.89.0.1' },
              { ipnet: 'fd00::2/64', gateway: 'fd00::1' },
            ],
          },
        },
        dns_server_ips: [],
        dns_search_domains: [],
      },
    });
  });

  it('N20 status blocks have the name servers of the container where the network has no resolver', () => {
    const dns = { servers: ['10.89.0.1'], searchDomains: ['dns.netloom'] };
    const wish = { networks: [demo], dnsServers: ['8.8.8.8'] };
    expect(statusBlocks(grantOf(wish))).toMatchObject({ demo: { dns_server_ips: ['8.8.8.8'] } });
    expect(statusBlocks(grantOf(wish, [leaseOf({ dns })]))).toMatchObject({ demo: { dns_server_ips: ['10.89.0.1'] } });
  });

  it('C01 status blocks have no gateway without a way out', () => {
    expect(statusBlocks(shapes.internal)).toMatchObject({
      demo: { interfaces: { eth0: { subnets: [{ ipnet: '10.89.0.2/24' }] } } },
    });
    expect(JSON.stringify(statusBlocks(shapes.internal))).not.toContain('gateway');
  });

  it('C01 status blocks have the MAC that the plan gives to the link', () => {
    const veth = setupPlan(shapes.bridge).steps.find((step) => step.verb === 'link.veth');
    expect(statusBlocks(shapes.bridge)).toMatchObject({
      demo: { interfaces: { eth0: { mac_address: veth?.verb === 'link.veth' ? veth.peer.macAddress : null } } },
    });
  });
});

describe('MAC addresses', () => {
  const veths = (grant: ContainerGrant) =>
    setupPlan(grant).steps.flatMap((step) => (step.verb === 'link.veth' ? step.peer.macAddress : []));
  const macs = (grant: ContainerGrant) =>
    Object.values(statusBlocks(grant)).flatMap(({ interfaces }) =>
      Object.values(interfaces).map(({ mac_address }) => mac_address),
    );

  it('N02 MAC addresses are those of the lease, and recorded in its status', () => {
    const grant = grantOf({ networks: [demo] }, [leaseOf({ macAddress: '02:00:00:00:00:05' })]);
    expect(veths(grant)).toEqual(['02:00:00:00:00:05']);
    expect(macs(grant)).toEqual(['02:00:00:00:00:05']);
  });

  it("N02 MAC addresses of a lease of journal version 9 stay unchanged: requested, or the container's own", () => {
    const own = grantOf({ networks: [demo] }, [leaseOf()]);
    expect(veths(own)).toEqual([derivedMac('web/demo')]);
    const asked = grantOf({ networks: [{ ...demo, staticMac: '02:00:00:00:00:06' }] }, [leaseOf()]);
    expect([veths(asked), macs(asked)]).toEqual([['02:00:00:00:00:06'], ['02:00:00:00:00:06']]);
  });

  it('N02 MAC addresses that neighbours may not know yet are announced last in the namespace, by connects and verifications too', () => {
    const grant = grantOf({ networks: [demo] }, [leaseOf({ announced: ['10.89.0.2'] })]);
    const announce = { verb: 'address.announce', netns: grant.netns, link: 'eth0', addresses: ['10.89.0.2'] };
    const before = { ...grant, wish: { ...grant.wish, attachments: [] } };
    for (const { steps } of [setupPlan(grant), joinPlan(before, grant, 1), verifyPlan(grant, 1)]) {
      expect(steps).toContainEqual(announce);
      const last = steps.findLastIndex((step) => 'netns' in step && step.netns === grant.netns);
      expect(steps[last]).toEqual(announce);
    }
    expect(setupPlan(grantOf({ networks: [demo] })).steps.map(({ verb }) => verb)).not.toContain('address.announce');
  });
});

describe('N15 the names of a container', () => {
  const dns = { servers: ['10.89.0.1'], searchDomains: ['dns.netloom'] };
  const named = (request: Partial<ContainerRequest>, lease = leaseOf({ dns })) => grantOf(request, [lease]);
  const told = (grant: ContainerGrant) => setupPlan(grant).steps.filter(({ verb }) => verb === 'dns.add');
  const long = 'x'.repeat(64);
  const brought = { ...demo, aliases: ['shop', '', long], definition: fileOf(definitionOf({ name: 'demo' })) };

  it('N15 the names of a container are its own, its aliases and its short ID; names that are invalid in DNS are left out and reported', () => {
    const grant = named({ id: 'web', name: 'front', networks: [brought] });
    expect(told(grant)).toMatchObject([{ names: ['front', 'shop', 'web'] }]);
    expect(namesLeftOut(grant)).toEqual([{ network: 'demo', names: ['', long] }]);
    expect(namesLeftOut(grant, 'back')).toEqual([]);
    expect(namesLeftOut(named({ id: 'web', networks: [brought] }, leaseOf()))).toEqual([]);
    expect(namesLeftOut(named({ id: long, networks: [demo] }))).toEqual([{ network: 'demo', names: [long] }]);
  });

  it("C09 the names of a container are under podman's domain when podman brought the network", () => {
    expect(told(named({ networks: [brought] }))).toMatchObject([{ domain: 'dns.podman' }]);
    expect(told(named({ networks: [demo] }))[0]).not.toHaveProperty('domain');
  });
});
