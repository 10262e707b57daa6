import { DiscardPolicy, type JetStreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { eventStream, eventStreamSubjects } from './subjects.ts';

export interface StreamLimits {
  /** default 256 MiB; the oldest events go first */
  maxBytes?: number;
  /** default 7 days */
  maxAgeMs?: number;
}

const defaults = { maxBytes: 256 * 1024 * 1024, maxAgeMs: 7 * 24 * 60 * 60 * 1000 };

/** Makes NETLOOM_EVENTS when it is missing. One that is there keeps its settings but for limits that were asked for. */
export async function ensureEventStream(manager: JetStreamManager, limits: StreamLimits = {}): Promise<void> {
  const { maxBytes, maxAgeMs } = { ...defaults, ...limits };
  const there = await manager.streams.info(eventStream).catch(ifMissing);
  if (!there) {
    await manager.streams.add({
      name: eventStream,
      description: 'what netloom nodes announce (CloudEvents)',
      subjects: [eventStreamSubjects],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_bytes: maxBytes,
      max_age: nanos(maxAgeMs),
      duplicate_window: nanos(2 * 60 * 1000),
    });
    return;
  }
  const wished = {
    ...(limits.maxBytes !== undefined && { max_bytes: maxBytes }),
    ...(limits.maxAgeMs !== undefined && { max_age: nanos(maxAgeMs) }),
  };
  const { max_bytes, max_age } = there.config;
  const differs = Object.entries(wished).some(([name, value]) => ({ max_bytes, max_age })[name] !== value);
  if (differs) await manager.streams.update(eventStream, wished);
}

function ifMissing(error: unknown): null {
  if (error instanceof Error && error.message === 'stream not found') return null;
  throw error;
}
