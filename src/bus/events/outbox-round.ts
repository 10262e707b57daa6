import { createInbox, type Deferred, deferred, type Msg, type NatsConnection } from '@nats-io/nats-core';
import type { Outbox, OutboxRecord } from '../../contract/outbox.ts';
import { fault, NetloomError } from '../../core/fault.ts';
import { isStorageFull } from '../../files/free-space.ts';
import { acknowledgedPlace, outboxMessage, unreachable } from './outbox-message.ts';

/** The progress of the stream. */
export interface StreamPosition {
  /** the last fact that the stream has acknowledged; 0 before the first */
  sequence: number;
  /** its position in NETLOOM_EVENTS, or that of one before it; null while unknown */
  streamSequence: number | null;
}

export interface RoundOptions {
  nc: NatsConnection;
  outbox: Outbox;
  node: string;
  window: number;
  hasRoom: () => boolean;
  ackWithinMs: number;
  /** the stream has all up to this one */
  base: number;
  onAcknowledged: (position: StreamPosition) => void;
}

const removeEvery = 256;
/** Until then the outbox also has facts that the stream has. A repeated one is recognized by its number. */
const removeAfterMs = 50;

/**
 * Publishing from one fact to the first failure. Acknowledgements arrive in one inbox in the order of the facts, because
 * one stream accepts them in order; so there is no promise and no timer per fact, which js.publish() would cost.
 */
export class Round {
  /** rejects when this round is over */
  readonly failure: Deferred<never> = deferred();
  readonly #options: RoundOptions;
  readonly #inbox: string;
  readonly #acknowledgements: ReturnType<NatsConnection['subscribe']>;
  readonly #watchdog: NodeJS.Timeout;
  #removal: NodeJS.Timeout | undefined;
  /** the window was full when there was more to send */
  #full = false;
  #sent: number;
  #acknowledged: number;
  #removed: number;
  /** the last acknowledged one when the watchdog looked */
  #seen: number | null = null;

  constructor(options: RoundOptions) {
    this.#options = options;
    this.#sent = options.base;
    this.#acknowledged = options.base;
    this.#removed = options.base;
    this.failure.catch(() => undefined);
    this.#inbox = createInbox(inboxPrefixIn(options.nc));
    this.#acknowledgements = options.nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => (error ? this.fail(error) : this.#acknowledge(message)),
    });
    this.#watchdog = setInterval(() => this.#look(), options.ackWithinMs);
  }

  /** Sends waiting facts, as far as the window allows. */
  pump(): void {
    const { outbox, window, hasRoom } = this.#options;
    try {
      if (!hasRoom()) throw new NetloomError(fault('storage.full', 'the disk of the stream is full'));
      for (;;) {
        const room = window - (this.#sent - this.#acknowledged);
        this.#full = room <= 0;
        const records = this.#full ? [] : outbox.after(this.#sent, room);
        if (records.length === 0) return;
        for (const record of records) this.#send(record);
      }
    } catch (error) {
      this.fail(error as Error);
    }
  }

  fail(error: Error): void {
    this.failure.reject(error);
  }

  close(): void {
    clearInterval(this.#watchdog);
    if (!this.#options.nc.isClosed()) this.#acknowledgements.unsubscribe();
    this.#remove();
  }

  #send(record: OutboxRecord): void {
    const { nc, node, outbox } = this.#options;
    const { subject, payload, headers } = outboxMessage(nc, node, outbox.epoch, record);
    nc.publish(subject, payload, { headers, reply: `${this.#inbox}.${record.sequence}` });
    this.#sent = record.sequence;
  }

  #acknowledge(message: Msg): void {
    const sequence = Number(message.subject.slice(this.#inbox.length + 1));
    const streamSequence = this.#placeOf(sequence, message);
    if (streamSequence === null) return;
    this.#acknowledged = sequence;
    if (sequence - this.#removed >= removeEvery) this.#remove();
    else this.#removal ??= setTimeout(() => this.#remove(), removeAfterMs);
    this.#options.onAcknowledged({ sequence, streamSequence });
    if (this.#full && this.#sent - sequence <= this.#options.window / 2) this.pump();
  }

  #placeOf(sequence: number, message: Msg): number | null {
    try {
      const place = acknowledgedPlace(sequence, message);
      const due = this.#acknowledged + 1;
      if (sequence !== due) throw unreachable(`event ${sequence} was acknowledged where ${due} was due`);
      return place;
    } catch (error) {
      this.fail(error as Error);
      return null;
    }
  }

  #remove(): void {
    clearTimeout(this.#removal);
    this.#removal = undefined;
    if (this.#acknowledged === this.#removed) return;
    try {
      this.#options.outbox.removeThrough(this.#acknowledged);
      this.#removed = this.#acknowledged;
    } catch (error) {
      // a removal takes room, too: these are removed with the next ones
      if (!isStorageFull(error)) throw error;
    }
  }

  /** Fails when the fact that was due at the last look is still due. */
  #look(): void {
    const waits = this.#sent > this.#acknowledged;
    if (waits && this.#seen === this.#acknowledged)
      this.fail(unreachable(`event ${this.#acknowledged + 1} was not acknowledged`));
    this.#seen = waits ? this.#acknowledged : null;
  }
}

/** Finds the inbox prefix where the libraries above nats-core read it: a server may allow a client only its own inboxes. */
function inboxPrefixIn(nc: NatsConnection): string | undefined {
  return (nc as NatsConnection & { options?: { inboxPrefix?: string } }).options?.inboxPrefix;
}
