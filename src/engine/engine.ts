import { readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { lastFaultOf } from '../../machines/present.ts';
import type { Journal } from '../actors/journal.ts';
import type { WorkerVerbs } from '../actors/protocol.ts';
import type { CommandIdentity, Engine } from '../bus/commands/engine-interface.ts';
import type { Answer, AnswerTo } from '../contract/answers.ts';
import type { ContainerInspection, PlanPreview } from '../contract/container-replies.ts';
import type { NetworkInspection } from '../contract/network-replies.ts';
import { type ActorAddress, hostAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/actor-event.ts';
import type { PortLedger } from '../core/claims.ts';
import type { ContainerWish } from '../core/container/wish.ts';
import { NetloomError } from '../core/fault.ts';
import type { ForeignFirewalls } from '../core/firewall/foreign/obstacles.ts';
import type { Leftovers } from '../core/gc.ts';
import type { DamagedDefinition, Definitions } from '../core/network/check.ts';
import type { HostLink } from '../core/steps/host.ts';
import type { Step } from '../core/steps/step.ts';
import type { WayOut } from '../core/uplink.ts';
import type { AsOf, ContainerStatistics, ContainerView, DroppedFrames, NetworkView, NodeInfo } from '../core/view.ts';
import type { StorageGuard } from '../files/storage-guard.ts';
import { lookAtFirewalls } from '../kernel/firewalls/foreign-rules.ts';
import type { Suspected } from '../kernel/watch/protocol.ts';
import type { DefinitionStore } from '../networks/definition-store.ts';
import { DefinitionReader } from './definitions.ts';
import { CommandDesk } from './desk.ts';
import { DoorCalls } from './door-calls.ts';
import { JournalViews, type StreamProgress } from './journal-views.ts';
import { lookForLeftovers } from './leftovers.ts';
import { PlanPreviews } from './plan-preview.ts';
import type { Workers } from './pool.ts';
import { Post } from './post.ts';
import { claimsOfFound, rebuildJournal } from './rebuild.ts';
import { Suspicions } from './suspicions.ts';
import { Counters } from './traffic.ts';

export interface EngineSettings {
  node: string;
  version: string;
  bootId: string;
  defaultNetwork: string;
  directories: NodeInfo['directories'];
  storage: Pick<StorageGuard, 'refuseWhenFull' | 'view'>;
  /** files of networks, as any program writes and removes them */
  files: Pick<DefinitionStore, 'has'>;
}

/** The main thread's side of the actors, as the bus and the daemon see it: each part is a file of this room. */
export class ActorEngine implements Engine {
  readonly doorCalls = new DoorCalls();
  readonly #desk: CommandDesk;
  readonly #views: JournalViews;
  readonly #definitions: DefinitionReader;
  readonly #suspicions: Suspicions;
  readonly #counters: Counters;
  readonly #previews: PlanPreviews;
  readonly #post: Post;
  readonly #startedAt = new Date().toISOString();
  #hostIp: string | null = null;

  constructor(
    private readonly journal: Journal,
    private readonly workers: Workers,
    private readonly settings: EngineSettings,
  ) {
    const { node, storage, directories, files } = settings;
    this.#post = new Post(journal, workers);
    this.#definitions = new DefinitionReader(journal, this.#post, files, () => this.#desk.state === 'draining');
    this.#views = new JournalViews(journal, directories.networks, () => this.#definitions.damaged);
    this.#desk = new CommandDesk({
      node,
      journal,
      workers,
      wishes: this.#views,
      storage,
      definitions: this.#definitions,
    });
    this.#suspicions = new Suspicions(journal, this.#post);
    this.#counters = new Counters(this.#views, workers);
    this.#previews = new PlanPreviews(this.#views, directories.netns, {
      findLink: (step) => this.#ask('findLink', step),
      hostLinks: () => this.hostLinks(),
    });
  }

  /** Calls the worker of the host's actor. */
  #ask<Verb extends keyof WorkerVerbs>(verb: Verb, input: WorkerVerbs[Verb][0]): Promise<WorkerVerbs[Verb][1]> {
    return this.workers.call(this.workers.home(hostAddress), verb, input);
  }

  // ---------------------------------------------------------------------------------------------------- life

  /**
   * Fills a new journal with what lives in the kernel, and waits for the claims of what was found. The networks that have files must be
   * notified of them. Returns the IDs of the containers that were found, and those that are still claiming; null: the journal has its content.
   */
  async rebuild(): Promise<{ found: string[]; claiming: ActorAddress[] } | null> {
    const due = this.journal.rebuildDue();
    const { definitions } = this.#definitions;
    const found = due
      ? await rebuildJournal(this.journal, this.workers, due, {
          evidence: await this.#ask('evidence', null),
          definitions,
        })
      : [];
    const claiming = await claimsOfFound(this.journal, this.workers);
    return due || claiming.length > 0 ? { found, claiming } : null;
  }

  /** Starts accepting commands: the actors are restored. */
  async serve(stream: StreamProgress): Promise<void> {
    this.#views.serve(stream);
    const host = this.journal.actor(hostAddress);
    if (host?.value === 'failed') throw new NetloomError(lastFaultOf(host.context));
    this.#hostIp = await this.#ask('hostIp', null);
    this.#desk.open();
  }

  /** Accepts no new commands; resolves when those under way are answered, or after timeoutMs. */
  drain(timeoutMs: number): Promise<void> {
    return this.#desk.drain(timeoutMs);
  }

  restartWorker(index: number): Promise<void> {
    return this.workers.restart(index);
  }

  // -------------------------------------------------------------------------------------------------- notices

  takeDefinitions(found: Definitions): Definitions {
    return this.#definitions.take(found);
  }

  /** Checks whether a network without a file is gone that kept out another one's file: the directory must be read again. */
  isPlaceFree(): boolean {
    return this.#definitions.isPlaceFree();
  }

  suspect(suspected: Suspected): void {
    this.#suspicions.suspect(suspected);
  }

  suspectNetworks(): void {
    this.#suspicions.suspectNetworks();
  }

  noteWayOut(way: WayOut, before: WayOut): void {
    this.#hostIp = way.hostIp;
    this.#suspicions.noteWayOut(way, before);
  }

  noteResolver(what: 'lost' | 'replaced'): void {
    this.#post.tell(hostAddress, { type: `resolver.${what}` });
  }

  // -------------------------------------------------------------------------------------------------- commands

  get defaultNetwork(): string {
    return this.settings.defaultNetwork;
  }

  /** Checks whether a caller waits for the answer to a command. */
  isAwaited(): boolean {
    return this.#desk.isAwaited();
  }

  send<Event extends ActorEvent>(
    command: CommandIdentity,
    to: ActorAddress,
    event: Event,
  ): Promise<AnswerTo<Event['type']>> {
    return this.#desk.send(command, to, event);
  }

  firstAnswer(command: CommandIdentity): Promise<Answer | undefined> | null {
    return this.#desk.firstAnswer(command);
  }

  // --------------------------------------------------------------------------------------------------- queries

  info(): NodeInfo {
    const { node, version, bootId, directories, storage } = this.settings;
    return {
      node,
      version,
      state: this.#desk.state,
      bootId,
      kernel: release(),
      nodeVersion: process.versions.node,
      startedAt: this.#startedAt,
      pid: process.pid,
      workers: this.workers.size,
      hostIp: this.#hostIp,
      forwarding: this.#views.host().forwarding,
      containers: this.journal.count('container'),
      networks: this.journal.count('network'),
      outbox: this.journal.pending(),
      directories,
      storage: storage.view(),
    };
  }

  containers(): { containers: ContainerView[] } & AsOf {
    return this.#views.containers();
  }

  container(id: string): { container: ContainerView } & AsOf {
    return this.#views.container(id);
  }

  wishOf(id: string): ContainerWish {
    return this.#views.wishOf(id);
  }

  containerNamed(reference: string): string {
    return this.#views.containerNamed(reference);
  }

  networkNamed(reference: string): string {
    return this.#views.networkNamed(reference);
  }

  inspect(id: string): ContainerInspection {
    return this.#views.inspect(id);
  }

  networks(): { networks: NetworkView[]; damaged: DamagedDefinition[] } & AsOf {
    return this.#views.networks();
  }

  network(name: string): NetworkInspection {
    return this.#views.network(name);
  }

  portLedger(): PortLedger {
    return this.#views.portLedger();
  }

  statistics(id: string): Promise<ContainerStatistics> {
    return this.#counters.statistics(id);
  }

  droppedOf(container: ContainerView): Promise<DroppedFrames> {
    return this.#counters.droppedOf(container);
  }

  droppedOn(network: NetworkView): Promise<DroppedFrames> {
    return this.#counters.droppedOn(network);
  }

  plan(wish: ContainerWish): Promise<PlanPreview> {
    return this.#previews.of(wish);
  }

  findLeftovers(): Promise<{ steps: Step[]; found: Leftovers }> {
    const known = () => ({
      addresses: this.journal.actors().map(({ address }) => address),
      containers: this.containers().containers,
    });
    return lookForLeftovers(known, () => this.#ask('inventory', null));
  }

  inhabitedNamespaces(): Promise<ReadonlySet<number>> {
    return this.#ask('inhabited', null);
  }

  netnsInode(path: string): number | null {
    return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
  }

  hostLinks(): Promise<HostLink[]> {
    return this.#ask('hostLinks', null);
  }

  firewalls(): Promise<ForeignFirewalls> {
    return lookAtFirewalls(this.networks().networks);
  }
}

export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
