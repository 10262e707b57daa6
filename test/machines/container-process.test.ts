import { describe, expect, it } from 'vitest';
import { type ContainerContext, containerMachine } from '../../machines/container.ts';
import type { ContainerWish } from '../../src/core/container.ts';
import type { ActorEvent } from '../../src/core/event.ts';
import { grantsFor, wishes } from './terrains.ts';
import { applied, asking, begin, failed, type Snapshot, stateName } from './walk.ts';

/** The process that lives in a container's network: what its engine says of it, and what is not done while it lives. */

type At = Snapshot<ContainerContext>;
const { reach, step, effectsOf } = asking<ContainerContext>(containerMachine);

const start: At = begin(containerMachine, { id: 'web', netnsDirectory: '/netns', attempt: 0 });
const setUp = (wish: ContainerWish | null, more: object = {}): ActorEvent => ({
  type: 'container.setup',
  command: 'c1',
  wish,
  ...more,
});
const setupDone = (...outputs: object[]): ActorEvent =>
  applied('setup', [{ netns: { path: '/netns/netloom-web', inode: 7 } }, ...outputs]);
const up = (wish: ContainerWish, ...outputs: object[]): At => {
  const claiming = reach(start, setUp(wish));
  return reach(claiming, ...grantsFor(claiming.context), setupDone(...outputs));
};
const started = (more: object = {}): ActorEvent => ({ type: 'container.started', command: 'c9', pid: 7, ...more });
const ended: ActorEvent = { type: 'process.exited', pid: 7 };
const teardown = (force = false): ActorEvent => ({
  type: 'container.teardown',
  command: 'c9',
  ...(force && { force }),
});
const remove = (force = false): ActorEvent => ({ type: 'container.remove', command: 'c9', ...(force && { force }) });

const kept = wishes.kept;
const configured = up(kept);
const running = reach(configured, started());
const connect: ActorEvent = { type: 'container.connect', command: 'c2', attachment: { network: 'back' } };

describe('P11 a container whose process runs', () => {
  it('P11 is not torn down and not removed unless that is forced; the refusal has its pid', () => {
    for (const event of [teardown(), remove()]) {
      expect(step(running, event)).toEqual(['up.running', 'reply c9 container.running']);
      expect(effectsOf(running, event)).toMatchObject([{ fault: { message: expect.stringContaining('process 7') } }]);
    }
    for (const event of [teardown(true), remove(true)])
      expect(step(running, event)).toEqual(['unconfiguring', 'announce tearing-down', 'apply teardown']);
  });

  it('P11 is not torn down either by a teardown that waited for its set-up or for a change', () => {
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

  it('P11 is not torn down while something of it is missing, or while nobody watches its process', () => {
    const degraded = reach(running, { type: 'drift.suspected' }, failed('verify'));
    const unwatched = reach(running, failed('watch'));
    for (const from of [degraded, unwatched]) expect(step(from, remove())).toContain('reply c9 container.running');
  });

  it('P11 needs no force where none runs: configured, exited, failed, and by its own end', () => {
    const one = reach(start, setUp(wishes.none), failed('setup'));
    for (const from of [configured, reach(running, ended), one])
      for (const event of [teardown(), remove()]) expect(step(from, event)[0]).toBe('unconfiguring');
    const last = reach(up(wishes.bridge), started());
    expect(step(last, ended)[0]).toBe('unconfiguring');
  });
});
