import type { ActorAddress } from '../core/actor-address.ts';
import type { FactData } from './facts.ts';
import type { FactName } from './names.ts';

/** A committed fact that has not been acknowledged by the event stream yet. */
export interface OutboxRecord {
  /** 1, 2, 3, … without a gap, over all actors, for the life of the journal */
  sequence: number;
  /** which actor announced it: `container/web`, `network/demo`, `host` */
  source: ActorAddress;
  /** `configured`, `removed`, … */
  fact: FactName;
  data: FactData;
  /** ISO 8601, when it was committed */
  time: string;
}

/** The journal's outbox, as the publisher sees it. */
export interface Outbox {
  /** names this journal: part of every event's id, so that a new journal's events are not taken for old ones */
  readonly epoch: string;
  lastSequence(): number;
  /** records with a greater sequence, in order */
  after(sequence: number, limit: number): OutboxRecord[];
  /** the stream has all up to this one */
  removeThrough(sequence: number): void;
  pending(): number;
}
