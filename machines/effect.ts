import type { Answer } from '../src/contract/answers.ts';
import type { Announcement } from '../src/contract/facts.ts';
import type { ActorAddress, ActorKind } from '../src/core/actor-address.ts';
import type { ActorEvent, CommandId } from '../src/core/actor-event.ts';
import type { Fault } from '../src/core/fault.ts';
import type { Plan } from '../src/core/plan/plan.ts';

/** Decision of a machine of one kind (or of any), as plain data; only the actor loop performs it, after it was journalled. */
export type Effect<Kind extends ActorKind = ActorKind> =
  | ({ kind: 'tell' } & Tell)
  | ({ kind: 'apply' } & Apply)
  | ({ kind: 'reply' } & Reply)
  | ({ kind: 'announce' } & Announce<Kind>);

/** A message to another actor, delivered once and in order. */
export interface Tell {
  to: ActorAddress;
  event: ActorEvent;
  /** news that can wait: it is received before any later message to the same actor, but need not come before the answer to a caller */
  isNews?: true;
}

/** Kernel steps; their result is steps.applied or steps.failed. */
export interface Apply {
  plan: Plan;
}

/** The one answer to a command; ignored if command is null. */
export interface Reply {
  command: CommandId;
  output?: Answer;
  fault?: Fault;
}

/** A fact that actors of this kind announce, such as `configured`, with its data. The commit adds the resulting state. */
export type Announce<Kind extends ActorKind = ActorKind> = Announcement<Kind>;

/** A fact's name and data, each by itself: XState cannot compare a union that depends on a type parameter. */
export interface AnnounceParams<Kind extends ActorKind> {
  fact: Announce<Kind>['fact'];
  data: Announce<Kind>['data'];
}
