import type { MachineContext, StateValue } from 'xstate';
import type { Effect } from '../../../machines/effect.ts';
import type { ActorAddress } from '../../core/actor-address.ts';
import type { ActorEvent } from '../../core/actor-event.ts';
import type { Fault } from '../../core/fault.ts';
import type { Plan } from '../../core/plan/plan.ts';

/** The records of the journal, with its input and output. */

/** A machine's stored state: everything that XState needs to continue. */
export interface ActorRecord {
  value: StateValue;
  context: MachineContext;
}

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
  output?: unknown;
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
  record: ActorRecord | null;
  /** the context of the last commit; null before the first */
  previous: MachineContext | null;
  /** the inbox entry or the pending plan of the event */
  consumed: number | null;
  completed: number | null;
  effects: readonly Effect[];
}

export interface Committed {
  deliveries: Delivery[];
  plans: PendingPlan[];
  answers: Answer[];
  /** whether facts were added to the outbox */
  announced: boolean;
}
