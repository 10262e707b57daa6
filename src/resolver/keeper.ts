import { EventEmitter } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import type { ResolverSettings } from './protocol.ts';
import { ResolverThread } from './thread.ts';

/** How soon a resolver that died is replaced, and how much later each time when the next one dies as well. */
const firstPauseMs = 0;
const nextPauseMs = 100;
const longestPauseMs = 5_000;
/** One that lived this long has got over what killed the one before it. */
const healthyAfterMs = 10_000;

interface KeeperEvents {
  /** the resolver ended by itself; nobody answers */
  lost: [error: Error | null];
  /** another has taken its place: each client needs a fresh port */
  replaced: [];
}

/** The resolver, whichever thread it is just now. */
export class ResolverKeeper extends EventEmitter<KeeperEvents> {
  #thread: ResolverThread | null = null;
  #startedAtMs = 0;
  #deaths = 0;
  #stopping = false;

  private constructor(private readonly settings: ResolverSettings) {
    super();
  }

  static async start(settings: ResolverSettings = {}): Promise<ResolverKeeper> {
    const keeper = new ResolverKeeper(settings);
    await keeper.#launch();
    return keeper;
  }

  /** A port for one client; null while there is no resolver: `replaced` follows. */
  connect(): MessagePort | null {
    return this.#thread?.connect() ?? null;
  }

  /** Ends the thread as a crash would. */
  async kill(): Promise<void> {
    await this.#thread?.kill();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#thread?.stop();
  }

  async #launch(): Promise<void> {
    const thread = await ResolverThread.start(this.settings);
    this.#thread = thread;
    this.#startedAtMs = Date.now();
    thread.once('died', (_, error) => this.#replace(error));
  }

  async #replace(error: Error | null): Promise<void> {
    this.#thread = null;
    this.emit('lost', error);
    this.#deaths = Date.now() - this.#startedAtMs > healthyAfterMs ? 0 : this.#deaths + 1;
    for (; ; this.#deaths++) {
      const pauseMs =
        this.#deaths === 0 ? firstPauseMs : Math.min(nextPauseMs * 2 ** (this.#deaths - 1), longestPauseMs);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (this.#stopping) return;
      try {
        await this.#launch();
        if (this.#stopping) await this.stop();
        else this.emit('replaced');
        return;
      } catch {
        // the next one is tried later; that nobody answers was told
      }
    }
  }
}
