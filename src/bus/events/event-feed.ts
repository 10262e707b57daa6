import { setTimeout as delay } from 'node:timers/promises';
import {
  type ConsumerMessages,
  type JsMsg,
  jetstream,
  jetstreamManager,
  type OrderedConsumerOptions,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { CloudEvent } from '../../contract/cloud-event.ts';
import { eventStream, eventsOf, type Noun } from '../../contract/subjects.ts';
import { fault, NetloomError } from '../../core/fault.ts';
import { busErrorText } from '../server/bus-error.ts';
import { ConnectionWatch } from '../server/connection-watch.ts';

export interface EventOptions {
  /**
   * Where to begin: `now` (default), `all` that the stream still has, a time, or a position in the stream (inclusive:
   * after a list, use `streamSequence + 1`).
   */
  since?: 'now' | 'all' | Date | number;
  /** false: end after the last existing event; default true */
  follow?: boolean;
  /** without `follow`: how long the server may be silent while it has more events, then command.timeout; default 30000 */
  timeoutMs?: number;
  /** null: every node that shares the server */
  node?: string | null;
  noun?: Noun;
  /** a container, or the name of a network or node, dots included */
  id?: string;
  signal?: AbortSignal;
  /** the stream in which `since` is a position: `EventFeed.stream` of the feed that had it */
  stream?: string;
  /**
   * Called when a follower starts over with the first event: its position was in a stream that was replaced, because the
   * server's store was removed, or moved away when it accepted no more events.
   */
  onReplaced?(): void;
}

/** An event with its position in NETLOOM_EVENTS, `streamSequence`, which is not part of the CloudEvent. A `switch` over `type` narrows `data`. */
export type StreamedEvent<N extends Noun = Noun> = CloudEvent<N> & { streamSequence: number };

export interface EventFeed extends AsyncIterable<StreamedEvent> {
  /** resolves when the start position is settled: all later events are delivered */
  ready: Promise<void>;
  /** identity of the stream; null until it is ready. Keep it with a position, to continue there with another feed. */
  readonly stream: string | null;
}

/** Begins at once, not with the first `next()`, so that nothing is missed between the two. */
export function openEvents(nc: NatsConnection, options: EventOptions): EventFeed {
  const feed = new Feed(nc, options);
  return {
    ready: feed.ready,
    get stream() {
      return feed.stream;
    },
    [Symbol.asyncIterator]: () => feed.read(),
  };
}

type Start = { opt_start_seq: number } | Required<Pick<OrderedConsumerOptions, 'opt_start_time'>>;

class Feed {
  readonly #nc: NatsConnection;
  readonly #options: EventOptions;
  readonly #opening: Promise<Opened>;
  readonly ready: Promise<void>;
  #from: Start = { opt_start_seq: 1 };
  /** time of its creation, by the server's clock; null: not known yet */
  stream: string | null;
  /** time of the last event, or of the reader's last request; of performance.now() */
  #heardAtMs = 0;

  constructor(nc: NatsConnection, options: EventOptions) {
    this.#nc = nc;
    this.#options = options;
    this.stream = (typeof options.since === 'number' && options.stream) || null;
    this.#opening = this.#begin();
    this.ready = this.#opening.then(() => undefined);
    this.ready.catch(() => undefined);
  }

  async *read(): AsyncGenerator<StreamedEvent> {
    const { signal, follow = true } = this.#options;
    this.#heardAtMs = performance.now();
    for (let opened: Opened | null = await this.#opening; opened; opened = await this.#anew()) {
      if (!follow && opened.empty) opened.messages.close();
      const stop = () => void opened?.messages.close();
      signal?.addEventListener('abort', stop, { once: true });
      const watch = this.#endWhenBroken(opened.messages);
      if (signal?.aborted) stop();
      let silence = this.#endWhenSilent(opened.messages);
      try {
        for await (const message of opened.messages) {
          clearTimeout(silence);
          this.#from = { opt_start_seq: message.seq + 1 };
          const event = decode(message);
          if (event) yield event;
          if (!follow && message.seq >= opened.lastSequence) return;
          this.#heardAtMs = performance.now();
          silence = this.#endWhenSilent(opened.messages);
        }
      } finally {
        clearTimeout(silence);
        signal?.removeEventListener('abort', stop);
        watch.stop();
        stop();
      }
      if (!follow && opened.empty) return;
    }
  }

  async #begin(): Promise<Opened> {
    try {
      this.#from = await startOf(this.#nc, this.#options.since ?? 'now');
      return await this.#open();
    } catch (error) {
      throw feedFault(error);
    }
  }

  async #open(): Promise<Opened> {
    const { node, noun, id, follow = true } = this.#options;
    const subject = eventsOf({ node: node ?? undefined, noun, id });
    const timeoutMs = Math.min(5_000, this.#timeoutMs);
    await this.#lookAtStream(timeoutMs);
    const consumer = await jetstream(this.#nc, { timeout: timeoutMs }).consumers.get(eventStream, {
      filter_subjects: subject,
      ...this.#from,
    });
    const { delivered } = await consumer.info(true);
    const start = 'opt_start_seq' in this.#from ? this.#from.opt_start_seq : delivered.stream_seq + 1;
    this.#from = { opt_start_seq: start };
    const lastSequence = follow ? Number.POSITIVE_INFINITY : await lastOf(this.#nc, subject, timeoutMs);
    return { messages: await consumer.consume({ max_messages: batch }), lastSequence, empty: start > lastSequence };
  }

  /** A position in a replaced stream is meaningless: a follower would wait there forever, or miss earlier events. */
  async #lookAtStream(timeoutMs: number): Promise<void> {
    const manager = await jetstreamManager(this.#nc, { checkAPI: false, timeout: timeoutMs });
    const { created, state } = await manager.streams.info(eventStream);
    const before = this.stream ?? created;
    this.stream = created;
    const { follow = true, onReplaced } = this.#options;
    if (!follow || !('opt_start_seq' in this.#from)) return;
    if (before === created && this.#from.opt_start_seq <= state.last_seq + 1) return;
    this.#from = { opt_start_seq: 1 };
    onReplaced?.();
  }

  /**
   * Ends a consumer whose server was lost: when the library (nats.js 3.4.0) makes an ordered consumer again, it forgets to
   * count from zero, asks for an empty batch and then gets one message. A new consumer continues.
   */
  #endWhenBroken(messages: ConsumerMessages): ConnectionWatch {
    const end = () => void messages.close();
    void (async () => {
      for await (const { type } of messages.status()) if (type === 'reset') end();
    })();
    return new ConnectionWatch(this.#nc, { up: end });
  }

  /**
   * Asks again for the last event of a replay: it may be gone before it is read (too old, or displaced by newer ones), and
   * would never arrive. The replay continues from the position that was reached.
   */
  #endWhenSilent(messages: ConsumerMessages): NodeJS.Timeout | undefined {
    if (this.#options.follow ?? true) return undefined;
    return setTimeout(() => void messages.close(), Math.min(silenceMs, this.#timeoutMs));
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? 30_000;
  }

  /** Throws command.timeout when a replay has received nothing for too long. */
  #refuseSilence(): void {
    if ((this.#options.follow ?? true) || performance.now() - this.#heardAtMs < this.#timeoutMs) return;
    throw new NetloomError(fault('command.timeout', `no more events came within ${this.#timeoutMs} ms`));
  }

  /** null when the reader has stopped */
  async #anew(): Promise<Opened | null> {
    for (;;) {
      if (this.#options.signal?.aborted || this.#nc.isClosed()) return null;
      this.#refuseSilence();
      try {
        return await this.#open();
      } catch {
        await delay(retryMs, undefined, { signal: this.#options.signal }).catch(() => undefined);
      }
    }
  }
}

interface Opened {
  messages: ConsumerMessages;
  /** position where a replay ends; infinite for a follower */
  lastSequence: number;
  /** empty, as far as was known when it was opened */
  empty: boolean;
}

const batch = 500;
const retryMs = 250;
/** how long a replay waits for the next event before it checks whether there is one */
const silenceMs = 500;

/** Turns `now` into a position: events that arrive while a consumer is made again come after it. */
async function startOf(nc: NatsConnection, since: NonNullable<EventOptions['since']>): Promise<Start> {
  if (since === 'all') return { opt_start_seq: 1 };
  if (since instanceof Date) return { opt_start_time: since.toISOString() };
  if (since !== 'now') return { opt_start_seq: Math.max(1, since) };
  const manager = await jetstreamManager(nc, { checkAPI: false });
  const { state } = await manager.streams.info(eventStream);
  return { opt_start_seq: state.last_seq + 1 };
}

/**
 * Returns the position of the last event of a subject, 0 without one. The pending count of a consumer is unreliable:
 * nats-server 2.9 miscounts when it begins within a block of the stream.
 */
async function lastOf(nc: NatsConnection, subject: string, timeoutMs: number): Promise<number> {
  const manager = await jetstreamManager(nc, { checkAPI: false, timeout: timeoutMs });
  return (await manager.streams.getMessage(eventStream, { last_by_subj: subject }))?.seq ?? 0;
}

/** null for a message that is not an event of netloom */
function decode(message: JsMsg): StreamedEvent | null {
  try {
    const event = message.json<CloudEvent>();
    return event?.specversion === '1.0' ? { ...event, streamSequence: message.seq } : null;
  } catch {
    return null;
  }
}

export function feedFault(error: unknown): NetloomError {
  if (error instanceof NetloomError) return error;
  const isMissing = error instanceof Error && error.message === 'stream not found';
  const message = isMissing
    ? `the server has no stream ${eventStream}: has a netloom daemon ever used it?`
    : `the events cannot be read: ${busErrorText(error)}`;
  return new NetloomError(fault('bus.unreachable', message), { cause: error });
}
