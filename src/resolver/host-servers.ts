import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { canonicalAddress } from '../core/address.ts';

/** The servers of /etc/resolv.conf, read again when it changes. Those on loopback are usable: we are on the host. */
export class HostServers {
  #servers: readonly string[];
  readonly #watcher: FSWatcher | null;

  constructor(private readonly path: string) {
    this.#servers = readServers(path);
    this.#watcher = this.#watch();
  }

  get servers(): readonly string[] {
    return this.#servers;
  }

  close(): void {
    this.#watcher?.close();
  }

  /** The directory, for the file is replaced as often as it is written. */
  #watch(): FSWatcher | null {
    try {
      const watcher = watch(dirname(this.path), (_, file) => {
        if (file === null || file === basename(this.path)) this.#servers = readServers(this.path);
      });
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      return null;
    }
  }
}

function readServers(path: string): string[] {
  try {
    const lines = readFileSync(path, 'utf8').split('\n');
    return lines.flatMap((line) => canonicalAddress(/^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? '') ?? []);
  } catch {
    return [];
  }
}
