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
   * Where to begin: `now` (default), `all` that the stream still has, a time, or a place in the stream (that one
   * included: after a list, say `streamSequence + 1`).
   */
  since?: 'now' | 'all' | Date | number;
  /** false: end when all that was there is read; default true */
  follow?: boolean;
  /** without `follow`: how long the server may be silent while it has more to tell, then command.timeout; default 30000 */
  timeoutMs?: number;
  /** null: of every node that shares the server */
  node?: string | null;
  noun?: Noun;
  /** of a container, or the name of a network or node, dots included */
  id?: string;
  signal?: AbortSignal;
  /** of which stream `since` is a place: `EventFeed.stream` of the feed that had it */
  stream?: string;
  /**
   * Called when a follower begins anew with the first event: its place was in a stream that was replaced, because the
   * server's store was removed, or moved away when it took no more events.
   */
  onReplaced?(): void;
}

/** An event with its place in NETLOOM_EVENTS, `streamSequence`, which is not a part of the CloudEvent. A `switch` over `type` says what `data` has. */
export type StreamedEvent<N extends Noun = Noun> = CloudEvent<N> & { streamSequence: number };

export interface EventFeed extends AsyncIterable<StreamedEvent> {
  /** the place to begin is settled: whatever happens from now on is told */
  ready: Promise<void>;
  /** identity of the stream that it reads; null until it is ready. Keep it with a place, to go on there with another feed. */
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
  /** when something was heard last, or the reader came back for more; of performance.now() */
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
    const api = { timeout: Math.min(5_000, this.#timeoutMs) };
    await this.#lookAtStream(api.timeout);
    const consumer = await jetstream(this.#nc, api).consumers.get(eventStream, {
      filter_subjects: subject,
      ...this.#from,
    });
    const { delivered } = await consumer.info(true);
    const start = 'opt_start_seq' in this.#from ? this.#from.opt_start_seq : delivered.stream_seq + 1;
    this.#from = { opt_start_seq: start };
    const lastSequence = follow ? Number.POSITIVE_INFINITY : await lastOf(this.#nc, subject, api.timeout);
    return { messages: await consumer.consume({ max_messages: batch }), lastSequence, empty: start > lastSequence };
  }

  /** A place in a stream that was replaced is none in this one: a follower would wait there for ever, or miss what came before. */
  async #lookAtStream(timeout: number): Promise<void> {
    const manager = await jetstreamManager(this.#nc, { checkAPI: false, timeout });
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

  /**
   * The last event of a replay may be gone before it is read (too old, or too many came after it), and would be waited
   * for in vain. So it is asked for again, and the replay goes on from the place that was reached.
   */
  #endWhenSilent(messages: ConsumerMessages): NodeJS.Timeout | undefined {
    if (this.#options.follow ?? true) return undefined;
    return setTimeout(() => void messages.close(), Math.min(silenceMs, this.#timeoutMs));
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? 30_000;
  }

  /** Throws command.timeout when a replay has heard nothing for too long. */
  #refuseSilence(): void {
    if ((this.#options.follow ?? true) || performance.now() - this.#heardAtMs < this.#timeoutMs) return;
    throw new NetloomError(fault('command.timeout', `no more events came within ${this.#timeoutMs} ms`));
  }

  /** null when nobody wants to hear more */
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
  /** where a replay ends; infinite for a follower */
  lastSequence: number;
  /** nothing to read, as far as was known when it was opened */
  empty: boolean;
}

const batch = 500;
const retryMs = 250;
/** how long a replay waits for the next event before it asks whether there is one */
const silenceMs = 500;

/** `now` as a number: what happens while a consumer is made anew has come after it. */
async function startOf(nc: NatsConnection, since: NonNullable<EventOptions['since']>): Promise<Start> {
  if (since === 'all') return { opt_start_seq: 1 };
  if (since instanceof Date) return { opt_start_time: since.toISOString() };
  if (since !== 'now') return { opt_start_seq: Math.max(1, since) };
  const manager = await jetstreamManager(nc, { checkAPI: false });
  const { state } = await manager.streams.info(eventStream);
  return { opt_start_seq: state.last_seq + 1 };
}

/**
 * The place of the last event of a subject, 0 when there is none. What a consumer counts as pending does not say it:
 * nats-server 2.9 miscounts when it begins within a block of the stream.
 */
async function lastOf(nc: NatsConnection, subject: string, timeout: number): Promise<number> {
  const manager = await jetstreamManager(nc, { checkAPI: false, timeout });
  return (await manager.streams.getMessage(eventStream, { last_by_subj: subject }))?.seq ?? 0;
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

export function feedFault(error: unknown): NetloomError {
  if (error instanceof NetloomError) return error;
  const isMissing = error instanceof Error && error.message === 'stream not found';
  const message = isMissing
    ? `the server has no stream ${eventStream}: has a netloom daemon ever used it?`
    : `the events cannot be read: ${busErrorText(error)}`;
  return new NetloomError(fault('bus.unreachable', message), { cause: error });
}
