import type { Answer } from '../src/contract/answers.ts';
import type { Announcement } from '../src/contract/facts.ts';
import type { ActorAddress } from '../src/core/actor-address.ts';
import type { ActorEvent, CommandId } from '../src/core/actor-event.ts';
import type { Fault } from '../src/core/fault.ts';
import type { Plan } from '../src/core/plan/plan.ts';

/** A machine's decision as plain data; only the actor loop performs it, after it was journalled. */
export type Effect =
  | ({ kind: 'tell' } & Tell)
  | ({ kind: 'apply' } & Apply)
  | ({ kind: 'reply' } & Reply)
  | ({ kind: 'announce' } & Announce);

/** A message to another actor, delivered once and in order. */
export interface Tell {
  to: ActorAddress;
  event: ActorEvent;
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

/** An event of the contract, such as `configured` of this actor, with its data. The commit adds the resulting state. */
export type Announce = Announcement;
