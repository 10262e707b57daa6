import { describe, expect, it } from 'vitest';
import { type ContainerContext, containerMachine } from '../../machines/container/chart.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { AskedAttachment, Attachment } from '../../src/core/container/attachments.ts';
import type { ContainerRequest } from '../../src/core/container/request.ts';
import type { ContainerWish } from '../../src/core/container/wish.ts';
import { fault } from '../../src/core/fault.ts';
import type { PortMapping, PublishedPort } from '../../src/core/port.ts';
import { leaseOf, termsOf, wishOf } from '../core/samples.ts';
import { dhcpLeaseOf, grantsFor } from './terrains/container.ts';
import { applied, asking, begin, failed, littered, recovered, type Snapshot, stateName } from './walk.ts';

/** Engines that call once per network: what an attach and a detach lead to, whatever is there already. */

type At = Snapshot<ContainerContext>;
const { reach, step, effectsOf } = asking<ContainerContext>(containerMachine);
const start: At = begin(containerMachine, { id: 'web', netnsDirectory: '/netns', attempt: 0 });
const path = '/run/netns/web';

const attach = (
  networks: AskedAttachment[],
  more: { ports?: ContainerRequest['ports']; path?: string; inode?: number } = {},
) => {
  const wish = wishOf({ mode: `ns:${more.path ?? path}`, networks, ports: more.ports ?? [] });
  return attachOf(wish, networks, more.inode ?? 7);
};
const attachOf = (wish: ContainerWish, asked: AskedAttachment[], inode: number | null): ActorEvent => ({
  type: 'container.attach',
  command: 'c1',
  wish,
  asked,
  inode,
});
const detach = (networks: string[], netns?: string): ActorEvent => ({
  type: 'container.detach',
  command: 'c2',
  networks,
  ...(netns && { netns }),
});
const leave = (network: string): ActorEvent => ({ type: 'network.leave', command: null, network });
const granted = (from: At): At => reach(from, ...grantsFor(from.context));
const made = applied('setup', [{ netns: { path, inode: 7 } }]);
const claiming = reach(start, attach([{ network: 'demo' }]));
const up = reach(granted(claiming), made);
const refused = (attempt: number): ActorEvent => ({
  type: 'claim.refused',
  attempt,
  fault: fault('port.taken', 'taken'),
});
const lease = (network: string, attempt = 2): ActorEvent => ({
  type: 'lease.granted',
  attempt,
  lease: leaseOf({ network }),
});
const ports: PublishedPort[] = [{ protocol: 'tcp', hostIp: null, hostPort: 9090, containerPort: 80, range: 1 }];
const picked: ActorEvent = { type: 'ports.granted', attempt: 2, ports, tookMs: 1 };
const more = attach([{ network: 'demo' }, { network: 'one' }, { network: 'two' }], {
  ports: [{ hostPort: 9090, containerPort: 80 }],
});
const networksOf = ({ context }: At) => context.wish?.attachments.map(({ network }: Attachment) => network);

describe('C02 an attach that sets up a container', () => {
  it('C02 leads to a container that is up, and replies with its status', () => {
    expect([stateName(claiming.value), stateName(up.value)]).toEqual(['claiming', 'up.configured']);
    expect(step(granted(claiming), made).at(-1)).toBe('reply c1 ok');
    expect(up.context.deferred).toEqual([]);
  });

  it('C02 leaves no record when a claim is refused, or when it fails and nothing is left in the kernel', () => {
    expect(step(claiming, refused(1))).toEqual([
      'removed',
      'tell network/demo lease.release',
      'announce failed',
      'reply c1 port.taken',
      'announce removed',
      'reply null ok',
    ]);
    expect(step(granted(claiming), failed('setup'))[0]).toBe('removed');
  });

  it('C02 leaves a record when something is left in the kernel, which the next attach removes first', () => {
    const left = reach(granted(claiming), failed('setup', littered));
    expect(stateName(left.value)).toBe('failed');
    expect(step(left, attach([{ network: 'demo' }]))[0]).toBe('unconfiguring');
    const again = reach(left, attach([{ network: 'demo' }]), applied('teardown'), applied('unlink'));
    expect(stateName(again.value)).toBe('claiming');
    expect(stateName(reach(again, refused(again.context.attempt)).value)).toBe('failed');
  });

  it('C02 keeps the record of a container that existed before', () => {
    const created = reach(start, { type: 'container.create', command: 'c0', wish: wishOf({ mode: 'none' }) });
    const failing = reach(created, attach([{ network: 'demo' }]), refused(1));
    expect(stateName(failing.value)).toBe('failed');
  });

  it('C02 passes waiting commands on to the next container with the same ID when it fails', () => {
    expect(step(reach(claiming, detach(['demo'])), refused(1))).toContain('tell container/web container.detach');
    expect(step(start, detach(['demo']))).toEqual(['absent', 'reply c2 ok']);
  });

  it('C02 leaves no record after a reboot', () => {
    expect(step(claiming, recovered(true))[0]).toBe('removed');
  });

  it('is followed by the commands that arrived in the meantime, in order', () => {
    const waiting = reach(claiming, detach(['demo']), attach([{ network: 'demo' }]));
    const down = reach(granted(waiting), made);
    expect(stateName(down.value)).toBe('unconfiguring');
    expect(step(down, applied('teardown'), applied('unlink'))).toContain('tell container/web container.attach');
  });
});

describe('an attach of a container that is up', () => {
  it('is answered with the status when nothing is missing, even if the container is degraded', () => {
    expect(step(up, attach([{ network: 'demo' }]))).toEqual(['up.configured', 'reply c1 ok']);
    const degraded = reach(up, { type: 'drift.suspected' }, failed('verify'));
    expect(step(degraded, attach([{ network: 'demo' }]))).toEqual(['up.configured degraded', 'reply c1 ok']);
    expect(step(degraded, more)).toEqual(['up.configured degraded', 'reply c1 container.state']);
  });

  it('claims everything that is missing in one round, and adds it with one plan', () => {
    expect(step(up, more)).toEqual([
      'up.configured asking',
      'tell network/one lease.request',
      'tell network/two lease.request',
      'tell host ports.claim',
    ]);
    expect(step(reach(up, more), lease('two'), picked)).toEqual(['up.configured asking']);
    expect(step(reach(up, more, lease('two'), picked), lease('one'))).toEqual([
      'up.configured changing',
      'tell network/demo lease.ports',
      'apply join',
    ]);
    const changing = reach(up, more, lease('one'), lease('two'), picked);
    expect(step(changing, applied('join'))).toEqual([
      'up.configured',
      'announce connected',
      'announce connected',
      'announce published',
      'reply c1 ok',
    ]);
    const joined = reach(changing, applied('join'));
    expect(networksOf(joined)).toEqual(['demo', 'one', 'two']);
    expect(Object.keys(joined.context.leases)).toEqual(['demo', 'one', 'two']);
    expect(joined.context.ports).toEqual(ports);
  });

  it('C02 joins no network when an owner refuses a claim: it waits for all answers, then releases every claim', () => {
    const asked = reach(up, more, lease('one'));
    expect(step(asked, refused(2))).toEqual(['up.configured asking']);
    expect(step(reach(asked, refused(2)), lease('two'))).toEqual([
      'up.configured',
      'tell network/one lease.release',
      'tell network/two lease.release',
      'tell host ports.release',
      'tell network/demo lease.ports',
      'reply c1 port.taken',
    ]);
    const { context } = reach(asked, refused(2), lease('two'));
    expect([Object.keys(context.leases), context.ports, context.wish]).toEqual([['demo'], [], up.context.wish]);
  });

  it('C02 joins no network when a step fails, and leaves the container degraded when something is left in the kernel', () => {
    const changing = reach(up, more, lease('one'), lease('two'), picked);
    const undone = reach(changing, failed('join'));
    expect([stateName(undone.value), networksOf(undone)]).toEqual(['up.configured', ['demo']]);
    expect(Object.keys(undone.context.leases)).toEqual(['demo']);
    const half = reach(changing, failed('join', littered));
    expect([stateName(half.value), networksOf(half)]).toEqual(['up.configured degraded', ['demo', 'one', 'two']]);
  });

  it('chooses interface names that are neither in use nor requested, and refuses a requested name that is in use', () => {
    const asked = reach(up, attach([{ network: 'one' }, { network: 'two', interfaceName: 'eth1' }]));
    const join = asked.context.change;
    expect(join?.kind === 'join' && join.attachments.map(({ interfaceName }: Attachment) => interfaceName)).toEqual([
      'eth2',
      'eth1',
    ]);
    expect(step(up, attach([{ network: 'one', interfaceName: 'eth0' }]))).toEqual([
      'up.configured',
      'reply c1 payload.invalid',
    ]);
  });

  it('publishes no more ports when one with ports to be picked is repeated', () => {
    const wanting = (...wanted: Partial<PortMapping>[]) =>
      attach([{ network: 'demo' }], { ports: wanted.map((one) => ({ containerPort: 80, ...one })) });
    const grant = (...hostPorts: number[]): ActorEvent => ({
      type: 'ports.granted',
      attempt: 2,
      ports: hostPorts.map((hostPort) => ({ ...(ports[0] as PublishedPort), hostPort })),
      tookMs: 1,
    });
    const whole = ['up.configured', 'reply c1 ok'];
    const part = ['up.configured asking', 'tell host ports.claim'];
    const one = reach(up, wanting({}), grant(40001), applied('join'));
    expect(step(up, wanting({}))).toEqual(part);
    for (const same of [{}, { hostPort: 0 }, { hostPort: 40001 }]) expect(step(one, wanting(same))).toEqual(whole);
    for (const other of [{ containerPort: 81 }, { protocol: 'udp' }, { hostIp: '127.0.0.1' }, { range: 2 }])
      expect(step(one, wanting(other))).toEqual(part);

    // each has a port of its own
    const two = reach(up, wanting({}, {}), grant(40001, 40002), applied('join'));
    const mixed = reach(up, wanting({ hostPort: 9090 }, {}), grant(9090, 40001), applied('join'));
    expect(step(two, wanting({}, {}))).toEqual(whole);
    expect(step(one, wanting({}, {}))).toEqual(part);
    expect(step(mixed, wanting({}, { hostPort: 9090 }))).toEqual(whole);
    expect(step(one, wanting({ hostPort: 40001 }, {}))).toEqual(part);
  });

  it('waits while another change is under way', () => {
    const changing = reach(up, { type: 'container.disconnect', command: 'c9', network: 'demo' });
    expect(step(changing, attach([{ network: 'demo' }]))).toEqual(['up.configured changing']);
    expect(step(reach(changing, attach([{ network: 'demo' }])), applied('leave')).slice(-1)).toEqual([
      'tell network/demo lease.request',
    ]);
  });

  it('takes down the network of a container whose namespace has changed, by path or by inode, and sets it up again', () => {
    for (const elsewhere of [
      attach([{ network: 'demo' }], { path: '/run/netns/other' }),
      attach([{ network: 'demo' }], { inode: 8 }),
    ]) {
      expect(step(up, elsewhere)[0]).toBe('unconfiguring');
      const again = reach(up, elsewhere, applied('teardown'), applied('unlink'));
      expect(stateName(again.value)).toBe('claiming');
      expect(stateName(reach(again, refused(again.context.attempt)).value)).toBe('failed');
    }
    const running = reach(up, { type: 'container.started', command: 'c3', pid: 7 });
    expect(step(running, attach([{ network: 'demo' }], { inode: 8 }))[0]).toBe('unconfiguring');
    const vanished = attachOf(wishOf({ mode: `ns:${path}`, networks: [{ network: 'demo' }] }), [], null);
    expect(step(up, vanished)).toEqual(['up.configured', 'reply c1 ok']);
  });

  it('C13 asks the DHCP servers of all its networks, and undoes everything when one assigns no address', () => {
    const both = attach([{ network: 'demo' }, { network: 'one' }, { network: 'lan' }, { network: 'lan2' }]);
    const dhcp = (network: string): ActorEvent => ({
      type: 'lease.granted',
      attempt: 2,
      lease: dhcpLeaseOf(network, 2),
    });
    const linked = reach(up, both, lease('one'), dhcp('lan'), dhcp('lan2'), applied('join'));
    expect(stateName(linked.value)).toBe('up.configured leasing');
    const leased = (network: string, address: string): ActorEvent => ({
      type: 'dhcp.leased',
      command: null,
      network,
      attempt: 2,
      terms: termsOf({ address }),
    });
    expect(step(linked, leased('lan', '192.0.2.7'))).toEqual(['up.configured leasing']);
    const half = reach(linked, leased('lan', '192.0.2.7'));
    expect(step(half, leased('lan2', '192.0.2.8')).slice(-1)).toEqual(['apply join']);
    const whole = reach(half, leased('lan2', '192.0.2.8'), applied('join'));
    expect(stateName(whole.value)).toBe('up.configured');
    expect(whole.context.leases.lan?.addresses).toMatchObject([{ address: '192.0.2.7' }]);
    const lost: ActorEvent = {
      type: 'dhcp.lost',
      command: null,
      network: 'lan2',
      attempt: 2,
      fault: fault('dhcp.timeout', 'no answer'),
    };
    expect(step(half, lost)).toEqual(['up.configured withdrawing', 'apply withdraw']);
    const undone = reach(half, lost, applied('withdraw'));
    expect([stateName(undone.value), networksOf(undone), Object.keys(undone.context.leases)]).toEqual([
      'up.configured',
      ['demo'],
      ['demo'],
    ]);
    expect(step(reach(half, lost), applied('withdraw')).at(-1)).toBe('reply c1 dhcp.timeout');
  });
});

describe('a detach', () => {
  const three = reach(up, more, lease('one'), lease('two'), picked, applied('join'));

  it('leaves several networks in one change', () => {
    expect(step(three, detach(['one', 'two', 'three']))).toEqual(['up.configured changing', 'apply leave']);
    const left = reach(three, detach(['one', 'two']), applied('leave'));
    expect(networksOf(left)).toEqual(['demo']);
    expect(step(reach(three, detach(['one', 'two'])), applied('leave'))).toEqual([
      'up.configured',
      'announce disconnected',
      'announce disconnected',
      'tell network/one lease.release',
      'tell network/two lease.release',
      'reply c2 ok',
    ]);
  });

  it('takes the container down when no network remains, replies, and removes the container', () => {
    expect(step(up, detach(['demo']))[0]).toBe('unconfiguring');
    expect(step(reach(up, detach(['demo'])), applied('teardown'))).toContain('reply c2 ok');
    expect(step(reach(up, detach(['demo'])), applied('teardown'), applied('unlink'))).toContain('announce removed');
    const running = reach(up, { type: 'container.started', command: 'c3', pid: 7 });
    expect(step(running, detach(['demo']))[0]).toBe('unconfiguring');
  });

  it('succeeds without a change when the container is not on these networks, is unknown, or has another namespace', () => {
    for (const event of [detach(['other']), detach(['demo'], '/run/netns/former')])
      expect(step(up, event)).toEqual(['up.configured', 'reply c2 ok']);
    expect(step(start, detach(['demo']))).toEqual(['absent', 'reply c2 ok']);
  });

  it('removes a container whose network is down, or removes the networks from its wish when others remain', () => {
    const created = reach(up, { type: 'container.teardown', command: 'c4' }, applied('teardown'), applied('unlink'));
    expect(step(created, detach(['demo']))).toEqual(['removed', 'announce removed', 'reply c2 ok']);
    const wished = reach(start, {
      type: 'container.create',
      command: 'c0',
      wish: wishOf({ networks: [{ network: 'one' }, { network: 'two' }] }),
    });
    expect(networksOf(reach(wished, detach(['one'])))).toEqual(['two']);
  });

  it('is answered with the fault when the teardown fails, and the container is kept', () => {
    expect(step(reach(up, detach(['demo'])), failed('teardown', littered))).toContain('reply c2 kernel.refused');
    expect(stateName(reach(up, detach(['demo']), failed('teardown', littered)).value)).toBe('failed');
  });
});

it('a detach is answered with the ID alone, in every case', () => {
  const answers = (from: At, ...events: ActorEvent[]) =>
    effectsOf(from, ...events).flatMap((effect) =>
      effect.kind === 'reply' && effect.command === 'c2' ? [effect.output] : [],
    );
  const two = wishOf({ networks: [{ network: 'one' }, { network: 'two' }] });
  const created = reach(start, { type: 'container.create', command: 'c0', wish: two });
  const both = reach(up, attach([{ network: 'demo' }, { network: 'one' }]), lease('one'), applied('join'));
  expect(answers(reach(both, detach(['one'])), applied('leave'))).toEqual([{ id: 'web' }]);
  expect(answers(reach(up, detach(['demo'])), applied('teardown'))).toEqual([{ id: 'web' }]);
  for (const from of [start, up, created]) expect(answers(from, detach(['other']))).toEqual([{ id: 'web' }]);
  for (const networks of [['one'], ['one', 'two']]) expect(answers(created, detach(networks))).toEqual([{ id: 'web' }]);
});

describe('a network that asks the container to leave', () => {
  it('is left after the changes under way, and receives the release', () => {
    expect(step(up, leave('demo'))).toEqual(['up.configured changing', 'apply leave']);
    expect(step(reach(up, leave('demo')), applied('leave'))).toContain('tell network/demo lease.release');
    const busy = reach(up, { type: 'container.reload', command: 'c5' });
    expect(step(busy, leave('demo'))).toEqual(['up.configured verifying']);
    expect(step(reach(busy, leave('demo')), applied('verify')).at(-1)).toBe('apply leave');
  });

  it('receives the release at once when the container holds no lease of it', () => {
    const created = reach(start, { type: 'container.create', command: 'c0', wish: wishOf({ mode: 'none' }) });
    for (const from of [start, created, up])
      expect(step(from, leave('other'))[1]).toBe('tell network/other lease.release');
    const wished = reach(up, { type: 'container.teardown', command: 'c4' }, applied('teardown'), applied('unlink'));
    expect(step(wished, leave('demo'))).toEqual(['created', 'tell network/demo lease.release']);
    expect(networksOf(reach(wished, leave('demo')))).toEqual(['demo']);
  });

  it('receives the reason when the container cannot leave it', () => {
    const refusalsOf = (from: At, ...events: ActorEvent[]) =>
      effectsOf(from, ...events).flatMap((effect) =>
        effect.kind === 'tell' && effect.event.type === 'membership.refused'
          ? [[effect.to, effect.event.container, effect.event.fault.code]]
          : [],
      );
    const degraded = reach(up, { type: 'drift.suspected' }, failed('verify'));
    expect(refusalsOf(degraded, leave('demo'))).toEqual([['network/demo', 'web', 'container.state']]);
    expect(refusalsOf(reach(up, leave('demo')), failed('leave', littered))).toEqual([
      ['network/demo', 'web', 'kernel.refused'],
    ]);
    const ending = reach(up, { type: 'container.teardown', command: 'c4' }, leave('demo'));
    expect(refusalsOf(ending, failed('teardown', littered))).toEqual([['network/demo', 'web', 'kernel.refused']]);
    expect(refusalsOf(ending, applied('teardown'), applied('unlink'))).toEqual([]);
  });

  it('receives the release after the leftovers of a failed set-up are removed', () => {
    const left = reach(granted(claiming), failed('setup', littered));
    expect(step(left, leave('demo'))[0]).toBe('unconfiguring');
    expect(step(reach(left, leave('demo')), applied('teardown'), applied('unlink'))).toContain(
      'tell network/demo lease.release',
    );
  });
});
