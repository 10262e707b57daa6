import { describe, expect, it } from 'vitest';
import { containerAddress } from '../../../../src/core/actor-address.ts';
import { kernelName, ownerMark } from '../../../../src/core/object-names.ts';
import { ownsNetns } from '../../../../src/core/plan/container/grant.ts';
import {
  leavePlan,
  setupPlan,
  teardownPlan,
  unlinkPlan,
  verifyPlan,
} from '../../../../src/core/plan/container/plan.ts';
import { lookPlan, watchPlan } from '../../../../src/core/plan/container/process.ts';
import type { Plan } from '../../../../src/core/plan/plan.ts';
import { describeStep, inverse } from '../../../../src/core/steps/step.ts';
import { leaseOf } from '../../samples.ts';
import { demo, grantOf, lines, plans, shapes } from './grants.ts';

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
