import { describe, expect, it } from 'vitest';
import { type ContainerContext, containerMachine } from '../../machines/container/chart.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { fault } from '../../src/core/fault.ts';
import { grantsFor, wishes } from './terrains/container.ts';
import { applied, begin, brief, follow, type Snapshot, stateName } from './walk.ts';

type At = Snapshot<ContainerContext>;

const start: At = begin(containerMachine, { id: 'web', netnsDirectory: '/netns', attempt: 0 });
const found = (inode: number | null): ActorEvent => ({
  type: 'container.found',
  wish: wishes.bridge,
  inode,
  created: '2026-01-01T00:00:00Z',
});
const reach = (from: At, ...events: ActorEvent[]): At => follow(containerMachine, from, ...events).next;

function step(from: At, ...events: ActorEvent[]): string[] {
  const { next, effects } = follow(containerMachine, from, ...events);
  return [stateName(next.value), ...effects.map(brief)];
}

const claiming = reach(start, found(7));
const adopted = reach(claiming, ...grantsFor(claiming.context));

describe('B07 a container that was found in the kernel', () => {
  it('B07 claims what it has, as a set-up does', () => {
    expect(step(start, found(7))).toEqual([
      'claiming',
      'announce created',
      'tell network/demo lease.request',
      'tell host ports.claim',
    ]);
  });

  it('B07 is verified once everything is granted, and builds nothing', () => {
    expect(step(claiming, ...grantsFor(claiming.context))).toEqual(['up.configured verifying', 'apply verify']);
    expect(adopted.context).toMatchObject({ inode: 7, change: { kind: 'recovery' }, suspected: null });
    expect(adopted.context.found).toBeUndefined();
    expect(step(adopted, applied('verify'))).toEqual(['up.configured', 'announce adopted', 'reply null ok']);
  });

  it('B07 keeps its claims if one is refused, and its teardown removes what is left', () => {
    const [first, ...others] = grantsFor(claiming.context);
    const refused: ActorEvent = {
      type: 'claim.refused',
      attempt: claiming.context.attempt,
      fault: fault('port.taken', 'taken'),
    };
    const failed = reach(claiming, first as ActorEvent, refused);
    expect(step(claiming, first as ActorEvent, refused)).toEqual([
      'failed',
      'announce failed',
      'reply null port.taken',
    ]);
    expect(others.length).toBeGreaterThan(0);
    expect(failed.context).toMatchObject({ inode: 7, lastFault: { code: 'port.taken', leftBehind: [{}] } });
    expect(step(failed, { type: 'container.teardown', command: 'c1' })).toContain('apply teardown');
  });

  it('B07 has failed if its namespace was not found, and keeps its addresses', () => {
    const remains = reach(start, found(null));
    const failed = reach(remains, ...grantsFor(remains.context));
    expect(stateName(failed.value)).toBe('failed');
    expect(failed.context).toMatchObject({ inode: null, lastFault: { code: 'netns.gone' } });
    expect(Object.keys(failed.context.leases)).toEqual(['demo']);
  });
});
