import { describe, expect, it } from 'vitest';
import type { ContainerGrant } from '../../../../src/core/plan/container/grant.ts';
import {
  joinPlan,
  leavePlan,
  setupPlan,
  teardownPlan,
  unlinkPlan,
  verifyPlan,
} from '../../../../src/core/plan/container/plan.ts';
import { unreachableRoute } from '../../../../src/core/plan/container/routes.ts';
import type { Plan } from '../../../../src/core/plan/plan.ts';
import type { PublishedPort } from '../../../../src/core/port.ts';
import { describeStep } from '../../../../src/core/steps/step.ts';
import { leaseOf } from '../../samples.ts';
import { demo, dual, grantOf, lines, second } from './grants.ts';

describe('live changes', () => {
  const onBoth = { networks: [demo, { network: 'back' }] };
  const tcp = { hostPort: 8080, containerPort: 80 };
  const udp = { hostPort: 5300, containerPort: 53, protocol: 'udp' };
  const one = grantOf({ networks: [demo], ports: [tcp, udp] });
  const two = grantOf({ ...onBoth, ports: [tcp, udp] }, [leaseOf(), second]);
  const flushed = ({ steps }: Plan) => steps.filter(({ verb }) => verb === 'conntrack.flush').map(describeStep);

  it('C03 live changes connect a further network by its link and nothing else: ports stay where they are', () => {
    expect(lines(joinPlan(one, two, 7))).toMatchInlineSnapshot(`
      [
        "join, build:",
        "netns.require /netns/netloom-web",
        "nft.replace (none) by sources4 { nl9ff56c578050 . c6:28:62:7f:36:48 . 10.89.1.2 } and 4 more",
        "link.veth nlb0362f948b6d (eth1 in /netns/netloom-web)",
        "link.set nlb0362f948b6d master netloom1 up",
        "link.ipv6 eth1 in /netns/netloom-web",
        "link.set eth1 up in /netns/netloom-web",
        "address.add 10.89.1.2/24 dev eth1 in /netns/netloom-web",
        "route.add 0.0.0.0/0 via 10.89.1.1 in /netns/netloom-web",
        "link.settle nlb0362f948b6d",
      ]
    `);
    const sets = joinPlan(one, two, 7).steps.flatMap((step) =>
      step.verb === 'nft.replace' ? [...step.remove, ...step.add].map(({ set }) => set) : [],
    );
    expect(sets.filter((set) => /^(published|counted)/.test(set))).toEqual([]);
  });

  it('C05 live changes connect the first network with the ports, and forget their flows of UDP', () => {
    const none = grantOf({ ports: [] }, []);
    const { ports } = one;
    expect(lines(joinPlan({ ...none, ports }, one, 7)).slice(2, 5)).toMatchInlineSnapshot(`
      [
        "link.set netloom0 route_localnet=1",
        "nft.replace (none) by published_any4 { tcp . 8080 : 10.89.0.2 . 80 } and 10 more",
        "conntrack.flush 5300->53/udp",
      ]
    `);
    expect(flushed(joinPlan({ ...none, ports }, one, 7))).toEqual(['conntrack.flush 5300->53/udp']);
  });

  it('C05 live changes disconnect the first network after its ports have moved to the next one', () => {
    const after = { ...two, wish: { ...two.wish, attachments: two.wish.attachments.slice(1) } };
    expect(lines(leavePlan('leave', two, after))).toMatchInlineSnapshot(`
      [
        "leave, dismantle:",
        "link.set netloom1 route_localnet=1",
        "nft.replace published_any4 { tcp . 8080 : 10.89.0.2 . 80 }, published_any4 { udp . 5300 : 10.89.0.2 . 53 } by published_any4 { tcp . 8080 : 10.89.1.2 . 80 }, published_any4 { udp . 5300 : 10.89.1.2 . 53 }",
        "conntrack.flush 5300->53/udp",
        "link.delete nl9ff56c578050",
        "nft.replace held_links { nl9ff56c578050 } and 4 more by (none)",
      ]
    `);
  });

  it('live changes publish and unpublish only the elements and flows of the given ports', () => {
    const more = { ...one, ports: [...one.ports, { ...(one.ports[1] as PublishedPort), hostPort: 5400, range: 3 }] };
    expect(lines(joinPlan(one, more, 7))).toMatchInlineSnapshot(`
      [
        "join, build:",
        "nft.replace (none) by published_any4 { udp . 5400 : 10.89.0.2 . 53 } and 5 more",
        "conntrack.flush 5400-5402->53-55/udp",
      ]
    `);
    expect(lines(leavePlan('leave', more, one))).toMatchInlineSnapshot(`
      [
        "leave, dismantle:",
        "nft.replace published_any4 { udp . 5400 : 10.89.0.2 . 53 } and 5 more by (none)",
        "conntrack.flush 5400-5402->53-55/udp",
      ]
    `);
    expect(flushed(joinPlan(one, more, 7))).toEqual(['conntrack.flush 5400-5402->53-55/udp']);
    expect(flushed(leavePlan('leave', one, { ...one, ports: one.ports.slice(1) }))).toEqual([]);
  });
});

describe('routes of networks', () => {
  const blackhole = { destination: '10.66.0.0/16', gateway: null, metric: null, type: 'blackhole' } as const;
  const refused6 = { destination: 'fd66::/48', gateway: null, metric: 7, type: 'prohibit' } as const;
  const across = { destination: '10.77.0.0/16', gateway: '10.89.0.9', metric: null, type: 'unicast' } as const;
  const both = { networks: [demo, { network: 'back' }] };
  const without = (grant: ContainerGrant, network: string): ContainerGrant => ({
    ...grant,
    wish: { ...grant.wish, attachments: grant.wish.attachments.filter((one) => one.network !== network) },
  });
  const routes = ({ steps }: Plan) => steps.filter(({ verb }) => verb.startsWith('route.')).map(describeStep);
  const inside = ' in /netns/netloom-web';

  it('C04 network routes of types that refuse end with their network, and with a container whose namespace stays', () => {
    const request = { mode: 'ns:/run/netns/blue', ...both };
    const grant = grantOf(request, [leaseOf(), { ...second, routes: [blackhole, refused6] }]);
    const deleted = [
      'route.delete blackhole 10.66.0.0/16 in /run/netns/blue',
      'route.delete prohibit fd66::/48 in /run/netns/blue',
    ];
    expect(routes(leavePlan('leave', grant, without(grant, 'back')))).toEqual(deleted);
    expect(routes(teardownPlan(grant))).toEqual(deleted);
    expect(routes(leavePlan('leave', grant, without(grant, 'demo')))).toEqual([]);
    expect(
      routes(teardownPlan(grantOf({ pid: 42, ...both }, [leaseOf(), { ...second, routes: [blackhole] }]))),
    ).toEqual(['route.delete blackhole 10.66.0.0/16 in /netns/netloom-web']);
    expect(routes(teardownPlan(grantOf(both, [leaseOf(), { ...second, routes: [blackhole] }])))).toEqual([]);
  });

  it('C04 network routes of two networks are added once, and stay with either of them', () => {
    const grant = grantOf(both, [leaseOf({ routes: [blackhole] }), { ...second, routes: [blackhole] }]);
    expect(routes(setupPlan(grant)).filter((line) => line.includes('blackhole'))).toHaveLength(1);
    for (const network of ['demo', 'back'])
      expect(routes(leavePlan('leave', grant, without(grant, network)))).toEqual([]);
    // undoing a failed connect takes nothing from the other network
    expect(routes(joinPlan(without(grant, 'back'), grant, 7))).toEqual([`route.add 0.0.0.0/0 via 10.89.1.1${inside}`]);
  });

  it('C04 network routes of another type, or through another gateway, replace one that was removed', () => {
    const grant = grantOf(both, [
      leaseOf({ routes: [blackhole] }),
      { ...second, routes: [{ ...blackhole, type: 'unreachable' }] },
    ]);
    expect(routes(leavePlan('leave', grant, without(grant, 'demo')))).toEqual([
      `route.delete blackhole 10.66.0.0/16${inside}`,
      `route.add unreachable 10.66.0.0/16${inside}`,
    ]);
    // undoing a failed connect takes nothing from the earlier network
    expect(routes(joinPlan(without(grant, 'back'), grant, 7)).join()).not.toContain('10.66.0.0/16');
    const leading = { ...blackhole, type: 'unicast', gateway: '10.89.1.9' } as const;
    const led = grantOf(both, [leaseOf({ routes: [blackhole] }), { ...second, routes: [leading] }]);
    expect(routes(leavePlan('leave', led, without(led, 'demo'))).at(-1)).toBe(
      `route.add 10.66.0.0/16 via 10.89.1.9${inside}`,
    );
  });

  it('C05 network routes use the network that has the gateway, after all addresses are set', () => {
    const across6 = { destination: 'fd77::/48', gateway: 'fd00::9', metric: null, type: 'unicast' } as const;
    const leases = [dual, { ...second, routes: [across, across6] }];
    for (const networks of [both.networks, both.networks.toReversed()]) {
      const grant = grantOf({ networks }, leases);
      expect(unreachableRoute(grant)).toBeNull();
      const steps = setupPlan(grant).steps;
      const last = steps.findLastIndex(({ verb }) => verb === 'address.add');
      const link = grant.wish.attachments.find(({ network }) => network === 'demo')?.interfaceName;
      for (const destination of [across.destination, across6.destination]) {
        const at = steps.findIndex((step) => step.verb === 'route.add' && step.destination === destination);
        expect(at).toBeGreaterThan(last);
        expect(steps[at]).toMatchObject({ link });
      }
    }
  });

  it('C05 network routes without a reachable gateway are listed; an address of the link itself is its own', () => {
    const alone = grantOf({ networks: [{ network: 'back' }] }, [{ ...second, routes: [across] }]);
    expect(unreachableRoute(alone)).toEqual({
      code: 'route.unreachable',
      message:
        'network back: its route to 10.77.0.0/16 leads through 10.89.0.9, which is on no network of container web',
    });
    const local = { destination: 'fd77::/48', gateway: 'fe80::9', metric: null, type: 'unicast' } as const;
    expect(unreachableRoute(grantOf({ networks: [demo] }, [leaseOf({ routes: [local] })]))).toBeNull();
    expect(routes(verifyPlan(alone, 7))).toEqual([`route.add 0.0.0.0/0 via 10.89.1.1${inside}`]);
  });

  it('C05 N14 network routes have no broadcast address as a gateway, except for default routes', () => {
    const dead = { ...across, gateway: '10.89.0.255' };
    const grant = grantOf(both, [leaseOf(), { ...second, routes: [dead] }]);
    expect(unreachableRoute(grant)).toMatchObject({ code: 'route.unreachable' });
    const addresses = [{ address: '10.89.0.2', prefixLength: 24, gateway: '10.89.0.255' }];
    const led = (more = {}) => unreachableRoute(grantOf({ networks: [demo] }, [leaseOf({ addresses, ...more })]));
    expect(led()).toEqual({
      code: 'route.unreachable',
      message: 'network demo: its gateway 10.89.0.255 is the broadcast address of its subnet; give it another gateway',
    });
    expect(led({ internal: true })).toBeNull();
    expect(led({ defaultRoute: false })).toBeNull();
  });

  it('C05 network routes are left out for the container that is their gateway', () => {
    const route = { ...across, gateway: '10.89.0.2' };
    const grant = grantOf(both, [leaseOf(), { ...second, routes: [route] }]);
    expect(unreachableRoute(grant)).toBeNull();
    expect(routes(setupPlan(grant)).join()).not.toContain(route.destination);
  });

  it('C05 network routes are restored with the network of their gateway, and removed with their own', () => {
    const grant = grantOf({ networks: [{ network: 'back' }, demo] }, [leaseOf(), { ...second, routes: [across] }]);
    const line = `10.77.0.0/16 via 10.89.0.9${inside}`;
    expect(routes(joinPlan(without(grant, 'demo'), grant, 7))).toContain(`route.add ${line}`);
    expect(routes(leavePlan('leave', grant, without(grant, 'back')))).toEqual([`route.delete ${line}`]);
    expect(routes(leavePlan('leave', grant, without(grant, 'demo')))).toEqual([]);
  });
});

describe("C15 the name of the host's end", () => {
  const named = grantOf({ networks: [{ ...demo, hostInterfaceName: 'veth-web' }] });
  const alias = 'netloom container/web network/demo';

  it("C15 the name of the host's end is checked before anything is built, and is used for the link everywhere", () => {
    expect(setupPlan(named).steps[0]).toEqual({
      verb: 'link.vacant',
      name: 'veth-web',
      peer: { netns: '/netns/netloom-web', name: 'eth0' },
    });
    const text = JSON.stringify([setupPlan(named), teardownPlan(named), unlinkPlan(named), verifyPlan(named, 7)]);
    expect(text).not.toMatch(/nl[0-9a-f]{12}/);
    expect(setupPlan(named).steps).toContainEqual(
      expect.objectContaining({ verb: 'link.set', name: 'veth-web', alias }),
    );
  });

  it("C15 the name of the host's end is removed only when its link belongs to the container", () => {
    expect(unlinkPlan(named).steps[0]).toMatchObject({ verb: 'link.gone', name: 'veth-web', alias });
    const blue = grantOf({ mode: 'ns:/run/netns/blue', networks: [{ ...demo, hostInterfaceName: 'veth-web' }] });
    for (const grant of [blue, named])
      expect(teardownPlan(grant).steps).toContainEqual({ verb: 'link.cut', name: 'veth-web', alias });
    const none = { ...named, wish: { ...named.wish, attachments: [] } };
    expect(leavePlan('leave', named, none).steps).toContainEqual({
      verb: 'link.delete',
      netns: null,
      name: 'veth-web',
      alias,
    });
    expect(joinPlan(none, named, 7).steps[1]).toMatchObject({ verb: 'link.vacant', name: 'veth-web' });
  });

  it("C15 the name of the host's end has no effect upon a parent, where there is no host end", () => {
    const link = { kind: 'macvlan', parent: 'up0', mode: 'bridge', broadcastLimit: null } as const;
    const upon = grantOf({ networks: [{ ...demo, hostInterfaceName: 'veth-web' }] }, [leaseOf({ link })]);
    expect(JSON.stringify([setupPlan(upon), teardownPlan(upon), unlinkPlan(upon)])).not.toContain('veth-web');
  });
});
