import { type Deferred, deferred, type NatsConnection } from '@nats-io/nats-core';

/** Reports when a connection is made and lost. */
export class ConnectionWatch {
  #whenUp: Deferred<void> | null = null;
  readonly #on: { down?(): void; up?(): void };
  readonly #statuses: ReturnType<NatsConnection['status']>;

  constructor(nc: Pick<NatsConnection, 'status'>, on: { down?(): void; up?(): void } = {}) {
    this.#on = on;
    this.#statuses = nc.status();
    void this.#watch();
  }

  isUp(): boolean {
    return this.#whenUp === null;
  }

  /** at once while there is a connection */
  up(): Promise<void> {
    return this.#whenUp ?? Promise.resolve();
  }

  stop(): void {
    // every iterator of the library can be stopped; its type lacks that
    if ('stop' in this.#statuses && typeof this.#statuses.stop === 'function') this.#statuses.stop();
    this.#whenUp?.resolve();
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#statuses) {
      if (type === 'disconnect') this.#down();
      if (type === 'reconnect') this.#up();
    }
  }

  #down(): void {
    this.#whenUp ??= deferred<void>();
    this.#on.down?.();
  }

  #up(): void {
    this.#whenUp?.resolve();
    this.#whenUp = null;
    this.#on.up?.();
  }
}
