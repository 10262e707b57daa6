import * as native from '#native';
import type { ActorAddress } from '../core/actor-address.ts';
import { type Family, families, formatSubnet, parseSubnet, type Subnet, subnetContains } from '../core/address.ts';
import { addressHolder, type HeldByContainer } from '../core/dhcp/holder.ts';
import type { ActorEvent } from '../core/event.ts';
import type { TrafficCounter } from '../core/firewall/nft.ts';
import type { Inventory } from '../core/gc.ts';
import { isHostEnd, ownerOfAlias } from '../core/names.ts';
import type { NetworkDefinition } from '../core/network/definition.ts';
import { namespaceSysctls, persistedSettings, type SettingDrift } from '../core/plan/interface-settings.ts';
import { type PublishedPort, publishedFlows } from '../core/port.ts';
import type { NamespaceStatistics } from '../core/statistics.ts';
import type { ContainerNames, ServedNames, ServedNetwork } from '../core/steps/dns.ts';
import type { ForwardingSurvey, HostLink } from '../core/steps/host.ts';
import type { FoundLink } from '../core/steps/link.ts';
import type { Step, StepOutput } from '../core/steps/step.ts';
import { publicAddresses } from '../core/way-out.ts';
import { makeDirectories } from '../files/make-directories.ts';
import { span } from '../threads/span.ts';
import { Deadlines } from './deadlines.ts';
import { DhcpKeeper } from './dhcp/keeper.ts';
import { inventory } from './inventory.ts';
import type { Kernel, Performed, StepFailure } from './kernel.ts';
import { Announcements } from './links/announcements.ts';
import { setIpv6 } from './links/link-settings.ts';
import { LinkWatch } from './links/link-watch.ts';
import { batchFrom, namespaceOf, verbsOf } from './links/route-batch.ts';
import {
  driftOf,
  explainParent,
  isOthers,
  isSet,
  type RouteStep,
  requestFor,
  requireVacant,
  settle,
  uplink,
  uplinkMtu,
  verifyExisting,
} from './links/route-steps.ts';
import { parentToWaitFor, retryUponNews } from './links/taken-mac.ts';
import { inhabitedNamespaces } from './netns/inhabited-namespaces.ts';
import { NamespaceWatch } from './netns/namespace-watch.ts';
import { adoptForeign, NamespaceSockets, refuseHostOf, refuseOther, requireNetns } from './netns/netns-steps.ts';
import { Firewall } from './nft/firewall.ts';
import { GatewayNames } from './nft/gateway-names.ts';
import { PortHolder } from './port-holder.ts';
import { ProcessWatch } from './processes/process-watch.ts';
import { attempt, failureOf, fault } from './system-fault.ts';

interface Run {
  outputs: StepOutput[];
  done: number[];
  changed: number[];
  failure: StepFailure | null;
  /** something that the plan is about was there already: links are looked at before they are set */
  found: boolean;
}

/** What of a network is not in the kernel, but made and unmade with it. */
export interface KernelServices {
  /** each resolves when it has taken effect; rejects with a SystemFault */
  names: {
    /** tells at which port of each address it listens */
    serve(
      network: Omit<ServedNetwork, 'network' | 'redirect'> & { name: string; ports?: number[] },
    ): Promise<Readonly<Record<string, number>>>;
    retire(network: string): Promise<unknown>;
    add(entry: ContainerNames): Promise<unknown>;
    remove(network: string, container: string): Promise<unknown>;
  };
  /** resolves when firewalld has taken it, or within a second without it; never rejects */
  firewalld: {
    /** whether a subnet was not trusted before */
    trust(subnets: string[]): Promise<boolean>;
    distrust(subnets: string[]): Promise<unknown>;
  };
  definitions: {
    write(definition: NetworkDefinition, previous: NetworkDefinition | null): void;
    remove(name: string): void;
  };
  /** what containers have, for DHCP clients; absent: nothing is known */
  heldAddresses?(): HeldByContainer[];
  /** of bridges, for whichever program reads the settings of this host anew */
  settings: {
    /** whether it was not there, or another */
    write(link: string, text: string): boolean;
    remove(link: string): void;
  };
}

const nobodyServes = () => Promise.reject(fault('serve names', 'ENOSYS', 'there is no resolver'));
/** For who makes no network with DNS. */
export const noNames: KernelServices['names'] = {
  serve: nobodyServes,
  retire: async () => {},
  add: nobodyServes,
  remove: async () => {},
};

/** For a host without firewalld. */
export const noFirewalld: KernelServices['firewalld'] = { trust: async () => false, distrust: async () => {} };

/** Linux itself, by the native addon. One per worker; lives in the daemon's own network namespace. */
export class NativeKernel implements Kernel {
  readonly #route = native.openRouteSocket(null);
  readonly #nft = native.openNftSocket();
  readonly #firewall = new Firewall(this.#nft);
  readonly #names: GatewayNames;
  readonly #links = new LinkWatch(this.#route);
  readonly #announcements = new Announcements();
  readonly #namespaces = new NamespaceWatch(this.#route);
  readonly #ports = new PortHolder();
  readonly #processes = new ProcessWatch();
  readonly #deadlines = new Deadlines();
  readonly #dhcp = new DhcpKeeper((address, client) => this.#holderOf(address, client));

  constructor(
    private readonly netnsDirectory: string,
    private readonly services: KernelServices,
  ) {
    this.#names = new GatewayNames(this.#firewall, this.#nft, services.names);
    makeDirectories(netnsDirectory, 0o755);
  }

  async perform(steps: readonly Step[], mending = false): Promise<Performed> {
    const run: Run = { outputs: [], done: [], changed: [], failure: null, found: mending };
    const sockets = new NamespaceSockets();
    try {
      for (let index = 0; index < steps.length && !run.failure; ) {
        const group = batchFrom(steps, index);
        if (group.length > 0)
          await span(
            () => verbsOf(group),
            () => this.#performBatch(group, index, sockets, run),
          );
        else await span((steps[index] as Step).verb, () => this.#performOne(steps[index] as Step, index, sockets, run));
        index += Math.max(group.length, 1);
      }
    } finally {
      sockets.close();
    }
    const { outputs, done, changed, failure } = run;
    return { outputs, done, changed, failure };
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

  /** Everything that carries a name of netloom's (gc). Throws SystemError. */
  inventory(): Inventory {
    return inventory(this.#route, this.#nft, this.netnsDirectory);
  }

  hostLinks(): HostLink[] {
    const ownerOf = (alias: string | null) => (alias === null ? null : ownerOfAlias(alias));
    return native.listLinks(this.#route).map(({ name, alias }) => ({ name, owner: ownerOf(alias) }));
  }

  hostIp(): string | null {
    return native.sourceAddressFor(this.#route, publicAddresses[0]);
  }

  onFact(listener: (to: ActorAddress, event: ActorEvent) => void): void {
    this.#processes.onExit((owner, pid) => listener(owner as ActorAddress, { type: 'process.exited', pid }));
    this.#namespaces.onEnd((owner) => listener(owner as ActorAddress, { type: 'drift.suspected' }));
    this.#deadlines.onPassed(listener);
    this.#dhcp.onNews(listener);
  }

  /** Commands are taken: what an earlier life waited for in vain is told after so long. */
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

  /** Requests next to each other for the same namespace go in one send; each is judged by itself. */
  async #performBatch(group: readonly RouteStep[], first: number, sockets: NamespaceSockets, run: Run): Promise<void> {
    const netns = namespaceOf(group[0] as RouteStep);
    const [socket, refused] = attempt(() => (netns === null ? this.#route : sockets.open(netns)), 'open netns');
    if (!socket) {
      // the namespace is gone, and with it all that a step could have wanted to take away
      if (group.every(({ verb }) => verb.endsWith('.delete'))) this.#succeed(run, first, group.length);
      else run.failure = { index: first, ...refused };
      return;
    }
    const wanted = group.filter((step) => !isOthers(socket, step));
    const left = run.found ? wanted.filter((step) => !isSet(socket, step)) : wanted;
    const drifts = new Map(run.found ? left.map((step) => [step, driftOf(socket, step)]) : []);
    const faults = routeAll(socket, left);
    for (const [step, refused] of faults) faults.set(step, explainParent(this.#route, step, refused));
    await this.#waitForTaken(socket, left, faults);
    for (const [offset, step] of group.entries()) {
      const refused = faults.get(step) ?? null;
      const fault = settle(step, refused) && verifyExisting(socket, step, refused);
      if (refused?.errno === 'EEXIST') run.found = true;
      if (!fault) this.#succeed(run, first + offset, 1, drifts.get(step));
      if (!fault && !refused && left.includes(step) && !step.verb.endsWith('.delete')) run.changed.push(first + offset);
      if (fault)
        run.failure ??= { index: first + offset, operation: fault.op, errno: fault.errno, detail: fault.detail };
    }
  }

  /** What is refused because a macvlan is still on its way out is tried again, with all that comes behind it. */
  async #waitForTaken(socket: native.RouteSocket, steps: readonly RouteStep[], faults: Faults): Promise<void> {
    for (const [index, step] of steps.entries()) {
      const refused = faults.get(step);
      const parent = refused && parentToWaitFor(socket, this.#route, step, refused);
      if (!parent) continue;
      const last = await retryUponNews(parent.index, () => {
        const again = routeAll(socket, steps.slice(index));
        for (const later of steps.slice(index + 1))
          if (faults.get(later) !== null) faults.set(later, again.get(later) ?? null);
        return again.get(step) ?? null;
      });
      const detail = `another interface on ${parent.name} has its place`;
      faults.set(step, last?.errno === refused.errno ? { ...last, errno: 'EADDRINUSE', detail } : last);
    }
  }

  #succeed(run: Run, first: number, count: number, drifted: SettingDrift[] = []): void {
    for (let index = first; index < first + count; index++) {
      run.done.push(index);
      run.outputs.push(drifted.length > 0 ? { drifted } : {});
    }
  }

  async #performOne(step: Step, index: number, sockets: NamespaceSockets, run: Run): Promise<void> {
    try {
      const { output, changed } = await this.#perform(step, index, sockets, run);
      run.done.push(index);
      run.outputs.push(output);
      if (changed) run.changed.push(index);
      if (step.verb === 'netns.require') run.found = true;
    } catch (error) {
      run.failure = { index, ...failureOf(error, step.verb) };
    }
  }

  async #perform(step: Step, index: number, sockets: NamespaceSockets, run: Run): Promise<Outcome> {
    switch (step.verb) {
      case 'netns.create':
        return this.#pin(step.path, () => native.createNetns(step.path, namespaceSysctls), sockets);
      case 'netns.adopt':
        refuseOther(step.path, step.pid);
        refuseHostOf(step.pid);
        return this.#pin(step.path, () => adoptForeign(step.pid, step.path), sockets);
      case 'netns.require':
        return unchanged(requireNetns(step.path, step.inode, step.foreign));
      case 'netns.watch':
        this.#namespaces.watch(step.owner, step.path);
        return unchanged();
      case 'netns.unwatch':
        this.#namespaces.unwatch(step.owner);
        return unchanged();
      case 'netns.inhabited':
        return unchanged({ inhabited: inhabitedNamespaces().has(step.inode) });
      case 'netns.remove':
        native.removeNetns(step.path);
        return unchanged();
      case 'link.ipv6': {
        const drifted = setIpv6(step.netns === null ? this.#route : sockets.open(step.netns), step);
        return { output: { drifted }, changed: drifted.length > 0 };
      }
      case 'settings.persist':
        return {
          output: {},
          changed: this.services.settings.write(step.link, persistedSettings(step.link, step.traits)),
        };
      case 'settings.forget':
        this.services.settings.remove(step.link);
        return unchanged();
      case 'link.gone':
        await this.#links.gone(step.name, step.graceMs, step.alias);
        return unchanged();
      case 'link.vacant':
        requireVacant(this.#route, step);
        return unchanged();
      case 'link.settle':
        // the bridge has a carrier when one of its ports has
        for (const name of [step.name, step.bridge]) native.linkByName(this.#route, name);
        return unchanged();
      case 'link.find':
        return unchanged({ link: this.findLink(step.name, step.mtuOf ?? null) });
      case 'address.settle':
        await settled(sockets.open(step.netns), step.addresses);
        return unchanged();
      case 'address.announce':
        this.#announcements.announce(step);
        return unchanged();
      case 'dns.serve': {
        const { verb: _, link, ...served } = step;
        if (link !== undefined) return unchanged({ names: await this.#serveOn(link, served) });
        return { output: {}, changed: await this.#names.serve(served) };
      }
      case 'dns.retire':
        await this.#names.retire(step.network);
        return unchanged();
      case 'dns.add': {
        const { verb: _, ...entry } = step;
        await this.services.names.add(entry);
        return unchanged();
      }
      case 'dns.remove':
        await this.services.names.remove(step.network, step.container);
        return unchanged();
      case 'firewalld.trust':
        return { output: {}, changed: await this.services.firewalld.trust(step.subnets) };
      case 'firewalld.distrust':
        await this.services.firewalld.distrust(step.subnets);
        return unchanged();
      case 'definition.write':
        this.services.definitions.write(step.definition, step.previous);
        return unchanged();
      case 'definition.remove':
        this.services.definitions.remove(step.name);
        return unchanged();
      case 'sysctl.turn':
        return turnSysctl(step);
      case 'forwarding.survey':
        return unchanged({ forwarding: this.#surveyForwarding() });
      case 'sysctl.set':
        return { output: {}, changed: setSysctl(step) };
      case 'nft.load':
        return { output: {}, changed: this.#firewall.load() };
      case 'nft.add':
        return { output: {}, changed: this.#firewall.add(step.elements, run.found) };
      case 'nft.delete':
        this.#firewall.change(step.elements, []);
        return unchanged();
      case 'nft.replace':
        this.#firewall.change(step.remove, step.add);
        return { output: {}, changed: true };
      case 'conntrack.flush':
        if (!run.found || run.changed.includes(index - 1))
          native.deleteConntrack(this.#nft, step.ports.flatMap(publishedFlows));
        return unchanged();
      case 'port.hold':
        this.#names.refuseGateway(step);
        return unchanged({ port: await this.#ports.hold(step) });
      case 'port.release':
        this.#ports.release(step.owner, step.ports ?? null);
        return unchanged();
      case 'process.watch':
        return unchanged({ startTicks: this.#processes.watch(step.owner, step.pid, step.startTicks) });
      case 'process.unwatch':
        this.#processes.unwatch(step.owner);
        return unchanged();
      case 'deadline.set':
        return unchanged({ deadlineAt: this.#deadlines.set(step) });
      case 'deadline.clear':
        this.#deadlines.clear(step.owner);
        return unchanged();
      case 'dhcp.ask':
        this.#dhcp.ask(step);
        return unchanged();
      case 'dhcp.keep':
        this.#dhcp.keep(step);
        return unchanged();
      case 'dhcp.release':
        this.#dhcp.release(step);
        return unchanged();
      case 'dhcp.stop':
        this.#dhcp.stop(step.owner);
        return unchanged();
      case 'host.survey':
        return unchanged({ survey: this.#survey() });
      default:
        throw new TypeError(`${step.verb} is performed in a batch`);
    }
  }

  #pin(
    path: string,
    make: () => { identity: native.NetnsIdentity; socket: native.RouteSocket },
    sockets: NamespaceSockets,
  ): Outcome {
    const there = native.netnsIdentity(path);
    if (there) return unchanged({ netns: { path, inode: there.inode } });
    const { identity, socket } = make();
    sockets.keep(path, socket);
    return { output: { netns: { path, inode: identity.inode } }, changed: true };
  }

  /** A link of others: a program that answers there already goes on, and without addresses only the names are kept. */
  async #serveOn(name: string, network: ServedNetwork): Promise<ServedNames> {
    const { index } = native.linkByName(this.#route, name) ?? { index: null };
    const subnets = network.subnets.map((subnet) => parseSubnet(subnet) as Subnet);
    const servers = native
      .listAddresses(this.#route)
      .filter(({ linkIndex }) => linkIndex === index)
      .map(({ address }) => address.split('/')[0] as string)
      .filter((address) => subnets.some((subnet) => subnetContains(subnet, address)))
      // the kernel tells of one that is tentative again when it is not any more
      .filter((address) => native.isLocalAddress(this.#route, address));
    try {
      await this.#names.serve({ ...network, listen: servers });
      return { servers, refused: null };
    } catch (error) {
      const { errno, detail } = failureOf(error, 'serve names');
      if (errno !== 'EADDRINUSE') throw error;
      await this.#names.serve({ ...network, listen: [] });
      return { servers: [], refused: detail ?? errno };
    }
  }

  #holderOf(address: string, client: { container: string; network: string }): string | null {
    const own = native.listAddresses(this.#route).filter(({ scope }) => scope !== 'host');
    const host = own.map(({ address }) => address.split('/')[0] as string);
    return addressHolder(address, client, { host, containers: this.services.heldAddresses?.() ?? [] });
  }

  findLink(name: string | null, mtuOf: 'uplink' | null): FoundLink {
    const link = name === null ? uplink(this.#route) : native.linkByName(this.#route, name);
    if (!link)
      throw fault(
        'find link',
        'ENODEV',
        name === null ? 'this host has no default route' : `there is no interface ${name}`,
      );
    const mtuBytes = (mtuOf === 'uplink' ? uplinkMtu(this.#route) : null) ?? link.mtuBytes;
    const own = native
      .listAddresses(this.#route)
      .filter(({ address, scope }) => scope !== 'host' && !address.startsWith('fe80:'));
    const addresses = own.map(({ address }) => address.split('/')[0] as string);
    const routesLoopback = link.ipv4Configuration?.routeLocalnet ?? false;
    return { name: link.name, mtuBytes, macAddress: link.macAddress, addresses, routesLoopback };
  }

  #surveyForwarding(): ForwardingSurvey {
    const isOurs = (link: native.LinkInfo) =>
      isHostEnd(link) || (link.alias !== null && ownerOfAlias(link.alias) !== null);
    const others = native.listLinks(this.#route).filter((link) => !link.loopback && !isOurs(link));
    const acceptRa = others.flatMap(({ name, ipv6Configuration }) =>
      ipv6Configuration ? [[name, ipv6Configuration.acceptRa] as const] : [],
    );
    const future = native.getSysctl(null, 'net/ipv6/conf/default/accept_ra');
    return {
      on: forwardingFamilies({ 4: 'net/ipv4/ip_forward', 6: 'net/ipv6/conf/all/forwarding' }),
      future: forwardingFamilies({ 4: 'net/ipv4/conf/default/forwarding', 6: 'net/ipv6/conf/default/forwarding' }),
      acceptRa: Object.fromEntries([...acceptRa, ...(future === null ? [] : [['default', Number(future)] as const])]),
      bridges: others.filter(({ kind }) => kind === 'bridge').map(({ name }) => name),
    };
  }

  #survey() {
    const links = native.listLinks(this.#route);
    const nameOf = new Map(links.map(({ index, name }) => [index, name]));
    const way = (destination: string, linkIndex: number | null) => ({
      destination,
      link: linkIndex === null ? null : (nameOf.get(linkIndex) ?? null),
    });
    const routes = native.listRoutes(this.#route);
    const connected = routes.filter(({ connected }) => connected);
    // also those of links that are down, or whose routes another program makes
    const addresses = native.listAddresses(this.#route);
    return {
      linkNames: links.map(({ name }) => name),
      bridges: links.filter(({ kind }) => kind === 'bridge').map(({ name }) => name),
      connected: [
        ...connected.map(({ destination, linkIndex }) => way(destination, linkIndex)),
        ...addresses.map(({ address, linkIndex }) => way(formatSubnet(parseSubnet(address) as Subnet), linkIndex)),
      ],
      routes: routes
        .filter(({ connected }) => !connected)
        .map(({ destination, linkIndex }) => way(destination, linkIndex)),
    };
  }
}

/** How long is waited for addresses to take effect: far longer than it takes. */
const settlePatienceMs = 500;

/** The kernel tells of an address before it takes effect, and not when it does; as a rule it has by now. */
async function settled(socket: native.RouteSocket, addresses: readonly string[]): Promise<void> {
  const deadline = performance.now() + settlePatienceMs;
  const isSettled = (address: string) => native.isLocalAddress(socket, address);
  while (!addresses.every(isSettled) && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Where /proc/sys is read-only, the right value is enough; another one is told. */
function setSysctl({ netns, key, value }: { netns: string | null; key: string; value: string }): boolean {
  try {
    return native.setSysctl(netns, key, value);
  } catch (error) {
    if (failureOf(error, 'set sysctl').errno !== 'EROFS') throw error;
    const present = native.getSysctl(netns, key);
    const name = key.replaceAll('/', '.');
    throw fault('set sysctl', 'EROFS', `${name} is ${present} and must be ${value}, but /proc/sys is read-only here`);
  }
}

type Faults = Map<RouteStep, native.SystemFault | null>;

/** All in one send; each is judged by itself. */
function routeAll(socket: native.RouteSocket, steps: readonly RouteStep[]): Faults {
  const faults = native.route(
    socket,
    steps.map((step) => requestFor(socket, step)),
  );
  return new Map(steps.map((step, index) => [step, faults[index] ?? null]));
}

interface Outcome {
  output: StepOutput;
  /** something was added that was not there */
  changed: boolean;
}

const unchanged = (output: StepOutput = {}): Outcome => ({ output, changed: false });

const forwardingFamilies = (keys: Record<Family, string>): Family[] =>
  families.filter((family) => Number(native.getSysctl(null, keys[family]) ?? 0) !== 0);

function turnSysctl({ key, from, to, optional }: Extract<Step, { verb: 'sysctl.turn' }>): Outcome {
  const found = native.getSysctl(null, key);
  if (found === null && !optional) throw fault('turn sysctl', 'ENOENT', key);
  if (found !== from) return unchanged();
  setSysctl({ netns: null, key, value: to });
  return { output: { drifted: [{ key: key.replaceAll('/', '.'), found, wanted: to }] }, changed: true };
}
