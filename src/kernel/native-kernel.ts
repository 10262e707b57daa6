import * as native from '#native';
import type { ActorAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/actor-event.ts';
import { addressHolder } from '../core/dhcp/holder.ts';
import type { TrafficCounter } from '../core/firewall/port-counters.ts';
import type { Inventory } from '../core/gc.ts';
import type { PublishedPort } from '../core/port.ts';
import type { Evidence } from '../core/rebuild/evidence.ts';
import type { HostLink } from '../core/steps/host.ts';
import type { FoundLink } from '../core/steps/link.ts';
import type { Step } from '../core/steps/step.ts';
import type { NamespaceStatistics } from '../core/traffic.ts';
import { publicAddresses } from '../core/uplink.ts';
import { makeDirectories } from '../files/make-directories.ts';
import { span } from '../threads/span.ts';
import { Deadlines } from './deadlines.ts';
import { DhcpKeeper } from './dhcp/keeper.ts';
import { evidence } from './evidence.ts';
import { inventory } from './inventory.ts';
import type { Kernel, Performed } from './kernel.ts';
import { Announcements } from './links/announcements.ts';
import { LinkWatch } from './links/link-watch.ts';
import { NamespaceWatch } from './netns/namespace-watch.ts';
import { NamespaceSockets } from './netns/netns-steps.ts';
import { Firewall } from './nft/firewall.ts';
import { GatewayNames } from './nft/gateway-names.ts';
import { addressPerformers } from './performers/address.ts';
import { definitionPerformers } from './performers/definition.ts';
import { dhcpPerformers } from './performers/dhcp.ts';
import { dnsPerformers } from './performers/dns.ts';
import { hostAddresses, hostLinks, hostPerformers } from './performers/host.ts';
import { findLink, linkPerformers } from './performers/link.ts';
import { netnsPerformers } from './performers/netns.ts';
import { nftPerformers } from './performers/nft.ts';
import type { Outcome, Performers, Run, SingleVerb } from './performers/performer.ts';
import { portPerformers } from './performers/port.ts';
import { processPerformers } from './performers/process.ts';
import { settingPerformers } from './performers/settings.ts';
import { PortHolder } from './port-holder.ts';
import { ProcessWatch } from './processes/process-watch.ts';
import { batchFrom, isRtnetlinkStep, verbsOf } from './rtnetlink/batch.ts';
import { BatchSender } from './rtnetlink/batch-sender.ts';
import type { KernelServices } from './services.ts';
import { systemFaultOf } from './system-fault.ts';

/** Linux by the native addon. One per worker; in the daemon's network namespace. */
export class NativeKernel implements Kernel {
  readonly #route = native.openRouteSocket(null);
  readonly #nft = native.openNftSocket();
  readonly #firewall = new Firewall(this.#nft);
  readonly #links = new LinkWatch(this.#route);
  readonly #announcements = new Announcements();
  readonly #namespaces = new NamespaceWatch(this.#route);
  readonly #ports = new PortHolder();
  readonly #processes = new ProcessWatch();
  readonly #deadlines = new Deadlines();
  readonly #dhcp = new DhcpKeeper((address, client) => this.#holderOf(address, client));
  readonly #batchSender = new BatchSender(this.#route);
  readonly #performers: Performers<SingleVerb>;

  constructor(
    private readonly netnsDirectory: string,
    private readonly services: KernelServices,
  ) {
    const gateways = new GatewayNames(this.#firewall, this.#nft, services.names);
    this.#performers = {
      ...netnsPerformers(this.#namespaces),
      ...linkPerformers(this.#route, this.#links),
      ...addressPerformers(this.#announcements),
      ...settingPerformers(services.settings),
      ...nftPerformers(this.#firewall, this.#nft),
      ...portPerformers(this.#ports, gateways),
      ...processPerformers(this.#processes, this.#deadlines),
      ...dnsPerformers(this.#route, gateways, services.names),
      ...definitionPerformers(services.definitions),
      ...dhcpPerformers(this.#dhcp),
      ...hostPerformers(this.#route, services),
    };
    makeDirectories(netnsDirectory, 0o755);
  }

  async perform(steps: readonly Step[], mending = false): Promise<Performed> {
    const sockets = new NamespaceSockets();
    const run: Run = { outputs: [], done: [], changed: [], failure: null, found: mending, sockets };
    try {
      for (let index = 0; index < steps.length && !run.failure; ) index += await this.#performFrom(steps, index, run);
    } finally {
      sockets.close();
    }
    const { outputs, done, changed, failure } = run;
    return { outputs, done, changed, failure };
  }

  /** Returns how many steps were performed or tried. */
  async #performFrom(steps: readonly Step[], index: number, run: Run): Promise<number> {
    const step = steps[index] as Step;
    if (!isRtnetlinkStep(step)) {
      await span(step.verb, () => this.#performOne(step, index, run));
      return 1;
    }
    const group = batchFrom(steps, index);
    await span(
      () => verbsOf(group),
      () => this.#batchSender.perform(group, index, run),
    );
    return group.length;
  }

  async #performOne<V extends SingleVerb>(step: Step<V>, index: number, run: Run): Promise<void> {
    try {
      const { output, changed }: Outcome = await this.#performers[step.verb](step, run, index);
      run.done.push(index);
      run.outputs.push(output);
      if (changed) run.changed.push(index);
    } catch (error) {
      run.failure = { index, ...systemFaultOf(error, step.verb) };
    }
  }

  statistics(netnsPath: string, ports: readonly PublishedPort[]): NamespaceStatistics {
    const socket = native.openRouteSocket(netnsPath);
    try {
      const links = native.listLinks(socket).filter(({ loopback }) => !loopback);
      return {
        interfaces: Object.fromEntries(links.map(({ name, statistics }) => [name, statistics])),
        ports: this.#firewall.traffic(ports),
      };
    } finally {
      socket.close();
    }
  }

  dropped(): Record<string, TrafficCounter> {
    return this.#firewall.dropped();
  }

  /** Reads what shows which containers live in the kernel. Throws SystemError. */
  evidence(): Evidence {
    return evidence(this.#route, this.#nft, this.netnsDirectory);
  }

  /** Lists everything with a name of netloom's (gc). Throws SystemError. */
  inventory(): Inventory {
    return inventory(this.#route, this.#nft, this.netnsDirectory);
  }

  hostLinks(): HostLink[] {
    return hostLinks(this.#route);
  }

  findLink(name: string | null, mtuOf: 'uplink' | null): FoundLink {
    return findLink(this.#route, name, mtuOf);
  }

  hostIp(): string | null {
    return native.sourceAddressFor(this.#route, publicAddresses[0]);
  }

  onFact(listener: (to: ActorAddress, event: ActorEvent) => void): void {
    this.#processes.onExit((owner, pid) => listener(owner, { type: 'process.exited', pid }));
    this.#namespaces.onEnd((owner) => listener(owner, { type: 'drift.suspected' }));
    this.#deadlines.onPassed(listener);
    this.#dhcp.onNews(listener);
  }

  /** Starts when commands are taken: reports deadlines of an earlier life that have passed after the grace period. */
  serve(graceMs: number): void {
    this.#deadlines.serve(graceMs);
  }

  close(): void {
    this.#deadlines.close();
    this.#dhcp.close();
    this.#announcements.close();
    this.#links.close();
    this.#namespaces.close();
    this.#processes.close();
    this.#ports.close();
    this.#route.close();
    this.#nft.close();
  }

  #holderOf(address: string, client: { container: string; network: string }): string | null {
    const containers = this.services.heldAddresses?.() ?? [];
    return addressHolder(address, client, { host: hostAddresses(this.#route), containers });
  }
}
