import { type ConsumerMessages, DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { fault, NetloomError } from '../core/fault.ts';
import type { CloudEvent } from './cloud-event.ts';
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
  const opening = open(nc, options);
  const ready = opening.then(() => undefined);
  ready.catch(() => undefined);
  return { ready, [Symbol.asyncIterator]: () => read(opening, options) };
}

interface Opened {
  messages: ConsumerMessages;
  /** nothing to read, as far as was known when it was opened */
  empty: boolean;
}

async function open(nc: NatsConnection, { since = 'now', node, noun, id }: EventOptions): Promise<Opened> {
  try {
    const consumer = await jetstream(nc).consumers.get(eventStream, {
      filter_subjects: eventsOf({ node: node ?? undefined, noun, id }),
      ...(await startOf(nc, since)),
    });
    const { num_pending } = await consumer.info(true);
    return { messages: await consumer.consume({ max_messages: 500 }), empty: num_pending === 0 };
  } catch (error) {
    throw feedFault(error);
  }
}

/** `now` as a number: a consumer of "new" ones that is made anew after a lost connection would begin with the first of all. */
async function startOf(nc: NatsConnection, since: NonNullable<EventOptions['since']>) {
  if (since === 'all') return { deliver_policy: DeliverPolicy.All };
  if (since instanceof Date) return { opt_start_time: since.toISOString() };
  if (since !== 'now') return { opt_start_seq: Math.max(1, since) };
  const manager = await jetstreamManager(nc, { checkAPI: false });
  const { state } = await manager.streams.info(eventStream);
  return { opt_start_seq: state.last_seq + 1 };
}

async function* read(opening: Promise<Opened>, options: EventOptions): AsyncGenerator<StreamedEvent> {
  const { signal, follow = true } = options;
  if (signal?.aborted) return;
  const { messages, empty } = await opening;
  const stop = () => void messages.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    if (!follow && empty) return;
    for await (const message of messages) {
      const event = decode(message, options);
      if (event) yield event;
      if (!follow && message.info.pending === 0) return;
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}

/** null for what is no event of ours, and for what came before the wished time when the consumer had to be made anew */
function decode(message: JsMsg, { since }: EventOptions): StreamedEvent | null {
  if (since instanceof Date && message.time < since) return null;
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
