import { EventEmitter } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import { Supervisor } from '../threads/supervisor.ts';
import type { ThreadEnd } from '../threads/thread.ts';
import type { ResolverSettings } from './protocol.ts';
import { ResolverThread } from './thread.ts';

interface KeeperEvents {
  /** the resolver ended by itself: no name is answered */
  lost: [error: Error | null];
  /** another resolver has replaced it: each client needs a new port */
  replaced: [];
}

/** Keeper of the resolver thread, which it restarts. */
export class ResolverKeeper extends EventEmitter<KeeperEvents> {
  readonly #resolver: Supervisor<ResolverThread, ThreadEnd>;

  private constructor(first: ResolverThread, settings: () => ResolverSettings) {
    super();
    this.#resolver = new Supervisor(first, {
      begin: () => ResolverThread.start(settings()),
      lost: ({ error }) => this.emit('lost', error),
      restarted: () => this.emit('replaced'),
    });
    this.#resolver.keep();
  }

  /** Starts the resolver. Calls `settings` at every start of a thread. */
  static async start(settings: () => ResolverSettings = () => ({})): Promise<ResolverKeeper> {
    return new ResolverKeeper(await ResolverThread.start(settings()), settings);
  }

  /** Creates a port for one client; null while there is no resolver: `replaced` follows. */
  connect(): MessagePort | null {
    return this.#resolver.current?.connect() ?? null;
  }

  stop(): Promise<void> {
    return this.#resolver.stop();
  }
}
