import type { ActorAddress } from '../../src/core/actor-address.ts';
import { type Family, parseSubnet, type Subnet, subnetContains } from '../../src/core/address.ts';
import type { ActorEvent } from '../../src/core/event.ts';
import { describeElement, type Element } from '../../src/core/firewall/nft.ts';
import { portTraffic, type TrafficCounter } from '../../src/core/firewall/port-counters.ts';
import { isHostEnd, ownerOfAlias, vethGroup } from '../../src/core/names.ts';
import {
  namespaceSettings,
  persistedSettings,
  type SettingDrift,
  settingDrift,
} from '../../src/core/plan/interface-settings.ts';
import { type PublishedPort, publishedFlows } from '../../src/core/port.ts';
import type { NamespaceStatistics } from '../../src/core/statistics.ts';
import type { ForwardingSurvey, HostLink } from '../../src/core/steps/host.ts';
import type { FoundLink, LinkSettings } from '../../src/core/steps/link.ts';
import type { HeldPorts } from '../../src/core/steps/port.ts';
import type { Step, StepOutput } from '../../src/core/steps/step.ts';
import { Deadlines } from '../../src/kernel/deadlines.ts';
import type { Kernel, Performed, StepFailure } from '../../src/kernel/kernel.ts';
import { type BoundPort, type FakeLink, FakeLinux, type FakeNetns, newLink, portsMeet } from './fake-linux.ts';

type StepOf<Verb extends Step['verb']> = Extract<Step, { verb: Verb }>;
type Refusal = { errno: string; detail: string };

/** A step that the kernel refuses. */
class Refused extends Error {
  constructor(
    readonly operation: string,
    readonly errno: string,
    readonly detail: string | null = null,
  ) {
    super(`${operation}: ${errno}`);
  }
}

/** The hands of one daemon (or worker) on a FakeLinux. Passes the contract suite of the real one: kernel-contract.test.ts. */
export class FakeKernel implements Kernel {
  /** steps that were performed, refused ones included, in order */
  readonly performed: Step[] = [];
  #refuse: (step: Step, count: number) => Refusal | null = () => null;
  #listener: (to: ActorAddress, event: ActorEvent) => void = () => {};
  readonly #held = new Map<string, Held[]>();
  /** by owner: the name under which it binds */
  readonly #holders = new Map<string, object>();
  readonly #watched = new Map<string, number>();
  readonly #namespaces = new Map<string, FakeNetns>();
  readonly #unwatch: () => void;
  /** owner → what it waits for */
  readonly #deadlines = new Deadlines();
  readonly #dhcp = new Map<ActorAddress, { stop(): void }>();

  constructor(readonly linux: FakeLinux = new FakeLinux()) {
    this.#deadlines.serve(0);
    const watches = [linux.onExit((pid) => this.#exited(pid)), linux.onNetnsEnd((netns) => this.#ended(netns))];
    this.#unwatch = () => {
      for (const unwatch of watches) unwatch();
    };
  }

  // -------------------------------------------------------------------------------------------- what tests arrange

  /** Makes the n-th step from now (1 is the next) fail. */
  failAt(n: number, errno: string): void {
    const from = this.performed.length;
    this.failWhen((_, count) => count === from + n, errno);
  }

  /** Makes every matching step fail; `count` counts all steps that were ever performed. */
  failWhen(matches: (step: Step, count: number) => boolean, errno: string): void {
    this.#refuse = (step, count) => (matches(step, count) ? { errno, detail: 'as the test arranged' } : null);
  }

  /** An impossible outcome: not a refusal, but an error in our own code. */
  throwWhen(matches: (step: Step) => boolean): void {
    this.#refuse = (step) => {
      if (matches(step)) throw new TypeError('as the test arranged');
      return null;
    };
  }

  failNoMore(): void {
    this.#refuse = () => null;
  }

  // --------------------------------------------------------------------------------------------------------- Kernel

  async perform(steps: readonly Step[], mending = false): Promise<Performed> {
    const performed: Performed = { outputs: [], done: [], changed: [], failure: null };
    for (const [index, step] of steps.entries()) {
      const isSet = this.#isSet(step);
      if (step.verb === 'conntrack.flush' && mending && !performed.changed.includes(index - 1)) {
        performed.outputs.push({});
        performed.done.push(index);
        continue;
      }
      const drifted = mending ? this.#ipv4Drift(step) : [];
      const result = await this.#attempt(step);
      if ('errno' in result) return { ...performed, failure: { index, ...result } };
      performed.outputs.push(drifted.length > 0 ? { drifted } : result);
      performed.done.push(index);
      if (!isSet) performed.changed.push(index);
    }
    return performed;
  }

  statistics(netnsPath: string, ports: readonly PublishedPort[]): NamespaceStatistics {
    const netns = this.linux.netns(netnsPath);
    if (!netns) throw new Refused('open netns', 'ENOENT');
    const idle = {
      rxBytes: 0,
      txBytes: 0,
      rxPackets: 0,
      txPackets: 0,
      rxErrors: 0,
      txErrors: 0,
      rxDropped: 0,
      txDropped: 0,
    };
    const links = [...netns.links.values()].filter(({ kind }) => kind !== 'loopback');
    return {
      interfaces: Object.fromEntries(links.map(({ name }) => [name, { ...idle }])),
      ports: ports.map((port) => portTraffic(port, () => null)),
    };
  }

  /** nothing is ever sent here */
  dropped(): Record<string, TrafficCounter> {
    const held = [...(this.linux.elements?.values() ?? [])].filter(({ set }) => set === 'held_links');
    return Object.fromEntries(held.map(({ key }) => [key[0] as string, { packets: 0, bytes: 0 }]));
  }

  findLink(wanted: string | null, mtuOf: 'uplink' | null): FoundLink {
    const { linux } = this;
    const link = wanted === null ? linux.uplink() : linux.host.links.get(wanted);
    if (!link)
      throw new Refused(
        'find link',
        'ENODEV',
        wanted === null ? 'this host has no default route' : `there is no interface ${wanted}`,
      );
    const { mtuBytes } = (mtuOf === 'uplink' && linux.uplink()) || link;
    const { name, macAddress } = link;
    const routesLoopback = link.settings.ipv4?.routeLocalnet ?? false;
    return { name, mtuBytes, macAddress, addresses: linux.addresses(), routesLoopback };
  }

  hostIp(): string | null {
    return null;
  }

  hostLinks(): HostLink[] {
    const ownerOf = ({ settings }: FakeLink) => (settings.alias ? ownerOfAlias(settings.alias) : null);
    return [...this.linux.host.links.values()].map((link) => ({ name: link.name, owner: ownerOf(link) }));
  }

  onFact(listener: (to: ActorAddress, event: ActorEvent) => void): void {
    this.#listener = listener;
    this.#deadlines.onPassed(listener);
  }

  /** Does what a crash does as well: bound ports and watches go with their process. */
  close(): void {
    this.#unwatch();
    this.#deadlines.close();
    for (const owner of [...this.#dhcp.keys()]) this.#stopDhcp(owner);
    this.#watched.clear();
    this.#namespaces.clear();
    for (const owner of [...this.#held.keys()]) this.#release(owner, null);
  }

  // ---------------------------------------------------------------------------------------------------------- steps

  async #attempt(step: Step): Promise<StepOutput | Omit<StepFailure, 'index'>> {
    this.performed.push(step);
    try {
      const refusal = this.#refuse(step, this.performed.length);
      if (refusal) throw new Refused(step.verb, refusal.errno, refusal.detail);
      return (await this.#perform(step)) ?? {};
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { operation, errno, detail } = error;
      return { operation, errno, detail };
    }
  }

  /** Whether the result of a step exists already, and equals it; true for steps without a result. */
  #isSet(step: Step): boolean {
    const { linux } = this;
    switch (step.verb) {
      case 'netns.create':
      case 'netns.adopt':
        return linux.pins.has(step.path);
      case 'link.bridge':
      case 'link.veth':
        return linux.host.links.has(step.name);
      case 'link.macvlan':
      case 'link.ipvlan':
        return linux.netns(step.netns)?.links.has(step.name) ?? false;
      case 'link.set': {
        const link = linux.netns(step.netns)?.links.get(step.name);
        const { verb: _, netns: __, name: ___, master, ...settings } = step;
        return (
          link !== undefined &&
          (master === undefined || link.master === master) &&
          Object.entries(settings).every(([key, value]) => isWithin(value, link.settings[key as keyof LinkSettings]))
        );
      }
      case 'link.ipv6':
        return this.#ipv6Drift(step).length === 0;
      case 'settings.persist':
        return linux.settingsFiles.get(step.link) === persistedSettings(step.link, step.traits);
      case 'address.add':
        return linux.netns(step.netns)?.links.get(step.link)?.addresses.includes(step.address) ?? false;
      case 'route.add':
        return linux.netns(step.netns)?.routes.some((route) => isSameRoute(route, step)) ?? false;
      case 'sysctl.turn':
        return this.#sysctl(step.key) !== step.from;
      case 'sysctl.set':
        return linux.netns(step.netns)?.sysctls.get(step.key) === step.value;
      case 'firewalld.trust':
        return step.subnets.every((subnet) => linux.trusted?.has(subnet) ?? true);
      case 'nft.load':
        return linux.elements !== null;
      case 'nft.add':
        return step.elements.every((element) => linux.elements?.has(keyOf(element)));
      case 'nft.replace':
        return false;
      case 'dns.serve': {
        const { verb: _, ...network } = step;
        return linux.isLed(network);
      }
      default:
        return true;
    }
  }

  #perform(step: Step): StepOutput | void | Promise<StepOutput> | Promise<void> {
    const { linux } = this;
    switch (step.verb) {
      case 'netns.create':
        return linux.pin(step.path, linux.pins.get(step.path) ?? this.#newNetns());
      case 'conntrack.flush':
        return linux.forgetFlows(step.ports.flatMap(publishedFlows));
      case 'netns.adopt':
        return this.#adopt(step);
      case 'netns.require':
        return this.#require(step);
      case 'netns.watch':
        this.#namespaces.set(step.owner, this.#netns(step.path));
        return;
      case 'netns.unwatch':
        this.#namespaces.delete(step.owner);
        return;
      case 'netns.inhabited':
        return { inhabited: [...linux.processes.values()].some(({ netns }) => netns.inode === step.inode) };
      case 'netns.remove':
        return linux.unpin(step.path);
      case 'link.bridge':
        return this.#addBridge(step);
      case 'link.veth':
        return this.#addVeth(step);
      case 'link.macvlan':
      case 'link.ipvlan':
        return this.#addUpon(step);
      case 'link.set':
        return this.#setLink(step);
      case 'link.vacant':
        return this.#requireVacant(step);
      case 'link.cut': {
        const link = linux.host.links.get(step.name);
        if (link && isNamed(link, step.alias)) link.settings.up = false;
        return;
      }
      case 'link.delete': {
        const netns = linux.netns(step.netns);
        const link = netns?.links.get(step.name);
        if (netns && link && isNamed(link, step.alias)) linux.deleteLink(netns, step.name);
        return;
      }
      case 'link.gone':
        return this.#linkGone(step);
      case 'link.ipv6':
        return this.#setIpv6(step);
      case 'settings.persist':
        linux.settingsFiles.set(step.link, persistedSettings(step.link, step.traits));
        return;
      case 'settings.forget':
        linux.settingsFiles.delete(step.link);
        return;
      case 'address.add':
      case 'address.delete':
        return this.#changeAddress(step);
      case 'address.announce':
        this.#link(this.#netns(step.netns), step.link, 'announce addresses');
        return;
      case 'address.settle':
        this.#netns(step.netns);
        return;
      case 'link.settle':
        return;
      case 'route.add':
        return this.#addRoute(step);
      case 'route.delete':
        return this.#deleteRoute(step);
      case 'link.find':
        return { link: this.findLink(step.name, step.mtuOf ?? null) };
      case 'dns.serve':
        return this.#serve(step);
      case 'dns.retire':
        return linux.retire(step.network);
      case 'dns.add':
        if (!linux.served.has(step.network))
          throw new Refused('resolver.add', 'ENOENT', `network ${step.network} is not served`);
        linux.names.set(`${step.network}/${step.container}`, step.names);
        return;
      case 'dns.remove':
        linux.names.delete(`${step.network}/${step.container}`);
        return;
      case 'firewalld.trust':
        for (const subnet of step.subnets) linux.trusted?.add(subnet);
        return;
      case 'firewalld.distrust':
        for (const subnet of step.subnets) linux.trusted?.delete(subnet);
        return;
      case 'definition.write':
        linux.definitions.set(step.definition.name, step.definition);
        return;
      case 'definition.remove':
        linux.definitions.delete(step.name);
        return;
      case 'sysctl.turn':
        return this.#turnSysctl(step);
      case 'forwarding.survey':
        return { forwarding: this.#surveyForwarding() };
      case 'sysctl.set':
        this.#netns(step.netns).sysctls.set(step.key, step.value);
        return;
      case 'nft.load':
        linux.elements ??= new Map();
        return;
      case 'nft.add':
        return this.#addElements(step.elements);
      case 'nft.replace':
        return this.#addElements(step.add, step.remove);
      case 'nft.delete':
        for (const element of step.elements) linux.elements?.delete(keyOf(element));
        return;
      case 'port.hold':
        return this.#hold(step);
      case 'port.release':
        return this.#release(step.owner, step.ports ?? null);
      case 'process.watch':
        return this.#watch(step);
      case 'process.unwatch':
        this.#watched.delete(step.owner);
        return;
      case 'deadline.set':
        return { deadlineAt: this.#deadlines.set(step) };
      case 'deadline.clear':
        return this.#deadlines.clear(step.owner, step.claimant);
      case 'dhcp.ask':
        return this.#askDhcp(step);
      case 'dhcp.keep':
        return this.#keepLease(step);
      case 'dhcp.release':
        this.#stopDhcp(step.owner);
        if (step.lease) linux.dhcpLeases.delete(step.place.macAddress);
        return;
      case 'dhcp.stop':
        return this.#stopDhcp(step.owner);
      case 'host.survey':
        return {
          survey: {
            ...linux.host.ways(),
            linkNames: [...linux.host.links.keys()],
            bridges: [...linux.host.links.values()].filter(({ kind }) => kind === 'bridge').map(({ name }) => name),
          },
        };
    }
  }

  /** A server gives every client an address for ever, or there is no server. */
  #askDhcp({ owner, place, question, withinMs }: StepOf<'dhcp.ask'>): void {
    this.#stopDhcp(owner);
    if (this.linux.servesDhcp) {
      const answer = setImmediate(() => {
        const terms = this.linux.leaseByDhcp(place.macAddress, question.kind !== 'discover');
        const type = question.kind === 'discover' ? 'dhcp.offered' : 'dhcp.acknowledged';
        this.#listener(owner, { type, terms });
      });
      this.#dhcp.set(owner, { stop: () => clearImmediate(answer) });
    } else if (withinMs !== null) {
      const timer = setTimeout(() => this.#listener(owner, { type: 'dhcp.timeout', detail: null }), withinMs);
      this.#dhcp.set(owner, { stop: () => clearTimeout(timer) });
    }
  }

  #keepLease({ owner, times }: StepOf<'dhcp.keep'>): void {
    const alarms = times
      ? (
          [
            ['dhcp.t1', times.renewAt],
            ['dhcp.t2', times.rebindAt],
            ['dhcp.expired', times.expiresAt],
          ] as const
        ).map(([type, at]) => setTimeout(() => this.#listener(owner, { type }), at - Date.now()))
      : [];
    const before = this.#dhcp.get(owner);
    this.#dhcp.set(owner, {
      stop: () => {
        before?.stop();
        for (const alarm of alarms) clearTimeout(alarm);
      },
    });
  }

  #stopDhcp(owner: ActorAddress): void {
    this.#dhcp.get(owner)?.stop();
    this.#dhcp.delete(owner);
  }

  /** A value of this host; null: there is no such key. */
  #sysctl(key: string): string | null {
    const { host } = this.linux;
    const name = /^net\/ipv6\/conf\/(.+)\/accept_ra$/.exec(key)?.[1];
    if (name === undefined) return host.sysctls.get(key) ?? '0';
    if (name === 'default') return `${host.ipv6.acceptRa}`;
    const link = host.links.get(name);
    return link ? `${{ ...host.ipv6, ...link.ipv6 }.acceptRa}` : null;
  }

  #turnSysctl({ key, from, to, optional }: StepOf<'sysctl.turn'>): StepOutput {
    const { host } = this.linux;
    const found = this.#sysctl(key);
    if (found === null && !optional) throw new Refused('turn sysctl', 'ENOENT', key);
    if (found !== from) return {};
    const name = /^net\/ipv6\/conf\/(.+)\/accept_ra$/.exec(key)?.[1];
    if (name === undefined) host.sysctls.set(key, to);
    else if (name === 'default') host.ipv6 = { ...host.ipv6, acceptRa: Number(to) };
    else {
      const link = host.links.get(name) as FakeLink;
      link.ipv6 = { ...link.ipv6, acceptRa: Number(to) };
    }
    // the kernel sets it for later links, too
    const family = { 'net/ipv4/ip_forward': 4, 'net/ipv6/conf/all/forwarding': 6 }[key];
    if (family) host.sysctls.set(`net/ipv${family}/conf/default/forwarding`, to);
    return { drifted: [{ key: key.replaceAll('/', '.'), found, wanted: to }] };
  }

  #surveyForwarding(): ForwardingSurvey {
    const { links } = this.linux.host;
    const isOurs = ({ name, settings }: FakeLink) =>
      isHostEnd({ name, group: settings.group ?? 0 }) || settings.alias?.startsWith('netloom ');
    const others = [...links.values()].filter((link) => link.kind !== 'loopback' && !isOurs(link));
    const on = (key: (family: Family) => string) =>
      ([4, 6] as const).filter((family) => this.#sysctl(key(family)) === '1');
    const acceptRa = [...others.map(({ name }) => name), 'default'].map((name) => [
      name,
      Number(this.#sysctl(`net/ipv6/conf/${name}/accept_ra`)),
    ]);
    return {
      on: on((family) => (family === 4 ? 'net/ipv4/ip_forward' : 'net/ipv6/conf/all/forwarding')),
      future: on((family) => `net/ipv${family}/conf/default/forwarding`),
      acceptRa: Object.fromEntries(acceptRa),
      bridges: others.filter(({ kind }) => kind === 'bridge').map(({ name }) => name),
    };
  }

  /** Another thread is asked: others continue meanwhile. */
  async #serve({ verb: _, link, ...network }: StepOf<'dns.serve'>): Promise<StepOutput> {
    await this.linux.resolverAnswers();
    if (link !== undefined) {
      const servers = this.linux.addressesIn(link, network.subnets);
      const fault = this.linux.serve({ ...network, listen: servers });
      if (!fault) return { names: { servers, refused: null } };
      this.linux.serve({ ...network, listen: [] });
      return { names: { servers: [], refused: fault.detail } };
    }
    const fault = this.linux.serve(network);
    if (!fault) return {};
    throw new Refused('resolver.serve', fault.errno, fault.detail);
  }

  #netns(path: string | null): FakeNetns {
    const netns = this.linux.netns(path);
    if (!netns) throw new Refused('open netns', 'ENOENT', `${path} is not there`);
    return netns;
  }

  #link(netns: FakeNetns, name: string, operation: string) {
    const link = netns.links.get(name);
    if (!link) throw new Refused(operation, 'ENODEV', `no link ${name}`);
    return link;
  }

  // ----------------------------------------------------------------------------------------------------- namespaces

  #adopt({ path, pid }: StepOf<'netns.adopt'>): StepOutput {
    const process = this.linux.processes.get(pid);
    if (!process) throw new Refused('adopt netns', 'ESRCH', `process ${pid} has ended`);
    if (process.netns === this.linux.host)
      throw new Refused(
        'adopt netns',
        'ENOTUNIQ',
        `process ${pid} is in the host's own network namespace: use mode host`,
      );
    const pinned = this.linux.pins.get(path);
    if (pinned && pinned !== process.netns) throw new Refused('adopt netns', 'EEXIST', `${path} is another namespace`);
    return this.linux.pin(path, process.netns);
  }

  #require({ path, inode, foreign }: StepOf<'netns.require'>): StepOutput {
    const netns = this.linux.netns(path);
    if (!netns || (inode !== null && inode !== netns.inode)) throw new Refused('find netns', 'ENOENT', `no ${path}`);
    if (foreign && netns === this.linux.host)
      throw new Refused('find netns', 'ENOTUNIQ', `${path} is the host's own network namespace: use mode host`);
    return { netns: { path, inode: netns.inode } };
  }

  // ---------------------------------------------------------------------------------------------------------- links

  #addBridge({ name, macAddress, mtuBytes }: StepOf<'link.bridge'>): void {
    const { links } = this.linux.host;
    const found = links.get(name);
    if (found && found.kind !== 'bridge')
      throw new Refused('add bridge', 'EEXIST', `interface ${name} already exists but is a ${found.kind} interface`);
    if (!found)
      links.set(
        name,
        newLink(name, 'bridge', {
          macAddress,
          mtuBytes: (mtuBytes === 'uplink' ? this.linux.uplink()?.mtuBytes : mtuBytes) ?? 1500,
        }),
      );
  }

  #addVeth({ name, macAddress, mtuBytes, peer }: StepOf<'link.veth'>): void {
    const { host } = this.linux;
    const inside = this.#netns(peer.netns);
    const found = host.links.get(name);
    if (leadsTo(found, inside, peer.name)) return;
    if (found) throw new Refused('add veth', 'EEXIST', whyTaken(found, peer.netns));
    if (inside.links.has(peer.name))
      throw new Refused('add veth', 'EEXIST', `interface ${peer.name} already exists in ${peer.netns}`);
    const more = { macAddress, peerMacAddress: peer.macAddress, mtuBytes: mtuBytes ?? 1500 };
    this.linux.addVeth(host, name, inside, peer.name, more);
    this.#link(host, name, 'add veth').settings.group = vethGroup;
  }

  #requireVacant({ name, peer }: StepOf<'link.vacant'>): void {
    const found = this.linux.host.links.get(name);
    if (found && !leadsTo(found, this.linux.netns(peer.netns), peer.name))
      throw new Refused('find link', 'EEXIST', whyTaken(found, peer.netns));
  }

  #addUpon(step: StepOf<'link.macvlan' | 'link.ipvlan'>): void {
    const { netns, name, parent: parentName, mtuBytes } = step;
    const kind = step.verb === 'link.macvlan' ? 'macvlan' : 'ipvlan';
    if (this.linux.missingKinds.has(kind)) throw new Refused(`add ${kind}`, 'EOPNOTSUPP');
    const parent = this.#link(this.linux.host, parentName, `add ${kind}`);
    const inside = this.#netns(netns);
    const found = inside.links.get(name);
    if (found?.kind === kind && found.parent === parent) return;
    if (found)
      throw new Refused(
        `add ${kind}`,
        'EEXIST',
        `interface ${name} already exists in ${netns} and is not on ${parentName}`,
      );
    if (parent.kind === 'loopback')
      throw kind === 'macvlan'
        ? new Refused(`add ${kind}`, 'EOPNOTSUPP', `${parentName} is not an Ethernet interface`)
        : new Refused(`add ${kind}`, 'EINVAL');
    if (mtuBytes !== null && mtuBytes > parent.mtuBytes)
      throw new Refused(
        `add ${kind}`,
        'ERANGE',
        `mtu ${mtuBytes} exceeds the parent's MTU (${parent.mtuBytes} on ${parentName})`,
      );
    const inherits = step.verb === 'link.ipvlan' || step.mode === 'passthru';
    const macAddress = inherits ? parent.macAddress : step.macAddress;
    const link = newLink(name, kind, { macAddress, mtuBytes: mtuBytes ?? parent.mtuBytes, parent });
    inside.links.set(name, link);
    if (kind === 'macvlan') this.linux.macvlans.add(link);
  }

  async #setLink({ verb: _, netns: path, name, ...settings }: StepOf<'link.set'>): Promise<void> {
    const netns = this.#netns(path);
    const link = this.#link(netns, name, 'set link');
    if (settings.master !== undefined && this.#link(netns, settings.master, 'set link').kind !== 'bridge')
      throw new Refused('set link', 'EOPNOTSUPP', `${settings.master} is no bridge`);
    if (settings.ipv6AddressGeneration !== undefined && link.mtuBytes < leastIpv6MtuBytes)
      throw new Refused('set link', 'EAFNOSUPPORT');
    if (settings.up && !(await this.#hasPlace(link)))
      throw new Refused('set link', 'EADDRINUSE', `another interface on ${link.parent?.name} has its place`);
    this.linux.setMaster(netns, link, settings.master ?? link.master);
    // a family that is not given keeps its value, IPv4 included
    const ipv4 = settings.ipv4 && { ...link.settings.ipv4, ...settings.ipv4 };
    Object.assign(link.settings, settings, ipv4 && { ipv4 });
  }

  /** A macvlan waits for another one with its MAC address, which may be about to go. */
  async #hasPlace(link: FakeLink): Promise<boolean> {
    const { linux } = this;
    const isTaken = () =>
      [...linux.macvlans].some(
        (other) =>
          other !== link &&
          other.parent === link.parent &&
          other.macAddress === link.macAddress &&
          other.settings.up === true,
      );
    if (link.kind !== 'macvlan' || !isTaken()) return true;
    await new Promise((resolve) => setTimeout(resolve, linux.unregisterMs + 20));
    return !isTaken();
  }

  #newNetns(): FakeNetns {
    const netns = this.linux.newNetns();
    netns.ipv6 = { ...netns.ipv6, ...namespaceSettings };
    return netns;
  }

  #ipv4Drift(step: Step): SettingDrift[] {
    const link = step.verb === 'link.set' ? this.linux.netns(step.netns)?.links.get(step.name) : undefined;
    if (step.verb !== 'link.set' || !step.ipv4 || !link) return [];
    const kernel = { routeLocalnet: false, forwarding: false, arpNotify: false, rpFilter: 0 };
    return settingDrift(step.name, 4, step.ipv4, { ...kernel, ...link.settings.ipv4 });
  }

  /** A link that is too narrow for IPv6 has no IPv6 settings that could differ. */
  #ipv6Drift({ netns: path, name, settings }: StepOf<'link.ipv6'>): SettingDrift[] {
    const netns = this.linux.netns(path);
    const link = netns?.links.get(name);
    if (!netns || !link || link.mtuBytes < leastIpv6MtuBytes) return [];
    return settingDrift(name, 6, settings, { ...netns.ipv6, ...link.ipv6 });
  }

  #setIpv6(step: StepOf<'link.ipv6'>): StepOutput {
    const link = this.#link(this.#netns(step.netns), step.name, 'set IPv6 settings');
    const drifted = this.#ipv6Drift(step);
    if (drifted.length > 0) link.ipv6 = { ...link.ipv6, ...step.settings };
    return { drifted };
  }

  #linkGone({ name, graceMs, alias }: StepOf<'link.gone'>): Promise<void> {
    const { linux } = this;
    const there = linux.host.links.get(name);
    if (!there || !isNamed(there, alias)) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = () => {
        unwatch();
        clearTimeout(timer);
        resolve();
      };
      const unwatch = linux.onLinkDeleted(() => linux.host.links.has(name) || settle());
      const timer = setTimeout(() => {
        linux.deleteLink(linux.host, name);
        settle();
      }, graceMs);
    });
  }

  // --------------------------------------------------------------------------------------------- addresses and routes

  #changeAddress({ verb, netns, link: name, address }: StepOf<'address.add' | 'address.delete'>): void {
    const link = this.linux.netns(netns)?.links.get(name);
    if (verb === 'address.delete') {
      if (link) link.addresses = link.addresses.filter((other) => other !== address);
      return;
    }
    const { addresses } = this.#link(this.#netns(netns), name, 'add address');
    if (!addresses.includes(address)) addresses.push(address);
  }

  #addRoute({ netns: path, link: name, ...route }: StepOf<'route.add' | 'route.delete'>): void {
    const { destination, gateway, metric, type = 'unicast' } = route;
    const netns = this.#netns(path);
    const link = name === null ? null : this.#link(netns, name, 'add route');
    if (link && !link.settings.up) throw new Refused('add route', 'ENETDOWN', `${name} is down`);
    const reaches = (address: string) => subnetContains(parseSubnet(address) as Subnet, gateway as string);
    if (link && gateway !== null && !link.addresses.some(reaches))
      throw new Refused('add route', 'ENETUNREACH', 'Nexthop has invalid gateway');
    if (!netns.routes.some((other) => isSameRoute(other, { destination, metric })))
      netns.routes.push({ destination, gateway, link: name, metric, type });
  }

  #deleteRoute(route: StepOf<'route.add' | 'route.delete'>): void {
    const netns = this.linux.netns(route.netns);
    if (netns) netns.routes = netns.routes.filter((other) => !isSameRoute(other, route));
  }

  // ------------------------------------------------------------------------------------------------------- nftables

  /** Performs all or none. */
  #addElements(elements: readonly Element[], removed: readonly Element[] = []): void {
    const { elements: kept } = this.linux;
    if (!kept) throw new Refused('add element', 'ENOENT', 'no table inet netloom');
    for (const element of elements) {
      const there = kept.get(keyOf(element));
      const isRemoved = removed.some((other) => keyOf(other) === keyOf(element));
      if (there && !isRemoved && describeElement(there) !== describeElement(element))
        throw new Refused('add element', 'EEXIST', `${describeElement(there)} is there`);
    }
    for (const element of removed) kept.delete(keyOf(element));
    for (const element of elements) kept.set(keyOf(element), element);
  }

  // ---------------------------------------------------------------------------------------------- ports and processes

  #hold({ owner, protocol, addresses, port, range }: StepOf<'port.hold'>): StepOutput {
    const isNamePort = protocol !== 'sctp' && port > 0 && port <= 53 && port + range > 53;
    const gateways = [...this.linux.elementsOf('resolver4'), ...this.linux.elementsOf('resolver6')].map(
      ({ key }) => key[0],
    );
    const gateway = isNamePort && addresses.find((address) => gateways.includes(address));
    if (gateway) throw new Refused('hold port', 'EADDRINUSE', `port 53 of ${gateway} is where the resolver is asked`);
    const mine = this.#held.get(owner) ?? [];
    const isSame = (held: Held) => held.port === port && nameOf(held) === nameOf({ protocol, addresses, range });
    if (port !== 0 && mine.some(isSame)) return { port };
    const first = port || this.linux.freePort({ protocol, addresses, range });
    const stranger = addresses.find((address) => !this.linux.isLocal(address));
    if (stranger) throw new Refused('hold port', 'EADDRNOTAVAIL', `${stranger} port ${first}`);
    const taken = this.#bind(owner, [...mine, { protocol, addresses, range, port: first, picked: port === 0 }]);
    if (taken) {
      this.#bind(owner, mine);
      throw new Refused('hold port', 'EADDRINUSE', `${taken.address} port ${taken.port} is taken`);
    }
    return { port: first };
  }

  #release(owner: string, ports: readonly HeldPorts[] | null): void {
    let mine = this.#held.get(owner) ?? [];
    for (const wanted of ports ?? []) {
      const gone = mine.findLast(
        (held) => nameOf(held) === nameOf(wanted) && (wanted.port === 0 ? held.picked : held.port === wanted.port),
      );
      mine = mine.filter((held) => held !== gone);
    }
    this.#bind(owner, ports ? mine : []);
  }

  /** Replaces what an owner holds by this list; answers what another owner holds. */
  #bind(owner: string, held: readonly Held[]): BoundPort | null {
    const holder = this.#holders.get(owner) ?? {};
    this.#holders.set(owner, holder);
    this.linux.releaseAll(holder);
    if (held.length > 0) this.#held.set(owner, [...held]);
    else this.#held.delete(owner);
    const wanted = held.flatMap(({ protocol, addresses, port, range }) =>
      addresses.flatMap((address) =>
        Array.from({ length: range }, (_, offset) => ({ holder, protocol, address, port: port + offset })),
      ),
    );
    // a port held on every address, or twice, is bound once
    const bound: BoundPort[] = [];
    const isEverywhere = ({ address }: BoundPort) => address === '0.0.0.0' || address === '::';
    for (const one of wanted.sort((one, other) => Number(isEverywhere(other)) - Number(isEverywhere(one)))) {
      if (bound.some((other) => portsMeet(one, other))) continue;
      if (!this.linux.bind(one)) return one;
      bound.push(one);
    }
    return null;
  }

  #watch({ owner, pid, startTicks }: StepOf<'process.watch'>): StepOutput {
    const process = this.linux.processes.get(pid);
    if (!process || (startTicks !== null && startTicks !== process.startTicks))
      throw new Refused('watch process', 'ESRCH', `process ${pid} has ended`);
    this.#watched.set(owner, pid);
    return { startTicks: process.startTicks };
  }

  #ended(netns: FakeNetns): void {
    for (const [owner, watched] of [...this.#namespaces]) {
      if (watched !== netns) continue;
      this.#namespaces.delete(owner);
      setImmediate(() => this.#listener(owner as ActorAddress, { type: 'drift.suspected' }));
    }
  }

  #exited(pid: number): void {
    for (const [owner, watched] of [...this.#watched]) {
      if (watched !== pid) continue;
      this.#watched.delete(owner);
      setImmediate(() => this.#listener(owner as ActorAddress, { type: 'process.exited', pid }));
    }
  }
}

/** below this a link has no IPv6 */
const leastIpv6MtuBytes = 1280;

interface Held extends HeldPorts {
  picked: boolean;
}

const leadsTo = (end: FakeLink | undefined, netns: FakeNetns | null, name: string): boolean =>
  end?.peer !== undefined && end.peer !== null && end.peer.netns === netns && end.peer.name === name;

const whyTaken = ({ name, kind }: FakeLink, path: string): string =>
  kind === 'veth'
    ? `interface ${name} already exists but does not lead to ${path}`
    : `interface ${name} already exists but is a ${kind} interface`;

const isNamed = ({ settings: { alias, group } }: FakeLink, wanted: string | undefined): boolean =>
  wanted === undefined || (alias === undefined ? group === vethGroup : alias === wanted);

/** A value, or each member of an object. */
function isWithin(wanted: unknown, found: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return wanted === found;
  return Object.entries(wanted).every(([key, value]) => isWithin(value, (found as Record<string, unknown>)?.[key]));
}

const nameOf = ({ protocol, addresses, range }: Omit<HeldPorts, 'port'>) => `${protocol} ${addresses.join()} ${range}`;

const keyOf = ({ set, key }: Element): string => describeElement({ set, key });

function isSameRoute(one: { destination: string; metric: number | null }, other: typeof one): boolean {
  return one.destination === other.destination && one.metric === other.metric;
}
