import { setTimeout as delay } from 'node:timers/promises';
import {
  type ConsumerMessages,
  type JsMsg,
  jetstream,
  jetstreamManager,
  type OrderedConsumerOptions,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { fault, NetloomError } from '../core/fault.ts';
import type { CloudEvent } from './cloud-event.ts';
import { ConnectionWatch } from './connection-watch.ts';
import { eventStream, eventsOf, type Noun } from './subjects.ts';

export interface EventOptions {
  /**
   * Where to begin: `now` (default), `all` that the stream still has, a time, or a place in the stream (that one
   * included: after a list, say `streamSequence + 1`).
   */
  since?: 'now' | 'all' | Date | number;
  /** false: end when all that was there is read; default true */
  follow?: boolean;
  /** null: of every node that shares the server */
  node?: string | null;
  noun?: Noun;
  id?: string;
  signal?: AbortSignal;
}

export interface StreamedEvent extends CloudEvent {
  /** its place in NETLOOM_EVENTS; not a part of the CloudEvent */
  streamSequence: number;
}

export interface EventFeed extends AsyncIterable<StreamedEvent> {
  /** the place to begin is settled: whatever happens from now on is told */
  ready: Promise<void>;
}

/** Begins at once, not with the first `next()`, so that nothing is missed between the two. */
export function openEvents(nc: NatsConnection, options: EventOptions): EventFeed {
  const feed = new Feed(nc, options);
  return { ready: feed.ready, [Symbol.asyncIterator]: () => feed.read() };
}

type Start = Pick<OrderedConsumerOptions, 'opt_start_seq'> | Pick<OrderedConsumerOptions, 'opt_start_time'>;

class Feed {
  readonly #nc: NatsConnection;
  readonly #options: EventOptions;
  readonly #opening: Promise<Opened>;
  readonly ready: Promise<void>;
  #from: Start = { opt_start_seq: 1 };

  constructor(nc: NatsConnection, options: EventOptions) {
    this.#nc = nc;
    this.#options = options;
    this.#opening = this.#begin();
    this.ready = this.#opening.then(() => undefined);
    this.ready.catch(() => undefined);
  }

  async *read(): AsyncGenerator<StreamedEvent> {
    const { signal, follow = true } = this.#options;
    for (let opened: Opened | null = await this.#opening; opened; opened = await this.#anew()) {
      if (!follow && opened.empty) opened.messages.close();
      const stop = () => void opened?.messages.close();
      signal?.addEventListener('abort', stop, { once: true });
      const watch = this.#endWhenBroken(opened.messages);
      if (signal?.aborted) stop();
      try {
        for await (const message of opened.messages) {
          this.#from = { opt_start_seq: message.seq + 1 };
          const event = decode(message);
          if (event) yield event;
          if (!follow && message.info.pending === 0) return;
        }
      } finally {
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
    const { node, noun, id } = this.#options;
    const consumer = await jetstream(this.#nc).consumers.get(eventStream, {
      filter_subjects: eventsOf({ node: node ?? undefined, noun, id }),
      ...this.#from,
    });
    const { num_pending } = await consumer.info(true);
    return { messages: await consumer.consume({ max_messages: batch }), empty: num_pending === 0 };
  }

  /**
   * An ordered consumer that the library makes anew after its server was lost asks for a batch of none (nats.js 3.4.0
   * forgets to count from zero) and then gets one message. So it is ended when that happens, and a new one goes on.
   */
  #endWhenBroken(messages: ConsumerMessages): ConnectionWatch {
    const end = () => void messages.close();
    void (async () => {
      for await (const { type } of messages.status()) if (type === 'reset') end();
    })();
    return new ConnectionWatch(this.#nc, { up: end });
  }

  /** null when nobody wants to hear more */
  async #anew(): Promise<Opened | null> {
    for (;;) {
      if (this.#options.signal?.aborted || this.#nc.isClosed()) return null;
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
  /** nothing to read, as far as was known when it was opened */
  empty: boolean;
}

const batch = 500;
const retryMs = 250;

/** `now` as a number: what happens while a consumer is made anew has come after it. */
async function startOf(nc: NatsConnection, since: NonNullable<EventOptions['since']>): Promise<Start> {
  if (since === 'all') return { opt_start_seq: 1 };
  if (since instanceof Date) return { opt_start_time: since.toISOString() };
  if (since !== 'now') return { opt_start_seq: Math.max(1, since) };
  const manager = await jetstreamManager(nc, { checkAPI: false });
  const { state } = await manager.streams.info(eventStream);
  return { opt_start_seq: state.last_seq + 1 };
}

/** null for what is no event of ours */
function decode(message: JsMsg): StreamedEvent | null {
  try {
    const event = message.json<CloudEvent>();
    return event?.specversion === '1.0' ? { ...event, streamSequence: message.seq } : null;
  } catch {
    return null;
  }
}

function feedFault(error: unknown): NetloomError {
  if (error instanceof NetloomError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  const missing = detail === 'stream not found';
  const message = missing
    ? `the server has no stream ${eventStream}: has a netloom daemon ever used it?`
    : `the events cannot be read: ${detail}`;
  return new NetloomError(fault('bus.unreachable', message, { detail }), { cause: error });
}
