import { EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import { isSameLink, noWayOut, type WayOut } from '../../core/way-out.ts';
import { RestartPause } from '../../threads/restart-pause.ts';
import type { FromWatcher, Suspected, WatcherSettings } from './protocol.ts';

interface KeeperEvents {
  suspected: [suspected: Suspected];
  uplink: [way: WayOut, before: WayOut];
  /** the watcher ended by itself: what happens until the next one has begun is found by looking at everything then */
  lost: [error: Error | null];
}

/** The watcher, whichever thread it is just now. */
export class WatchKeeper extends EventEmitter<KeeperEvents> {
  #thread: Worker | null = null;
  #way = noWayOut;
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

  get way(): WayOut {
    return this.#way;
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
        if (isReplacement) this.emit('suspected', { all: true, owners: [], links: [], addresses: [] });
        this.#noteUplink(message.way, isReplacement);
        break;
      case 'uplink':
        this.#noteUplink(message.way, true);
    }
  }

  #noteUplink(way: WayOut, isNews: boolean): void {
    const before = this.#way;
    this.#way = way;
    if (isNews && (way.hostIp !== before.hostIp || !isSameLink(way, before))) this.emit('uplink', way, before);
  }

  async #replace(cause: Error | null): Promise<void> {
    if (this.#stopping) return;
    this.emit('lost', cause);
    await this.#pause.wait();
    // one that dies again before it watches is replaced by its own end
    if (!this.#stopping) await this.#launch(true).catch(() => {});
  }
}
