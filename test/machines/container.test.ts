import { describe, expect, it } from 'vitest';
import { type ContainerContext, containerMachine } from '../../machines/container/chart.ts';
import type { Effect } from '../../machines/effect.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { ContainerWish } from '../../src/core/container/wish.ts';
import { fault } from '../../src/core/fault.ts';
import { fileOf } from '../../src/core/network/file.ts';
import { definitionOf, leaseOf, wishOf } from '../core/samples.ts';
import { grantsFor, share, wishes } from './terrains/container.ts';
import { applied, begin, brief, failed, follow, littered, recovered, type Snapshot, stateName } from './walk.ts';

const leavings = ['tell network/demo lease.leaving', 'tell host ports.leaving'];

/** One step from a named state; the effects as a list. */

type At = Snapshot<ContainerContext>;

const start: At = begin(containerMachine, { id: 'web', netnsDirectory: '/netns', attempt: 0 });
const setUp = (wish: ContainerWish | null, command = 'c1'): ActorEvent => ({ type: 'container.setup', command, wish });
const setupDone = applied('setup', [{ netns: { path: '/netns/netloom-web', inode: 7 } }]);
const reach = (from: At, ...events: ActorEvent[]): At => follow(containerMachine, from, ...events).next;
const granted = (from: At): At => reach(from, ...grantsFor(from.context));

const wish = wishes.bridge;
const created = reach(start, { type: 'container.create', command: 'c0', wish });
const claiming = reach(created, setUp(null));
const building = granted(claiming);
const configured = reach(building, setupDone);
const running = reach(
  configured,
  { type: 'container.started', command: 'c2', pid: 7 },
  applied('watch', [{ startTicks: 9 }]),
);
const unconfiguring = reach(configured, { type: 'container.teardown', command: 'c3' });
const unlinking = reach(unconfiguring, applied('teardown'));
const failedClean = reach(building, failed('setup'));
const failedLittered = reach(building, failed('setup', littered));

/** `state: effect, effect, …` */
function step(from: At, ...events: ActorEvent[]): string[] {
  const { next, effects } = follow(containerMachine, from, ...events);
  return [stateName(next.value), ...effects.map(brief)];
}
const effectsOf = (from: At, event: ActorEvent): Effect[] => follow(containerMachine, from, event).effects;

const teardown = (command = 'c9'): ActorEvent => ({ type: 'container.teardown', command });
const remove = (command = 'c9'): ActorEvent => ({ type: 'container.remove', command, from: null });
const started = (pid = 7): ActorEvent => ({ type: 'container.started', command: 'c9', pid });
const exited = (pid = 7): ActorEvent => ({ type: 'process.exited', pid });

describe('N15 names that DNS cannot carry', () => {
  const long = 'x'.repeat(64);
  const definition = fileOf(definitionOf({ name: 'demo' }));
  const named = leaseOf({ dns: { servers: ['10.89.0.1'], searchDomains: ['dns.netloom'] } });
  const leftOut = (effects: Effect[]) =>
    effects.flatMap((effect) => (effect.kind === 'announce' && effect.fact === 'names-left-out' ? [effect.data] : []));

  it('N15 are left out of the wish of an engine and announced, at set-up and at connect', () => {
    const brought = wishOf({ id: 'web', networks: [{ network: 'demo', aliases: ['shop', long], definition }] });
    const asked = reach(start, setUp(brought));
    const lease: ActorEvent = { type: 'lease.granted', attempt: asked.context.attempt, lease: named };
    const told = { network: 'demo', names: [long], reason: expect.stringContaining('63 bytes') };
    const up = follow(containerMachine, reach(asked, lease), setupDone);
    expect(leftOut(up.effects)).toEqual([told]);
    const attachment = { network: 'back', aliases: ['', 'b'], definition: { ...definition, name: 'back' } };
    const joining = reach(up.next, { type: 'container.connect', command: 'c2', attachment });
    const back = { ...named, network: 'back' };
    const joined = reach(joining, { type: 'lease.granted', attempt: joining.context.attempt, lease: back });
    expect(leftOut(effectsOf(joined, applied('join')))).toEqual([{ ...told, network: 'back', names: [''] }]);
  });
});

describe('a new container', () => {
  it('is recorded and announced', () => {
    expect(step(start, { type: 'container.create', command: 'c1', wish })).toEqual([
      'created',
      'announce created',
      'reply c1 ok',
    ]);
  });

  it('sends its claims to every owner when it is set up at once', () => {
    expect(step(start, setUp(wish))).toEqual([
      'claiming',
      'announce created',
      'tell network/demo lease.request',
      'tell host ports.claim',
    ]);
    expect(step(start, setUp(wishes.shared))).toEqual([
      'claiming',
      'announce created',
      'tell container/db netns.share',
    ]);
  });

  it('is built at once when it claims nothing', () => {
    expect(step(start, setUp(wishes.none))).toEqual(['building', 'announce created', 'apply setup']);
  });

  it('is refused when its ID exists', () => {
    for (const from of [created, claiming, building, configured, unconfiguring, unlinking, failedClean])
      expect(step(from, { type: 'container.create', command: 'c9', wish }).at(-1)).toBe('reply c9 container.exists');
  });

  it('P18 is refused when its set-up requires an unused ID, and the existing container does not change', () => {
    const anew: ActorEvent = { type: 'container.setup', command: 'c9', wish: wishes.none, isNew: true };
    for (const from of [created, claiming, building, configured, running, unconfiguring, failedClean, failedLittered]) {
      expect(step(from, anew)).toEqual([stateName(from.value), 'reply c9 container.exists']);
      expect(reach(from, anew).context.wish).toEqual(from.context.wish);
    }
    expect(step(start, anew)[0]).toBe('building');
  });

  it('is unknown to commands that come before its wish', () => {
    for (const event of [setUp(null, 'c9'), started(), teardown(), remove()])
      expect(step(start, event)).toEqual(['absent', 'reply c9 container.unknown']);
  });
});

describe('claims', () => {
  it('are granted one by one, and the container is built after the last one', () => {
    const [lease, ports] = grantsFor(claiming.context) as [ActorEvent, ActorEvent];
    expect(step(claiming, lease)).toEqual(['claiming']);
    expect(step(claiming, ports)).toEqual(['claiming']);
    expect(step(claiming, ports, lease)).toEqual(['building', 'apply setup']);
  });

  it('carry the number of their attempt, and answers to another attempt are ignored', () => {
    const [tell] = effectsOf(created, setUp(null));
    expect(tell).toMatchObject({ event: { type: 'lease.request', container: 'web', attempt: 1, staticIps: [] } });
    expect(step(claiming, { type: 'lease.granted', attempt: 0, lease: leaseOf() })).toEqual(['claiming']);
    expect(step(claiming, { type: 'claim.refused', attempt: 0, fault: fault('port.taken', 'taken') })).toEqual([
      'claiming',
    ]);
  });

  it('C05 are released, and nothing is built, when the gateway of a route is unreachable', () => {
    const route = { destination: '10.77.0.0/16', gateway: '10.99.0.9', metric: null, type: 'unicast' } as const;
    const [, ports] = grantsFor(claiming.context) as [ActorEvent, ActorEvent];
    const lease: ActorEvent = { type: 'lease.granted', attempt: 1, lease: leaseOf({ routes: [route] }) };
    expect(step(claiming, lease)).toEqual(['claiming']);
    expect(step(claiming, lease, ports)).toEqual([
      'failed',
      'tell network/demo lease.release',
      'tell host ports.release',
      'announce failed',
      'reply c1 route.unreachable',
    ]);
  });

  it('are all released when one is refused, and the set-up fails', () => {
    expect(step(claiming, { type: 'claim.refused', attempt: 1, fault: fault('port.taken', 'taken') })).toEqual([
      'failed',
      'tell network/demo lease.release',
      'tell host ports.release',
      'announce failed',
      'reply c1 port.taken',
    ]);
  });

  it('B04 for a namespace are granted with its path and status', () => {
    const sharing = reach(start, setUp(wishes.shared));
    const { next, effects } = follow(containerMachine, sharing, { type: 'netns.shared', attempt: 1, share });
    expect([stateName(next.value), ...effects.map(brief)]).toEqual(['building', 'apply setup']);
    expect(effects[0]).toMatchObject({ plan: { steps: [{ verb: 'netns.require', path: '/netns/netloom-db' }] } });
  });
});

describe('the build of a container', () => {
  it('announces the namespace and the container when it succeeds, and replies with the status', () => {
    expect(step(building, setupDone)).toEqual([
      'up.configured',
      'announce netns-ready',
      'announce configured',
      'reply c1 ok',
    ]);
    expect(effectsOf(building, setupDone)[2]).toMatchObject({
      output: {
        id: 'web',
        netns: { path: '/netns/netloom-web', inode: 7 },
        status: { demo: { interfaces: { eth0: { subnets: [{ ipnet: '10.89.0.2/24' }] } } } },
        ports: [{ hostPort: 8080 }],
        kernelMs: 2,
      },
    });
  });

  it('B07 releases every claim and reports the fault when it fails', () => {
    expect(step(building, failed('setup'))).toEqual([
      'failed',
      'tell network/demo lease.release',
      'tell host ports.release',
      'announce failed',
      'reply c1 kernel.refused',
    ]);
  });

  it('B07 keeps its claims when it fails and something is left in the kernel', () => {
    expect(step(building, failed('setup', littered))).toEqual(['failed', 'announce failed', 'reply c1 kernel.refused']);
  });

  it('ignores the results of other plans', () => {
    for (const kind of ['verify', 'watch', 'unlink', 'teardown'] as const)
      for (const event of [applied(kind), failed(kind)]) expect(step(building, event)).toEqual(['building']);
  });

  it('delays commands until it is done', () => {
    expect(step(building, teardown())).toEqual(['building']);
    expect(step(building, teardown(), setupDone)).toEqual([
      'unconfiguring',
      'announce netns-ready',
      'announce configured',
      'reply c1 ok',
      ...leavings,
      'announce tearing-down',
      'apply teardown',
    ]);
    expect(step(building, started(), setUp(null, 'c8'), setupDone).slice(4)).toEqual([
      'apply watch',
      'announce running',
      'reply c9 ok',
      'reply c8 ok',
    ]);
  });
});

describe('a container that is up', () => {
  it('B04 shares its namespace, which it refuses while it is down', () => {
    const question: ActorEvent = { type: 'netns.share', from: 'container/other', attempt: 3 };
    expect(effectsOf(configured, question)).toMatchObject([
      { to: 'container/other', event: { type: 'netns.shared', attempt: 3, share: { path: '/netns/netloom-web' } } },
    ]);
    for (const from of [start, created, unconfiguring, unlinking, failedClean])
      expect(effectsOf(from, question)).toMatchObject([
        { to: 'container/other', event: { type: 'claim.refused', attempt: 3, fault: { code: 'netns.gone' } } },
      ]);
  });

  it('B04 answers a request for its namespace after its set-up has succeeded or failed', () => {
    const question: ActorEvent = { type: 'netns.share', from: 'container/other', attempt: 3 };
    for (const from of [claiming, building]) expect(step(from, question)).toEqual([stateName(from.value)]);
    expect(step(building, question, setupDone)).toContain('tell container/other netns.shared');
    expect(step(building, question, failed('setup'))).toContain('tell container/other claim.refused');
  });

  it('B04 refuses its namespace while it waits for one itself, so that no deadlock can arise', () => {
    const waiting = reach(start, setUp(wishes.shared));
    expect(step(waiting, { type: 'netns.share', from: 'container/db', attempt: 3 })).toEqual([
      'claiming',
      'tell container/db claim.refused',
    ]);
  });

  it('watches its process after the engine has reported the start', () => {
    expect(step(configured, started())).toEqual(['up.running', 'apply watch', 'announce running', 'reply c9 ok']);
    expect(step(running, started())).toEqual(['up.running', 'reply c9 container.state']);
    for (const from of [created, failedClean]) expect(step(from, started()).at(-1)).toBe('reply c9 container.state');
  });

  it('is torn down with its process if requested, and is kept otherwise', () => {
    expect(step(running, exited())).toEqual([
      'unconfiguring',
      'announce exited',
      ...leavings,
      'announce tearing-down',
      'apply teardown',
    ]);
    const kept = reach(granted(reach(start, setUp(wishes.kept))), setupDone, started());
    expect(step(kept, exited())).toEqual(['up.exited', 'announce exited']);
    expect(step(kept, failed('watch', { code: 'process.gone' }))).toEqual(['up.exited', 'announce exited']);
    // the process may be alive: the network of a live process is not taken down
    for (const from of [kept, running])
      expect(step(from, failed('watch'))).toEqual(['up.running', 'announce unwatched']);
    expect(step(kept, exited(), started(8))).toEqual(['up.running', 'apply watch', 'announce running', 'reply c9 ok']);
  });

  it('ignores the end of other processes', () => {
    expect(step(running, exited(8))).toEqual(['up.running']);
  });

  it('is not set up twice: the same wish is answered with the status, and another wish is refused', () => {
    expect(step(running, setUp(null, 'c9'))).toEqual(['up.running', 'reply c9 ok']);
    expect(step(running, setUp(wishes.none, 'c9'))).toEqual(['up.running', 'reply c9 container.state']);
  });
});

describe('B08 a teardown', () => {
  it('B08 removes everything from the kernel, replies, and releases addresses after the links are removed', () => {
    expect(step(configured, teardown())).toEqual([
      'unconfiguring',
      ...leavings,
      'announce tearing-down',
      'apply teardown',
    ]);
    expect(step(unconfiguring, applied('teardown'))).toEqual(['unlinking', 'reply c3 ok', 'apply unlink']);
    expect(step(unlinking, applied('unlink'))).toEqual([
      'created',
      'tell network/demo lease.release',
      'tell host ports.release',
      'announce torn-down',
    ]);
  });

  it('B08 reports that there was nothing to do when the container is not up', () => {
    expect(effectsOf(created, teardown())).toMatchObject([{ output: { id: 'web', nothingToDo: true } }]);
  });

  it('B08 is possible after every failure', () => {
    expect(step(failedClean, teardown())).toEqual(['unconfiguring', 'announce tearing-down', 'apply teardown']);
    expect(step(failedLittered, teardown())).toEqual([
      'unconfiguring',
      ...leavings,
      'announce tearing-down',
      'apply teardown',
    ]);
  });

  it('B08 is not repeated when it fails, and every waiting command gets the fault', () => {
    expect(step(unconfiguring, remove(), setUp(null, 'c8'), failed('teardown', littered))).toEqual([
      'failed',
      'announce failed',
      'reply c3 kernel.refused',
      'reply c9 kernel.refused',
      'reply c8 kernel.refused',
    ]);
  });

  it('precedes another set-up when something is left in the kernel, and uses the former wish', () => {
    const again = follow(containerMachine, failedLittered, setUp(wishes.none, 'c9'));
    expect([stateName(again.next.value), ...again.effects.map(brief)]).toEqual([
      'unconfiguring',
      ...leavings,
      'announce tearing-down',
      'apply teardown',
    ]);
    expect(again.next.context.wish).toEqual(wish);
    expect(step(again.next, applied('teardown'), applied('unlink'))).toEqual([
      'building',
      'tell network/demo lease.release',
      'tell host ports.release',
      'announce torn-down',
      'apply setup',
    ]);
  });

  it('does not precede another set-up when nothing is left in the kernel', () => {
    expect(step(failedClean, setUp(wishes.none, 'c9'))).toEqual(['building', 'apply setup']);
  });
});

describe('a removal', () => {
  it('deletes the record of a container that is not up', () => {
    expect(step(created, remove())).toEqual(['removed', 'announce removed', 'reply c9 ok']);
  });

  it('first tears down a container that is up', () => {
    expect(step(configured, remove(), applied('teardown'), applied('unlink'))).toEqual([
      'removed',
      'tell network/demo lease.release',
      'tell host ports.release',
      'announce torn-down',
      'announce removed',
      'reply c9 ok',
    ]);
  });

  it('passes later commands on to the next container with the same ID', () => {
    const { next, effects } = follow(containerMachine, unlinking, remove(), setUp(wish, 'c8'), applied('unlink'));
    expect(next.value).toBe('removed');
    expect(effects.slice(3).map(brief)).toEqual([
      'tell container/web container.setup',
      'announce removed',
      'reply c9 ok',
    ]);
    expect(effects[3]).toMatchObject({ to: 'container/web', event: setUp(wish, 'c8') });
  });
});

describe('a restart of the daemon', () => {
  it('verifies a container that is up, and watches its process again by its start time', () => {
    expect(step(configured, recovered(false))).toEqual(['up.configured verifying', 'apply verify']);
    expect(step(running, recovered(false))).toEqual(['up.running verifying', 'apply watch', 'apply verify']);
    expect(effectsOf(running, recovered(false))[0]).toMatchObject({
      plan: { steps: [{ verb: 'process.watch', pid: 7, startTicks: 9 }] },
    });
    expect(step(reach(running, recovered(false)), applied('verify'))).toEqual([
      'up.running',
      'announce adopted',
      'reply null ok',
    ]);
  });

  it('announces a container whose namespace is gone as lost, and cleans up', () => {
    const gone = failed('verify', { code: 'netns.gone' });
    expect(step(reach(running, recovered(false)), gone)).toEqual([
      'unconfiguring',
      'announce lost',
      'reply null container.state',
      ...leavings,
      'announce tearing-down',
      'apply teardown',
    ]);
  });

  it('changes nothing in other states, as plans under way continue without it', () => {
    for (const from of [created, claiming, building, unconfiguring, unlinking, failedClean])
      expect(step(from, recovered(false))).toEqual([stateName(from.value)]);
  });
});

describe('a reboot', () => {
  it('announces every network as lost, answers waiting commands, and releases every claim', () => {
    const lost = [
      'announce lost',
      'reply null container.state',
      'tell network/demo lease.release',
      'tell host ports.release',
    ];
    for (const from of [configured, running, unlinking, failedLittered])
      expect(step(from, recovered(true))).toEqual(['created', ...lost]);
    expect(step(building, recovered(true))[2]).toBe('reply c1 container.state');
    expect(step(unconfiguring, recovered(true))[2]).toBe('reply c3 container.state');
  });

  it('keeps the commands that wait', () => {
    expect(step(building, remove(), recovered(true)).slice(-2)).toEqual(['announce removed', 'reply c9 ok']);
  });

  it('changes nothing for a container that was only created', () => {
    expect(step(created, recovered(true))).toEqual(['created']);
    expect(step(start, recovered(true))).toEqual(['absent']);
  });
});
