import { NetavarkHost } from './netavark.ts';
import { NetloomSite } from './netloom.ts';
import type { Peer } from './peer.ts';
import { built, isExecutable, missingPrograms } from './programs.ts';
import { missingStopwatch } from './stopwatch.ts';

const door = built('doors/netavark');

/** netloom as podman meets it: its executable in the place of netavark, which asks the daemon over NATS. */
export class DoorPeer implements Peer {
  readonly name = 'netloom through the netavark door';
  #site: NetloomSite | null = null;
  #host: NetavarkHost | null = null;

  missing(): string | null {
    if (!isExecutable(door)) return `${door} (npm run build:native makes it)`;
    return missingPrograms({ 'nats-server': 'nats-server' }) ?? missingStopwatch();
  }

  async open(): Promise<void> {
    this.#site = await NetloomSite.open();
    this.#host = new NetavarkHost([door], null, { NETLOOM_RUN_DIR: this.#site.daemon.runDirectory });
    this.#host.open();
  }

  async setup(index: number): Promise<number> {
    return this.#opened().setup(index);
  }

  async teardown(index: number): Promise<number> {
    return this.#opened().teardown(index);
  }

  async settle(): Promise<void> {
    await this.#site?.settle();
  }

  #opened(): NetavarkHost {
    if (!this.#host) throw new Error('the door is not open');
    return this.#host;
  }
}
