import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { canonicalAddress, isLinkLocal6 } from '../core/address.ts';

/** ms. A file changed this recently may change again without a trace: the kernel's file clock ticks every 4 ms. */
const freshMs = 100;
/** maximum bytes read from the file */
const mostBytes = 64 << 10;

/**
 * The servers of /etc/resolv.conf. Checks the file for every forwarded query: whatever symbolic links lead to it, and whether it
 * was written or replaced, the next query goes to the servers that it names now. That costs some 3 us, and cannot miss a change.
 * Servers on loopback are usable, because the resolver runs on the host.
 */
export class HostServers {
  #servers: readonly string[] = [];
  /** identity of the file when it was read; null: not readable */
  #seen: string | null = null;
  #isFresh = true;
  /** since when the file no longer names a server; null: it names one */
  #emptySinceMs: number | null = null;

  constructor(private readonly path: string) {}

  get servers(): readonly string[] {
    const stats = statsOf(this.path);
    const identity = stats && [stats.dev, stats.ino, stats.mtimeNs, stats.ctimeNs, stats.size].join();
    if (this.#isFresh || identity !== this.#seen) this.#take(readServers(this.path));
    this.#seen = identity;
    const isLately = stats !== null && Math.abs(Date.now() - Number(stats.mtimeMs)) < freshMs;
    this.#isFresh = isLately || this.#emptySinceMs !== null;
    return this.#servers;
  }

  /** Takes the servers found. Waits while no server is found: a file is empty while it is written, and may be missing while it is replaced. */
  #take(found: readonly string[]): void {
    if (found.length === 0 && this.#servers.length > 0) {
      this.#emptySinceMs ??= performance.now();
      if (performance.now() - this.#emptySinceMs < freshMs) return;
    }
    this.#emptySinceMs = null;
    this.#servers = found;
  }
}

function statsOf(path: string): BigIntStats | null {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

function readServers(path: string): string[] {
  const lines = textOf(path).split('\n');
  return lines.flatMap((line) => serverAt(/^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? '') ?? []);
}

/** Reads the beginning of a regular file. Does not wait for anything else with its name (a FIFO, a device): this thread answers names. */
function textOf(path: string): string {
  let file: number | null = null;
  try {
    if (!statSync(path).isFile()) return '';
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!fstatSync(file).isFile()) return '';
    const buffer = Buffer.alloc(mostBytes);
    return buffer.toString('utf8', 0, readSync(file, buffer));
  } catch {
    return '';
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** Parses a server. `fe80::1%eth0` is reached through that link, which may come and go; other addresses ignore a zone. */
function serverAt(text: string): string | null {
  const [, address = '', zone = null] = /^([^%]*)(%.+)?$/.exec(text) ?? [];
  const canonical = canonicalAddress(address);
  return canonical !== null && zone !== null && isLinkLocal6(canonical) ? canonical + zone : canonical;
}
