import type { JetStreamManager, MsgRequest } from '@nats-io/jetstream';
import { parseEventId } from '../../contract/cloud-event.ts';
import type { Outbox, OutboxRecord } from '../../contract/outbox.ts';
import { allEventsOf, eventStream } from '../../contract/subjects.ts';

/** The last message of a node in the stream; null: none, or not of this journal. */
export interface Published {
  sequence: number | null;
  streamSequence: number | null;
}

/** how far back to look for a message of netloom behind foreign ones under its subjects */
const foreignMessages = 100;
/** messages that are asked for together */
const atOnce = 64;

/**
 * Finds the last message of this node in the stream: its position, and its number when it is of this journal. A number
 * beyond the journal's own cannot be right, and must not suppress later facts.
 */
export async function lastOf(
  manager: JetStreamManager,
  node: string,
  outbox: Outbox,
  signal: AbortSignal,
): Promise<Published> {
  const get = async (query: MsgRequest) => {
    const found = await manager.streams.getMessage(eventStream, query);
    signal.throwIfAborted(); // the outbox may be closed by now
    return found;
  };
  const last = await get({ last_by_subj: allEventsOf(node) });
  let message = last;
  for (let tries = 0; message && tries < foreignMessages; tries++) {
    const id = parseEventId(message.header.get('Nats-Msg-Id'));
    if (id) {
      const ours = id.epoch === outbox.epoch && id.sequence <= outbox.lastSequence();
      return { sequence: ours ? id.sequence : null, streamSequence: message.seq };
    }
    // Not an event: a reply of JetStream that a client directed to a subject of netloom. Look behind it.
    message = message.seq > 1 ? await get({ seq: message.seq - 1 }) : null;
  }
  return { sequence: null, streamSequence: last?.seq ?? null };
}

export interface Look {
  manager: JetStreamManager;
  outbox: Outbox;
  signal: AbortSignal;
}

/**
 * Finds which of these facts, all older than the last one in the stream, are missing in it. Searches backwards to one that is older than all of
 * them, so a short outbox needs few requests; where foreign messages fill the stream in between, and none is found, none counts as missing.
 */
export async function missingOf(
  doubtful: readonly OutboxRecord[],
  { streamSequence }: Published,
  { manager, outbox, signal }: Look,
): Promise<OutboxRecord[]> {
  const [oldest] = doubtful;
  if (!oldest || streamSequence === null) return [];
  const missing = new Map(doubtful.map((record) => [record.sequence, record]));
  const lowest = Math.max(0, streamSequence - 1 - doubtful.length - foreignMessages);
  for (let place = streamSequence; place - 1 > lowest && missing.size > 0; place -= atOnce) {
    const places = Array.from({ length: atOnce }, (_, index) => place - 1 - index).filter((one) => one > lowest);
    const messages = await Promise.all(places.map((seq) => manager.streams.getMessage(eventStream, { seq })));
    signal.throwIfAborted(); // the outbox may be closed by now
    const ids = messages.map((message) => parseEventId(message?.header.get('Nats-Msg-Id') ?? ''));
    const ours = ids.flatMap((id) => (id?.epoch === outbox.epoch ? [id.sequence] : []));
    for (const sequence of ours) missing.delete(sequence);
    if (ours.some((sequence) => sequence < oldest.sequence)) return [...missing.values()];
  }
  return lowest === 0 ? [...missing.values()] : [];
}
