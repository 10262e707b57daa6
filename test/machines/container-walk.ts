import { type ContainerContext, containerMachine } from '../../machines/container/chart.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { fault } from '../../src/core/fault.ts';
import type { PublishedPort } from '../../src/core/port.ts';
import { leaseOf } from '../core/samples.ts';
import { grantsFor, wishes } from './terrains/container.ts';
import { applied, begin, brief, follow, type Snapshot, stateName } from './walk.ts';

/** A container that is up, changes of it, and answers to them. */

export type At = Snapshot<ContainerContext>;
export const start: At = begin(containerMachine, { id: 'web', netnsDirectory: '/netns', attempt: 0 });
export const reach = (from: At, ...events: ActorEvent[]): At => follow(containerMachine, from, ...events).next;
const claiming = reach(start, { type: 'container.setup', command: 'c1', wish: wishes.bridge });
export const up = reach(
  claiming,
  ...grantsFor(claiming.context),
  applied('setup', [{ netns: { path: '/netns/netloom-web', inode: 7 } }]),
);

export const port = (hostPort: number): PublishedPort => ({
  protocol: 'tcp',
  hostIp: null,
  hostPort,
  containerPort: 80,
  range: 1,
});
export const connect: ActorEvent = { type: 'container.connect', command: 'c2', attachment: { network: 'back' } };
export const disconnect: ActorEvent = { type: 'container.disconnect', command: 'c2', network: 'demo' };
export const publish = (hostPort: number): ActorEvent => ({
  type: 'container.publish',
  command: 'c2',
  ports: [port(hostPort)],
});
export const unpublish = (hostPort: number): ActorEvent => ({
  type: 'container.unpublish',
  command: 'c3',
  ports: [port(hostPort)],
});
export const leased: ActorEvent = { type: 'lease.granted', attempt: 2, lease: leaseOf({ network: 'back' }) };
const picked: ActorEvent = { type: 'ports.granted', attempt: 2, ports: [port(40_000)], tookMs: 1 };
export const refused: ActorEvent = { type: 'claim.refused', attempt: 2, fault: fault('port.taken', 'taken') };
export const connecting = reach(up, connect, leased);
export const publishing = reach(up, publish(0), picked);

export function step(from: At, ...events: ActorEvent[]): string[] {
  const { next, effects } = follow(containerMachine, from, ...events);
  return [stateName(next.value), ...effects.map(brief)];
}
