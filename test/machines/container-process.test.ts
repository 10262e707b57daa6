import { describe, expect, it } from 'vitest';
import { type ContainerContext, containerMachine } from '../../machines/container/chart.ts';
import { containerView } from '../../machines/container/view.ts';
import type { ActorAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { ContainerWish } from '../../src/core/container/wish.ts';
import { wishOf } from '../core/samples.ts';
import { grantsFor, wishes } from './terrains/container.ts';
import { applied, asking, begin, brief, failed, follow, recovered, type Snapshot, stateName } from './walk.ts';

const leavings = ['tell network/demo lease.leaving'];

/** The process of a container: what its engine reports, and what is refused while it runs. */

type At = Snapshot<ContainerContext>;
const { reach, step, effectsOf, kernelStepsOf } = asking<ContainerContext>(containerMachine);

const start: At = begin(containerMachine, { id: 'web', netnsDirectory: '/netns', attempt: 0 });
const startBy = Date.parse('2026-01-31T12:00:00Z');
const setUp = (wish: ContainerWish | null, more: object = {}): ActorEvent => ({
  type: 'container.setup',
  command: 'c1',
  wish,
  ...more,
});
const deadline = { deadlineAt: startBy };
const setupDone = (...outputs: object[]): ActorEvent =>
  applied('setup', [{ netns: { path: '/netns/netloom-web', inode: 7 } }, ...outputs]);
const up = (wish: ContainerWish, ...outputs: object[]): At => {
  const claiming = reach(start, setUp(wish));
  return reach(claiming, ...grantsFor(claiming.context), setupDone(...outputs));
};
const started = (more: object = {}): ActorEvent => ({ type: 'container.started', command: 'c9', pid: 7, ...more });
const exited = (pid = 7, exitCode = 3): ActorEvent => ({ type: 'container.exited', command: 'c9', pid, exitCode });
const ended: ActorEvent = { type: 'process.exited', pid: 7 };
const teardown = (force = false): ActorEvent => ({
  type: 'container.teardown',
  command: 'c9',
  ...(force && { force }),
});
const remove = (force = false): ActorEvent => ({
  type: 'container.remove',
  command: 'c9',
  from: null,
  ...(force && { force }),
});
const passed = (at = startBy): ActorEvent => ({ type: 'deadline.passed', command: null, deadline: 'start', at });
const late: ActorEvent = { type: 'deadline.passed', command: null, deadline: 'exit-code', at: 1 };
const facts = (from: At, ...events: ActorEvent[]) =>
  effectsOf(from, ...events).flatMap((effect) => (effect.kind === 'announce' ? [[effect.fact, effect.data]] : []));
const view = ({ value, context }: At) => containerView(value, context);

const kept = wishes.kept;
const configured = up(kept);
const running = reach(configured, started());
const connect: ActorEvent = { type: 'container.connect', command: 'c2', attachment: { network: 'back' } };

describe('P11 a container whose process runs', () => {
  it('P11 is torn down or removed only by force, and the refusal names its process ID', () => {
    for (const event of [teardown(), remove()]) {
      expect(step(running, event)).toEqual(['up.running', 'reply c9 container.running']);
      expect(effectsOf(running, event)).toMatchObject([{ fault: { message: expect.stringContaining('process 7') } }]);
    }
    for (const event of [teardown(true), remove(true)])
      expect(step(running, event)).toEqual(['unconfiguring', ...leavings, 'announce tearing-down', 'apply teardown']);
  });

  it('P11 is not torn down by a teardown that waited for its set-up or for a change', () => {
    const building = reach(start, setUp(wishes.none));
    expect(step(building, started(), teardown(), setupDone()).at(-1)).toBe('reply c9 container.running');
    const asked = reach(running, connect, teardown());
    expect(stateName(asked.value)).toBe('up.running asking');
    const claim: ActorEvent = {
      type: 'claim.refused',
      attempt: asked.context.attempt,
      fault: { code: 'network.unknown', message: 'no network back' },
    };
    expect(step(asked, claim).slice(-2)).toEqual(['reply c2 network.unknown', 'reply c9 container.running']);
  });

  it('P11 is not removed while it is degraded, or while its process is not watched', () => {
    const degraded = reach(running, { type: 'drift.suspected' }, failed('verify'));
    const unwatched = reach(running, failed('watch'));
    for (const from of [degraded, unwatched]) expect(step(from, remove())).toContain('reply c9 container.running');
  });

  it('P11 needs no force before its process starts, when that ends, or after a failed set-up', () => {
    const one = reach(start, setUp(wishes.none), failed('setup'));
    for (const from of [configured, reach(running, ended), one])
      for (const event of [teardown(), remove()]) expect(step(from, event)[0]).toBe('unconfiguring');
    const last = reach(up(wishes.bridge), started());
    expect(step(last, ended)[0]).toBe('unconfiguring');
  });
});

describe('P11 a container whose namespace is used by running containers', () => {
  const entered = (container = 'job'): ActorEvent => ({ type: 'netns.entered', container });
  const left = (container = 'job'): ActorEvent => ({ type: 'netns.left', container });
  const abandon: ActorEvent = { type: 'container.abandon', command: 'c9', from: null };

  it('P11 is not torn down, removed or abandoned without force, and the refusal names one of them', () => {
    const held = reach(configured, entered());
    for (const from of [held, reach(held, started(), ended)])
      for (const event of [teardown(), remove(), abandon]) {
        expect(step(from, event).at(-1)).toBe('reply c9 container.running');
        expect(effectsOf(from, event)).toMatchObject([
          { fault: { message: expect.stringContaining('container job') } },
        ]);
      }
    for (const event of [teardown(true), remove(true)]) expect(step(held, event)[0]).toBe('unconfiguring');
  });

  it('P11 needs no force after the last of them has ended, or after a forced teardown', () => {
    const two = reach(configured, entered(), entered('other'), entered());
    expect(step(two, left(), teardown()).at(-1)).toBe('reply c9 container.running');
    expect(step(two, left(), left('other'), teardown())[0]).toBe('unconfiguring');
    const down = reach(two, teardown(true), applied('teardown'), applied('unlink'));
    const anew = reach(down, entered(), setUp(null));
    expect(step(anew, ...grantsFor(anew.context), setupDone(), teardown())[0]).toBe('unconfiguring');
    expect(step(start, entered())).toEqual(['absent']);
  });

  it('P11 is kept after the deadline for its own start', () => {
    const waiting = up(wishOf({ networks: [{ network: 'demo' }], startWithinMs: 30_000 }), deadline);
    const found = applied('look', [{ inhabited: false }, { deadlineAt: startBy + 60_000 }]);
    expect(facts(waiting, entered(), passed(), found)).toMatchObject([
      ['overdue', { cause: 'guest', guest: 'job', reason: 'container job runs in its namespace' }],
    ]);
  });

  it('P11 is torn down with its own process if requested, whatever else runs there', () => {
    const last = reach(up(wishes.bridge), started(), entered());
    expect(step(last, ended)[0]).toBe('unconfiguring');
  });

  it('P11 is notified when the process of one of them starts or ends, and when that one is torn down or the host reboots', () => {
    const claiming = reach(start, setUp(wishes.shared));
    const shared = (owner: ActorAddress<'container'>) => ({ path: '/netns/netloom-db', status: {}, owner });
    const sharing = (owner: ActorAddress<'container'> = 'container/db') =>
      reach(claiming, { type: 'netns.shared', attempt: claiming.context.attempt, share: shared(owner) }, setupDone());
    const guest = sharing();
    expect(step(guest, started())).toContain('tell container/db netns.entered');
    expect(step(reach(guest, started()), ended)).toContain('tell container/db netns.left');
    expect(step(reach(guest, started({ reportsExit: true })), ended)).toContain('tell container/db netns.left');
    expect(step(reach(guest, started()), teardown(true))).toContain('tell container/db netns.left');
    expect(step(reach(guest, started()), recovered(true))).toContain('tell container/db netns.left');
    expect(step(guest, exited()).filter((told) => told.includes('netns.'))).toEqual([]);
    // the container that it joins may itself share the namespace of another one
    expect(step(sharing('container/pod'), started())).toContain('tell container/pod netns.entered');
    const asked: ActorEvent = { type: 'netns.share', from: 'container/third', attempt: 1 };
    expect(effectsOf(sharing('container/pod'), asked)).toMatchObject([
      { event: { share: { owner: 'container/pod' } } },
    ]);
    expect(effectsOf(configured, asked)).toMatchObject([{ event: { share: { owner: 'container/web' } } }]);
  });
});

describe('P18 the exit code of a process', () => {
  it('P18 is announced and shown when the engine reports it', () => {
    expect(step(running, exited())).toEqual(['up.exited', 'announce exited', 'reply c9 ok']);
    expect(facts(running, exited())).toEqual([['exited', { pid: 7, exitCode: 3 }]]);
    expect(view(reach(running, exited()))).toMatchObject({ state: 'exited', pid: 7, exitCode: 3 });
    expect(view(reach(running, exited(), ended, started()))).toMatchObject({ state: 'running', exitCode: null });
  });

  it('P18 is awaited when the engine has promised to report it', () => {
    const reporting = reach(configured, started({ reportsExit: true }));
    const ending = reach(reporting, ended);
    expect(step(reporting, ended)).toEqual(['up.ending', 'apply exit-code']);
    expect(kernelStepsOf(reporting, ended)).toMatchObject([{ verb: 'deadline.set', deadline: 'exit-code' }]);
    expect(view(ending)).toMatchObject({ state: 'running', exitCode: null });
    expect(facts(ending, exited())).toEqual([['exited', { pid: 7, exitCode: 3 }]]);
    const gone = failed('watch', { code: 'process.gone' });
    expect(step(reporting, gone)[0]).toBe('up.ending');
  });

  it('P18 is awaited until a deadline, or until the daemon restarts', () => {
    const ending = reach(configured, started({ reportsExit: true }), ended);
    for (const event of [late, failed('exit-code')])
      expect(step(ending, event)).toEqual(['up.exited', 'announce exited']);
    expect(step(ending, recovered(false))[0]).toBe('up.exited verifying');
    expect(facts(ending, late)).toEqual([['exited', { pid: 7 }]]);
    expect(step(ending, passed())).toEqual(['up.ending']);
    const reported = reach(ending, late, exited());
    expect(view(reported)).toMatchObject({ state: 'exited', exitCode: 3 });
    expect(step(reach(ending, exited()), late)).toEqual(['up.exited']);
  });

  it('P18 is not awaited by a teardown or a removal: the exit is announced first, and a late report is accepted', () => {
    const ending = reach(configured, started({ reportsExit: true }), ended);
    for (const event of [teardown(), remove(), teardown(true), remove(true)]) {
      expect(step(ending, event)).toEqual([
        'unconfiguring',
        'announce exited',
        ...leavings,
        'announce tearing-down',
        'apply teardown',
      ]);
      expect(facts(ending, event)[0]).toEqual(['exited', { pid: 7 }]);
      const leaving = reach(ending, event);
      expect(step(leaving, exited())).toEqual(['unconfiguring', 'reply c9 ok']);
      expect(step(leaving, applied('teardown'), exited())).toEqual(['unlinking', 'reply c9 ok']);
    }
    const lost = failed('verify', { code: 'netns.gone' });
    expect(facts(ending, { type: 'drift.suspected' }, lost).map(([fact]) => fact)).toEqual([
      ...['exited', 'lost', 'tearing-down'],
    ]);
    const down = reach(ending, teardown(), applied('teardown'), applied('unlink'));
    expect(step(down, exited())).toEqual(['created', 'reply c9 ok']);
    expect(step(down, exited(8))).toEqual(['created', 'reply c9 container.state']);
    expect(view(down)).toMatchObject({ pid: null, exitCode: null });
    const claiming = reach(down, setUp(null));
    const unbuilt = reach(claiming, ...grantsFor(claiming.context), failed('setup'));
    expect(step(unbuilt, exited()).at(-1)).toBe('reply c9 ok');
    // the report is about the previous process, not about a new one that ended at once
    const anew = reach(claiming, ...grantsFor(claiming.context), setupDone());
    expect(step(anew, exited())).toEqual(['up.configured', 'reply c9 ok']);
    expect(step(anew, exited(8))[0]).toBe('up.exited');
  });

  it('P18 implies a start that the engine has not reported', () => {
    expect(step(configured, exited())).toEqual(['up.exited', 'announce running', 'announce exited', 'reply c9 ok']);
    expect(facts(configured, exited())[1]).toEqual(['exited', { pid: 7, exitCode: 3 }]);
  });

  it('P18 is followed by a teardown if requested', () => {
    const last = reach(up(wishes.bridge), started({ reportsExit: true }));
    for (const events of [[exited()], [ended, exited()], [ended, late]])
      expect(step(last, ...events)[0]).toBe('unconfiguring');
    expect(step(up(wishes.bridge), exited())[0]).toBe('unconfiguring');
  });

  it('P18 is refused for another process, or for a container without a process', () => {
    for (const from of [running, reach(running, ended)])
      expect(step(from, exited(8)).at(-1)).toBe('reply c9 container.state');
    expect(step(start, exited())).toEqual(['absent', 'reply c9 container.unknown']);
    const created = reach(start, { type: 'container.create', command: 'c0', wish: kept });
    expect(step(created, exited())).toEqual(['created', 'reply c9 container.state']);
  });
});

describe('P18 a container that is not started in time', () => {
  const wish = wishOf({ networks: [{ network: 'demo' }], startWithinMs: 30_000, owner: 'engine' });
  const waiting = up(wish, deadline);
  const told = {
    cause: 'deadline',
    reason: 'its process did not start within 30 s',
    startWithinMs: 30_000,
    owner: 'engine',
  };

  it('P18 gets its deadline at its set-up, and the next daemon keeps it', () => {
    const claiming = reach(start, setUp(wish));
    const set = { verb: 'deadline.set', owner: 'container/web', deadline: 'start', withinMs: 30_000 };
    expect(kernelStepsOf(claiming, ...grantsFor(claiming.context)).at(-1)).toEqual({ ...set, at: null });
    expect(view(waiting)).toMatchObject({ startBy: '2026-01-31T12:00:00.000Z' });
    expect(kernelStepsOf(waiting, recovered(false)).at(-1)).toEqual({ ...set, at: startBy });
    expect(kernelStepsOf(configured, recovered(false)).map(({ verb }) => verb)).not.toContain('deadline.set');
  });

  /** Result of the check of its namespace, with the time of the next check. */
  const look = (inhabited: boolean): ActorEvent => applied('look', [{ inhabited }, { deadlineAt: startBy + 60_000 }]);
  const unseen: ActorEvent = {
    type: 'steps.failed',
    purpose: { kind: 'look' },
    fault: { code: 'kernel.refused', message: 'hidden' },
    outputs: [{ deadlineAt: startBy + 60_000 }],
    changed: [],
    tookMs: 1,
  };

  it('P18 is torn down and removed when no process lives in its namespace, and the reason is announced', () => {
    expect(step(waiting, passed())).toEqual(['up.configured looking', 'apply look']);
    expect(kernelStepsOf(waiting, passed())).toMatchObject([
      { verb: 'netns.inhabited', path: '/netns/netloom-web', inode: 7 },
      { verb: 'deadline.set', deadline: 'start', at: null },
    ]);
    expect(step(waiting, passed(), look(false))).toEqual([
      'unconfiguring',
      'announce abandoned',
      ...leavings,
      'announce tearing-down',
      'apply teardown',
    ]);
    expect(facts(waiting, passed(), look(false))[0]).toEqual(['abandoned', told]);
    expect(step(waiting, passed(), look(false), applied('teardown'), applied('unlink'))).toEqual([
      'removed',
      'tell network/demo lease.release',
      'announce torn-down',
      'announce removed',
      'reply null ok',
    ]);
  });

  it('P18 is kept while a process lives in its namespace, or while that is unknown, and is checked again', () => {
    for (const [event, reason] of [
      [look(true), { cause: 'process', reason: 'a process lives in its namespace' }],
      [
        unseen,
        {
          cause: 'unseen',
          reason: 'whether a process lives in its namespace is not known',
          fault: { code: 'kernel.refused', message: 'hidden' },
        },
      ],
    ] as const) {
      const stays = reach(waiting, passed(), event);
      expect(step(waiting, passed(), event)).toEqual(['up.configured', 'announce overdue']);
      expect(facts(waiting, passed(), event)).toEqual([
        ['overdue', { startWithinMs: 30_000, owner: 'engine', ...reason }],
      ]);
      expect(view(stays)).toMatchObject({ state: 'configured', startBy: '2026-01-31T12:01:00.000Z' });
      expect(step(stays, passed())).toEqual(['up.configured']);
      expect(step(stays, passed(startBy + 60_000), look(false))).toContain('announce abandoned');
    }
  });

  it('P18 is kept when it is started during the check, or after it was kept', () => {
    const looking = reach(waiting, passed());
    for (const event of [look(false), look(true), unseen]) {
      expect(step(looking, started(), event)).toEqual(['up.running']);
      expect(view(reach(looking, started(), event))).toMatchObject({ state: 'running', startBy: null });
      expect(step(looking, exited(), event)).toEqual(['up.exited']);
    }
    const stays = reach(looking, look(true), started());
    expect(step(stays, passed(startBy + 60_000))).toEqual(['up.running']);
  });

  it('P18 delays other commands until the check is done, also after a restart of the daemon', () => {
    const looking = reach(waiting, passed());
    expect(step(looking, teardown())).toEqual(['up.configured looking']);
    expect(step(looking, teardown(), look(true))).toContain('apply teardown');
    expect(step(looking, recovered(false), look(true))).toEqual([
      'up.configured verifying',
      'announce overdue',
      'apply verify',
    ]);
    const degraded = reach(waiting, { type: 'drift.suspected' }, failed('verify'));
    expect(step(degraded, passed(), look(true))[0]).toBe('up.configured verifying');
    expect(step(degraded, passed(), look(false))[0]).toBe('unconfiguring');
  });

  it('P18 is torn down without a check when it has the namespace of the host or of another container', () => {
    for (const mode of ['host', 'container:db']) {
      const other = up(wishOf({ mode, startWithinMs: 30_000 }), deadline);
      expect(step(other, passed())[0]).toBe('unconfiguring');
    }
  });

  it('P18 is not torn down while it runs, after it ran, or at the deadline of an earlier set-up', () => {
    const live = reach(waiting, started());
    expect(step(live, passed())).toEqual(['up.running']);
    expect(view(live)).toMatchObject({ startBy: null });
    expect(kernelStepsOf(live, recovered(false)).map(({ verb }) => verb)).not.toContain('deadline.set');
    expect(step(reach(live, ended), passed())).toEqual(['up.exited']);
    expect(step(waiting, passed(startBy - 1))).toEqual(['up.configured']);
    expect(step(configured, passed())).toEqual(['up.configured']);
    const down = reach(waiting, teardown(), applied('teardown'), applied('unlink'));
    expect(step(down, passed())).toEqual(['created']);
    expect(view(down)).toMatchObject({ startBy: null });
  });

  it('P18 is checked after a change that is under way', () => {
    const asking = reach(waiting, connect, passed());
    expect(stateName(asking.value)).toBe('up.configured asking');
    const refusal: ActorEvent = {
      type: 'claim.refused',
      attempt: asking.context.attempt,
      fault: { code: 'network.unknown', message: 'no network back' },
    };
    expect(step(asking, refusal)).toContain('apply look');
    expect(step(asking, refusal, look(false))).toContain('announce abandoned');
    const verifying = reach(waiting, recovered(false), passed());
    expect(step(verifying, applied('verify'), look(false))).toContain('announce abandoned');
  });

  it('P18 may get its deadline from the set-up of a stored wish', () => {
    const created = reach(start, { type: 'container.create', command: 'c0', wish: wishes.none });
    const late = kernelStepsOf(created, setUp(null, { startWithinMs: 5_000 }));
    expect(late.at(-1)).toMatchObject({ verb: 'deadline.set', withinMs: 5_000 });
    expect(kernelStepsOf(created, setUp(null)).map(({ verb }) => verb)).not.toContain('deadline.set');
  });
});

describe('P18 a container that gc found never started', () => {
  const abandon: ActorEvent = { type: 'container.abandon', command: 'c9', from: null };

  it('P18 is torn down and removed, and the command is answered afterwards', () => {
    const { next, effects } = follow(containerMachine, configured, abandon);
    expect(effects.map(brief)).toEqual(['announce abandoned', ...leavings, 'announce tearing-down', 'apply teardown']);
    expect(facts(configured, abandon)[0]).toMatchObject(['abandoned', { cause: 'collected', startWithinMs: null }]);
    expect(step(next, applied('teardown'), applied('unlink')).slice(-2)).toEqual(['announce removed', 'reply c9 ok']);
  });

  it('P18 is kept when it was started in the meantime, or is not set up', () => {
    for (const from of [running, reach(running, ended)])
      expect(step(from, abandon).at(-1)).toBe('reply c9 container.state');
    const created = reach(start, { type: 'container.create', command: 'c0', wish: kept });
    expect(step(created, abandon)).toEqual(['created', 'reply c9 container.state']);
    expect(step(start, abandon)).toEqual(['absent', 'reply c9 container.unknown']);
  });

  it('P18 answers a request of the host in the same way', () => {
    const asked: ActorEvent = { type: 'container.abandon', command: null, from: 'host' };
    const answer = (code?: string) => ({
      kind: 'tell',
      to: 'host',
      event: { type: 'container.abandoned', fault: code ? { code } : null },
    });
    const leaving = reach(configured, asked, applied('teardown'));
    expect(effectsOf(leaving, applied('unlink')).at(-1)).toMatchObject(answer());
    expect(effectsOf(leaving, failed('unlink')).at(-1)).toMatchObject(answer('kernel.refused'));
    expect(effectsOf(running, asked)).toMatchObject([answer('container.state')]);
    expect(effectsOf(start, asked)).toMatchObject([answer('container.unknown')]);
    // the second request is for the next container with this ID
    expect(effectsOf(reach(leaving, asked), applied('unlink'))).toContainEqual({
      kind: 'tell',
      to: 'container/web',
      event: asked,
    });
  });
});

describe('P18 labels and owner', () => {
  it('P18 are announced at creation and shown', () => {
    const wish = wishOf({ mode: 'none', labels: { app: 'shop' }, owner: 'podman' });
    const created: ActorEvent = { type: 'container.create', command: 'c0', wish };
    expect(facts(start, created)).toMatchObject([['created', { labels: { app: 'shop' }, owner: 'podman' }]]);
    expect(view(reach(start, created))).toMatchObject({ labels: { app: 'shop' }, owner: 'podman' });
    const bare: ActorEvent = { type: 'container.create', command: 'c0', wish: wishes.none };
    expect(facts(start, bare)).toMatchObject([['created', { labels: {}, owner: null }]]);
  });
});
