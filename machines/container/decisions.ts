import type { Answer } from '../../src/contract/answers.ts';
import { type ActorAddress, networkAddress } from '../../src/core/actor-address.ts';
import type { ContainerEvent } from '../../src/core/actor-event.ts';
import { calledAs } from '../../src/core/container/reference.ts';
import { type Fault, type FaultCode, fault } from '../../src/core/fault.ts';
import { commandOf, decisionsOf } from '../decisions.ts';
import type { Effect } from '../effect.ts';
import type { ContainerContext } from './context.ts';

/** Decisions of containers: `machines/decisions.ts` for their machine, and what its actions and guards share. */

export type Given = { context: ContainerContext; event: ContainerEvent };

export const { decision, decide, remember, resolve } = decisionsOf<ContainerContext, ContainerEvent, 'container'>();

export const nameOf = ({ id, wish }: ContainerContext): string => calledAs(wish ?? { id });

/** Answers a command: to the client that waits, to the host, which asked several containers, or to a network. */
export function answerTo(
  event: ContainerEvent,
  id: string,
  answer: { output: Answer } | { fault: Fault },
): Effect<'container'> {
  if (event.type === 'network.leave' && 'fault' in answer) return membershipRefused(id, event.network, answer.fault);
  const from = askerOf(event);
  if (!from) return { kind: 'reply', command: commandOf(event), ...answer };
  const fault = 'fault' in answer ? answer.fault : null;
  return { kind: 'tell', to: from, event: { type: 'container.abandoned', container: id, fault } };
}

/** Answers a network that asked the container to leave why it cannot. */
export const membershipRefused = (id: string, network: string, fault: Fault): Effect<'container'> => ({
  kind: 'tell',
  to: networkAddress(network),
  event: { type: 'membership.refused', container: id, fault },
});

/** Returns the actor that is answered instead of a client; null: none. */
export const askerOf = (event: ContainerEvent): ActorAddress | null =>
  event.type === 'container.abandon' || event.type === 'container.remove' ? event.from : null;

export const refusal = (code: FaultCode, message: (given: Given) => string) =>
  decide((given) => [answerTo(given.event, given.context.id, { fault: fault(code, message(given)) })]);

export { commandOf, isResultOf } from '../decisions.ts';

export const isResultOfChange = ({ context: { change }, event }: Given): boolean =>
  'purpose' in event && event.purpose.kind === change?.kind;

/** Returns when a command was sent, which its machine cannot know. */
export const sentAt = (event: ContainerEvent) =>
  'created' in event && event.created ? { askedAt: event.created } : {};
