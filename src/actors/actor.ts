import { type AnyMachineSnapshot, type AnyStateMachine, initialTransition } from 'xstate';
import type { ActorAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/actor-event.ts';
import { span } from '../threads/span.ts';
import { decide } from './decide.ts';
import type { ActorRecord, Committed, Journal } from './journal.ts';

/** The origin of an event: its records are removed by the commit that it leads to. */
export interface Origin {
  /** inbox entry */
  consumed: number | null;
  /** pending plan */
  completed: number | null;
}

const nowhere: Origin = { consumed: null, completed: null };

/** One actor: a machine, and the loop that all actors have in common. */
export class Actor {
  #snapshot: AnyMachineSnapshot;
  /** whether the journal has a record of it */
  #kept: boolean;

  constructor(
    readonly address: ActorAddress,
    readonly machine: AnyStateMachine,
    input: unknown,
    record: ActorRecord | null,
  ) {
    this.#kept = record !== null;
    this.#snapshot = record ? machine.resolveState(record) : initialTransition(machine, input)[0];
  }

  get value(): unknown {
    return this.#snapshot.value;
  }

  /** The journal has no record of it: not created yet, or removed. */
  get absent(): boolean {
    return isAbsent(this.#snapshot);
  }

  /** Decides and commits; returns the commit for others to carry out. null: the event led to nothing. */
  receive(journal: Journal, event: ActorEvent, origin: Origin = nowhere): Committed | null {
    const { next, effects } = span('decide', () => decide(this.machine, this.#snapshot, event));
    if (next === this.#snapshot && effects.length === 0) {
      if (origin.consumed !== null || origin.completed !== null)
        journal.drop(this.address, origin.consumed, origin.completed);
      return null;
    }
    const record = isAbsent(next) ? null : { value: next.value, context: next.context };
    const previous = this.#kept ? this.#snapshot.context : null;
    const commit = { address: this.address, record, previous, ...origin, effects };
    const committed = span('journal: commit', () => journal.commit(commit));
    this.#snapshot = next;
    this.#kept = record !== null;
    return committed;
  }
}

function isAbsent({ status, value }: { status: string; value: unknown }): boolean {
  return status !== 'active' || value === 'absent';
}
