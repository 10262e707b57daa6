import type { Socket } from 'node:net';
import type { NatsConnection } from '@nats-io/nats-core';

/** The used part of the transport of nats.js, which has no public type for it. */
interface Transport {
  socket?: Socket;
  _closed(error?: Error, internal?: boolean): Promise<void>;
}

function hasTransport(connection: object): connection is { protocol: { transport: Transport } } {
  const protocol: unknown = 'protocol' in connection ? connection.protocol : null;
  return typeof protocol === 'object' && protocol !== null && 'transport' in protocol;
}

const guarded = new WeakSet<object>();
const ignore = () => {};

/**
 * Keeps an error listener on each socket: transport-node 3.4.0 removes all listeners from a socket that it closes. When the server has
 * ended the connection a moment before, a late write fails after that, and an error without a listener ends the process.
 */
export function surviveLateWrites(connection: NatsConnection): void {
  if (!hasTransport(connection)) throw new Error('nats.js has another transport than 3.4.0: see late-writes.ts');
  const { transport } = connection.protocol;
  const prototype: Transport = Object.getPrototypeOf(transport);
  if (guarded.has(prototype)) return;
  guarded.add(prototype);
  const closed = prototype._closed;
  prototype._closed = async function (this: Transport, ...reason) {
    const { socket } = this;
    try {
      await closed.apply(this, reason);
    } finally {
      // before the error is emitted: that is the next turn
      socket?.on('error', ignore);
    }
  };
}
