import { networkAddress } from '../../src/core/actor-address.ts';
import { familyOf, formatSubnet, parseSubnet, type Subnet, subnetContains } from '../../src/core/address.ts';
import type { DhcpTerms } from '../../src/core/dhcp/terms.ts';
import { resolverElements } from '../../src/core/firewall/network-elements.ts';
import { describeElement, type Element, type NftSet } from '../../src/core/firewall/nft.ts';
import type { RouteType } from '../../src/core/link-modes.ts';
import type { NetworkDefinition } from '../../src/core/network/definition.ts';
import { ownerMark } from '../../src/core/object-names.ts';
import type { Ipv6Settings } from '../../src/core/plan/interface-settings.ts';
import type { Protocol, publishedFlows } from '../../src/core/port.ts';
import type { ServedNetwork } from '../../src/core/steps/dns.ts';
import type { HostSurvey } from '../../src/core/steps/host.ts';
import type { LinkSettings } from '../../src/core/steps/link.ts';
import type { HeldPorts } from '../../src/core/steps/port.ts';
import type { StepOutput } from '../../src/core/steps/step.ts';
import { mayLeadOut } from '../../src/core/uplink.ts';

/**
 * A host in memory, as far as netloom touches it. It outlives the FakeKernels that work on it, as Linux outlives the
 * daemon: the state of a process (bound ports, watches) is in the FakeKernel, everything else is here.
 */

export interface FakeLink {
  name: string;
  kind: 'loopback' | 'veth' | 'bridge' | 'macvlan' | 'ipvlan';
  macAddress: string | null;
  mtuBytes: number;
  master: string | null;
  settings: LinkSettings;
  /** null: as new interfaces of its namespace begin */
  ipv6: Ipv6Settings | null;
  /** `10.89.0.2/24` */
  addresses: string[];
  peer: { netns: FakeNetns; name: string } | null;
  /** the link of the host below this one */
  parent: FakeLink | null;
}

export interface FakeRoute {
  destination: string;
  gateway: string | null;
  link: string | null;
  metric: number | null;
  type: RouteType;
}

/** The kernel's defaults. */
const kernelIpv6: Required<Ipv6Settings> = {
  forwarding: false,
  acceptRa: 1,
  autoconf: true,
  acceptDad: 1,
  disableIpv6: false,
};

export class FakeNetns {
  readonly links = new Map<string, FakeLink>();
  readonly sysctls = new Map<string, string>();
  routes: FakeRoute[] = [];
  /** net.ipv6.conf.default */
  ipv6: Required<Ipv6Settings> = kernelIpv6;

  constructor(readonly inode: number) {
    this.links.set('lo', newLink('lo', 'loopback'));
  }

  ways(): Pick<HostSurvey, 'connected' | 'routes'> {
    const connected = [...this.links.values()].flatMap(({ name, addresses }) =>
      addresses.map((address) => ({ destination: formatSubnet(parseSubnet(address) as Subnet), link: name })),
    );
    return { connected, routes: this.routes.map(({ destination, link }) => ({ destination, link })) };
  }
}

export interface FakeProcess {
  pid: number;
  startTicks: number;
  netns: FakeNetns;
}

export interface BoundPort {
  holder: object;
  protocol: Protocol;
  address: string;
  port: number;
}

const defaultMtuBytes = 1500;

export function newLink(name: string, kind: FakeLink['kind'], more: Partial<FakeLink> = {}): FakeLink {
  const bare = { macAddress: null, mtuBytes: defaultMtuBytes, master: null, peer: null, parent: null };
  return { name, kind, ...bare, ...more, settings: {}, ipv6: more.ipv6 ?? null, addresses: [] };
}

const anyAddress: ReadonlySet<string> = new Set(['0.0.0.0', '::']);
/** where every process finds its own namespace */
const ownNetns = '/proc/self/ns/net';
const keyOf = ({ set, key }: Element): string => describeElement({ set, key });
const firstEphemeralPort = 32_768;
const lastEphemeralPort = 60_999;
/** where the resolver listens, also on foreign bridges */
const resolverPort = 353;
const dnsPort = 53;

const listeningPort = ({ redirect }: ServedNetwork): number =>
  redirect === null ? dnsPort : (redirect.port ?? resolverPort);

function elementsFor(network: ServedNetwork): Element[] {
  if (network.redirect === null) return [];
  const ports = network.listen.map((address) => [address, listeningPort(network)]);
  return resolverElements(network.network, Object.fromEntries(ports));
}

export class FakeLinux {
  readonly pins = new Map<string, FakeNetns>();
  readonly processes = new Map<number, FakeProcess>();
  /** `set { key }` → element; null until the base ruleset is loaded */
  elements: Map<string, Element> | null = null;
  readonly ports = new Set<BoundPort>();
  /** tracked flows of UDP, by the destination of their first packet */
  flows: { family: 4 | 6; destination: string; port: number }[] = [];
  /** network → the settings of its resolver; network/container → names */
  readonly served = new Map<string, ServedNetwork>();
  /** sources of firewalld's zone `trusted`; null: there is no firewalld */
  trusted: Set<string> | null = new Set();
  readonly names = new Map<string, string[]>();
  /** whether a DHCP server is on every foreign link */
  servesDhcp = false;
  /** MAC address → the address given to it */
  readonly dhcpLeases = new Map<string, string>();
  /** network → gateway → the holder of its port */
  readonly #listeners = new Map<string, Map<string, object>>();
  readonly #resolverPorts = new Set<BoundPort>();
  /** the files of network definitions */
  readonly definitions = new Map<string, NetworkDefinition>();
  /** of bridges, for systemd-sysctl */
  readonly settingsFiles = new Map<string, string>();
  /** how long links remain when their namespace is dropped: until then, their names are taken */
  unregisterMs = 1;
  /** until the resolver has opened its sockets */
  resolverAnswers = async (): Promise<void> => {};
  /** kinds of links that this kernel was built without */
  readonly missingKinds = new Set<string>(['ipvlan']);
  #inodes = 4_026_531_840;
  #pids = 1_000;
  #lastPicked = firstEphemeralPort - 1;
  readonly host = this.newNetns();
  /** in every namespace, and in those that have just been dropped */
  readonly macvlans = new Set<FakeLink>();
  readonly #linkWatchers = new Set<() => void>();
  readonly #endWatchers = new Set<(netns: FakeNetns) => void>();
  readonly #exitWatchers = new Set<(pid: number) => void>();

  newNetns(): FakeNetns {
    return new FakeNetns(++this.#inodes);
  }

  // ------------------------------------------------------------------------------------------------------ namespaces

  /** null for the host's own. */
  netns(path: string | null): FakeNetns | null {
    return path === null || path === ownNetns ? this.host : (this.pins.get(path) ?? null);
  }

  /** The answer of a DHCP server to that MAC address; `given`: it is no longer an offer. */
  leaseByDhcp(macAddress: string, given: boolean): DhcpTerms {
    const address =
      this.dhcpLeases.get(macAddress) ??
      `10.99.${Number.parseInt(macAddress.slice(-2), 16)}.${2 + (Number.parseInt(macAddress.slice(-5, -3), 16) % 250)}`;
    if (given) this.dhcpLeases.set(macAddress, address);
    return {
      address,
      prefixLength: 16,
      gateway: '10.99.0.1',
      routes: [],
      nameServers: ['10.99.0.1'],
      searchDomains: [],
      server: '10.99.0.1',
      serverMac: '02:00:00:00:99:01',
      times: null,
      ignored: [],
    };
  }

  pin(path: string, netns: FakeNetns): StepOutput {
    this.pins.set(path, netns);
    return { netns: { path, inode: netns.inode } };
  }

  unpin(path: string): void {
    const netns = this.pins.get(path);
    this.pins.delete(path);
    if (netns) this.#dropUnused(netns);
  }

  /** A namespace without a pin and without a process is gone; its links follow a moment later, as in the kernel. */
  #dropUnused(netns: FakeNetns): void {
    const isPinned = [...this.pins.values()].includes(netns);
    const isLivedIn = [...this.processes.values()].some((process) => process.netns === netns);
    if (isPinned || isLivedIn || netns === this.host) return;
    for (const watcher of [...this.#endWatchers]) watcher(netns);
    const drop = () => {
      for (const name of [...netns.links.keys()]) this.deleteLink(netns, name);
    };
    setTimeout(drop, this.unregisterMs);
  }

  // ----------------------------------------------------------------------------------------------------------- links

  addVeth(
    netns: FakeNetns,
    name: string,
    peerNetns: FakeNetns,
    peerName: string,
    more: Partial<FakeLink> & { peerMacAddress?: string } = {},
  ): void {
    const { macAddress = null, peerMacAddress = null, ...both } = more;
    // the kernel numbers the other end first
    peerNetns.links.set(
      peerName,
      newLink(peerName, 'veth', {
        ...both,
        macAddress: peerMacAddress,
        ipv6: { ...peerNetns.ipv6 },
        peer: { netns, name },
      }),
    );
    netns.links.set(
      name,
      newLink(name, 'veth', {
        ...both,
        macAddress,
        ipv6: { ...netns.ipv6 },
        peer: { netns: peerNetns, name: peerName },
      }),
    );
  }

  deleteLink(netns: FakeNetns, name: string): boolean {
    const link = netns.links.get(name);
    if (!link) return false;
    netns.links.delete(name);
    this.macvlans.delete(link);
    netns.routes = netns.routes.filter((route) => route.link !== name);
    for (const port of netns.links.values()) if (port.master === name) port.master = null;
    this.#adjustMtu(netns, link.master);
    if (link.peer) this.deleteLink(link.peer.netns, link.peer.name);
    for (const other of this.pins.values())
      for (const child of [...other.links.values()]) if (child.parent === link) this.deleteLink(other, child.name);
    for (const watcher of [...this.#linkWatchers]) watcher();
    return true;
  }

  setMaster(netns: FakeNetns, link: FakeLink, master: string | null): void {
    const former = link.master;
    link.master = master;
    for (const bridge of new Set([former, master])) this.#adjustMtu(netns, bridge);
  }

  /** A bridge has the smallest MTU of its ports, and no MTU of its own: even the one that it was made with is lost then. */
  #adjustMtu(netns: FakeNetns, name: string | null): void {
    const bridge = name === null ? undefined : netns.links.get(name);
    if (bridge?.kind !== 'bridge') return;
    const ports = [...netns.links.values()].filter(({ master }) => master === name);
    bridge.mtuBytes = ports.length === 0 ? defaultMtuBytes : Math.min(...ports.map(({ mtuBytes }) => mtuBytes));
  }

  /** Called when a namespace ends; the returned function ends it. */
  onNetnsEnd(watcher: (netns: FakeNetns) => void): () => void {
    this.#endWatchers.add(watcher);
    return () => this.#endWatchers.delete(watcher);
  }

  /** Called after every deletion of a link; the returned function ends it. */
  onLinkDeleted(watcher: () => void): () => void {
    this.#linkWatchers.add(watcher);
    return () => this.#linkWatchers.delete(watcher);
  }

  /** The link of the narrowest route to a public address, the most preferred of several. */
  uplink(): FakeLink | null {
    const narrowness = ({ destination }: FakeRoute) => parseSubnet(destination)?.prefixLength ?? 0;
    const [first] = this.host.routes
      .filter(({ destination }) => mayLeadOut(destination))
      .sort((one, other) => narrowness(other) - narrowness(one) || (one.metric ?? 0) - (other.metric ?? 0));
    return (first?.link && this.host.links.get(first.link)) || null;
  }

  /** `10.0.0.5`, on any link. */
  addresses(): string[] {
    return [...this.host.links.values()].flatMap(({ addresses }) =>
      addresses.map((own) => own.split('/')[0] as string),
    );
  }

  /** The addresses of one link that are in one of the subnets. */
  addressesIn(link: string, subnets: readonly string[]): string[] {
    const own = (this.host.links.get(link)?.addresses ?? []).map((address) => address.split('/')[0] as string);
    return own.filter((address) => subnets.some((subnet) => subnetContains(parseSubnet(subnet) as Subnet, address)));
  }

  // ------------------------------------------------------------------------------------------------------- nftables

  elementsOf(set: NftSet): Element[] {
    return [...(this.elements?.values() ?? [])].filter((element) => element.set === set);
  }

  // ------------------------------------------------------------------------------------------------------------ names

  /** The resolver belongs to no daemon: it opens a port on every address, and closes unwanted ones. */
  serve(network: ServedNetwork): { errno: string; detail: string } | null {
    const open = this.#listeners.get(network.network) ?? new Map<string, object>();
    const port = listeningPort(network);
    const fresh = new Map<string, object>();
    const refuse = (errno: string, address: string) => {
      for (const holder of fresh.values()) this.#close(holder);
      return { errno, detail: `bind ${errno} ${address}:${port}` };
    };
    for (const address of new Set(network.listen)) {
      if (open.has(address)) continue;
      const holder = {};
      fresh.set(address, holder);
      if (!this.isLocal(address)) return refuse('EADDRNOTAVAIL', address);
      for (const protocol of ['udp', 'tcp'] as const)
        if (!this.#bindIn(this.#resolverPorts, { holder, protocol, address, port }))
          return refuse('EADDRINUSE', address);
    }
    for (const [address, holder] of open) if (!network.listen.includes(address)) this.#close(holder);
    const kept = [...open].filter(([address]) => network.listen.includes(address));
    this.#listeners.set(network.network, new Map([...kept, ...fresh]));
    this.served.set(network.network, network);
    this.#lead(network.network, elementsFor(network));
    return null;
  }

  /** Checks whether port 53 of its gateways leads to its resolver. */
  isLed(network: ServedNetwork): boolean {
    const texts = [...(this.elements?.values() ?? [])].map(describeElement);
    return elementsFor(network).every((element) => texts.includes(describeElement(element)));
  }

  /** Elements lead from port 53 of the gateways to the resolver. */
  #lead(network: string, elements: Element[]): void {
    for (const [key, { set, owner }] of this.elements ?? [])
      if (set.startsWith('resolver') && owner === ownerMark(networkAddress(network))) this.elements?.delete(key);
    for (const element of elements) this.elements?.set(keyOf(element), element);
  }

  retire(name: string): void {
    this.#lead(name, []);
    for (const holder of this.#listeners.get(name)?.values() ?? []) this.#close(holder);
    this.#listeners.delete(name);
    this.served.delete(name);
    for (const key of this.names.keys()) if (key.startsWith(`${name}/`)) this.names.delete(key);
  }

  #close(holder: object): void {
    for (const bound of this.#resolverPorts) if (bound.holder === holder) this.#resolverPorts.delete(bound);
  }

  /** Checks whether an address is this host's own. */
  isLocal(address: string): boolean {
    if (anyAddress.has(address) || address === '::1' || address.startsWith('127.')) return true;
    return [...this.host.links.values()].some(({ addresses }) =>
      addresses.some((own) => own.slice(0, own.indexOf('/')) === address),
    );
  }

  // ------------------------------------------------------------------------------------------------------ processes

  startProcess(netns: FakeNetns = this.newNetns()): FakeProcess {
    const pid = ++this.#pids;
    const process = { pid, startTicks: pid * 7, netns };
    this.processes.set(pid, process);
    return process;
  }

  endProcess(pid: number): void {
    const process = this.processes.get(pid);
    if (!process) return;
    this.processes.delete(pid);
    this.#dropUnused(process.netns);
    for (const watcher of [...this.#exitWatchers]) watcher(pid);
  }

  onExit(watcher: (pid: number) => void): () => void {
    this.#exitWatchers.add(watcher);
    return () => this.#exitWatchers.delete(watcher);
  }

  // ---------------------------------------------------------------------------------------------------------- ports

  bind(bound: BoundPort): boolean {
    return this.#bindIn(this.ports, bound);
  }

  #bindIn(ports: Set<BoundPort>, bound: BoundPort): boolean {
    if (this.#isBound(bound)) return false;
    ports.add(bound);
    return true;
  }

  #isBound(wanted: BoundPort): boolean {
    return [...this.ports, ...this.#resolverPorts].some((other) => portsMeet(wanted, other));
  }

  /** A port that is free, and those after it, on all of the addresses. */
  freePort({ protocol, addresses, range }: Omit<HeldPorts, 'port'>): number {
    const isFree = (port: number) =>
      addresses.every((address) => {
        const wanted: BoundPort = { holder: this, protocol, address, port };
        return !this.#isBound(wanted);
      });
    const offsets = Array.from({ length: range }, (_, index) => index);
    // not the same again at once: Linux picks at random
    let port = this.#lastPicked + 1;
    while (!offsets.every((offset) => isFree(port + offset)))
      port = port < lastEphemeralPort ? port + 1 : firstEphemeralPort;
    this.#lastPicked = port;
    return port;
  }

  releaseAll(holder: object): void {
    for (const bound of this.ports) if (bound.holder === holder) this.ports.delete(bound);
  }

  forgetFlows(selections: ReturnType<typeof publishedFlows>): void {
    this.flows = this.flows.filter(
      (flow) =>
        !selections.some(
          ({ family, destination, firstPort, lastPort }) =>
            flow.family === family &&
            (destination === null || flow.destination === destination) &&
            flow.port >= firstPort &&
            flow.port <= lastPort,
        ),
    );
  }

  /** The power fails and returns: only the files on disk remain, and those are not here. */
  reboot(): void {
    this.pins.clear();
    this.processes.clear();
    this.ports.clear();
    this.flows = [];
    this.elements = null;
    this.served.clear();
    this.trusted?.clear();
    this.names.clear();
    this.settingsFiles.clear();
    this.#listeners.clear();
    this.#resolverPorts.clear();
    this.host.links.clear();
    this.host.links.set('lo', newLink('lo', 'loopback'));
    this.host.routes = [];
    this.host.sysctls.clear();
  }
}

export function portsMeet(one: BoundPort, other: BoundPort): boolean {
  if (one.protocol !== other.protocol || one.port !== other.port) return false;
  if (familyOf(one.address) !== familyOf(other.address)) return false;
  return one.address === other.address || anyAddress.has(one.address) || anyAddress.has(other.address);
}
