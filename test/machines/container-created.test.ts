import { describe, expect, it } from 'vitest';
import { type ContainerContext, containerMachine } from '../../machines/container/chart.ts';
import { containerView } from '../../machines/container/view.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { grantsFor, wishes } from './terrains/container.ts';
import { applied, begin, failed, follow, type Snapshot } from './walk.ts';

type At = Snapshot<ContainerContext>;

const start: At = begin(containerMachine, { id: 'web', netnsDirectory: '/netns', attempt: 0 });
const reach = (from: At, ...events: ActorEvent[]): At => follow(containerMachine, from, ...events).next;
const createdOf = ({ value, context }: At) => containerView(value, context)?.created;

const wish = wishes.bridge;
const [first, later] = ['2026-01-31T12:00:00.000Z', '2026-02-28T12:00:00.000Z'];
const create: ActorEvent = { type: 'container.create', command: 'c0', wish, created: first };
const setUp = (created?: string): ActorEvent => ({ type: 'container.setup', command: 'c1', wish, created });
const done = applied('setup', [{ netns: { path: '/netns/netloom-web', inode: 7 } }]);
const granted = (from: At): At => reach(from, ...grantsFor(from.context));

describe('P17 the creation time of a container', () => {
  it('P17 is the time of its first create or set-up', () => {
    expect(createdOf(reach(start, create))).toBe(first);
    expect(createdOf(reach(start, setUp(first)))).toBe(first);
  });

  it('P17 does not change with later commands or failures', () => {
    const configured = reach(granted(reach(start, create, setUp(later))), done);
    expect(createdOf(configured)).toBe(first);
    const down = reach(configured, { type: 'container.teardown', command: 'c2' }, applied('teardown'));
    expect(createdOf(down)).toBe(first);
    const failure = reach(granted(reach(start, setUp(first))), failed('setup'));
    expect(createdOf(reach(failure, setUp(later)))).toBe(first);
  });

  it('P17 is unknown for a record in an older journal', () => {
    const old = reach(start, setUp());
    expect(createdOf(old)).toBeUndefined();
    expect(containerView(old.value, old.context)).not.toHaveProperty('created');
    expect(createdOf(reach(granted(old), failed('setup'), setUp(later)))).toBeUndefined();
  });
});
