import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { eventStream, eventsOf, type Follow, nameOfToken } from '../../contract/subjects.ts';
import { feedFault } from './event-feed.ts';

/** Lists the IDs that still have an event in the stream, also those of removed objects. Throws bus.unreachable. */
export async function idsInStream(nc: NatsConnection, about: Follow, timeoutMs: number): Promise<string[]> {
  try {
    const manager = await jetstreamManager(nc, { checkAPI: false, timeout: timeoutMs });
    const { state } = await manager.streams.info(eventStream, { subjects_filter: eventsOf(about) });
    return [...new Set(Object.keys(state.subjects ?? {}).map(idIn))];
  } catch (error) {
    throw feedFault(error);
  }
}

/** netloom.v1.<node>.evt.<noun>.<id>.<fact> */
const idIn = (subject: string): string => nameOfToken(subject.split('.')[5] ?? '');
