import type { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { ContainerContext } from '../../machines/container/chart.ts';
import type { HostContext } from '../../machines/host/chart.ts';
import type { NetworkContext } from '../../machines/network/chart.ts';
import { isUsed } from '../../machines/network/leases.ts';
import { hearsOfLoss, isFiled } from '../../machines/network/view.ts';
import type { ActorRecord, Answer, Journal, StoredReply } from '../actors/journal.ts';
import { type CommandIdentity, type Engine, replyKeptMs } from '../bus/commands/engine.ts';
import type { AnswerTo } from '../contract/answers.ts';
import type { PlanPreview } from '../contract/container-replies.ts';
import {
  type ActorAddress,
  type ActorKind,
  actorKind,
  actorName,
  containerAddress,
  hostAddress,
  networkAddress,
} from '../core/actor-address.ts';
import { parseSubnet, type Subnet, subnetContains } from '../core/address.ts';
import { sharingCycle } from '../core/container/sharing.ts';
import type { ContainerWish } from '../core/container/wish.ts';
import { entryOf } from '../core/entry.ts';
import type { ActorEvent } from '../core/event.ts';
import { type Fault, fault, NetloomError } from '../core/fault.ts';
import type { ForeignFirewalls } from '../core/firewall/obstacles.ts';
import { findLeftovers, type Swept } from '../core/gc.ts';
import { hostEndName, isCut, type OwnerMark, ownerMark } from '../core/names.ts';
import { type DamagedDefinition, type Definitions, withoutClashes } from '../core/network/check.ts';
import { followsUplink, type NetworkDefinition } from '../core/network/definition.ts';
import { findStep } from '../core/plan/network.ts';
import type { PublishedPort } from '../core/port.ts';
import type { HostLink } from '../core/steps/host.ts';
import type { FoundLink } from '../core/steps/link.ts';
import type { ContainerStatistics, ContainerView, DroppedFrames, NetworkView, NodeInfo } from '../core/view.ts';
import { isSameLink, type WayOut } from '../core/way-out.ts';
import { isStorageFull } from '../files/room.ts';
import type { StorageGuard } from '../files/storage-guard.ts';
import { lookAtFirewalls } from '../kernel/firewalls/foreign-rules.ts';
import type { Suspected } from '../kernel/watch/protocol.ts';
import type { HostAddress } from '../kernel/watch/suspects.ts';
import { span } from '../threads/span.ts';
import { JournalViews, type StreamPosition } from './journal-views.ts';
import { previewPlan, unraisedOnOthers } from './plan-preview.ts';
import type { Pool, PoolEvents } from './pool.ts';

/** What it needs of the workers. */
export type Workers = Pick<Pool, 'call' | 'deliver' | 'foresee' | 'home' | 'restart' | 'size' | 'suspect'> &
  Pick<EventEmitter<PoolEvents>, 'on'>;

export interface EngineSettings {
  node: string;
  version: string;
  bootId: string;
  defaultNetwork: string;
  directories: NodeInfo['directories'];
  storage: Pick<StorageGuard, 'refuseWhenFull' | 'view'>;
}

/** What makes the journal longer: refused while there is no room for it. */
const buildingEvents: ReadonlySet<ActorEvent['type']> = new Set<ActorEvent['type']>([
  'network.create',
  'network.update',
  'container.create',
  'container.setup',
  'container.attach',
  'container.connect',
  'container.publish',
]);

const forgetEveryMs = 60_000;
const sayAgainMs = 250;

type Waiter = { resolve(output: unknown): void; reject(error: NetloomError): void };

/** The main thread's side of the actors: hands commands in, and answers each once. */
export class ActorEngine extends JournalViews implements Engine {
  readonly #waiting = new Map<string, Waiter[]>();
  readonly #delivered: string[] = [];
  /** answers to come of commands that are several to actors, by id and request */
  readonly #underWay = new Map<string, Promise<unknown>>();
  readonly #startedAt = new Date().toISOString();
  readonly #housekeeping: NodeJS.Timeout;
  /** known without a file when files were left out last */
  #standing: ActorAddress[] = [];
  #hostIp: string | null = null;
  #state: NodeInfo['state'] = 'recovering';

  constructor(
    journal: Journal,
    private readonly pool: Workers,
    private readonly settings: EngineSettings,
  ) {
    super(journal, settings.directories.networks);
    pool.on('committed', (answers) => this.#answer(answers));
    pool.on('recovered', () => this.#answerFromJournal());
    this.#housekeeping = setInterval(() => this.#forgetReplies(), forgetEveryMs).unref();
  }

  /** The actors are restored: commands are taken from now on. */
  async serve(stream: StreamPosition): Promise<void> {
    this.stream = stream;
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

  get defaultNetwork(): string {
    return this.settings.defaultNetwork;
  }

  // ------------------------------------------------------------------------------------------------------ commands

  /** Somebody waits for the answer to a command. */
  isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /** That an actor answers what the contract has is tested with the machines, and not checked on every call. */
  send<Event extends ActorEvent>(
    command: CommandIdentity,
    to: ActorAddress,
    event: Event,
  ): Promise<AnswerTo<Event['type']>> {
    return this.#send(command, to, event) as Promise<AnswerTo<Event['type']>>;
  }

  #send(command: CommandIdentity, to: ActorAddress, event: ActorEvent): Promise<unknown> {
    if (this.#state !== 'serving') return Promise.reject(new NetloomError(this.#notServing()));
    const known = this.firstAnswer(command);
    if (known) return known;
    const key = `${command.kept ? 'kept' : 'once'} ${command.id}`;
    const wish = this.#wishIn(to, event);
    const cycle = wish && this.#cycleOf(wish);
    if (cycle) return Promise.reject(new NetloomError(cycle));
    return new Promise((resolve, reject) => {
      const waiters = this.#waiting.get(key);
      if (waiters) {
        waiters.push({ resolve, reject });
        return;
      }
      if (buildingEvents.has(event.type)) this.settings.storage.refuseWhenFull();
      const told = { ...event, command: key } as ActorEvent;
      const delivery = span('journal: take', () =>
        command.kept ? this.journal.take(key, to, told, command.fingerprint) : this.journal.enqueue(to, told),
      );
      this.#waiting.set(key, [{ resolve, reject }]);
      if (delivery) this.pool.deliver(delivery);
      if (delivery && wish && event.type === 'container.setup') this.pool.foresee(wish);
    });
  }

  firstAnswer({ id, kept, fingerprint }: CommandIdentity): Promise<unknown> | null {
    if (!kept) return null;
    const key = `kept ${id}`;
    const known = this.journal.fingerprintOf(key);
    if (known !== null && fingerprint !== undefined && known !== fingerprint)
      return Promise.reject(new NetloomError(mismatch(id)));
    const reply = this.journal.replyTo(key);
    return reply && outcome(reply);
  }

  once<Output>(command: CommandIdentity, work: () => Promise<Output>): Promise<Output> {
    const which = `${command.id} ${command.fingerprint}`;
    const known = this.firstAnswer(command) ?? this.#underWay.get(which);
    if (known) return known as Promise<Output>;
    if (!command.kept) return work();
    const output = this.#keepAnswer(command, work).finally(() => this.#underWay.delete(which));
    this.#underWay.set(which, output);
    return output;
  }

  /** B09: the id is taken before the first step, so that no other command gets in between. */
  async #keepAnswer<Output>({ id, fingerprint }: CommandIdentity, work: () => Promise<Output>): Promise<Output> {
    const key = `kept ${id}`;
    whereThereIsRoom(() => this.journal.expectReply(key, fingerprint));
    const output = await work();
    whereThereIsRoom(() => this.journal.keepReply(key, output, fingerprint));
    return output;
  }

  /**
   * What is in the directory of definitions, whoever put it there, is defined; what is not, is not. Not waited for: the
   * actors of the networks read it in the order of their messages. What was read may be old by now: before anybody is told
   * that a file is there, or is not, it is looked at once more. Answers what was taken, and what was not.
   */
  takeDefinitions(found: Definitions, isThere: (name: string) => boolean): Definitions {
    const standing = this.#unfiled(found);
    const { definitions, damaged } = withoutClashes(found, (name) => this.#isFiled(name), standing);
    this.#standing = damaged.length > found.damaged.length ? standing.map(({ name }) => networkAddress(name)) : [];
    this.#noteDamaged(damaged);
    const there = new Set([
      ...definitions.map(({ name }) => name),
      // a file that is damaged is there: the network that it was stays
      ...damaged.map(({ file }) => file.replace(/\.json$/, '')),
    ]);
    for (const definition of definitions) {
      const known = this.journal.actor(networkAddress(definition.name))?.context as NetworkContext | undefined;
      const isKnown = known && isFiled(known) && isDeepStrictEqual(known.definition, definition);
      if (!isKnown && isThere(definition.name))
        this.#tell(networkAddress(definition.name), { type: 'definition.found', definition });
    }
    for (const { address } of this.journal.actors('network/'))
      if (!there.has(actorName(address))) this.#noteLoss(address, isThere);
    return { definitions, damaged };
  }

  /** Known networks that have no file that can be read: one that is being put back, of a network in use, or a damaged one. */
  #unfiled({ definitions, damaged }: Definitions): NetworkDefinition[] {
    const filed = new Set(definitions.map(({ name }) => name));
    const isDamaged = new Set(damaged.map(({ file }) => file));
    return this.journal.actors('network/').flatMap(({ address, record }) => {
      const context = record.context as NetworkContext;
      const { definition } = context;
      if (!definition || filed.has(actorName(address)) || record.value === 'lowering') return [];
      return isUsed(context) || isDamaged.has(`${definition.name}.json`) ? [definition] : [];
    });
  }

  /** A network without a file has gone, for which another one's file was left out: the directory is to be read again. */
  isPlaceFree(): boolean {
    return this.#standing.some((address) => !this.journal.exists(address));
  }

  #isFiled(name: string): boolean {
    const known = this.networkContext(name);
    return known !== null && isFiled(known);
  }

  /** The host tells of those that are new to it. */
  #noteDamaged(damaged: DamagedDefinition[]): void {
    this.damaged = damaged;
    const host = this.journal.actor(hostAddress)?.context as HostContext | undefined;
    if (!isDeepStrictEqual(host?.damaged ?? [], damaged))
      this.#tell(hostAddress, { type: 'definitions.read', damaged });
  }

  /** Members that are leaving are waited for by the network itself. */
  #noteLoss(address: ActorAddress, isThere: (name: string) => boolean): void {
    // the next daemon reads the directory itself
    if (this.#state === 'draining') return;
    const record = this.journal.actor(address);
    if (!record || !hearsOfLoss(record.value, record.context as NetworkContext)) return;
    if (!isThere(actorName(address))) this.#tell(address, { type: 'definition.lost' });
  }

  /** What the kernel has told: each owner checks itself. */
  suspect({ all, owners, links, addresses }: Suspected): void {
    const suspected = new Set(all ? this.journal.actors().map(({ address }) => address) : this.#marked(owners));
    if (links.length > 0) for (const address of this.#usersOf(new Set(links))) suspected.add(address);
    for (const one of addresses) for (const address of this.#giversOf(one)) suspected.add(address);
    for (const address of suspected) this.pool.suspect(address);
    if (links.length > 0 && this.#keepsLinksApart()) this.#tell(hostAddress, { type: 'links.seen' });
  }

  /** Whose the kernel's objects are. A name that is cut there is that of one who is there, or nobody's any more. */
  #marked(marks: readonly OwnerMark[]): ActorAddress[] {
    if (!marks.some(isCut)) return [...marks];
    const known = new Map(this.journal.actors().map(({ address }) => [ownerMark(address), address]));
    return marks.map((mark) => known.get(mark) ?? mark);
  }

  /** Links of others matter to the host only where netloom switched forwarding on. */
  #keepsLinksApart(): boolean {
    const context = this.journal.actor(hostAddress)?.context as HostContext | undefined;
    return Object.values(context?.forwarding ?? {}).some(({ found }) => !found);
  }

  /** Networks that would give that address to a container, though it is this host's now, or that would not, though it is free. */
  #giversOf({ address, owner, isGone }: HostAddress): ActorAddress[] {
    return this.#networks(owner).flatMap((network) => {
      const { definition, device } = network.record.context as NetworkContext;
      if (!definition || !device) return [];
      // on a bridge of others names may be answered at it, from when it is not tentative any more
      if (device.names === null && device.addresses.includes(address) !== isGone) return [];
      const isNear = definition.subnets.some(({ subnet }) => subnetContains(parseSubnet(subnet) as Subnet, address));
      return isNear ? [network.address] : [];
    });
  }

  /** null: all of them */
  #networks(owner: OwnerMark | null): { address: ActorAddress; record: ActorRecord }[] {
    if (owner === null) return this.journal.actors('network/');
    const [address = owner] = this.#marked([owner]);
    const record = actorKind(address) === 'network' ? this.journal.actor(address) : null;
    return record ? [{ address, record }] : [];
  }

  /** What is theirs alone may be missing: their members have no part in it. */
  suspectNetworks(): void {
    for (const { address } of this.#networks(null)) this.pool.suspect(address);
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
  async collect(command: CommandIdentity, dryRun: boolean): Promise<Swept> {
    const before = this.#owners();
    const found = await this.pool.call(this.pool.home(hostAddress), 'inventory', null);
    // who was there before the look at the kernel, or is there after it, may have what was seen
    const after = this.#owners();
    const owners = {
      marks: new Set([...before.marks, ...after.marks]),
      vethNames: new Set([...before.vethNames, ...after.vethNames]),
    };
    const { steps, ...leftovers } = findLeftovers(found, owners);
    if (dryRun) return { ...leftovers, dryRun, failed: [] };
    const event = { type: 'host.sweep', command: null, steps, found: leftovers } as const;
    return this.send(command, hostAddress, event);
  }

  #owners(): { marks: OwnerMark[]; vethNames: string[] } {
    const addresses = this.journal.actors().map(({ address }) => address);
    const named = (kind: ActorKind) => addresses.filter((each) => actorKind(each) === kind).map(actorName);
    const networks = named('network');
    const usual = named('container').flatMap((id) => networks.map((network) => hostEndName(id, { network })));
    const asked = this.containers().containers.flatMap(({ id, attachments }) =>
      attachments.map((attachment) => hostEndName(id, attachment)),
    );
    return { marks: addresses.map(ownerMark), vethNames: [...usual, ...asked] };
  }

  noteWayOut(way: WayOut, before: WayOut): void {
    this.#hostIp = way.hostIp;
    this.#tell(hostAddress, { type: 'uplink.changed', ...way, before });
    if (!isSameLink(way, before)) for (const address of this.#followers()) this.pool.suspect(address);
  }

  /** Networks that are up and whose next containers depend on the way out. */
  #followers(): ActorAddress[] {
    return this.journal.actors('network/').flatMap(({ address, record }) => {
      const { definition, device } = record.context as NetworkContext;
      return definition && device && followsUplink(definition) ? [address] : [];
    });
  }

  noteResolver(what: 'lost' | 'replaced'): void {
    this.#tell(hostAddress, { type: `resolver.${what}` });
  }

  /** Sends an event that belongs to no command. Without room to keep it, sends it again after `sayAgainMs`. */
  #tell(to: ActorAddress, event: ActorEvent): void {
    try {
      this.pool.deliver(this.journal.enqueue(to, event));
    } catch (error) {
      if (!isStorageFull(error)) throw error;
      setTimeout(() => this.#tell(to, event), sayAgainMs).unref();
    }
  }

  /** What is wished for: in the command itself, or earlier where a set-up goes by that. */
  #wishIn(to: ActorAddress, event: ActorEvent): ContainerWish | null {
    if (event.type === 'container.create' || event.type === 'container.attach') return event.wish;
    return event.type === 'container.setup' ? (event.wish ?? this.#wishOf(to)) : null;
  }

  /** Before anybody waits for a namespace. */
  #cycleOf(wish: ContainerWish): Fault | null {
    return sharingCycle(wish, (id) => this.#wishOf(containerAddress(id)));
  }

  #wishOf(container: ActorAddress): ContainerWish | null {
    return (this.journal.actor(container)?.context as ContainerContext | undefined)?.wish ?? null;
  }

  restartWorker(index: number): Promise<void> {
    return this.pool.restart(index);
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
    if (commands.length > 0) whereThereIsRoom(() => this.journal.forgetReplies(commands));
  }

  #forgetReplies(): void {
    this.#forgetDelivered();
    whereThereIsRoom(() => this.journal.forgetRepliesBefore(Date.now() - replyKeptMs));
  }

  // ----------------------------------------------------------------------------------------------------- questions

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
      forwarding: this.host().forwarding,
      containers: this.journal.count('container/'),
      networks: this.journal.count('network/'),
      outbox: this.journal.pending(),
      directories: this.settings.directories,
      storage: this.settings.storage.view(),
    };
  }

  async statistics(id: string): Promise<ContainerStatistics> {
    const { container } = this.container(id);
    const { netns } = container;
    if (!netns) throw new NetloomError(fault('container.state', `the network of container ${id} is not set up`));
    const { ports } = this.ownerOfNetns(container);
    const home = this.pool.home(containerAddress(id));
    const counted = await this.pool.call(home, 'statistics', { netnsPath: netns.path, ports });
    return {
      id,
      interfaces: counted.interfaces,
      ports: counted.ports.map((traffic, index) => ({ ...(ports[index] as PublishedPort), ...traffic })),
    };
  }

  inhabitedNamespaces(): Promise<ReadonlySet<number>> {
    return this.pool.call(this.pool.home(hostAddress), 'inhabited', null);
  }

  hostLinks(): Promise<HostLink[]> {
    return this.pool.call(this.pool.home(hostAddress), 'hostLinks', null);
  }

  firewalls(): Promise<ForeignFirewalls> {
    return lookAtFirewalls(this.networks().networks);
  }

  droppedOf({ id, netns, attachments }: ContainerView): Promise<DroppedFrames> {
    if (netns === null) return Promise.resolve({});
    return this.#dropped(attachments.map((attachment) => [attachment.network, hostEndName(id, attachment)]));
  }

  droppedOn({ name, leases }: NetworkView): Promise<DroppedFrames> {
    return this.#dropped(Object.keys(leases).map((id) => [id, hostEndName(id, this.#attachmentOf(id, name))]));
  }

  #attachmentOf(id: string, network: string): { network: string; hostInterfaceName?: string } {
    const attachments = this.#wishOf(containerAddress(id))?.attachments ?? [];
    return attachments.find((attachment) => attachment.network === network) ?? { network };
  }

  async #dropped(links: (readonly [key: string, link: string])[]): Promise<DroppedFrames> {
    if (links.length === 0) return {};
    const counted = await this.pool.call(this.pool.home(hostAddress), 'dropped', null);
    return Object.fromEntries(
      links.flatMap(([key, link]) => {
        const traffic = entryOf(counted, link);
        return traffic ? [[key, traffic]] : [];
      }),
    );
  }

  async plan(wish: ContainerWish): Promise<PlanPreview> {
    const found = unraisedOnOthers(this, wish).map(
      async (definition): Promise<[string, FoundLink]> => [
        definition.name,
        await this.pool.call(this.pool.home(hostAddress), 'findLink', findStep(definition)),
      ],
    );
    const links = Object.fromEntries(await Promise.all(found));
    const preview = previewPlan(this, this.settings.directories.netns, wish, links);
    const wanted = preview.plan.steps.flatMap((step) => (step.verb === 'link.vacant' ? step.name : []));
    if (wanted.length > 0) refuseTaken(wish.id, wanted, await this.hostLinks());
    return preview;
  }
}

/** C15: names for the host's ends of links that other links have. */
function refuseTaken(id: string, wanted: readonly string[], links: readonly HostLink[]): void {
  const taken = links.find(({ name, owner }) => wanted.includes(name) && owner !== containerAddress(id));
  if (taken) throw new NetloomError(fault('link.exists', `interface ${taken.name} already exists`));
}

export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

const mismatch = (id: string): Fault =>
  fault('command.mismatch', `Nats-Msg-Id ${id} was used for another request: use a new id for each request`);

function outcome({ output, fault: refused }: StoredReply): Promise<unknown> {
  return refused ? Promise.reject(new NetloomError(refused)) : Promise.resolve(output);
}

/** Does what may fail for want of room: an answer that no caller can ask for again expires by its age. */
function whereThereIsRoom(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!isStorageFull(error)) throw error;
  }
}
