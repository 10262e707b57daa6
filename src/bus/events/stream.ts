import {
  DiscardPolicy,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { type NatsConnection, nanos, PermissionViolationError, TimeoutError } from '@nats-io/nats-core';
import { eventStream, eventStreamSubjects } from '../../contract/subjects.ts';
import { fault, NetloomError } from '../../core/fault.ts';
import { busErrorText } from '../server/bus-error.ts';

export interface StreamLimits {
  /** default 256 MiB; the oldest events go first */
  maxBytes?: number;
  /** default 7 days */
  maxAgeMs?: number;
}

const defaults = { maxBytes: 256 * 1024 * 1024, maxAgeMs: 7 * 24 * 60 * 60 * 1000 };

/** How long a server may take to answer whether it has JetStream. */
const answersWithinMs = 2_000;

/**
 * Checks an external server: without JetStream no event would ever be published. A server that does not answer in time may
 * be electing a leader; a later step waits for it. Throws bus.no-jetstream, bus.unauthorized.
 */
export async function requireJetStream(nc: NatsConnection): Promise<void> {
  try {
    await jetstreamManager(nc, { timeout: answersWithinMs });
  } catch (error) {
    const { name, cause } = error as Error;
    if (error instanceof TimeoutError) return;
    // the library does not export its class; no server answers, or this account is not enabled
    if (name === 'JetStreamNotEnabled')
      throw because(
        fault(
          'bus.no-jetstream',
          `the NATS server at ${nc.getServer()} has no JetStream, which netloom needs for its events: start it with JetStream (nats-server -js), and enable it for this account`,
        ),
        error,
      );
    if (error instanceof PermissionViolationError || cause instanceof PermissionViolationError)
      throw because(
        fault(
          'bus.unauthorized',
          `the NATS server at ${nc.getServer()} does not let this user ask for JetStream: give it the permissions of a daemon (docs/security.md)`,
        ),
        error,
      );
    throw because(
      fault('bus.unreachable', `JetStream at ${nc.getServer()} cannot be used: ${busErrorText(error)}`),
      error,
    );
  }
}

const because = (why: ReturnType<typeof fault>, cause: unknown) => new NetloomError(why, { cause });

/** Makes NETLOOM_EVENTS when it is missing. An existing one keeps its settings except for requested limits. */
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
