import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { ContainerContext } from '../machines/container.ts';
import type { HostContext } from '../machines/host.ts';
import type { NetworkContext } from '../machines/network.ts';
import type { ActorRecord, Answer, Journal, StoredReply } from './actors/journal.ts';
import type { Pool } from './actors/pool.ts';
import type { Engine, PlanPreview } from './bus/engine.ts';
import {
  type ActorAddress,
  type ActorKind,
  actorKind,
  actorName,
  containerAddress,
  hostAddress,
  networkAddress,
} from './core/actor-address.ts';
import { type PortLedger, portConflict } from './core/claims.ts';
import type { ContainerWish } from './core/container.ts';
import { resolveContainerId } from './core/container-reference.ts';
import type { ActorEvent } from './core/event.ts';
import { type Fault, fault, NetloomError } from './core/fault.ts';
import { type Collected, findLeftovers } from './core/gc.ts';
import { containerView, networkView } from './core/inspect.ts';
import { chooseAddresses, type Lease, leaseOf } from './core/lease.ts';
import { hostVethName } from './core/names.ts';
import type { NetworkDefinition } from './core/network.ts';
import { resolveNetworkName } from './core/network-reference.ts';
import { type NetworkSettings, networkSettingsOf } from './core/network-settings.ts';
import { netnsOf, setupPlan, teardownPlan } from './core/plan/container.ts';
import { describeStep } from './core/plan/step.ts';
import type { PublishedPort } from './core/port.ts';
import { sharingCycle } from './core/sharing.ts';
import {
  type AsOf,
  type ContainerStatistics,
  type ContainerView,
  leavingStates,
  type NetworkView,
  type NodeInfo,
} from './core/view.ts';
import type { DamagedDefinition, Definitions } from './networks/definition-store.ts';
import { span } from './span.ts';
import type { Suspected } from './watch/protocol.ts';

export interface EngineSettings {
  node: string;
  version: string;
  bootId: string;
  directories: NodeInfo['directories'];
}

/** How far the event stream has got. */
export interface StreamPosition {
  position(): { sequence: number; streamSequence: number | null };
}

/** How long the answer to a command with a client's id is kept for that client to ask again. */
const replyKeptMs = 10 * 60_000;
const forgetEveryMs = 60_000;
/** How long a network whose file is gone waits for containers that are leaving, and how often it looks. */
const leavingMs = 5_000;
const lookAgainMs = 10;

/** A worker that is ended on purpose goes on for up to so many turns, so that it ends anywhere in its work. */
const mostTurnsBeforeExit = 10;

type Waiter = { resolve(output: unknown): void; reject(error: NetloomError): void };

/** The main thread's side of the actors: hands commands in, answers each once, and reads committed state. */
export class ActorEngine implements Engine {
  readonly #waiting = new Map<string, Waiter[]>();
  readonly #delivered: string[] = [];
  readonly #startedAt = new Date().toISOString();
  readonly #housekeeping: NodeJS.Timeout;
  #damaged: readonly DamagedDefinition[] = [];
  #hostIp: string | null = null;
  #state: NodeInfo['state'] = 'recovering';
  #stream: StreamPosition | null = null;

  constructor(
    private readonly journal: Journal,
    private readonly pool: Pool,
    private readonly settings: EngineSettings,
  ) {
    pool.on('committed', (answers) => this.#answer(answers));
    pool.on('recovered', () => this.#answerFromJournal());
    this.#housekeeping = setInterval(() => this.#forgetReplies(), forgetEveryMs).unref();
  }

  /** The actors are restored: commands are taken from now on. */
  async serve(stream: StreamPosition): Promise<void> {
    this.#stream = stream;
    const host = this.journal.actor(hostAddress);
    if (host?.value === 'failed') throw new NetloomError((host.context as HostContext).lastFault as Fault);
    this.#hostIp = await this.pool.call(0, 'hostIp', null);
    this.#state = 'serving';
  }

  /** No new commands; resolves when those under way are answered, or after timeoutMs. */
  async drain(timeoutMs: number): Promise<void> {
    this.#state = 'draining';
    clearInterval(this.#housekeeping);
    const deadline = Date.now() + timeoutMs;
    while (this.#waiting.size > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
    this.#forgetDelivered();
  }

  // ------------------------------------------------------------------------------------------------------ commands

  /** Somebody waits for the answer to a command. */
  isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  send(command: { id: string; kept: boolean }, to: ActorAddress, event: ActorEvent): Promise<unknown> {
    if (this.#state !== 'serving') return Promise.reject(new NetloomError(this.#notServing()));
    const key = `${command.kept ? 'kept' : 'once'} ${command.id}`;
    const known = command.kept ? this.journal.replyTo(key) : null;
    if (known) return outcome(known);
    const wish = this.#wishIn(to, event);
    const cycle = wish && this.#cycleOf(wish);
    if (cycle) return Promise.reject(new NetloomError(cycle));
    return new Promise((resolve, reject) => {
      const waiters = this.#waiting.get(key);
      if (waiters) {
        waiters.push({ resolve, reject });
        return;
      }
      this.#waiting.set(key, [{ resolve, reject }]);
      const told = { ...event, command: key } as ActorEvent;
      const delivery = span('journal: take', () =>
        command.kept ? this.journal.take(key, to, told) : this.journal.enqueue(to, told),
      );
      if (delivery) this.pool.deliver(delivery);
      if (delivery && wish && event.type === 'container.setup') this.pool.foresee(wish);
    });
  }

  async once<Output>(command: { id: string; kept: boolean }, work: () => Promise<Output>): Promise<Output> {
    const key = `kept ${command.id}`;
    const known = command.kept ? this.journal.replyTo(key) : null;
    if (known) return outcome(known) as Promise<Output>;
    const output = await work();
    if (command.kept) this.journal.keepReply(key, output);
    return output;
  }

  /**
   * What is in the directory of definitions, whoever put it there, is defined; what is not, is not. Not waited for: the
   * actors of the networks read it in the order of their messages. What was read may be old by now: before anybody is told
   * that a file is there, or is not, it is looked at once more.
   */
  takeDefinitions({ definitions, damaged }: Definitions, isThere: (name: string) => boolean): void {
    this.#damaged = damaged;
    const there = new Set([
      ...definitions.map(({ name }) => name),
      // a file that is damaged is there: the network that it was stays
      ...damaged.map(({ file }) => file.replace(/\.json$/, '')),
    ]);
    for (const definition of definitions) {
      const known = this.journal.actor(networkAddress(definition.name))?.context as NetworkContext | undefined;
      const isKnown = known?.definition && !known.given && isDeepStrictEqual(known.definition, definition);
      if (!isKnown && isThere(definition.name))
        this.#tell(networkAddress(definition.name), { type: 'definition.found', definition });
    }
    for (const { address } of this.journal.actors('network/'))
      if (!there.has(actorName(address))) this.#noteLoss(address, isThere, performance.now() + leavingMs);
  }

  /** Whoever removes containers and then their network means both: those that are leaving are gone first. */
  #noteLoss(address: ActorAddress, isThere: (name: string) => boolean, until: number): void {
    // the next daemon reads the directory itself
    if (this.#state === 'draining') return;
    const record = this.journal.actor(address);
    // one that is still being defined has no file yet, and would hear of the loss when it has
    if (!record || ['claiming', 'defining', 'lowering'].includes(String(record.value))) return;
    const { given, leases } = record.context as NetworkContext;
    if (given || isThere(actorName(address))) return;
    if (this.#areLeaving(Object.keys(leases)) && performance.now() < until)
      setTimeout(() => this.#noteLoss(address, isThere, until), lookAgainMs).unref();
    else this.#tell(address, { type: 'definition.lost' });
  }

  /** Some of these containers are about to go, and nobody else is left. */
  #areLeaving(ids: string[]): boolean {
    const records = ids.flatMap((id) => this.journal.actor(containerAddress(id)) ?? []);
    const states = records.flatMap((record) => viewOfContainer(record)?.state ?? []);
    return states.length > 0 && states.every((state) => leavingStates.includes(state));
  }

  /** What the kernel has told: whom it concerns looks for himself. */
  suspect({ all, owners, links }: Suspected): void {
    const suspected = new Set(all ? this.journal.actors().map(({ address }) => address) : owners);
    if (links.length > 0) for (const address of this.#usersOf(new Set(links))) suspected.add(address);
    for (const address of suspected) this.pool.suspect(address);
  }

  /** Networks whose bridge or parent has one of these names, and their members. */
  #usersOf(links: ReadonlySet<string>): ActorAddress[] {
    return this.journal.actors('network/').flatMap(({ address, record }) => {
      const { definition, device, leases } = record.context as NetworkContext;
      const link = definition?.network_interface ?? device?.name;
      return link && links.has(link) ? [address, ...Object.keys(leases).map(containerAddress)] : [];
    });
  }

  /** What carries a name of netloom's and has no owner; removed unless it is a dry run. */
  async collect(command: { id: string; kept: boolean }, dryRun: boolean): Promise<Collected> {
    const before = this.#owners();
    const found = await this.pool.call(this.pool.home(hostAddress), 'inventory', null);
    // who was there before the look at the kernel, or is there after it, may have what was seen
    const after = this.#owners();
    const owners = {
      addresses: new Set([...before.addresses, ...after.addresses]),
      vethNames: new Set([...before.vethNames, ...after.vethNames]),
    };
    const { steps, ...leftovers } = findLeftovers(found, owners);
    if (dryRun) return { ...leftovers, dryRun, failed: [] };
    const event = { type: 'host.sweep', command: null, steps, found: leftovers } as const;
    return (await this.send(command, hostAddress, event)) as Collected;
  }

  #owners(): { addresses: string[]; vethNames: string[] } {
    const addresses = this.journal.actors().map(({ address }) => address);
    const named = (kind: ActorKind) => addresses.filter((each) => actorKind(each) === kind).map(actorName);
    const networks = named('network');
    return {
      addresses,
      vethNames: named('container').flatMap((id) => networks.map((network) => hostVethName(id, network))),
    };
  }

  noteHostIp(hostIp: string | null): void {
    this.#hostIp = hostIp;
    this.#tell(hostAddress, { type: 'uplink.changed', hostIp });
  }

  noteResolver(what: 'lost' | 'replaced'): void {
    this.#tell(hostAddress, { type: `resolver.${what}` });
  }

  #tell(to: ActorAddress, event: ActorEvent): void {
    this.pool.deliver(this.journal.enqueue(to, event));
  }

  /** What is wished for: in the command itself, or earlier where a set-up goes by that. */
  #wishIn(to: ActorAddress, event: ActorEvent): ContainerWish | null {
    if (event.type !== 'container.create' && event.type !== 'container.setup') return null;
    return event.wish ?? this.#wishOf(to);
  }

  /** Before anybody waits for a namespace. */
  #cycleOf(wish: ContainerWish): Fault | null {
    return sharingCycle(wish, (id) => this.#wishOf(containerAddress(id)));
  }

  #wishOf(container: ActorAddress): ContainerWish | null {
    return (this.journal.actor(container)?.context as ContainerContext | undefined)?.wish ?? null;
  }

  restartWorker(index: number): Promise<void> {
    return this.pool.crash(index, Math.floor(Math.random() * mostTurnsBeforeExit));
  }

  #notServing(): Fault {
    return this.#state === 'draining'
      ? fault('node.draining', `node ${this.settings.node} is shutting down`)
      : fault('node.recovering', `node ${this.settings.node} is recovering; try again`);
  }

  #answer(answers: readonly Answer[]): void {
    for (const { command, output, fault: refused } of answers) {
      if (command.startsWith('once ')) this.#delivered.push(command);
      const waiters = this.#waiting.get(command) ?? [];
      this.#waiting.delete(command);
      for (const { resolve, reject } of waiters) refused ? reject(new NetloomError(refused)) : resolve(output);
    }
    if (this.#delivered.length > 256) this.#forgetDelivered();
  }

  /** A worker died between its commit and its word to us: what it had answered is in the journal. */
  #answerFromJournal(): void {
    for (const command of [...this.#waiting.keys()]) {
      const reply = this.journal.replyTo(command);
      if (reply) this.#answer([{ command, ...reply }]);
    }
  }

  #forgetDelivered(): void {
    const commands = this.#delivered.splice(0);
    if (commands.length > 0) this.journal.forgetReplies(commands);
  }

  #forgetReplies(): void {
    this.#forgetDelivered();
    this.journal.forgetRepliesBefore(Date.now() - replyKeptMs);
  }

  // --------------------------------------------------------------------------------------------------------- views

  info(): NodeInfo {
    return {
      node: this.settings.node,
      version: this.settings.version,
      state: this.#state,
      bootId: this.settings.bootId,
      kernel: release(),
      nodeVersion: process.versions.node,
      startedAt: this.#startedAt,
      pid: process.pid,
      workers: this.pool.size,
      hostIp: this.#hostIp,
      containers: this.journal.count('container/'),
      networks: this.journal.count('network/'),
      outbox: this.journal.pending(),
      directories: this.settings.directories,
    };
  }

  containers(): { containers: ContainerView[] } & AsOf {
    const { read, ...asOf } = this.#asOf(() => this.journal.actors('container/'));
    return { containers: read.flatMap(({ record }) => viewOfContainer(record) ?? []), ...asOf };
  }

  container(id: string): { container: ContainerView } & AsOf {
    const { read, ...asOf } = this.#asOf(() => this.journal.actor(containerAddress(id)));
    const container = read && viewOfContainer(read);
    if (!container) throw new NetloomError(fault('container.unknown', `no container ${id}`));
    return { container, ...asOf };
  }

  containerNamed(reference: string): string {
    // as a rule it is the id
    if (this.journal.exists(containerAddress(reference))) return reference;
    const known = this.journal.actors('container/').flatMap(({ record }) => {
      const { wish } = record.context as ContainerContext;
      return wish ? { id: wish.id, name: wish.name } : [];
    });
    const id = resolveContainerId(known, reference);
    if (typeof id !== 'string') throw new NetloomError(id);
    return id;
  }

  inspect(id: string): { container: ContainerView; NetworkSettings: NetworkSettings } & AsOf {
    const { read, ...asOf } = this.#asOf(() => {
      const { container } = this.container(id);
      const owner = this.#ownerOfNetns(container);
      const networks = owner.attachments.flatMap(({ network }) => this.#definition(network) ?? []);
      return { container, NetworkSettings: networkSettingsOf(owner, networks) };
    });
    const { container, NetworkSettings } = read;
    if ('code' in NetworkSettings) throw new NetloomError(NetworkSettings);
    return { container, NetworkSettings, ...asOf };
  }

  /** B04: whoever shares a namespace that is up is on the networks of the container whose it is. */
  #ownerOfNetns(container: ContainerView): ContainerView {
    const seen = new Set([container.id]);
    for (let owner = container; ; ) {
      const id = owner.netns === null ? null : sharedContainer(owner.mode);
      const record = id === null || seen.has(id) ? null : this.journal.actor(containerAddress(id));
      const next = record && viewOfContainer(record);
      if (!next) return owner;
      seen.add(next.id);
      owner = next;
    }
  }

  #definition(network: string): NetworkDefinition | null {
    const context = this.journal.actor(networkAddress(network))?.context as NetworkContext | undefined;
    return context?.definition ?? null;
  }

  networks(): { networks: NetworkView[]; damaged: DamagedDefinition[] } & AsOf {
    const { read, ...asOf } = this.#asOf(() => this.journal.actors('network/'));
    const damaged = this.#damaged.map(({ file, reason }) => ({ file, reason }));
    return { damaged, networks: read.flatMap(({ record }) => viewOfNetwork(record) ?? []), ...asOf };
  }

  network(reference: string): { network: NetworkView } & AsOf {
    const name = this.networkNamed(reference);
    const { read, ...asOf } = this.#asOf(() => this.journal.actor(networkAddress(name)));
    const network = read && viewOfNetwork(read);
    if (!network) throw new NetloomError(fault('network.unknown', `no network ${name}`));
    return { network, ...asOf };
  }

  networkNamed(reference: string): string {
    // as a rule it is the name
    if (this.journal.exists(networkAddress(reference))) return reference;
    const known = this.journal.actors('network/').flatMap(({ record }) => viewOfNetwork(record) ?? []);
    const damaged = this.#damaged.find(({ file }) => file === `${reference}.json`);
    const path = `${this.settings.directories.networks}/${reference}.json`;
    if (damaged) throw new NetloomError(fault('network.damaged', `${path}: ${damaged.reason}`));
    const name = resolveNetworkName(known, reference);
    if (typeof name !== 'string') throw new NetloomError(name);
    return name;
  }

  portLedger(): PortLedger {
    return (this.journal.actor(hostAddress)?.context as HostContext | undefined)?.ports ?? {};
  }

  async statistics(id: string): Promise<ContainerStatistics> {
    const { container } = this.container(id);
    const { netns } = container;
    if (!netns) throw new NetloomError(fault('container.state', `the network of container ${id} is not set up`));
    const { ports } = this.#ownerOfNetns(container);
    const home = this.pool.home(containerAddress(id));
    const counted = await this.pool.call(home, 'statistics', { netnsPath: netns.path, ports });
    return {
      id,
      interfaces: counted.interfaces,
      ports: counted.ports.map((traffic, index) => ({ ...(ports[index] as PublishedPort), ...traffic })),
    };
  }

  #asOf<T>(read: () => T): { read: T } & AsOf {
    const streamSequence = this.#stream?.position().streamSequence ?? null;
    return { ...this.journal.asOf(read), streamSequence };
  }

  // ------------------------------------------------------------------------------------------------------ dry run

  plan(wish: ContainerWish): PlanPreview {
    const leases = Object.fromEntries(
      wish.attachments.map(({ network, staticIps }) => [network, this.#preview(network, wish.id, staticIps)]),
    );
    const conflict = portConflict(this.portLedger(), wish.id, wish.ports);
    if (conflict) throw new NetloomError(conflict);
    const shared = wish.netns.kind === 'container' ? this.#sharedPath(wish.netns.id) : null;
    const netns = netnsOf(wish, this.settings.directories.netns, shared);
    const grant = { wish, netns, leases, ports: wish.ports };
    const plan = setupPlan(grant);
    return {
      id: wish.id,
      steps: plan.steps.map(describeStep),
      plan,
      teardown: teardownPlan(grant).steps.map(describeStep),
    };
  }

  #preview(network: string, container: string, staticIps: string[]): Lease {
    const context = this.journal.actor(networkAddress(network))?.context as NetworkContext | undefined;
    if (!context?.definition) throw new NetloomError(fault('network.unknown', `no network ${network}`));
    const held = context.leases[container];
    const wanted = staticIps.length > 0 ? staticIps : [...(held ?? [])];
    const addresses = chooseAddresses(context.definition, context.leases, context.lastGiven, wanted, container);
    if ('code' in addresses) throw new NetloomError(addresses);
    const { definition, device, searchDomain } = context;
    const unraised = { name: definition.network_interface ?? 'the uplink', mtuBytes: null };
    return leaseOf(definition, device ?? unraised, searchDomain, addresses);
  }

  #sharedPath(id: string): string {
    const { netns } = this.container(id).container;
    if (!netns) throw new NetloomError(fault('netns.gone', `container ${id} has no network namespace to share`));
    return netns.path;
  }
}

export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function outcome({ output, fault: refused }: StoredReply): Promise<unknown> {
  return refused ? Promise.reject(new NetloomError(refused)) : Promise.resolve(output);
}

function viewOfContainer({ value, context }: ActorRecord): ContainerView | null {
  return containerView(value, context as ContainerContext);
}

/** `container:web` → `web` */
function sharedContainer(mode: string): string | null {
  return mode.startsWith('container:') ? mode.slice('container:'.length) : null;
}

function viewOfNetwork({ value, context }: ActorRecord): NetworkView | null {
  return networkView(value, context as NetworkContext);
}
