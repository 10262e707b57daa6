import type { Answer, AnswerTo } from '../../contract/answers.ts';
import type { ContainerInspection, PlanPreview } from '../../contract/container-replies.ts';
import type { NetworkInspection } from '../../contract/network-replies.ts';
import type { ActorAddress } from '../../core/actor-address.ts';
import type { ActorEvent } from '../../core/actor-event.ts';
import type { ContainerWish } from '../../core/container/wish.ts';
import type { ForeignFirewalls } from '../../core/firewall/foreign/obstacles.ts';
import type { Leftovers } from '../../core/gc.ts';
import type { DamagedDefinition } from '../../core/network/check.ts';
import type { HostLink } from '../../core/steps/host.ts';
import type { Step } from '../../core/steps/step.ts';
import type {
  AsOf,
  ContainerStatistics,
  ContainerView,
  DroppedFrames,
  NetworkView,
  NodeInfo,
} from '../../core/view.ts';

/** How long the reply to a command with a client's ID is kept for a repetition. */
export const replyKeptMs = 10 * 60_000;

/** The ID of a command, under which its one reply is kept. */
export interface CommandIdentity {
  /** the client's Nats-Msg-Id, or a fresh one */
  id: string;
  /** the ID is the client's own: the same command with the same ID gets the first reply */
  kept: boolean;
  /** of a kept command: distinguishes it from other commands, and from the same one with another request */
  fingerprint?: string;
}

/** The order of what doors ask for: on the bus, and by the teardowns that they store. */
export interface DoorOrder {
  /** A set-up that follows a stored teardown is not undone by it. Rejects if one of this container could not be tried yet. */
  afterTeardowns(id: string): Promise<void>;
  /** The caller of this set-up no longer waits, and has reported it as failed. */
  takeBack(call: string): void;
  /** Throws container.state for a set-up that was taken back: the request may arrive later than that. */
  refuseTakenBack(call: string): void;
}

/** The interface of the engine behind the bus. Every method throws or rejects with a NetloomError. */
export interface Engine {
  /** default network of a request; it is made when the first container joins it */
  readonly defaultNetwork: string;
  readonly doorCalls: DoorOrder;
  /** inode of the namespace at a path; null: nothing is there */
  netnsInode(path: string): number | null;
  info(): NodeInfo;
  /**
   * Hands a command to its actor and returns its one reply. A kept command that is repeated gets its first reply, also from
   * an earlier daemon.
   */
  send<Event extends ActorEvent>(
    command: CommandIdentity,
    to: ActorAddress,
    event: Event,
  ): Promise<AnswerTo<Event['type']>>;
  /** Returns the existing reply to a kept command; null: none yet. Rejects with command.mismatch if another command has its ID. */
  firstAnswer(command: CommandIdentity): Promise<Answer | undefined> | null;
  containers(): { containers: ContainerView[] } & AsOf;
  /** throws container.unknown */
  container(id: string): { container: ContainerView } & AsOf;
  /** wish of container.create or of the last set-up; throws container.unknown */
  wishOf(id: string): ContainerWish;
  /** resolves a reference to a container's ID; throws container.unknown, container.ambiguous */
  containerNamed(reference: string): string;
  /** A07: resolves a reference to a network's name; throws network.unknown, network.ambiguous */
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
  /** drops by firewalls other than netloom's, for the existing networks */
  firewalls(): Promise<ForeignFirewalls>;
  /** B14: of a container that is up, by network; reads the kernel's counters */
  droppedOf(container: ContainerView): Promise<DroppedFrames>;
  /** the same of a network, by container */
  droppedOn(network: NetworkView): Promise<DroppedFrames>;
  /** plan of a set-up now; changes nothing; throws what the set-up would be refused with */
  plan(wish: ContainerWish): Promise<PlanPreview>;
  /** objects in the kernel without an owner, and the steps that remove them */
  findLeftovers(): Promise<{ steps: Step[]; found: Leftovers }>;
  /** inodes of the network namespaces in which processes live; rejects with kernel.refused unless all processes can be seen */
  inhabitedNamespaces(): Promise<ReadonlySet<number>>;
  /** ends a worker thread at once and starts it again; its actors are restored from the journal */
  restartWorker(index: number): Promise<void>;
}
