import { EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import { RestartPause } from '../restart-pause.ts';
import type { FromWatcher, Suspected, WatcherSettings } from './protocol.ts';

interface KeeperEvents {
  suspected: [suspected: Suspected];
  uplink: [hostIp: string | null];
  /** the watcher ended by itself: what happens until the next one has begun is found by looking at everything then */
  lost: [error: Error | null];
}

/** The watcher, whichever thread it is just now. */
export class WatchKeeper extends EventEmitter<KeeperEvents> {
  #thread: Worker | null = null;
  #hostIp: string | null = null;
  readonly #pause = new RestartPause();
  #stopping = false;

  private constructor(private readonly settings: WatcherSettings) {
    super();
  }

  /** Resolves when nothing goes unseen any more. Where the first one cannot watch there is no second. */
  static async start(settings: WatcherSettings): Promise<WatchKeeper> {
    const keeper = new WatchKeeper(settings);
    try {
      await keeper.#launch(false);
    } catch (error) {
      await keeper.stop();
      throw error;
    }
    return keeper;
  }

  /** Source address of the way to the outside (C09); null without one. */
  get hostIp(): string | null {
    return this.#hostIp;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#thread?.terminate();
  }

  #launch(isReplacement: boolean): Promise<void> {
    const thread = new Worker(new URL('./watcher.js', import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: 6 },
      workerData: this.settings,
      name: 'netloom-watch',
    });
    this.#thread = thread;
    let cause: Error | null = null;
    thread.on('error', (error: Error) => {
      cause = error;
    });
    return new Promise((resolve, reject) => {
      thread.on('message', (message: FromWatcher) => {
        this.#heard(message, isReplacement);
        if (message.kind === 'watching') resolve();
      });
      thread.on('exit', () => {
        reject(cause ?? new Error('the watcher ended before it watched'));
        void this.#replace(cause);
      });
    });
  }

  #heard(message: FromWatcher, isReplacement: boolean): void {
    switch (message.kind) {
      case 'suspected': {
        const { kind: _, ...suspected } = message;
        this.emit('suspected', suspected);
        break;
      }
      case 'watching':
        if (isReplacement) this.emit('suspected', { all: true, owners: [], links: [] });
        this.#noteUplink(message.hostIp, isReplacement);
        break;
      case 'uplink':
        this.#noteUplink(message.hostIp, true);
    }
  }

  #noteUplink(hostIp: string | null, isNews: boolean): void {
    const isAnother = hostIp !== this.#hostIp;
    this.#hostIp = hostIp;
    if (isNews && isAnother) this.emit('uplink', hostIp);
  }

  async #replace(cause: Error | null): Promise<void> {
    if (this.#stopping) return;
    this.emit('lost', cause);
    await this.#pause.wait();
    // one that dies again before it watches is replaced by its own end
    if (!this.#stopping) await this.#launch(true).catch(() => {});
  }
}
