import { describe, expect, it } from 'vitest';
import { containerMachine } from '../../machines/container/chart.ts';
import { statusOf } from '../../machines/container/context.ts';
import { containerView } from '../../machines/container/view.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { Lease } from '../../src/core/lease/lease.ts';
import type { NetworkDefinition } from '../../src/core/network/definition.ts';
import { describePort, type PublishedPort } from '../../src/core/port.ts';
import { definitionOf, leaseOf, v6 } from '../core/samples.ts';
import { type At, connect, disconnect, port, publish, reach, start, step, up } from './container-walk.ts';
import { grantsFor, wishes } from './terrains/container.ts';
import { applied, failed, follow, littered, recovered, stateName } from './walk.ts';

/** Ports that are published already, that no network or only one family can serve, and that are left out. */

describe('N16 a publish of ports that are published already', () => {
  const on = (hostIp: string | null, more: Partial<PublishedPort> = {}): PublishedPort => ({
    ...port(8080),
    hostIp,
    ...more,
  });
  const ask = (type: 'container.publish' | 'container.unpublish', ...ports: PublishedPort[]): ActorEvent => ({
    type,
    command: 'c2',
    ports,
  });
  const publishingOf = (from: At, ...ports: PublishedPort[]): At => {
    const asking = reach(from, ask('container.publish', ...ports));
    const { attempt } = asking.context;
    return reach(asking, { type: 'ports.granted', attempt, ports, tookMs: 1 }, applied('join'));
  };
  const asked = ({ context }: At) => context.ports.map(describePort);
  const shown = (from: At) => statusOf(from.context).ports.map(describePort);

  it('N16 is answered at once when all ports were requested before, whether the container is up or not', () => {
    expect(step(up, ask('container.publish', port(8080)))).toEqual(['up.configured', 'reply c2 ok']);
    const created = reach(start, { type: 'container.create', command: 'c1', wish: wishes.bridge });
    expect(step(created, ask('container.publish', port(8080)))).toEqual(['created', 'reply c2 ok']);
    expect(reach(created, ask('container.publish', port(8080), port(9090))).context.wish?.ports).toHaveLength(2);
  });

  it('N16 keeps a covered port as it was requested, and the status shows the port that covers it', () => {
    const both = publishingOf(up, on('127.0.0.1'), on('::'));
    expect(asked(both)).toEqual(['8080->80/tcp', '127.0.0.1:8080->80/tcp', '[::]:8080->80/tcp']);
    expect(shown(both)).toEqual(['8080->80/tcp']);
    const less = reach(both, ask('container.unpublish', port(8080)), applied('leave'));
    expect(shown(less)).toEqual(['127.0.0.1:8080->80/tcp', '[::]:8080->80/tcp']);
    const least = reach(less, ask('container.unpublish', on('::')), applied('leave'));
    expect(shown(least)).toEqual(['127.0.0.1:8080->80/tcp']);
    expect(least.context.wish?.ports.map(describePort)).toEqual(['127.0.0.1:8080->80/tcp']);
  });

  it('N16 changes nothing in the kernel when another port covers it', () => {
    const { effects } = follow(containerMachine, reach(up, ask('container.publish', on('127.0.0.1'))), {
      type: 'ports.granted',
      attempt: 2,
      ports: [on('127.0.0.1')],
      tookMs: 1,
    });
    expect(effects).toMatchObject([{ kind: 'apply', plan: { purpose: { kind: 'join' }, steps: [] } }]);
  });

  it('N16 is undone by the range as requested, and by the range as shown', () => {
    const ranges = [on(null, { hostPort: 9000, range: 3 }), on(null, { hostPort: 9002, containerPort: 82, range: 3 })];
    const both = publishingOf(up, ...ranges);
    expect(shown(both)).toEqual(['8080->80/tcp', '9000-9004->80-84/tcp']);
    const one = reach(both, ask('container.unpublish', ranges[0] as PublishedPort), applied('leave'));
    expect(shown(one)).toEqual(['8080->80/tcp', '9002-9004->82-84/tcp']);
    const none = reach(both, ask('container.unpublish', on(null, { hostPort: 9000, range: 5 })), applied('leave'));
    expect(shown(none)).toEqual(['8080->80/tcp']);
    expect(none.context.wish?.ports).toHaveLength(1);
    expect(step(both, ask('container.unpublish', on(null, { hostPort: 9000, range: 4 })))).toEqual([
      'up.configured',
      'reply c2 port.unknown',
    ]);
  });

  it('N16 is refused when it leads a port elsewhere, even if an engine holds the new port', () => {
    expect(step(up, ask('container.publish', on('127.0.0.1', { containerPort: 81 })))).toEqual([
      'up.configured',
      'reply c2 port.taken',
    ]);
    const held = on('127.0.0.1', { containerPort: 81, heldByCaller: true });
    expect(step(up, ask('container.publish', held))).toEqual(['up.configured', 'reply c2 port.taken']);
  });
});

describe('C03 a port whose family the container does not have', () => {
  const six = (more: Partial<PublishedPort> = {}): PublishedPort => ({ ...port(9090), hostIp: '::', ...more });
  const four: PublishedPort = { ...port(9090), hostIp: '0.0.0.0' };
  const held = { heldByCaller: true } as const;
  const setUp = (...ports: PublishedPort[]): ActorEvent => ({
    type: 'container.setup',
    command: 'c1',
    wish: { ...wishes.kept, ports },
  });
  const setUpWith = (...ports: PublishedPort[]): At => {
    const claimed = reach(start, setUp(...ports));
    return reach(claimed, ...grantsFor(claimed.context));
  };
  const made = applied('setup', [{ netns: { path: '/netns/netloom-web', inode: 7 } }]);
  const toldOf = (from: At, ...events: ActorEvent[]) =>
    follow(containerMachine, from, ...events).effects.flatMap((effect) =>
      effect.kind === 'announce' && (effect.fact === 'port-unreachable' || effect.fact === 'published')
        ? [
            [
              effect.fact,
              'cause' in effect.data ? effect.data.cause : undefined,
              effect.data.ports.map(describePort).join(),
            ],
          ]
        : [],
    );
  const leftOut = ['port-unreachable', 'family', '[::]:9090->80/tcp'];

  it('C03 is refused when no other port is requested', () => {
    expect(setUpWith(six()).value).toBe('failed');
    expect(step(up, { type: 'container.publish', command: 'c2', ports: [six()] })).toEqual([
      'up.configured',
      'reply c2 mode.conflict',
    ]);
  });

  it('C03 is left out and announced when another port is requested as well, or when an engine holds it', () => {
    for (const ports of [[four, six()], [six(), port(9090)], [six(held)]])
      expect(toldOf(setUpWith(...ports), made)).toEqual([leftOut]);
    expect(toldOf(setUpWith({ ...port(9090), hostIp: '::1' }, four), made)).toEqual([
      ['port-unreachable', 'loopback', '[::1]:9090->80/tcp'],
    ]);
  });

  const reachOn = (lease: Lease, ...ports: PublishedPort[]): At => {
    const claimed = reach(start, setUp(...ports));
    const [, granted] = grantsFor(claimed.context) as [ActorEvent, ActorEvent];
    return reach(claimed, { type: 'lease.granted', attempt: 1, lease }, granted);
  };
  const macvlan = leaseOf({ link: { kind: 'macvlan', parent: 'lan0', mode: 'bridge', broadcastLimit: null } });
  const onlySix = leaseOf({ addresses: [v6] });

  it.each([
    [macvlan, port(9090), 'no network of container web can publish ports: '],
    [onlySix, four, 'container web has no IPv4 address on a bridge network'],
    [onlySix, six({ hostIp: '::1' }), 'use an IPv6 address of this host, or [::]'],
    [leaseOf(), six({ hostIp: '::1' }), 'use 127.0.0.1'],
    [leaseOf({ addresses: [] }), port(9090), 'container web has no address on a bridge network'],
  ])('C03 is refused with the reason', (lease, asked, reason) => {
    const refused = reachOn(lease, asked);
    expect([refused.value, refused.context.lastFault]).toMatchObject([
      'failed',
      { code: 'mode.conflict', message: expect.stringContaining(reason) },
    ]);
    expect(containerView(refused.value, refused.context)?.ports).toMatchObject([{ families: [] }]);
  });

  it('C03 is left out and announced on a macvlan when an engine holds it', () => {
    expect(toldOf(reachOn(macvlan, { ...port(9090), ...held }), made)).toEqual([
      ['port-unreachable', 'network', '9090->80/tcp'],
    ]);
  });

  it('C03 is shown with the families that reach the container', () => {
    const shown = (at: At) => containerView(at.value, at.context)?.ports.map(({ families }) => families);
    expect(shown(reach(reachOn(onlySix, port(9090)), made))).toEqual([[6]]);
    expect(shown(reach(reachOn(leaseOf(), port(9090)), made))).toEqual([[4]]);
    expect(shown(reach(setUpWith(four, six({ hostIp: '::1' })), made))).toEqual([[4], []]);
    expect(shown(setUpWith(four))).toEqual([undefined]);
  });

  it('C03 cannot be unpublished apart from its range, and the refusal names the range', () => {
    const range = { ...port(8080), range: 2 };
    const part = { ...port(8081), containerPort: 81 };
    const from = reach(setUpWith(range), made);
    const { effects } = follow(containerMachine, from, { type: 'container.unpublish', command: 'c2', ports: [part] });
    expect(effects).toMatchObject([
      {
        fault: {
          code: 'port.unknown',
          message: '8081->81/tcp is part of 8080-8081->80-81/tcp, which can only be unpublished as a whole',
        },
      },
    ]);
  });

  it('C03 is left out when another port with the same host port was requested before', () => {
    const asking = reach(up, { type: 'container.publish', command: 'c2', ports: [six({ hostPort: 8080 })] });
    expect(stateName(asking.value)).toBe('up.configured asking');
    const granted: ActorEvent = { type: 'ports.granted', attempt: 2, ports: [six({ hostPort: 8080 })], tookMs: 1 };
    expect(toldOf(reach(asking, granted), applied('join'))).toEqual([
      ['published', undefined, '[::]:8080->80/tcp'],
      ['port-unreachable', 'family', '[::]:8080->80/tcp'],
    ]);
  });

  it('C03 is announced again after a reload, but not after a restart of the daemon', () => {
    const configured = reach(setUpWith(four, six()), made);
    expect(toldOf(configured, { type: 'container.reload', command: 'c2' }, applied('verify'))).toEqual([leftOut]);
    expect(toldOf(configured, recovered(false), applied('verify'))).toEqual([]);
  });

  it('C03 is served after the container joins a network with that family, and left out again after it leaves', () => {
    const configured = reach(setUpWith(four, six()), made);
    const lease = leaseOf({ network: 'back', addresses: [v6] });
    const joining = reach(configured, connect, { type: 'lease.granted', attempt: 2, lease });
    expect(toldOf(joining, applied('join'))).toEqual([['published', undefined, '[::]:9090->80/tcp']]);
    const leave: ActorEvent = { type: 'container.disconnect', command: 'c3', network: 'back' };
    const leaving = reach(joining, applied('join'), leave);
    expect(toldOf(leaving, applied('leave'))).toEqual([leftOut]);
    // without a network no port is served; the next network serves all of them again
    const alone = reach(configured, disconnect);
    expect(toldOf(alone, applied('leave'))).toEqual([]);
  });

  it('C03 is announced as taken when another container has it', () => {
    const ports = [{ ...port(9090), ...held }];
    const claimed = reach(start, setUp(...ports));
    const granted: ActorEvent = {
      type: 'ports.granted',
      attempt: 1,
      ports: ports.map((one) => ({ ...one, without: [6] })),
      tookMs: 0,
    };
    const on = (addresses: ReturnType<typeof leaseOf>['addresses']) =>
      reach(claimed, { type: 'lease.granted', attempt: 1, lease: leaseOf({ addresses }) }, granted);
    expect(toldOf(on([...leaseOf().addresses, v6]), made)).toEqual([['port-unreachable', 'taken', '9090->80/tcp']]);
    expect(toldOf(on(leaseOf().addresses), made)).toEqual([]);
  });

  it('C03 is served and announced when the other container releases it', () => {
    const whole: PublishedPort = { ...six(), ...held };
    const claimed = reach(start, setUp(whole));
    const both = leaseOf({ addresses: [...leaseOf().addresses, v6] });
    const lease: ActorEvent = { type: 'lease.granted', attempt: 1, lease: both };
    const granted: ActorEvent = { type: 'ports.granted', attempt: 1, ports: [{ ...whole, without: [6] }], tookMs: 0 };
    const freed: ActorEvent = { type: 'ports.freed', command: null, ports: [whole] };
    const left = reach(claimed, lease, granted, made);
    const freeing = reach(left, freed);
    expect(step(left, freed)).toEqual(['up.configured changing', 'apply freed']);
    expect(toldOf(freeing, applied('freed'))).toEqual([['published', undefined, '[::]:9090->80/tcp']]);
    const free = reach(freeing, applied('freed'));
    expect([free.context.ports, free.context.wish?.ports]).toEqual([[whole], [whole]]);
    expect(step(free, freed)).toEqual(['up.configured']);
    expect(step(free, { ...freed, ports: [six({ hostPort: 1 })] })).toEqual(['up.configured']);
    // a reload repairs what failed
    const failing = reach(freeing, failed('freed', littered));
    expect([stateName(failing.value), failing.context.ports]).toEqual(['up.configured degraded', [whole]]);
    // a claim under way needs no more than its grant
    expect(reach(claimed, freed, lease, granted, made).context.ports).toEqual([{ ...whole, without: [6] }]);
    expect(step(reach(claimed, lease, granted), freed, made)).toContain('apply freed');
    // the container has no IPv6 address
    const four = reach(claimed, grantsFor(claimed.context)[0] as ActorEvent, granted, made, freed);
    expect(toldOf(four, applied('freed'))).toEqual([]);
  });

  it('C03 is announced as a contradiction when two ports of an engine disagree', () => {
    const ports = [port(9090), six({ containerPort: 81 })].map((one) => ({ ...one, ...held }));
    const claimed = reach(start, setUp(...ports));
    const [, granted] = grantsFor(claimed.context) as [ActorEvent, ActorEvent];
    const both = leaseOf({ addresses: [...leaseOf().addresses, v6] });
    const dual = reach(claimed, { type: 'lease.granted', attempt: 1, lease: both }, granted);
    expect(toldOf(dual, made)).toEqual([['port-unreachable', 'contradiction', '9090->80/tcp']]);
    // without an IPv6 address there is no contradiction
    expect(toldOf(setUpWith(...ports), made)).toEqual([['port-unreachable', 'family', '[::]:9090->81/tcp']]);
  });
});

describe('N19 a port on a network whose engine wants no rules', () => {
  const unruled = (network = 'demo') =>
    leaseOf({
      network,
      link: {
        kind: 'bridge',
        bridge: 'netloom0',
        vlanId: null,
        published: false,
        spoofing: 'guarded',
        firewall: 'none',
      },
    });
  const held: PublishedPort = { ...port(9090), heldByCaller: true };
  const claimedWith = (published: PublishedPort, definition?: NetworkDefinition): At => {
    const attachments = wishes.kept.attachments.map((one) => ({ ...one, ...(definition && { definition }) }));
    const wish = { ...wishes.kept, attachments, ports: [published] };
    const claimed = reach(start, { type: 'container.setup', command: 'c1', wish });
    const [, ports] = grantsFor(claimed.context) as [ActorEvent, ActorEvent];
    return reach(claimed, { type: 'lease.granted', attempt: 1, lease: unruled() }, ports);
  };
  const factsOf = (from: At, ...events: ActorEvent[]) =>
    follow(containerMachine, from, ...events).effects.flatMap((effect) =>
      effect.kind === 'announce' && effect.fact === 'port-unreachable' ? [effect.data.cause] : [],
    );
  const made = applied('setup', [{ netns: { path: '/netns/netloom-web', inode: 7 } }]);

  it('N19 is refused to a container without an engine at set-up and publish, and the refusal names the network', () => {
    const refused = claimedWith(port(9090));
    expect([refused.value, refused.context.lastFault]).toMatchObject([
      'failed',
      {
        code: 'mode.conflict',
        message: expect.stringMatching(/^9090->80\/tcp leads nowhere: network demo has no firewall rules/),
      },
    ]);
    const silent = reach(start, { type: 'container.setup', command: 'c1', wish: wishes.kept });
    const joined = reach(silent, { type: 'lease.granted', attempt: 1, lease: unruled() }, made);
    expect(step(joined, publish(1)).at(-1)).toBe('reply c2 mode.conflict');
  });

  it('N19 is left out and announced when an engine with rules holds it, and not announced when that engine wants no rules', () => {
    expect(factsOf(claimedWith(held, definitionOf()), made)).toEqual(['firewall']);
    expect(factsOf(claimedWith(held, { ...definitionOf(), firewall: 'none' }), made)).toEqual([]);
  });

  it('N19 is served by another network of the container, and announced when the container leaves that network', () => {
    const both = reach(
      reach(up, connect, { type: 'lease.granted', attempt: 2, lease: unruled('back') }),
      applied('join'),
    );
    expect(both.context.lastFault).toBeNull();
    expect(factsOf(both, disconnect, applied('leave'))).toEqual(['firewall']);
  });
});
