import { type FSWatcher, statSync } from 'node:fs';
import { basename } from 'node:path';
import { NetloomError } from '../core/fault.ts';
import { wayTo } from '../files/link-chain.ts';
import { watchPath } from '../files/watch-path.ts';

/** Watches a directory by its name: one that is removed, moved away or replaced is watched again when it is back. */
export class DirectoryWatch {
  readonly #watchers: FSWatcher[] = [];
  /** identifies what is watched; empty: not all of it could be */
  #watched = '';

  /** Calls back with the name of what changed in the directory; null: perhaps all of it. Throws inotify.exhausted. */
  constructor(
    private readonly path: string,
    private readonly changed: (name: string | null) => void,
  ) {
    try {
      this.#watch();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }

  /** Watches the directory, and those above it and above links that lead to it. */
  #watch(): void {
    // once more: what comes between the look and the watch is not reported
    for (let now = this.#look(); now.identity !== this.#watched; now = this.#look()) {
      this.close();
      this.#watched = now.identity;
      for (const above of now.above) this.#add(above, () => {});
      this.#add(this.path, (name) => this.changed(name));
    }
  }

  /** Follows the directory to where it is now. */
  #follow(): void {
    const former = this.#watched;
    try {
      this.#watch();
    } catch {
      // no inotify watch is left: the next change of what is watched tries again
      this.#watched = '';
    }
    if (this.#watched !== former) this.changed(null);
  }

  #look(): { above: string[]; identity: string } {
    const above = wayTo(this.path).filter(({ stats }) => stats.isDirectory());
    const places = [...above, { path: this.path, stats: statsOf(this.path) }];
    const identity = places.map(({ path, stats }) => `${path} ${stats?.dev} ${stats?.ino}`).join('\n');
    return { above: above.map(({ path }) => path), identity };
  }

  #add(path: string, changed: (name: string | null) => void): void {
    try {
      const watcher = watchPath(path, (name) => {
        // itself, or one in it: a directory that was removed is not watched any more, and its inode may be that of the next one
        if (name === basename(path)) this.#watched = '';
        this.#follow();
        changed(name);
      });
      this.#watchers.push(watcher.on('error', () => this.#follow()));
    } catch (error) {
      // missing, or not readable: the directory above it reports a change
      if (error instanceof NetloomError) throw error;
    }
  }
}

function statsOf(path: string) {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}
