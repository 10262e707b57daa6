import type { Peer } from './peer.ts';
import { inSource, missingPrograms } from './programs.ts';
import { missingStopwatch, Stopwatch } from './stopwatch.ts';

const script = inSource('peers/shell.sh');

/** A script of `ip` and `nft`: the cost without an engine, and with a process per step. */
export class ShellPeer implements Peer {
  readonly name = 'shell script';
  #stopwatch: Stopwatch | null = null;

  missing(): string | null {
    return missingPrograms({ ip: 'iproute2', nft: 'nftables' }) ?? missingStopwatch();
  }

  async open(): Promise<void> {
    this.#stopwatch = new Stopwatch();
    this.#call('open', 0);
  }

  async setup(index: number): Promise<number> {
    return this.#call('setup', index);
  }

  async teardown(index: number): Promise<number> {
    return this.#call('teardown', index);
  }

  #call(verb: 'open' | 'setup' | 'teardown', index: number): number {
    if (!this.#stopwatch) throw new Error('the shell script is not open');
    return this.#stopwatch.run({ command: ['/bin/sh', script, verb, String(index)], stdin: '', env: {} }).ms;
  }
}
