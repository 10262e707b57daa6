import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { canonicalAddress } from '../core/address.ts';

/** ms. A file that was changed this lately may be changed again without a trace: the kernel's clock of files ticks in 4 ms. */
const freshMs = 100;
/** of the file: what is behind is not read */
const mostBytes = 64 << 10;

/**
 * The servers of /etc/resolv.conf. Looked at for every query that leaves: whatever links lead to it, and whether it was
 * written or replaced, the next query goes to the servers that it names now. That costs some 3 us, and no notice can be
 * missed. Those on loopback are usable: we are on the host.
 */
export class HostServers {
  #servers: readonly string[] = [];
  /** what was there when it was read; null: nothing that could be read */
  #seen: string | null = null;
  #isFresh = true;
  /** since when it names no server, though it did; null: it does */
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

  /** One that is being written is empty for a moment, and one that is being replaced may be gone: that is waited for. */
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

/** The beginning of an ordinary file. Anything else that has its name (a FIFO, a device) is not waited for: names are answered by this thread. */
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

/** `fe80::1%eth0` is asked through that link, which may come and go; elsewhere a zone means nothing. */
function serverAt(text: string): string | null {
  const [, address = '', zone = null] = /^([^%]*)(%.+)?$/.exec(text) ?? [];
  const canonical = canonicalAddress(address);
  return canonical !== null && zone !== null && isLinkLocal(canonical) ? canonical + zone : canonical;
}

/** fe80::/10 */
const isLinkLocal = (address: string): boolean => /^fe[89ab]/.test(address);
