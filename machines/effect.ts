import type { Answer } from '../src/contract/answers.ts';
import type { Announcement } from '../src/contract/facts.ts';
import type { ActorAddress } from '../src/core/actor-address.ts';
import type { ActorEvent, CommandId } from '../src/core/event.ts';
import type { Fault } from '../src/core/fault.ts';
import type { Plan } from '../src/core/plan/plan.ts';

/** What machines decide: plain data, performed by the actor loop after it was journalled, and nowhere else. */
export type Effect =
  | ({ kind: 'tell' } & Tell)
  | ({ kind: 'apply' } & Apply)
  | ({ kind: 'reply' } & Reply)
  | ({ kind: 'announce' } & Announce);

/** Says something to another actor, once and in order. */
export interface Tell {
  to: ActorAddress;
  event: ActorEvent;
}

/** Kernel steps; comes back as steps.applied or steps.failed. */
export interface Apply {
  plan: Plan;
}

/** The one answer to a command; nothing when command is null. */
export interface Reply {
  command: CommandId;
  output?: Answer;
  fault?: Fault;
}

/** A fact of the contract: `configured` of this actor, with what subscribers are told. The commit adds the state that it leads to. */
export type Announce = Announcement;
