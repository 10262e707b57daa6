import { isDeepStrictEqual } from 'node:util';
import { openRouteSocket, sourceAddressFor } from '#native';
import { canonicalAddress } from '../core/address.ts';
import { type Fault, NetloomError } from '../core/fault.ts';
import { decide } from './answer.ts';
import { Forwarder } from './forwarder.ts';
import { HostServers } from './host-servers.ts';
import { Listener } from './listener.ts';
import { type Query, rcodes, readQuery, reply } from './packet.ts';
import {
  dnsPort,
  type Established,
  type OpenPorts,
  type QueryCounters,
  type ResolverEntry,
  type ResolverNetwork,
  type ResolverSettings,
  type ResolverStatus,
  refused,
  resolverFault,
} from './protocol.ts';
import { Records } from './records.ts';
import type { Asker } from './share.ts';

/** maximum wait of an entry for its network after a death */
const patienceMs = 5000;

/** The name server of this host's networks: their records, their sockets, and forwarding. */
export class Resolver {
  readonly #records = new Records();
  readonly #listeners = new Map<string, Map<string, Listener>>();
  readonly #host: HostServers;
  readonly #forwarder: Forwarder;
  readonly #queries: QueryCounters = { received: 0, answered: 0, forwarded: 0, failed: 0, foreign: 0, malformed: 0 };
  /** the last change of each network's sockets: changes run one after another */
  readonly #changing = new Map<string, Promise<unknown>>();
  readonly #awaited = new Map<string, Set<() => void>>();
  readonly #route = openRouteSocket(null);

  constructor({
    resolvConf = '/etc/resolv.conf',
    timeoutMs = 2000,
    maxForwards = 1024,
    leases = [],
  }: ResolverSettings = {}) {
    this.#host = new HostServers(resolvConf);
    this.#forwarder = new Forwarder(timeoutMs, maxForwards);
    for (const lease of leases) this.#records.add({ ...lease, names: [], servers: [] });
  }

  /**
   * Serves a network. Repeating it changes nothing; other addresses open and close only what differs. A failure leaves everything
   * as it was. Returns the ports at which it listens.
   */
  serve({ ports = [dnsPort], ...network }: ResolverNetwork): Promise<OpenPorts> {
    return this.#inTurn(network.name, async () => {
      if (!isDeepStrictEqual(this.#records.network(network.name), network)) {
        await this.#listen(network, ports);
        this.#records.serve(network);
        for (const tell of this.#awaited.get(network.name) ?? []) tell();
      }
      return this.#portsOf(network.name);
    });
  }

  retire(name: string): Promise<void> {
    return this.#inTurn(name, async () => {
      for (const listener of this.#listeners.get(name)?.values() ?? []) listener.close();
      this.#listeners.delete(name);
      this.#records.retire(name);
    });
  }

  /** Adds a container's records. Rejects with ENOENT if the network is not served, after a while if `patient`. */
  async add(entry: ResolverEntry, patient: boolean): Promise<void> {
    await this.#changing.get(entry.network);
    if (!this.#records.network(entry.network) && patient) await this.#served(entry.network);
    if (!this.#records.network(entry.network))
      throw new NetloomError(refused('resolver.add', 'ENOENT', `network ${entry.network} is not served`));
    this.#records.add(entry);
  }

  async remove(network: string, container: string): Promise<void> {
    await this.#changing.get(network);
    this.#records.remove(network, container);
  }

  async restore({ networks, entries }: Established): Promise<Fault[]> {
    const outcomes = await Promise.allSettled(networks.map((network) => this.serve(network)));
    for (const entry of entries) this.#records.add(entry);
    return outcomes.flatMap((outcome, index) =>
      outcome.status === 'rejected' ? resolverFault(`resolver.serve ${networks[index]?.name}`, outcome.reason) : [],
    );
  }

  status(): ResolverStatus {
    const networks = this.#records.networks().map(({ name, listen }) => {
      return { name, listen, ports: this.#portsOf(name), ...this.#records.counts(name) };
    });
    return { networks, entries: this.#records.entryCount(), queries: { ...this.#queries } };
  }

  #inTurn<Result>(name: string, change: () => Promise<Result>): Promise<Result> {
    const before = this.#changing.get(name) ?? Promise.resolve();
    const work = before.then(change);
    const settled = work
      .then(
        () => {},
        () => {},
      )
      .then(() => {
        if (this.#changing.get(name) === settled) this.#changing.delete(name);
      });
    this.#changing.set(name, settled);
    return work;
  }

  /** Waits until the network is served, or patience ends. */
  #served(name: string): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#awaited.get(name) ?? new Set();
      const end = () => {
        clearTimeout(timer);
        waiting.delete(end);
        if (waiting.size === 0) this.#awaited.delete(name);
        resolve();
      };
      const timer = setTimeout(end, patienceMs);
      this.#awaited.set(name, waiting.add(end));
    });
  }

  async #listen({ name, listen }: ResolverNetwork, ports: readonly number[]): Promise<void> {
    const open = this.#listeners.get(name) ?? new Map<string, Listener>();
    const fresh: Listener[] = [];
    try {
      for (const address of new Set(listen)) if (!open.has(address)) fresh.push(await this.#open(name, address, ports));
    } catch (error) {
      for (const listener of fresh) listener.close();
      throw new NetloomError(resolverFault(`resolver.serve ${name}`, error));
    }
    for (const [address, listener] of open) {
      if (listen.includes(address)) continue;
      listener.close();
      open.delete(address);
    }
    for (const listener of fresh) open.set(listener.address, listener);
    this.#listeners.set(name, open);
  }

  #open(network: string, address: string, ports: readonly number[]): Promise<Listener> {
    return Listener.open(
      address,
      ports,
      (raw, source) => this.#answer(network, raw, source),
      (source) => this.#askerAt(network, source) !== null,
    );
  }

  #portsOf(name: string): OpenPorts {
    return Object.fromEntries(
      [...(this.#listeners.get(name)?.values() ?? [])].map(({ address, port }) => [address, port]),
    );
  }

  /**
   * Returns the asker at that address; null: not served. A container may give its packets any source: if addresses without a lease
   * were served, it could be any number of askers.
   */
  #askerAt(network: string, from: string): (Asker & { source: string }) | null {
    const source = canonicalAddress(from);
    if (source === null || !this.#records.isLocal(network, source)) return null;
    const holder = this.#records.holderOf(network, source) ?? (this.#isHosts(network, source) ? source : null);
    return holder === null ? null : { network, holder, source };
  }

  /** Checks whether the host asks: from the bridge's address, unless a program chose another one; the kernel accepts no such packet from outside. */
  #isHosts(network: string, source: string): boolean {
    if (this.#listeners.get(network)?.has(source)) return true;
    try {
      return sourceAddressFor(this.#route, source) === source;
    } catch {
      return false;
    }
  }

  async #answer(network: string, raw: Buffer, from: string): Promise<{ reply: Buffer; query: Query | null } | null> {
    this.#queries.received++;
    const asker = this.#askerAt(network, from);
    if (!asker) {
      this.#queries.foreign++;
      return null;
    }
    const query = readQuery(raw);
    if (query === null || Buffer.isBuffer(query)) {
      this.#queries.malformed++;
      return query && { reply: query, query: null };
    }
    const decision = this.#decide(network, asker.source, query);
    if ('servers' in decision) return { reply: await this.#forward(query, decision.servers, asker), query };
    this.#queries.answered++;
    return { reply: decision.reply, query };
  }

  /** Decides, and treats a query that the library can read but not write as malformed. */
  #decide(network: string, source: string, query: Query): ReturnType<typeof decide> {
    try {
      return decide(this.#records, network, source, query);
    } catch {
      this.#queries.malformed++;
      return { reply: reply(query, rcodes.formErr) };
    }
  }

  async #forward(query: Query, wished: readonly string[], asker: Asker): Promise<Buffer> {
    this.#queries.forwarded++;
    const servers = (wished.length > 0 ? wished : this.#host.servers).filter((server) => !this.#isOurs(server));
    // without descriptors or another resource, the client gets an answer, and the thread goes on
    const answer = await this.#forwarder.ask(query, servers, asker).catch(() => null);
    if (!answer) this.#queries.failed++;
    return answer ?? reply(query, rcodes.servFail);
  }

  /** Checks whether a server is this resolver: a query must not be forwarded to it. */
  #isOurs(server: string): boolean {
    return [...this.#listeners.values()].some((open) => open.has(server));
  }
}
