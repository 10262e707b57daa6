import { EventEmitter } from 'node:events';
import { isSameLink, noWayOut, type WayOut } from '../../core/uplink.ts';
import { Supervisor } from '../../threads/supervisor.ts';
import { Thread, type ThreadEnd } from '../../threads/thread.ts';
import type { FromWatcher, Suspected, WatcherSettings } from './protocol.ts';

interface KeeperEvents {
  suspected: [suspected: Suspected];
  uplink: [way: WayOut, before: WayOut];
  /** the watcher ended by itself: a check of everything after the next start finds what happens meanwhile */
  lost: [error: Error | null];
}

type WatcherThread = Thread<Record<never, never>, never, FromWatcher>;

/** Keeper of the watcher thread, which it restarts. */
export class WatchKeeper extends EventEmitter<KeeperEvents> {
  readonly #watcher: Supervisor<WatcherThread, ThreadEnd>;
  #way = noWayOut;
  /** whether a watcher has started watching before */
  #hasWatched = false;

  private constructor(settings: WatcherSettings) {
    super();
    const begin = () => this.#startWatcher(settings);
    this.#watcher = new Supervisor(begin(), {
      begin,
      prepare: ({ ready }) => ready,
      lost: ({ error }) => this.emit('lost', error),
    });
  }

  /** Resolves when the watcher sees everything. If the first one cannot watch, no second is started. */
  static async start(settings: WatcherSettings): Promise<WatchKeeper> {
    const keeper = new WatchKeeper(settings);
    await keeper.#watcher.current?.ready;
    keeper.#hasWatched = true;
    keeper.#watcher.keep();
    return keeper;
  }

  get way(): WayOut {
    return this.#way;
  }

  stop(): Promise<void> {
    return this.#watcher.stop();
  }

  #startWatcher(settings: WatcherSettings): WatcherThread {
    const file = new URL('./watcher.js', import.meta.url);
    const resourceLimits = { maxYoungGenerationSizeMb: 6 };
    const thread = { file, title: 'the watcher', name: 'netloom-watch', settings, resourceLimits };
    return new Thread(thread, (said: FromWatcher) => this.#heard(said));
  }

  #heard(said: FromWatcher): void {
    switch (said.kind) {
      case 'suspected': {
        const { kind: _, ...suspected } = said;
        this.emit('suspected', suspected);
        break;
      }
      case 'watching':
        if (this.#hasWatched) this.emit('suspected', { all: true, owners: [], links: [], addresses: [] });
        this.#noteUplink(said.way, this.#hasWatched);
        break;
      case 'uplink':
        this.#noteUplink(said.way, true);
    }
  }

  #noteUplink(way: WayOut, isNews: boolean): void {
    const before = this.#way;
    this.#way = way;
    if (isNews && (way.hostIp !== before.hostIp || !isSameLink(way, before))) this.emit('uplink', way, before);
  }
}
