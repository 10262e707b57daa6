import { describe, expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';
import { containerMachine } from '../../machines/container/chart.ts';
import { decide } from '../../src/actors/decide.ts';
import type { ContainerEvent } from '../../src/core/actor-event.ts';
import { type ContainerWish, containerWish } from '../../src/core/container/wish.ts';
import { fault } from '../../src/core/fault.ts';

const wish = containerWish({
  id: 'web',
  networks: [{ network: 'demo' }],
  ports: [{ containerPort: 80 }],
}) as ContainerWish;

const story: ContainerEvent[] = [
  { type: 'container.create', command: 'a', wish },
  { type: 'container.setup', command: 'b', wish: null },
  { type: 'container.teardown', command: 'c' },
  { type: 'claim.refused', attempt: 8, fault: fault('port.taken', 'taken') },
];

describe("netloom's transition, with one inert scope for all calls, compared with XState's", () => {
  it("netloom's transition compared with XState's gives the same states and effects, event after event", () => {
    let [snapshot] = initialTransition(containerMachine, { id: 'web', netnsDirectory: '/run/netns', attempt: 7 });
    for (const event of story) {
      const [next, actions] = transition(containerMachine, snapshot, event);
      const ours = decide(containerMachine, snapshot, event);
      const theirs = actions.filter(({ type }) => !type.startsWith('xstate.'));
      expect(ours.next.value).toEqual(next.value);
      expect(ours.next.context).toEqual(next.context);
      expect(ours.effects).toEqual(theirs.map(({ type, params }) => ({ kind: type, ...(params as object) })));
      snapshot = next;
    }
    expect(snapshot.value).toBe('unconfiguring');
  });
});
