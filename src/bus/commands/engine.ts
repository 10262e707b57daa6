import type { AnswerTo } from '../../contract/answers.ts';
import type { ContainerInspection, PlanPreview } from '../../contract/container-replies.ts';
import type { NetworkInspection } from '../../contract/network-schemas.ts';
import type { ActorAddress } from '../../core/actor-address.ts';
import type { ContainerWish } from '../../core/container/wish.ts';
import type { ActorEvent } from '../../core/event.ts';
import type { ForeignFirewalls } from '../../core/firewall/obstacles.ts';
import type { Swept } from '../../core/gc.ts';
import type { DamagedDefinition } from '../../core/network/check.ts';
import type { HostLink } from '../../core/steps/host.ts';
import type {
  AsOf,
  ContainerStatistics,
  ContainerView,
  DroppedFrames,
  NetworkView,
  NodeInfo,
} from '../../core/view.ts';

/** How long the answer to a command with a client's id is kept for that client to ask again. */
export const replyKeptMs = 10 * 60_000;

/** Whose command it is: the id under which the one answer is kept. */
export interface CommandIdentity {
  /** the client's Nats-Msg-Id, or a fresh one */
  id: string;
  /** the id is the client's own: the same command with the same id gets the first answer */
  kept: boolean;
  /** of a kept command: what tells it apart from other commands, and from the same one with another request */
  fingerprint?: string;
}

/** What the bus needs of the engine behind it. Every method throws or rejects with a NetloomError. */
export interface Engine {
  /** name of the network that is joined where none is named; it is made when the first container joins it */
  readonly defaultNetwork: string;
  info(): NodeInfo;
  /**
   * Hands a command to its actor and gives the one answer to it. A kept command that comes again gets its first answer, even
   * from another life of the daemon.
   */
  send<Event extends ActorEvent>(
    command: CommandIdentity,
    to: ActorAddress,
    event: Event,
  ): Promise<AnswerTo<Event['type']>>;
  /** The answer that a kept command has had already; null: none yet. Rejects with command.mismatch if another command has its id. */
  firstAnswer(command: CommandIdentity): Promise<unknown> | null;
  /** A command that is several to actors: done once, and answered alike when it comes again under the same id. */
  once<Output>(command: CommandIdentity, work: () => Promise<Output>): Promise<Output>;
  containers(): { containers: ContainerView[] } & AsOf;
  /** throws container.unknown */
  container(id: string): { container: ContainerView } & AsOf;
  /** what container.create or the last set-up asked for; throws container.unknown */
  wishOf(id: string): ContainerWish;
  /** the id of the container that is meant; throws container.unknown, container.ambiguous */
  containerNamed(reference: string): string;
  /** A07: the name of the network that is meant; throws network.unknown, network.ambiguous */
  networkNamed(reference: string): string;
  /** with podman's NetworkSettings; throws container.unknown */
  inspect(id: string): ContainerInspection;
  networks(): { networks: NetworkView[]; damaged: DamagedDefinition[] } & AsOf;
  /** throws network.unknown */
  network(name: string): NetworkInspection;
  /** reads the kernel's counters; throws container.unknown, container.state */
  statistics(id: string): Promise<ContainerStatistics>;
  /** of the host */
  hostLinks(): Promise<HostLink[]>;
  /** what firewalls beside netloom's drop, of the networks there are */
  firewalls(): Promise<ForeignFirewalls>;
  /** B14: of a container that is up, by network; reads the kernel's counters */
  droppedOf(container: ContainerView): Promise<DroppedFrames>;
  /** the same of a network, by container */
  droppedOn(network: NetworkView): Promise<DroppedFrames>;
  /** what set-up would do now; changes nothing; throws what set-up would be refused with */
  plan(wish: ContainerWish): Promise<PlanPreview>;
  /** what has no owner in the kernel; removed unless it is a dry run */
  collect(command: CommandIdentity, dryRun: boolean): Promise<Swept>;
  /** inodes of the network namespaces in which processes live; rejects with kernel.refused unless all processes can be seen */
  inhabitedNamespaces(): Promise<ReadonlySet<number>>;
  /** ends a worker thread at once and starts it anew; its actors are restored from the journal */
  restartWorker(index: number): Promise<void>;
}
