import type { MachineContext, StateValue } from 'xstate';
import type { Effect } from '../../../machines/effect.ts';
import type { ActorAddress } from '../../core/actor-address.ts';
import type { ActorEvent } from '../../core/event.ts';
import type { Fault } from '../../core/fault.ts';
import type { Plan } from '../../core/plan/plan.ts';

/** What the journal keeps, and what is given to it and back. */

/** A machine's state as it is kept: everything that XState needs to go on. */
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
  /** which command it answers; absent: one of an older version, or one that never comes again */
  fingerprint?: string;
}

export interface Answer extends StoredReply {
  command: string;
}

/** What an event led to. */
export interface Commit {
  address: ActorAddress;
  /** null: the actor has ended */
  record: ActorRecord | null;
  /** the context that the last commit kept; null before the first */
  previous: MachineContext | null;
  /** the inbox entry or the pending plan whose event led here */
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
