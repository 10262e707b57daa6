import { existsSync } from 'node:fs';
import type { NetloomClient } from '../../src/client.ts';
import { TestDaemon, untilAnswered } from '../../test/support/daemon.ts';
import { temporaryDirectory } from '../../test/support/fresh-host.ts';
import { containerAt, subnet } from './container.ts';
import type { Peer } from './peer.ts';
import { missingPrograms } from './programs.ts';

const network = 'bench';

/** netloom: one command over NATS, from the client's call to its reply. */
export class NetloomPeer implements Peer {
  readonly name: string;
  #site: NetloomSite | null = null;

  /** beside: the directory of a checkout, whose daemon is measured; absent: that of this one */
  constructor(
    name: string,
    private readonly definition: { dns_enabled?: boolean; options?: { spoofing: 'allow' } } = {},
    private readonly beside: string | null = null,
  ) {
    this.name = name;
  }

  get #program(): string | undefined {
    return this.beside === null ? undefined : `${this.beside}/dist/src/cli/main.js`;
  }

  missing(): string | null {
    if (this.#program !== undefined && !existsSync(this.#program)) return `${this.#program}: build it there first`;
    return missingPrograms({ 'nats-server': 'nats-server' });
  }

  async open(): Promise<void> {
    this.#site = await NetloomSite.open(this.#program);
    const definition = { name: network, subnets: [{ subnet }], dns_enabled: false, ...this.definition };
    await this.#client.network.create(definition);
  }

  async setup(index: number): Promise<number> {
    const { name: id, ports } = containerAt(index);
    const startedMs = performance.now();
    await this.#client.container.setup({ id, networks: [{ network }], ports });
    return performance.now() - startedMs;
  }

  /** The end of its links in the kernel is waited for, and not measured. */
  async teardown(index: number): Promise<number> {
    const { name: id } = containerAt(index);
    const startedMs = performance.now();
    await this.#client.container.teardown({ id });
    const tookMs = performance.now() - startedMs;
    await this.#client.container.remove({ id });
    return tookMs;
  }

  async settle(): Promise<void> {
    await this.#opened().settle();
  }

  get #client(): NetloomClient {
    return this.#opened().client;
  }

  #opened(): NetloomSite {
    if (!this.#site) throw new Error('netloom is not open');
    return this.#site;
  }
}

/** A netloom daemon in the namespace of this process, and a client. */
export class NetloomSite {
  private constructor(
    readonly daemon: TestDaemon,
    public client: NetloomClient,
  ) {}

  static async open(program?: string): Promise<NetloomSite> {
    const daemon = new TestDaemon(temporaryDirectory().path, 'bench', [], null, [], program);
    return new NetloomSite(daemon, await daemon.start());
  }

  /** Returns when the new process was started (`performance.now()`); resolves when it serves. */
  async restart(how: 'stop' | 'kill'): Promise<number> {
    await this.client.close();
    await this.daemon[how]();
    const startedMs = performance.now();
    this.client = await this.daemon.start();
    return startedMs;
  }

  /** The events of many containers are still on their way to the stream when the containers exist. */
  async settle(): Promise<void> {
    await untilAnswered(async () => {
      if ((await this.client.info()).outbox > 0) throw new Error('the outbox still drains');
    });
  }
}
