import type { ActorAddress } from '../core/actor-address.ts';
import type { FactData } from './facts.ts';
import type { FactName } from './name-tables.ts';

/** A committed fact that the event stream has not acknowledged yet. */
export interface OutboxRecord {
  /** 1, 2, 3, … without gaps, over all actors, for the life of the journal */
  sequence: number;
  /** the actor that announced it: `container/web`, `network/demo`, `host` */
  source: ActorAddress;
  /** `configured`, `removed`, … */
  fact: FactName;
  data: FactData;
  /** when it was committed, ISO 8601 */
  time: string;
}

/** The journal's outbox, as the publisher sees it. */
export interface Outbox {
  /** ID of this journal: part of every event's ID, so that a new journal's events are not mistaken for old ones */
  readonly epoch: string;
  lastSequence(): number;
  /** returns records with a greater sequence, in order */
  after(sequence: number, limit: number): OutboxRecord[];
  /** removes all records up to this one: the stream has them */
  removeThrough(sequence: number): void;
  pending(): number;
}
