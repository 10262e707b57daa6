import { describe, expect, it } from 'vitest';
import { containerAddress } from '../../../src/core/actor-address.ts';
import type { ContainerRequest } from '../../../src/core/container/request.ts';
import type { DhcpTerms } from '../../../src/core/dhcp/terms.ts';
import { type Lease, withTerms } from '../../../src/core/lease/lease.ts';
import { fileOf } from '../../../src/core/network/file.ts';
import { derivedMac, kernelName, ownerMark } from '../../../src/core/object-names.ts';
import { withoutTerms } from '../../../src/core/plan/container/dhcp.ts';
import { namesLeftOut } from '../../../src/core/plan/container/dns.ts';
import { type ContainerGrant, netnsOf, ownsNetns } from '../../../src/core/plan/container/grant.ts';
import {
  addressPlan,
  joinPlan,
  leavePlan,
  setupPlan,
  teardownPlan,
  unlinkPlan,
  verifyPlan,
} from '../../../src/core/plan/container/plan.ts';
import { lookPlan, watchPlan } from '../../../src/core/plan/container/process.ts';
import { unreachableRoute } from '../../../src/core/plan/container/routes.ts';
import { statusBlocks } from '../../../src/core/plan/container/status.ts';
import type { Plan } from '../../../src/core/plan/plan.ts';
import type { PublishedPort } from '../../../src/core/port.ts';
import { describeStep, inverse } from '../../../src/core/steps/step.ts';
import { definitionOf, leaseOf, termsOf, v6, wishOf } from '../samples.ts';

const demo = { network: 'demo' };

function grantOf(request: Partial<ContainerRequest>, leases: Lease[] = [leaseOf()]): ContainerGrant {
  const wish = wishOf(request);
  return {
    wish,
    netns: netnsOf(wish, '/netns', wish.netns.kind === 'container' ? '/netns/netloom-db' : null),
    leases: Object.fromEntries(leases.map((lease) => [lease.network, lease])),
    ports: wish.ports.map((port) => ({ ...port, hostPort: port.hostPort || 40_000 })),
  };
}

const lines = ({ purpose, kind, steps }: Plan) => [`${purpose.kind}, ${kind}:`, ...steps.map(describeStep)];
const plans = (grant: ContainerGrant) => [setupPlan(grant), teardownPlan(grant), unlinkPlan(grant)].flatMap(lines);

const second = leaseOf({
  network: 'back',
  link: { kind: 'bridge', bridge: 'netloom1', vlanId: null, published: true, spoofing: 'guarded' },
  addresses: [{ address: '10.89.1.2', prefixLength: 24, gateway: '10.89.1.1' }],
});
const dual = leaseOf({ addresses: [...leaseOf().addresses, v6] });

/** Every shape of container. */
const shapes = {
  bridge: grantOf({ networks: [demo], ports: [{ hostPort: 8080, containerPort: 80 }] }),
  dual: grantOf({ networks: [demo], ports: [{ hostPort: 8080, containerPort: 80 }] }, [dual]),
  two: grantOf({ networks: [demo, { network: 'back' }], ports: [{ hostPort: 8080, containerPort: 80 }] }, [
    leaseOf(),
    second,
  ]),
  internal: grantOf({ networks: [demo] }, [leaseOf({ internal: true })]),
  ranges: grantOf({
    networks: [demo],
    ports: [
      { hostPort: 8000, containerPort: 8000, range: 100 },
      { hostIp: '127.0.0.1', hostPort: 9000, containerPort: 90, range: 2, protocol: 'tcp,udp' },
    ],
  }),
  none: grantOf({ mode: 'none' }, []),
  unattached: grantOf({}, []),
  path: grantOf({ mode: 'ns:/run/netns/blue', networks: [demo] }),
  adopt: grantOf({ pid: 42, networks: [demo] }),
  shared: grantOf({ mode: 'container:db' }, []),
};

describe('the plans of a container', () => {
  it('the plans for a container on a bridge have both ends, address, route, port; a teardown by the namespace', () => {
    expect(plans(shapes.bridge)).toMatchInlineSnapshot(`
      [
        "setup, build:",
        "netns.create /netns/netloom-web",
        "nft.add published_any4 { tcp . 8080 : 10.89.0.2 . 80 } and 6 more",
        "link.veth nl9ff56c578050 (eth0 in /netns/netloom-web)",
        "link.set nl9ff56c578050 master netloom0 up",
        "link.set netloom0 route_localnet=1",
        "link.set lo up in /netns/netloom-web",
        "link.set eth0 up in /netns/netloom-web",
        "address.add 10.89.0.2/24 dev eth0 in /netns/netloom-web",
        "route.add 0.0.0.0/0 via 10.89.0.1 in /netns/netloom-web",
        "link.settle nl9ff56c578050",
        "teardown, dismantle:",
        "process.unwatch",
        "netns.unwatch",
        "nft.delete published_any4 { tcp . 8080 : 10.89.0.2 . 80 }, counted_any4 { original . tcp . 8080 }, counted_any4 { reply . tcp . 8080 }, refused_loopback6 { tcp . 8080 }",
        "netns.remove /netns/netloom-web",
        "unlink, dismantle:",
        "link.gone nl9ff56c578050",
        "nft.delete held_links { nl9ff56c578050 }, leased_macs { nl9ff56c578050 . c6:28:62:7f:36:48 }, sources4 { nl9ff56c578050 . c6:28:62:7f:36:48 . 10.89.0.2 }",
      ]
    `);
  });

  it('the plans for a container with both families have an address, a route and an element for each', () => {
    expect(plans(shapes.dual)).toMatchInlineSnapshot(`
      [
        "setup, build:",
        "netns.create /netns/netloom-web",
        "nft.add published_any4 { tcp . 8080 : 10.89.0.2 . 80 } and 10 more",
        "link.veth nl9ff56c578050 (eth0 in /netns/netloom-web)",
        "link.set nl9ff56c578050 master netloom0 up",
        "link.set netloom0 route_localnet=1",
        "link.set lo up in /netns/netloom-web",
        "link.set eth0 up in /netns/netloom-web",
        "address.add 10.89.0.2/24 dev eth0 in /netns/netloom-web",
        "address.add fd00::2/64 dev eth0 in /netns/netloom-web",
        "route.add 0.0.0.0/0 via 10.89.0.1 in /netns/netloom-web",
        "route.add ::/0 via fd00::1 in /netns/netloom-web",
        "link.settle nl9ff56c578050",
        "address.settle fd00::2 in /netns/netloom-web",
        "teardown, dismantle:",
        "process.unwatch",
        "netns.unwatch",
        "nft.delete published_any4 { tcp . 8080 : 10.89.0.2 . 80 } and 6 more",
        "netns.remove /netns/netloom-web",
        "unlink, dismantle:",
        "link.gone nl9ff56c578050",
        "nft.delete held_links { nl9ff56c578050 }, leased_macs { nl9ff56c578050 . c6:28:62:7f:36:48 }, sources4 { nl9ff56c578050 . c6:28:62:7f:36:48 . 10.89.0.2 }, sources6 { nl9ff56c578050 . c6:28:62:7f:36:48 . fd00::2 }",
      ]
    `);
  });

  it('the plans for a container on two networks lead outside by the first, and publish ports on it', () => {
    expect(plans(shapes.two)).toMatchInlineSnapshot(`
      [
        "setup, build:",
        "netns.create /netns/netloom-web",
        "nft.add published_any4 { tcp . 8080 : 10.89.0.2 . 80 } and 11 more",
        "link.veth nl9ff56c578050 (eth0 in /netns/netloom-web)",
        "link.set nl9ff56c578050 master netloom0 up",
        "link.veth nlb0362f948b6d (eth1 in /netns/netloom-web)",
        "link.set nlb0362f948b6d master netloom1 up",
        "link.set netloom0 route_localnet=1",
        "link.set lo up in /netns/netloom-web",
        "link.set eth0 up in /netns/netloom-web",
        "address.add 10.89.0.2/24 dev eth0 in /netns/netloom-web",
        "link.set eth1 up in /netns/netloom-web",
        "address.add 10.89.1.2/24 dev eth1 in /netns/netloom-web",
        "route.add 0.0.0.0/0 via 10.89.0.1 in /netns/netloom-web",
        "route.add 0.0.0.0/0 via 10.89.1.1 in /netns/netloom-web",
        "link.settle nl9ff56c578050",
        "link.settle nlb0362f948b6d",
        "teardown, dismantle:",
        "process.unwatch",
        "netns.unwatch",
        "nft.delete published_any4 { tcp . 8080 : 10.89.0.2 . 80 }, counted_any4 { original . tcp . 8080 }, counted_any4 { reply . tcp . 8080 }, refused_loopback6 { tcp . 8080 }",
        "netns.remove /netns/netloom-web",
        "unlink, dismantle:",
        "link.gone nl9ff56c578050",
        "link.gone nlb0362f948b6d",
        "nft.delete held_links { nl9ff56c578050 } and 7 more",
      ]
    `);
    const metrics = setupPlan(shapes.two).steps.flatMap((step) => (step.verb === 'route.add' ? [step.metric] : []));
    expect(metrics).toEqual([100, 101]);
  });

  it('C12 the plans for a container upon a parent and on a bridge lead outside by the parent first, and by the other when it goes', () => {
    const link = { kind: 'macvlan', parent: 'eth9', mode: 'bridge', broadcastLimit: null } as const;
    const lans = ['lan', 'lan2'].map((network) => leaseOf({ network, link }));
    const networks = ['demo', 'lan', 'lan2'].map((network) => ({ network }));
    const all = grantOf({ networks }, [leaseOf(), ...lans]);
    const routes = ({ steps }: Plan) =>
      steps.flatMap((step) =>
        step.verb === 'route.add' || step.verb === 'route.delete' ? `${step.verb} ${step.link} ${step.metric}` : [],
      );
    expect(routes(setupPlan(all))).toEqual(['route.add eth0 100', 'route.add eth1 99', 'route.add eth2 102']);
    const less = {
      ...all,
      wish: { ...all.wish, attachments: all.wish.attachments.filter((one) => one.network !== 'lan') },
    };
    expect(routes(leavePlan('leave', all, less))).toEqual(['route.add eth2 99', 'route.delete eth2 102']);
    const unbridged = { ...all, wish: { ...all.wish, attachments: all.wish.attachments.slice(1) } };
    expect(routes(leavePlan('leave', all, unbridged))).toEqual([]);
  });

  it('the plans for a container on an internal network have no external access', () => {
    expect(plans(shapes.internal)).toMatchInlineSnapshot(`
      [
        "setup, build:",
        "netns.create /netns/netloom-web",
        "nft.add held_links { nl9ff56c578050 }, leased_macs { nl9ff56c578050 . c6:28:62:7f:36:48 }, sources4 { nl9ff56c578050 . c6:28:62:7f:36:48 . 10.89.0.2 }",
        "link.veth nl9ff56c578050 (eth0 in /netns/netloom-web)",
        "link.set nl9ff56c578050 master netloom0 up",
        "link.set lo up in /netns/netloom-web",
        "link.set eth0 up in /netns/netloom-web",
        "address.add 10.89.0.2/24 dev eth0 in /netns/netloom-web",
        "link.settle nl9ff56c578050",
        "teardown, dismantle:",
        "process.unwatch",
        "netns.unwatch",
        "netns.remove /netns/netloom-web",
        "unlink, dismantle:",
        "link.gone nl9ff56c578050",
        "nft.delete held_links { nl9ff56c578050 }, leased_macs { nl9ff56c578050 . c6:28:62:7f:36:48 }, sources4 { nl9ff56c578050 . c6:28:62:7f:36:48 . 10.89.0.2 }",
      ]
    `);
  });

  it('the plans for a container with port ranges keep a range with equal ports on both sides as one element', () => {
    expect(plans(shapes.ranges)).toMatchInlineSnapshot(`
      [
        "setup, build:",
        "netns.create /netns/netloom-web",
        "nft.add published_range4 { tcp . 0.0.0.0/0 . 8000-8099 : 10.89.0.2 } and 14 more",
        "conntrack.flush 127.0.0.1:9000-9001->90-91/udp",
        "link.veth nl9ff56c578050 (eth0 in /netns/netloom-web)",
        "link.set nl9ff56c578050 master netloom0 up",
        "link.set netloom0 route_localnet=1",
        "link.set lo up in /netns/netloom-web",
        "link.set eth0 up in /netns/netloom-web",
        "address.add 10.89.0.2/24 dev eth0 in /netns/netloom-web",
        "route.add 0.0.0.0/0 via 10.89.0.1 in /netns/netloom-web",
        "link.settle nl9ff56c578050",
        "teardown, dismantle:",
        "process.unwatch",
        "netns.unwatch",
        "nft.delete published_range4 { tcp . 0.0.0.0/0 . 8000-8099 : 10.89.0.2 } and 11 more",
        "conntrack.flush 127.0.0.1:9000-9001->90-91/udp",
        "netns.remove /netns/netloom-web",
        "unlink, dismantle:",
        "link.gone nl9ff56c578050",
        "nft.delete held_links { nl9ff56c578050 }, leased_macs { nl9ff56c578050 . c6:28:62:7f:36:48 }, sources4 { nl9ff56c578050 . c6:28:62:7f:36:48 . 10.89.0.2 }",
      ]
    `);
  });

  it('B05 the plans for a container in mode none, or without a network, have only loopback', () => {
    expect(plans(shapes.none)).toMatchInlineSnapshot(`
      [
        "setup, build:",
        "netns.create /netns/netloom-web",
        "link.set lo up in /netns/netloom-web",
        "teardown, dismantle:",
        "process.unwatch",
        "netns.unwatch",
        "netns.remove /netns/netloom-web",
        "unlink, dismantle:",
      ]
    `);
    expect(plans(shapes.unattached)).toEqual(plans(shapes.none));
  });

  it('B03 the plans for a container in a namespace given by path require it, and never make or remove it', () => {
    expect(plans(shapes.path)).toMatchInlineSnapshot(`
      [
        "setup, build:",
        "netns.require /run/netns/blue",
        "nft.add held_links { nl9ff56c578050 }, leased_macs { nl9ff56c578050 . c6:28:62:7f:36:48 }, sources4 { nl9ff56c578050 . c6:28:62:7f:36:48 . 10.89.0.2 }",
        "link.veth nl9ff56c578050 (eth0 in /run/netns/blue)",
        "link.set nl9ff56c578050 master netloom0 up",
        "link.ipv6 eth0 in /run/netns/blue",
        "link.set lo up in /run/netns/blue",
        "link.set eth0 up in /run/netns/blue",
        "address.add 10.89.0.2/24 dev eth0 in /run/netns/blue",
        "route.add 0.0.0.0/0 via 10.89.0.1 in /run/netns/blue",
        "link.settle nl9ff56c578050",
        "teardown, dismantle:",
        "process.unwatch",
        "netns.unwatch",
        "address.delete 10.89.0.2/24 dev eth0 in /run/netns/blue",
        "link.cut nl9ff56c578050",
        "unlink, dismantle:",
        "link.gone nl9ff56c578050",
        "nft.delete held_links { nl9ff56c578050 }, leased_macs { nl9ff56c578050 . c6:28:62:7f:36:48 }, sources4 { nl9ff56c578050 . c6:28:62:7f:36:48 . 10.89.0.2 }",
      ]
    `);
  });

  it('B02 the plans for a container in the namespace of a process pin it, and unpin it after the undo of everything inside', () => {
    expect(plans(shapes.adopt)).toMatchInlineSnapshot(`
      [
        "setup, build:",
        "netns.adopt /netns/netloom-web (process 42)",
        "nft.add held_links { nl9ff56c578050 }, leased_macs { nl9ff56c578050 . c6:28:62:7f:36:48 }, sources4 { nl9ff56c578050 . c6:28:62:7f:36:48 . 10.89.0.2 }",
        "link.veth nl9ff56c578050 (eth0 in /netns/netloom-web)",
        "link.set nl9ff56c578050 master netloom0 up",
        "link.ipv6 eth0 in /netns/netloom-web",
        "link.set lo up in /netns/netloom-web",
        "link.set eth0 up in /netns/netloom-web",
        "address.add 10.89.0.2/24 dev eth0 in /netns/netloom-web",
        "route.add 0.0.0.0/0 via 10.89.0.1 in /netns/netloom-web",
        "link.settle nl9ff56c578050",
        "teardown, dismantle:",
        "process.unwatch",
        "netns.unwatch",
        "address.delete 10.89.0.2/24 dev eth0 in /netns/netloom-web",
        "link.cut nl9ff56c578050",
        "unlink, dismantle:",
        "netns.remove /netns/netloom-web",
        "link.gone nl9ff56c578050",
        "nft.delete held_links { nl9ff56c578050 }, leased_macs { nl9ff56c578050 . c6:28:62:7f:36:48 }, sources4 { nl9ff56c578050 . c6:28:62:7f:36:48 . 10.89.0.2 }",
      ]
    `);
  });

  it('B04 the plans for a container in the namespace of another container only require it', () => {
    expect(plans(shapes.shared)).toMatchInlineSnapshot(`
      [
        "setup, build:",
        "netns.require /netns/netloom-db",
        "teardown, dismantle:",
        "process.unwatch",
        "netns.unwatch",
        "unlink, dismantle:",
      ]
    `);
  });
});

describe('the verification of a running container', () => {
  it('a verification is the set-up without making the namespace, which must be the same one', () => {
    expect(lines(verifyPlan(shapes.bridge, 4026532000))).toMatchInlineSnapshot(`
      [
        "verify, mend:",
        "netns.require /netns/netloom-web",
        "nft.load",
        "nft.add published_any4 { tcp . 8080 : 10.89.0.2 . 80 } and 6 more",
        "link.veth nl9ff56c578050 (eth0 in /netns/netloom-web)",
        "link.set nl9ff56c578050 master netloom0 up",
        "link.set netloom0 route_localnet=1",
        "link.ipv6 eth0 in /netns/netloom-web",
        "link.set eth0 up in /netns/netloom-web",
        "address.add 10.89.0.2/24 dev eth0 in /netns/netloom-web",
        "route.add 0.0.0.0/0 via 10.89.0.1 in /netns/netloom-web",
        "link.settle nl9ff56c578050",
      ]
    `);
    expect(verifyPlan(shapes.bridge, 4026532000).steps[0]).toEqual({
      verb: 'netns.require',
      path: '/netns/netloom-web',
      inode: 4026532000,
      foreign: true,
    });
  });

  it('B03 a verification requires a foreign namespace once', () => {
    expect(lines(verifyPlan(shapes.path, 7)).filter((line) => line.startsWith('netns'))).toEqual([
      'netns.require /run/netns/blue',
    ]);
  });
});

describe.each(Object.entries(shapes))('B07 the undo of %s', (_name, grant) => {
  /** What a build makes and what a teardown removes, as `kind name`. */
  const made = ({ steps }: Plan) =>
    steps.flatMap((step) => {
      switch (step.verb) {
        case 'netns.create':
        case 'netns.adopt':
        case 'netns.remove':
          return [`netns ${step.path}`];
        case 'link.veth':
        case 'link.delete':
        case 'link.gone':
          return [`link ${step.name}`];
        case 'nft.add':
        case 'nft.delete':
          return step.elements.map((element) => `element ${JSON.stringify(element)}`);
        default:
          return [];
      }
    });

  it('a plan has an inverse for every step that needs one', () => {
    const needNone = ['netns.require', 'link.set', 'link.settle', 'address.settle', 'link.ipv6', 'conntrack.flush'];
    for (const step of setupPlan(grant).steps)
      if (!needNone.includes(step.verb)) expect(inverse(step), describeStep(step)).not.toBeNull();
  });

  it('the undo removes everything that the set-up makes, by the wish alone', () => {
    const gone = new Set([...made(teardownPlan(grant)), ...made(unlinkPlan(grant))]);
    for (const thing of made(setupPlan(grant))) expect(gone).toContain(thing);
    expect([...gone].sort()).toEqual(made(setupPlan(grant)).sort());
  });

  it('the undo ends the watch of its process in the teardown', () => {
    expect(teardownPlan(grant).steps[0]).toEqual({ verb: 'process.unwatch', owner: 'container/web' });
  });
});

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

describe('the namespace of a container', () => {
  it('B03 the namespace of a container is removed by netloom only when netloom pinned it', () => {
    const owned = Object.entries(shapes).filter(([, { wish }]) => ownsNetns(wish));
    expect(owned.map(([name]) => name)).toEqual([
      'bridge',
      'dual',
      'two',
      'internal',
      'ranges',
      'none',
      'unattached',
      'adopt',
    ]);
  });

  it('the namespace of a container is pinned under the name of the container, or at the path of the wish or of the other container', () => {
    expect(
      Object.values(shapes)
        .map(({ netns }) => netns)
        .slice(-3),
    ).toEqual(['/run/netns/blue', '/netns/netloom-web', '/netns/netloom-db']);
  });
});

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

describe('kernel objects of an owner with a long name', () => {
  const long = 'x'.repeat(250);
  const grant = grantOf({ id: long, networks: [{ network: long }] }, [leaseOf({ network: long })]);
  const owners = ({ steps }: Plan) =>
    steps.flatMap((step) => ('elements' in step ? step.elements.map(({ owner }) => owner) : []));

  it('the kernel objects of a long name have a form of the name that fits', () => {
    expect(new Set(owners(setupPlan(grant)))).toEqual(new Set([ownerMark(containerAddress(long))]));
    expect(grant.netns).toBe(`/netns/netloom-${kernelName(long)}`);
    expect(JSON.stringify(setupPlan(grant).steps.filter(({ verb }) => verb !== 'netns.watch'))).not.toContain(long);
  });
});

describe('the watch of a process', () => {
  it('the watch of a process belongs to the container and identifies the process by its start time', () => {
    expect(watchPlan(shapes.none.wish, 42, 1234).steps).toEqual([
      { verb: 'process.watch', owner: 'container/web', pid: 42, startTicks: 1234 },
    ]);
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

describe('P18 a deadline for the start of the process', () => {
  const grant = grantOf({ networks: [demo], startWithinMs: 5_000 });
  const deadlines = ({ steps }: Plan) => steps.filter(({ verb }) => verb.startsWith('deadline.'));
  const set = { verb: 'deadline.set', owner: 'container/web', deadline: 'start', withinMs: 5_000 };

  it('P18 a start deadline begins when the rest of the set-up is done, and ends with the teardown', () => {
    expect(setupPlan(grant).steps.at(-1)).toEqual({ ...set, at: null });
    expect(deadlines(teardownPlan(grant))).toEqual([{ verb: 'deadline.clear', owner: 'container/web' }]);
    expect(lines(setupPlan(grant)).at(-1)).toBe('deadline.set start within 5000 ms');
  });

  it('P18 a start deadline is kept by a verification as long as the process has not started', () => {
    expect(deadlines(verifyPlan(grant, 7))).toEqual([]);
    expect(deadlines(verifyPlan({ ...grant, startBy: 99 }, 7))).toEqual([{ ...set, at: 99 }]);
  });

  it('P18 a start deadline is followed by a look at the namespace, and by another one after a minute or more', () => {
    const look = lookPlan(grant.wish, '/netns/netloom-web', 7);
    expect(look.kind).toBe('mend');
    expect(lines(look).slice(1)).toEqual(['netns.inhabited /netns/netloom-web', 'deadline.set start within 60000 ms']);
    expect(look.steps[1]).toEqual({ ...set, withinMs: 60_000, at: null });
    const patient = grantOf({ networks: [demo], startWithinMs: 3_600_000 });
    expect(lookPlan(patient.wish, '/netns/netloom-web', 7).steps[1]).toMatchObject({ withinMs: 3_600_000 });
  });
});
