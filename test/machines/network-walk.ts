import type { Effect } from '../../machines/effect.ts';
import { type NetworkContext, networkMachine } from '../../machines/network/chart.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { definitionOf } from '../core/samples.ts';
import { device, leaseRequest, networkWish } from './terrains/network.ts';
import { applied, begin, brief, follow, type Snapshot, stateName } from './walk.ts';

/** Networks in each state, and events on their way there. */

export type At = Snapshot<NetworkContext>;

export const { network_interface: bridge, subnets } = definitionOf();
export const create = (command = 'c1'): ActorEvent => ({
  type: 'network.create',
  command,
  wish: networkWish,
  created: 'now',
});
export const remove: ActorEvent = { type: 'network.remove', command: 'c9' };
export const update: ActorEvent = {
  type: 'network.update',
  command: 'c5',
  addDnsServers: ['9.9.9.9'],
  removeDnsServers: [],
};
export const raised = applied('raise', [{ link: device }]);
export const release = (container: string): ActorEvent => ({ type: 'lease.release', container });
export const forwarded: ActorEvent = { type: 'forwarding.granted' };

/** Follows events of a network; the host grants every claim of forwarding at once. */
export function followed(from: At, ...events: ActorEvent[]): { next: At; effects: Effect[] } {
  let taken: { next: At; effects: Effect[] } = { next: from, effects: [] };
  for (const event of events) {
    taken = follow(networkMachine, taken.next, event);
    if (stateName(taken.next.value) !== 'routing') continue;
    const { next, effects } = follow(networkMachine, taken.next, forwarded);
    taken = { next, effects: [...taken.effects, ...effects] };
  }
  return taken;
}
export const isTransient = (at: At): boolean => at.matches({ present: { definition: 'transient' } });
export const isAboutForwarding = (line: string) => line.startsWith('tell host forwarding.');
export const reach = (from: At, ...events: ActorEvent[]): At => followed(from, ...events).next;

export const start: At = begin(networkMachine, { name: 'demo', searchDomain: 'dns.netloom', node: 'testnode' });
export const claiming = reach(start, create());
export const granted: Extract<ActorEvent, { type: 'subnet.granted' }> = { type: 'subnet.granted', bridge, subnets };
export const defining = reach(claiming, granted);
export const defined = reach(defining, applied('define'));
export const raising = reach(defined, leaseRequest('a'));
export const up = reach(raising, raised);
export const empty = reach(up, release('a'));
export const lowering = reach(empty, remove);

export function step(from: At, ...events: ActorEvent[]): string[] {
  const { next, effects } = followed(from, ...events);
  return [stateName(next.value), ...effects.map(brief).filter((line) => !isAboutForwarding(line))];
}
export const effectsOf = (from: At, event: ActorEvent): Effect[] =>
  followed(from, event).effects.filter((effect) => !isAboutForwarding(brief(effect)));
export const leaving = (container: string): ActorEvent => ({ type: 'lease.leaving', container });
export const waiting = applied('await-leaving', [{ deadlineAt: 5 }]);
export const overdue: ActorEvent = { type: 'deadline.passed', command: null, deadline: 'leaving', at: 5 };
