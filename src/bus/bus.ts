import type { NatsConnection } from '@nats-io/nats-core';
import type { Logger } from 'pino';
import type { Outbox } from '../contract/outbox.ts';
import type { StorageGuard } from '../files/storage-guard.ts';
import { unwind } from '../threads/undo.ts';
import { unlessAborted } from '../threads/unless-aborted.ts';
import { OutboxPublisher } from './events/outbox.ts';
import { requireJetStream } from './events/stream.ts';
import { type BusAddress, connectBus, refuseOpenServer, roleAddress } from './server/connection.ts';
import { refuseTwin } from './server/nodes.ts';
import { type ManagedServer, startServer } from './server/server.ts';
import { ServerWatch } from './server/server-watch.ts';

export interface BusOptions {
  /** name of this host on the bus: a part of every subject */
  node: string;
  runDirectory: string;
  stateDirectory: string;
  /** port of the own nats-server, on 127.0.0.1; 0: a free one */
  natsPort: number;
  /** an external NATS server instead of an own one */
  outsideServer: BusAddress | null;
  /** accept an external server that accepts clients without credentials */
  allowOpenServer: boolean;
}

interface BusParts {
  outbox: Outbox;
  storage: Pick<StorageGuard, 'hasRoomForEvents'>;
  log: Logger;
  /** how long the end may wait for facts without an acknowledgement */
  flushMs(): number;
  /** throws when another daemon has the directory of the own server's store; called before each of its starts */
  keepStore(): void;
  signal: AbortSignal;
}

/** The daemon's side of the bus: its own nats-server or an external one, a connection for commands, and one for events. */
export interface Bus {
  nc: NatsConnection;
  publisher: OutboxPublisher;
  close(): Promise<void>;
}

/** Rejects with a NetloomError, or with the signal's reason; everything started before is stopped then. */
export async function openBus(options: BusOptions, parts: BusParts): Promise<Bus> {
  const { node } = options;
  const { outbox, storage, log, flushMs, signal } = parts;
  const undo: (() => unknown)[] = [];
  try {
    const server = options.outsideServer === null ? await ownServer(options, parts) : null;
    undo.push(() => server?.stop());
    const address = await unlessAborted(signal, addressOf(options, server));
    const nc = await connectBus({ ...address, name: `netloom daemon ${node}`, signal });
    undo.push(() => nc.close());
    if (!server) {
      await unlessAborted(signal, requireJetStream(nc));
      await unlessAborted(signal, refuseTwin(nc, node));
    }
    const events = await connectBus({ ...address, name: `netloom daemon ${node}, events`, signal });
    undo.push(() => events.close());
    const hasRoom = () => !server || storage.hasRoomForEvents();
    const publisher = new OutboxPublisher({ nc: events, outbox, node, log, hasRoom });
    undo.push(async () => {
      // the next daemon publishes the facts that wait for a missing stream
      if (!publisher.isHeldUp()) await publisher.flush(flushMs());
      await publisher.stop();
    });
    const progress = () => ({ pending: publisher.pending(), sequence: publisher.position().sequence });
    const watch = server && new ServerWatch({ server, commands: nc, events, progress, hasRoom, log });
    undo.push(() => watch?.stop());
    return { nc, publisher, close: () => unwind(undo, log) };
  } catch (error) {
    await unwind(undo, log);
    throw error;
  }
}

function ownServer(
  { node, runDirectory, stateDirectory, natsPort }: BusOptions,
  { log, keepStore, signal }: BusParts,
): Promise<ManagedServer> {
  return startServer({ node, runDir: runDirectory, stateDir: stateDirectory, port: natsPort, log, keepStore, signal });
}

async function addressOf(options: BusOptions, server: ManagedServer | null): Promise<BusAddress> {
  if (server) return roleAddress(server.credentials);
  const address = options.outsideServer as BusAddress;
  if (!options.allowOpenServer) await refuseOpenServer(address);
  return address;
}
