import type { MachineContext, StateValue } from 'xstate';
import type { Effect } from '../../../machines/effect.ts';
import type { ActorState } from '../../../machines/state.ts';
import type { Answer as Output } from '../../contract/answers.ts';
import type { ActorAddress, ActorKind } from '../../core/actor-address.ts';
import type { ActorEvent } from '../../core/actor-event.ts';
import type { Fault } from '../../core/fault.ts';
import type { Plan } from '../../core/plan/plan.ts';

/** The records of the journal, with its input and output. */

/** The record of an actor, as any machine writes it. */
export interface WrittenRecord {
  value: StateValue;
  context: MachineContext;
}

/** The record of an actor of one kind, or of any, as its machine reads it. */
export type ActorRecord<Kind extends ActorKind = ActorKind> = ActorState<Kind>;

/** An actor with its record. */
export interface KnownActor<Kind extends ActorKind = ActorKind> {
  address: ActorAddress<Kind>;
  record: ActorRecord<Kind>;
}

/**
 * Types a record by its kind. What was written cannot be checked field by field, but only the machine of that kind writes it, and
 * a journal of another version, whose contexts may have another shape, is not opened (`journalVersion`).
 */
export const readAs = <Kind extends ActorKind>(written: WrittenRecord): ActorRecord<Kind> =>
  written as ActorRecord<Kind>;

/** A message on its way to an actor. It is in the actor's inbox until the commit that it led to. */
export interface Delivery {
  to: ActorAddress;
  sequence: number;
  event: ActorEvent;
}

/** Kernel steps that were decided and whose result is not journalled yet. */
export interface PendingPlan {
  sequence: number;
  plan: Plan;
}

export interface StoredReply {
  time: number;
  output?: Output;
  fault?: Fault;
  /** the command that it answers; absent: one of an older version, or one that is never repeated */
  fingerprint?: string;
}

export interface Answer extends StoredReply {
  command: string;
}

/** The result of an event. */
export interface Commit {
  address: ActorAddress;
  /** null: the actor has ended */
  record: WrittenRecord | null;
  /** the context of the last commit; null before the first */
  previous: MachineContext | null;
  /** the inbox entry or the pending plan of the event */
  consumed: number | null;
  completed: number | null;
  effects: readonly Effect[];
}

export interface Committed {
  deliveries: Delivery[];
  /** those that can wait until the plans are carried out */
  news: Delivery[];
  plans: PendingPlan[];
  answers: Answer[];
  /** whether facts were added to the outbox */
  announced: boolean;
}
