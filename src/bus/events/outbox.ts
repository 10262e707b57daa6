import { setTimeout as delay } from 'node:timers/promises';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { deferred, type NatsConnection } from '@nats-io/nats-core';
import type { Outbox, OutboxRecord } from '../../contract/outbox.ts';
import { fault, NetloomError } from '../../core/fault.ts';
import { ConnectionWatch } from '../server/connection-watch.ts';
import { type BusLog, silent } from '../server/log.ts';
import { acknowledgedPlace, outboxMessage, unreachable } from './outbox-message.ts';
import { Round, type StreamPosition } from './outbox-round.ts';
import { lastOf, missingOf, type Published } from './published.ts';
import { ensureEventStream, type StreamLimits } from './stream.ts';

export interface PublisherOptions {
  nc: NatsConnection;
  outbox: Outbox;
  node: string;
  limits?: StreamLimits;
  log?: BusLog;
  /** whether the stream's disk has room: a server without room for a message stops answering all clients */
  hasRoom?: () => boolean;
  /** maximum number of facts in flight, default 256 */
  window?: number;
}

const ackWithinMs = 5_000;
/** The facts of one command come in several commits; they are gathered for this time. */
const gatherMs = 2;
/** Callers that wait for replies come first, but facts are not delayed for longer than this. */
const giveWayMs = 10;
const backoffMs = { first: 50, most: 5_000 };
/** How often the stream's disk is checked for room again. */
const roomEveryMs = 250;

/**
 * Publishes committed facts to the stream: in order, none lost, none twice, however often the connection, the server or
 * the daemon ends in between. Nothing here fails; it waits.
 *
 * Many facts are in flight at once. When one of them gets no acknowledgement all stop, and the last message of this node
 * in the stream determines where to continue. That look costs one request per connection and also covers a daemon that
 * died between an acknowledgement and removeThrough(), at any time later, while the stream's own duplicate window is only
 * two minutes.
 */
export class OutboxPublisher {
  readonly #nc: NatsConnection;
  readonly #outbox: Outbox;
  readonly #node: string;
  readonly #limits: StreamLimits | undefined;
  readonly #log: BusLog;
  readonly #window: number;
  readonly #hasRoom: () => boolean;
  readonly #watch: ConnectionWatch;
  readonly #stopping = new AbortController();
  readonly #stopped = deferred<never>();
  readonly #ended: Promise<void>;
  #round: Round | null = null;
  #position: StreamPosition = { sequence: 0, streamSequence: null };
  #flushes: { sequence: number; done: () => void }[] = [];
  #awake = false;
  /** since a failed attempt, until the stream has been found again */
  #heldUp = false;
  #isBusy: () => boolean = () => false;

  constructor({ nc, outbox, node, limits, log = silent, hasRoom = () => true, window = 256 }: PublisherOptions) {
    this.#nc = nc;
    this.#outbox = outbox;
    this.#node = node;
    this.#limits = limits;
    this.#log = log;
    this.#window = window;
    this.#hasRoom = hasRoom;
    this.#stopped.catch(() => undefined);
    this.#watch = new ConnectionWatch(nc, { down: () => this.#round?.fail(unreachable('the connection is lost')) });
    this.#ended = this.#run();
  }

  /** While this is true, facts wait for a moment: publishing them would take processor time from the work under way. */
  giveWayWhile(isBusy: () => boolean): void {
    this.#isBusy = isBusy;
  }

  /** Schedules publishing after a commit. Cheap: everything that is committed within a moment goes to the server in one write. */
  wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.#pumpAfter(gatherMs, giveWayMs - gatherMs);
  }

  #pumpAfter(waitMs: number, leftMs: number): void {
    setTimeout(() => {
      if (leftMs > 0 && this.#isBusy()) return this.#pumpAfter(gatherMs, leftMs - gatherMs);
      this.#awake = false;
      this.#round?.pump();
    }, waitMs);
  }

  position(): StreamPosition {
    return this.#position;
  }

  pending(): number {
    return this.#outbox.pending();
  }

  /** Checks whether facts wait for a stream that does not accept them at the moment. */
  isHeldUp(): boolean {
    return this.#heldUp;
  }

  /** Resolves with true when the stream has everything committed before the call, with false after the time. */
  async flush(timeoutMs: number): Promise<boolean> {
    const sequence = this.#outbox.lastSequence();
    if (this.#position.sequence >= sequence) return true;
    if (!this.#hasRoom()) return false;
    const flushed = deferred<boolean>();
    const waiting = { sequence, done: () => flushed.resolve(true) };
    this.#flushes.push(waiting);
    const timer = setTimeout(() => flushed.resolve(false), timeoutMs);
    this.wake();
    try {
      return await flushed;
    } finally {
      clearTimeout(timer);
      this.#flushes = this.#flushes.filter((other) => other !== waiting);
    }
  }

  /** Facts without an acknowledgement stay in the outbox for the next daemon. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#stopped.reject(stopping());
    this.#watch.stop();
    this.#round?.fail(stopping());
    await this.#ended;
  }

  async #run(): Promise<void> {
    let waitMs = backoffMs.first;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#watch.up();
        await this.#room();
        // The stop does not wait for a request to a server that is gone.
        const base = await Promise.race([this.#prepare(), this.#stopped]);
        this.#heldUp = false;
        await this.#publishFrom(base, () => {
          waitMs = backoffMs.first;
        });
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#heldUp = true;
        this.#log.warn({ error, waitMs, pending: this.pending() }, 'events wait for the stream');
      }
      await delay(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      waitMs = Math.min(2 * waitMs, backoffMs.most);
    }
  }

  async #room(): Promise<void> {
    if (this.#hasRoom()) return;
    this.#log.warn({ pending: this.pending() }, "events wait: the disk of the own nats-server's store is full");
    const { signal } = this.#stopping;
    while (!this.#hasRoom()) await delay(roomEveryMs, undefined, { signal });
    this.#log.info({ pending: this.pending() }, 'events go on: there is room again');
  }

  async #prepare(): Promise<number> {
    const manager = await jetstreamManager(this.#nc, { checkAPI: false, timeout: ackWithinMs });
    await ensureEventStream(manager, this.#limits);
    return this.#resume(manager);
  }

  /** Ends only by throwing. */
  async #publishFrom(base: number, onProgress: () => void): Promise<void> {
    const round = new Round({
      nc: this.#nc,
      outbox: this.#outbox,
      node: this.#node,
      window: this.#window,
      hasRoom: this.#hasRoom,
      ackWithinMs,
      base,
      onAcknowledged: (position) => {
        this.#acknowledged(position);
        onProgress();
      },
    });
    this.#round = round;
    try {
      round.pump();
      await round.failure;
    } finally {
      this.#round = null;
      round.close();
    }
  }

  /**
   * Finds where to continue: after the last fact of this journal in the stream. But the stream may have refused one fact and accepted
   * later ones that were in flight: on a disk with room only for a short one. That fact is published first, whichever daemon it was.
   */
  async #resume(manager: JetStreamManager): Promise<number> {
    const last = await lastOf(manager, this.#node, this.#outbox, this.#stopping.signal);
    const had = last.sequence ?? this.#position.sequence;
    for (const record of await this.#missing(manager, last)) await this.#publish(record);
    const [next] = this.#outbox.after(had, 1);
    const base = next ? next.sequence - 1 : this.#outbox.lastSequence();
    this.#outbox.removeThrough(base);
    this.#acknowledged({ sequence: base, streamSequence: last.streamSequence });
    return base;
  }

  async #missing(manager: JetStreamManager, last: Published): Promise<OutboxRecord[]> {
    const { sequence } = last;
    if (sequence === null) return [];
    const records = this.#outbox.after(Math.max(0, sequence - this.#window), this.#window);
    const doubtful = records.filter((record) => record.sequence < sequence);
    return missingOf(doubtful, last, { manager, outbox: this.#outbox, signal: this.#stopping.signal });
  }

  async #publish(record: OutboxRecord): Promise<void> {
    const { subject, payload, headers } = outboxMessage(this.#nc, this.#node, this.#outbox.epoch, record);
    const answer = await this.#nc.request(subject, payload, { headers, timeout: ackWithinMs });
    this.#log.warn(
      { sequence: record.sequence, place: acknowledgedPlace(record.sequence, answer) },
      'an event is late',
    );
  }

  #acknowledged(position: StreamPosition): void {
    if (position.sequence > this.#position.sequence) this.#position = position;
    this.#settleFlushes();
  }

  #settleFlushes(): void {
    for (const { sequence, done } of this.#flushes) if (this.#position.sequence >= sequence) done();
  }
}

const stopping = (): NetloomError => new NetloomError(fault('node.draining', 'the publisher is stopped'));
