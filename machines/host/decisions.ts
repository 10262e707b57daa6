import type { ActorAddress } from '../../src/core/actor-address.ts';
import type { HostEvent } from '../../src/core/actor-event.ts';
import type { HostPurpose } from '../../src/core/plan/purpose.ts';
import { decisionsOf } from '../decisions.ts';
import type { Effect } from '../effect.ts';
import type { HostContext } from './context.ts';

/** Decisions of the host: `machines/decisions.ts` for its machine, and what its actions and guards share. */

export type Given = { context: HostContext; event: HostEvent };

export type EventOf<Type extends HostEvent['type']> = Extract<HostEvent, { type: Type }>;

/** Result of an event: the whole context after it, and the effects. */
export interface Turn<Context = HostContext> {
  context: Context;
  effects: Effect<'host'>[];
}

/** Decides on what a turn leads to, and lists the effects of both. */
export function andThen(turn: Turn, next: (context: HostContext) => Turn): Turn {
  const { context, effects } = next(turn.context);
  return { context, effects: [...turn.effects, ...effects] };
}

export const { decide, remember, resolve } = decisionsOf<HostContext, HostEvent, 'host'>();

/** Returns the purpose of the plan whose result the event is, if it is of that kind. */
export function purposeOf<Kind extends HostPurpose['kind']>(event: HostEvent, kind: Kind): PurposeOf<Kind> | null {
  if (event.type !== 'steps.applied' && event.type !== 'steps.failed') return null;
  return isOfKind(event.purpose, kind) ? event.purpose : null;
}

/** Returns the claimant of a deadline that was set or has passed. */
export const claimantOf = (event: HostEvent): ActorAddress | undefined =>
  event.type === 'deadline.passed' ? event.claimant : purposeOf(event, 'wait')?.claimant;

type PurposeOf<Kind extends HostPurpose['kind']> = Extract<HostPurpose, { kind: Kind }>;

const isOfKind = <Kind extends HostPurpose['kind']>(purpose: HostPurpose, kind: Kind): purpose is PurposeOf<Kind> =>
  purpose.kind === kind;
