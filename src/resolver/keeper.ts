import { EventEmitter } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import { RestartPause } from '../threads/restart-pause.ts';
import type { ResolverSettings } from './protocol.ts';
import { ResolverThread } from './thread.ts';

interface KeeperEvents {
  /** the resolver ended by itself; nobody answers */
  lost: [error: Error | null];
  /** another has taken its place: each client needs a fresh port */
  replaced: [];
}

/** The resolver, whichever thread it is just now. */
export class ResolverKeeper extends EventEmitter<KeeperEvents> {
  #thread: ResolverThread | null = null;
  readonly #pause = new RestartPause();
  #stopping = false;

  private constructor(private readonly settings: () => ResolverSettings) {
    super();
  }

  /** `settings` is asked at every start of a thread. */
  static async start(settings: () => ResolverSettings = () => ({})): Promise<ResolverKeeper> {
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
    const thread = await ResolverThread.start(this.settings());
    this.#thread = thread;
    thread.once('died', (_, error) => this.#replace(error));
  }

  async #replace(error: Error | null): Promise<void> {
    this.#thread = null;
    this.emit('lost', error);
    for (;;) {
      await this.#pause.wait();
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
