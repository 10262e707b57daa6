import { describe, expect, it } from 'vitest';
import type { ContainerRequest } from '../../../../src/core/container/request.ts';
import type { DhcpTerms } from '../../../../src/core/dhcp/terms.ts';
import { type Lease, withTerms } from '../../../../src/core/lease/lease.ts';
import { withoutTerms } from '../../../../src/core/plan/container/dhcp.ts';
import type { ContainerGrant } from '../../../../src/core/plan/container/grant.ts';
import { addressPlan, leavePlan, setupPlan, teardownPlan } from '../../../../src/core/plan/container/plan.ts';
import { unreachableRoute } from '../../../../src/core/plan/container/routes.ts';
import { statusBlocks } from '../../../../src/core/plan/container/status.ts';
import { leaseOf, termsOf } from '../../samples.ts';
import { grantOf, lines, second } from './grants.ts';

describe('C13 a container whose address a DHCP server gives', () => {
  const bare = withTerms(
    leaseOf({
      network: 'lan',
      link: { kind: 'macvlan', parent: 'eth0', mode: 'bridge', broadcastLimit: null },
      macAddress: '02:00:00:00:00:07',
      dhcp: { attempt: 1, terms: null },
    }),
    null,
  );
  const attachments = [{ network: 'lan' }, { network: 'back' }];
  const on = (terms: Partial<DhcpTerms> | null, more: Partial<ContainerRequest> = {}, lease: Partial<Lease> = {}) =>
    grantOf({ networks: attachments, ...more }, [{ ...withTerms(bare, terms && termsOf(terms)), ...lease }, second]);
  const stepsOf = (before: ContainerGrant, after: ContainerGrant) =>
    lines(addressPlan('address', before, after, 7)).slice(2);

  it("B14 a container with DHCP may send only from its address on netloom's bridges, whatever the server gives", () => {
    const gateway = on({ address: '10.89.1.1', prefixLength: 24, gateway: null });
    expect(JSON.stringify([addressPlan('address', on(null), gateway, 7), setupPlan(gateway)])).not.toMatch(
      /"sources4"[^}]*"10\.89\.1\.1"|"free_macs"/,
    );
  });

  it('a container with DHCP keeps the routes of its networks, and the subnets of the others, from routes of the server', () => {
    const blackhole = { destination: '10.66.0.0/16', gateway: null, metric: null, type: 'blackhole' } as const;
    const routes = [
      { destination: '10.66.0.0/16', gateway: '192.0.2.9' },
      { destination: '10.89.1.0/25', gateway: '192.0.2.9' },
      { destination: '10.89.0.0/16', gateway: '192.0.2.9' },
    ];
    const given = stepsOf(on(null, {}, { routes: [blackhole] }), on({ routes }, {}, { routes: [blackhole] }));
    const server = given.filter((step) => step.startsWith('route.add') && step.includes('192.0.2.9'));
    expect(server).toEqual(['route.add 10.89.0.0/16 via 192.0.2.9 in /netns/netloom-web']);
  });

  it('a container with DHCP gets no routes to halves of all addresses when its network has no default route', () => {
    const halves = ['0.0.0.0/1', '128.0.0.0/1'].map((destination) => ({ destination, gateway: '192.0.2.9' }));
    const quiet = { defaultRoute: false };
    const given = stepsOf(on(null, {}, quiet), on({ routes: halves }, {}, quiet));
    expect(given.filter((step) => step.startsWith('route'))).toEqual([]);
  });

  it('a container with DHCP uses that network for outbound traffic as any LAN, and yields to it elsewhere', () => {
    const lan = grantOf({ networks: [{ network: 'lan' }, { network: 'other' }] }, [
      withTerms(bare, termsOf()),
      withTerms({ ...bare, network: 'other' }, termsOf({ address: '198.51.100.7', gateway: '198.51.100.1' })),
    ]);
    const routes = (grant: ContainerGrant, from: ContainerGrant) =>
      addressPlan('address', from, grant, 7).steps.flatMap((step) =>
        step.verb === 'route.add' || step.verb === 'route.delete'
          ? [`${step.verb} ${step.gateway} ${step.metric}`]
          : [],
      );
    expect(routes(lan, withoutTerms(lan, ['lan']))).toEqual([
      'route.delete 198.51.100.1 99',
      'route.add 192.0.2.1 99',
      'route.add 198.51.100.1 101',
    ]);
  });

  it('a container with DHCP reaches a gateway beyond its subnet by the link, before its routes', () => {
    const routes = [
      { destination: '10.1.0.0/16', gateway: '10.0.0.9' },
      { destination: '10.0.0.0/24', gateway: null },
    ];
    const given = stepsOf(on(null), on({ prefixLength: 32, gateway: '10.0.0.1', routes }));
    expect(given.filter((step) => step.startsWith('route'))).toEqual([
      'route.add 10.0.0.0/24 in /netns/netloom-web',
      'route.add 0.0.0.0/0 via 10.0.0.1 in /netns/netloom-web',
      'route.add 10.1.0.0/16 via 10.0.0.9 in /netns/netloom-web',
    ]);
  });

  it('C05 a container with DHCP reaches on-link destinations of the server, on two links by two routes', () => {
    const onLink = { prefixLength: 32, gateway: '10.0.0.1', routes: [{ destination: '10.0.0.1/32', gateway: null }] };
    const through = { destination: '10.9.0.0/16', gateway: '10.0.0.1', metric: null, type: 'unicast' } as const;
    expect(unreachableRoute(on(onLink, {}, { routes: [through] }))).toBeNull();
    const both = grantOf({ networks: [{ network: 'lan' }, { network: 'other' }] }, [
      withTerms(bare, termsOf(onLink)),
      withTerms({ ...bare, network: 'other' }, termsOf({ ...onLink, address: '192.0.2.8' })),
    ]);
    const metrics = setupPlan(both).steps.flatMap((step) =>
      step.verb === 'route.add' && step.destination === '10.0.0.1/32' ? [[step.link, step.metric]] : [],
    );
    expect(metrics).toEqual([
      ['eth0', 100],
      ['eth1', 101],
    ]);
  });

  it('a container with DHCP has no routes on an internal network', () => {
    const routes = [{ destination: '10.1.0.0/16', gateway: '192.0.2.9' }];
    const given = stepsOf(on(null, {}, { internal: true }), on({ routes }, {}, { internal: true }));
    expect(given.filter((step) => step.startsWith('route'))).toEqual([]);
  });

  it('a container with DHCP asks the name servers of its wish before those of the server', () => {
    expect(statusBlocks(on({})).lan).toMatchObject({
      dns_server_ips: ['192.0.2.53'],
      dns_search_domains: ['lan.example'],
    });
    expect(statusBlocks(on({}, { dnsServers: ['203.0.113.53'] })).lan?.dns_server_ips).toEqual(['203.0.113.53']);
    expect(statusBlocks(on(null)).lan).toMatchObject({ dns_server_ips: [], dns_search_domains: [] });
  });

  it('a container with DHCP releases its former address first, and changes nothing while everything stays the same', () => {
    expect(teardownPlan(on({})).steps[0]).toMatchObject({
      verb: 'dhcp.release',
      owner: 'dhcp/web/lan',
      place: { link: 'eth0', macAddress: '02:00:00:00:00:07', hostName: 'web', otherSubnets: ['10.89.1.2/24'] },
      lease: { address: '192.0.2.7', server: '192.0.2.1', serverMac: '02:00:00:00:00:01' },
    });
    expect(teardownPlan(on(null)).steps[0]).toMatchObject({ verb: 'dhcp.release', lease: null });
    expect(leavePlan('leave', on({}), grantOf({ networks: [{ network: 'back' }] }, [second])).steps[0]?.verb).toBe(
      'dhcp.release',
    );
    expect(stepsOf(on({}), on({ times: { renewAt: 1, rebindAt: 2, expiresAt: 3 } }))).toEqual([]);
  });
});
