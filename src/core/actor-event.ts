import type { ActorAddress } from './actor-address.ts';
import type { Family } from './address.ts';
import type { SubnetClaim } from './claims.ts';
import type { AskedAttachment } from './container/attachments.ts';
import type { ContainerWish } from './container/wish.ts';
import type { DhcpTerms } from './dhcp/terms.ts';
import type { Fault } from './fault.ts';
import type { Leftovers, Unstarted } from './gc.ts';
import type { Lease } from './lease/lease.ts';
import type { DamagedDefinition, LinkUse, NetworkPlace } from './network/check.ts';
import type { NetworkDefinition, NetworkSubnet } from './network/definition.ts';
import type { NetworkSettings } from './network/options.ts';
import type { NetworkWish } from './network/wish.ts';
import type { ContainerPurpose, DhcpPurpose, HostPurpose, NetworkPurpose, Purpose } from './plan/purpose.ts';
import type { GrantedPort, PublishedPort } from './port.ts';
import type { StatusBlock } from './status.ts';
import type { DhcpPlace } from './steps/dhcp.ts';
import type { Deadline } from './steps/process.ts';
import type { Step, StepOutput } from './steps/step.ts';
import type { WayOut } from './uplink.ts';

/**
 * All events that actors receive. Wishes are imperative, facts are in the past. A command carries the ID under which its one
 * answer is kept; null when no caller waits for an answer.
 */
export type CommandId = string | null;

/** Events that every actor receives from its own loop. */
export type LoopEvent<For extends Purpose = Purpose> =
  | ({ type: 'steps.applied' } & StepsResult<For>)
  | ({ type: 'steps.failed'; fault: Fault } & StepsResult<For>)
  /** the actor was restored from the journal; rebooted: nothing that it made in the kernel is left */
  | { type: 'actor.recovered'; rebooted: boolean }
  /** something that this actor may have made has vanished or changed: it verifies its kernel objects */
  | { type: 'drift.suspected' };

/** Result of a plan. */
export interface StepsResult<For extends Purpose = Purpose> {
  purpose: For;
  outputs: StepOutput[];
  /** of an extending or mending plan: the steps whose work was missing */
  changed: Step[];
  /** duration of the kernel steps, without the way there and back */
  tookMs: number;
}

export type ContainerEvent =
  | LoopEvent<ContainerPurpose>
  /** created: now, ISO 8601; in the next events, too */
  | { type: 'container.create'; command: CommandId; wish: ContainerWish; created?: string }
  /**
   * its journal was lost, and it lives in the kernel: it claims what it has, and is compared with this wish. inode: of its namespace; null:
   * only remains were found
   */
  | { type: 'container.found'; wish: ContainerWish; inode: number | null; created: string }
  /** overrides: networks that replace those of the wish, this once (A05) */
  | {
      type: 'container.setup';
      command: CommandId;
      wish: ContainerWish | null;
      overrides?: AskedAttachment[] | null;
      /** replaces the value of a stored wish */
      startWithinMs?: number;
      /** refused if a container of this ID exists */
      isNew?: boolean;
      created?: string;
    }
  /**
   * from an engine that calls once per network: sets the container up, or joins the networks of the wish that it lacks. asked:
   * the networks as requested, in the order of the wish; inode: of what is at the path of the wish's namespace; null: nothing, or
   * the wish has no path
   */
  | {
      type: 'container.attach';
      command: CommandId;
      wish: ContainerWish;
      asked: AskedAttachment[];
      inode: number | null;
      created?: string;
    }
  /**
   * the container leaves these networks; after the last one it is torn down and removed. netns: path; if the container has
   * another one by now, nothing is done
   */
  | { type: 'container.detach'; command: CommandId; networks: string[]; netns?: string | null }
  /** the set-up that began an engine's attach has failed: removes the container unless something of it is left in the kernel */
  | { type: 'container.forget'; command: null }
  | { type: 'container.connect'; command: CommandId; attachment: AskedAttachment; created?: string }
  | { type: 'container.disconnect'; command: CommandId; network: string }
  | { type: 'container.publish'; command: CommandId; ports: PublishedPort[] }
  | { type: 'container.unpublish'; command: CommandId; ports: PublishedPort[] }
  | { type: 'container.reload'; command: CommandId }
  /** reportsExit: `container.exited` will follow, with an exit code */
  | { type: 'container.started'; command: CommandId; pid: number; reportsExit?: boolean }
  /** the engine that waited for the process reports how it ended */
  | { type: 'container.exited'; command: CommandId; pid: number; exitCode: number }
  /** force: also while its process runs */
  | { type: 'container.teardown'; command: CommandId; force?: boolean }
  /** from: the actor that is answered, with `container.abandoned`, instead of a client; null: none */
  | { type: 'container.remove'; command: CommandId; force?: boolean; from: ActorAddress | null }
  /** removes the container unless its process was ever started; from: as of `container.remove` */
  | { type: 'container.abandon'; command: CommandId; from: ActorAddress | null }
  /** what was awaited did not come in time: the start of its process, or the report of its exit code. Waits as a command does */
  | { type: 'deadline.passed'; command: null; deadline: Deadline; at: number }
  /** a network asks whether this member still has its namespace; waits as a command does, without an answer */
  | { type: 'membership.asked'; command: null; network: string }
  /**
   * a network that is being removed asks this member to leave. The member leaves in its turn, and sends `lease.release`, even if
   * it was a member no longer; or `membership.refused`
   */
  | { type: 'network.leave'; command: null; network: string }
  | { type: 'lease.granted'; attempt: number; lease: Lease }
  | { type: 'ports.granted'; attempt: number; ports: GrantedPort[]; tookMs: number }
  | { type: 'netns.shared'; attempt: number; share: NetnsShare }
  | { type: 'claim.refused'; attempt: number; fault: Fault }
  | { type: 'netns.share'; from: ActorAddress; attempt: number }
  /** a container shares this one's namespace, and the inode that it has found; or stops sharing it */
  | { type: 'netns.joined'; container: string; inode: number | null }
  | { type: 'netns.release'; container: string }
  /** the process of a container that shares this one's namespace runs; or has ended */
  | { type: 'netns.entered' | 'netns.left'; container: string }
  /** a network of the container, which is up there, begins or stops guarding against spoofing */
  | { type: 'lease.changed'; command: null; network: string; spoofing: NetworkSettings['spoofing'] }
  /** the container's ports as they are granted from now on: other containers have released their parts */
  | { type: 'ports.freed'; command: null; ports: GrantedPort[] }
  | { type: 'process.exited'; pid: number }
  | DhcpNews;

/** Events that a container receives from its DHCP client on a network; `attempt` is that of its lease. */
export type DhcpNews =
  /** a server gave it an address, or has changed the terms */
  | { type: 'dhcp.leased'; command: null; network: string; attempt: number; terms: DhcpTerms }
  /** no server gives it an address, or no longer does */
  | { type: 'dhcp.lost'; command: null; network: string; attempt: number; fault: Fault };

export type DhcpEvent =
  | LoopEvent<DhcpPurpose>
  /** its container needs an address: the link exists and is up */
  | { type: 'dhcp.start'; attempt: number; place: DhcpPlace }
  /** its container has joined or left other networks: their subnets now */
  | { type: 'dhcp.neighbours'; otherSubnets: string[] }
  /** its container needs no address any longer, and has released the one it had */
  | { type: 'dhcp.end' }
  | { type: 'dhcp.offered'; terms: DhcpTerms }
  | { type: 'dhcp.acknowledged'; terms: DhcpTerms }
  /** the server that offered an address does not answer the request for it */
  | { type: 'dhcp.unacknowledged' }
  /** DHCPNAK */
  | { type: 'dhcp.refused'; server: string | null; message: string | null }
  /** time to ask the server that gave the lease; to ask any; the lease has ended */
  | { type: 'dhcp.t1' }
  | { type: 'dhcp.t2' }
  | { type: 'dhcp.expired' }
  /** no answer in time; detail: what came and was unusable, or why nothing could be sent */
  | { type: 'dhcp.timeout'; detail: string | null };

/** B04: data for a container that shares another's namespace. */
export interface NetnsShare {
  path: string;
  status: Record<string, StatusBlock>;
  /** owner of the namespace, which may share it on */
  owner: ActorAddress<'container'>;
}

export type NetworkEvent =
  | LoopEvent<NetworkPurpose>
  | { type: 'network.create'; command: CommandId; wish: NetworkWish; created: string }
  /** dnsServers: replace the present ones; options: replace those of the same names */
  | {
      type: 'network.update';
      command: CommandId;
      addDnsServers: string[];
      removeDnsServers: string[];
      dnsServers?: string[];
      options?: Record<string, string>;
    }
  /** force: its members leave it first */
  | { type: 'network.remove'; command: CommandId; force?: boolean }
  /** from the host: the network is removed unless a container uses it, and answers `network.pruned` */
  | { type: 'network.prune'; command: null }
  /** the base ruleset was missing, or a part of it: its members may have lost their elements */
  | { type: 'ruleset.loaded' }
  /** another program has made or changed the definition's file; or the file has vanished */
  | { type: 'definition.found'; definition: NetworkDefinition }
  | { type: 'definition.lost' }
  /** raised by the machine itself: the file of a network in use is gone, and its members are asked whether they live */
  | { type: 'definition.missing' }
  /** raised by the machine itself: the device may have lost something */
  | { type: 'device.suspected' }
  /** raised by the machine itself: the verification that was due has begun */
  | { type: 'verification.begun' }
  | { type: 'subnet.granted'; bridge: string | null; subnets: NetworkSubnet[] }
  | { type: 'subnet.refused'; fault: Fault }
  /** the host forwards for it, or cannot */
  | { type: 'forwarding.granted' }
  | { type: 'forwarding.refused'; fault: Fault }
  /**
   * a network that an engine brings needs its place: answers `place.kept`, unless it is being left, because then its release
   * follows
   */
  | { type: 'place.asked' }
  | LeaseRequest
  /** a member's published ports have changed, and with them this value */
  | { type: 'lease.ports'; container: string; onLoopback: boolean }
  /** a member is being taken down: its lease ends soon, with lease.release, or with its next request */
  | { type: 'lease.leaving'; container: string }
  | { type: 'lease.release'; container: string }
  /** the wait for members that are leaving has ended */
  | { type: 'deadline.passed'; command: null; deadline: Deadline; at: number }
  /** a member that was asked to leave cannot leave, with the reason */
  | { type: 'membership.refused'; container: string; fault: Fault }
  /** a member that was asked still has its namespace */
  | { type: 'membership.confirmed'; container: string };

export interface LeaseRequest {
  type: 'lease.request';
  container: string;
  attempt: number;
  staticIps: string[];
  staticMac?: string;
  /** names that the user gave the container on this network */
  aliases: string[];
  /** the network as the caller knows it */
  definition?: NetworkDefinition;
  /** whether it publishes a port that 127.0.0.1 reaches: its bridge may have to route loopback addresses */
  onLoopback: boolean;
  /** P10: for the default network, which is made if it does not exist: the time, ISO 8601 */
  madeAt?: string;
}

export type HostEvent =
  | LoopEvent<HostPurpose>
  /** forwardForeign: foreign links reach each other, even if netloom switched forwarding on */
  | { type: 'host.start'; forwardForeign?: boolean }
  /** foreign links appeared or vanished */
  | { type: 'links.seen' }
  /**
   * a network is about to route these families, and is about to be in the kernel at that place, or is there. isBrought: only an
   * engine knows it, so it must be compatible with all defined networks, not only with those in the kernel
   */
  | { type: 'forwarding.claim'; network: string; families: Family[]; place?: NetworkPlace; isBrought?: boolean }
  /** the network is being taken down: incompatible networks wait for its release */
  | { type: 'forwarding.leave'; network: string }
  | { type: 'forwarding.release'; network: string }
  /** a network's answer to `place.asked`: it stays */
  | { type: 'place.kept'; network: string }
  /** the way out has changed: its source address (C09), its link, or the MTU of that link */
  | ({ type: 'uplink.changed'; before?: WayOut } & WayOut)
  /** all definition files that are not accepted, with the reasons */
  | { type: 'definitions.read'; damaged: DamagedDefinition[] }
  /** the journal was lost, and what lives in the kernel has been looked for; containers: IDs of those that were found */
  | { type: 'journal.rebuilt'; cause: 'damaged' | 'missing'; kept: string | null; containers: string[] }
  /** the thread that answers for names has ended unexpectedly; another has replaced it */
  | { type: 'resolver.lost' }
  | { type: 'resolver.replaced' }
  /** in addition to the ports that the container has */
  | { type: 'ports.claim'; container: string; attempt: number; ports: PublishedPort[] }
  /** a container is being taken down: its ports become free soon, with ports.release, or are claimed anew */
  | { type: 'ports.leaving'; container: string }
  /** the claim of this actor has waited long enough for ports or places that are about to be released */
  | { type: 'deadline.passed'; command: null; deadline: Deadline; at: number; claimant?: ActorAddress }
  /** without ports: all that the container has */
  | { type: 'ports.release'; container: string; ports?: PublishedPort[] | null }
  | ({ type: 'subnet.claim' } & SubnetClaim)
  /** a network that another program defined: other networks avoid its place */
  | {
      type: 'subnet.note';
      network: string;
      bridge: string | null;
      sharesLink: boolean;
      use?: LinkUse;
      subnets: NetworkSubnet[];
    }
  /** a verification found the base ruleset missing and loaded it: other elements may be lost with it */
  | { type: 'ruleset.loaded' }
  /** removes leftovers by these steps, then those of these containers that were never started */
  | { type: 'node.gc'; command: CommandId; steps: Step[]; found: Leftovers; unstarted: Unstarted[] }
  | { type: 'subnet.release'; network: string }
  /** removes the networks that no container uses: those of these names, or all but that one */
  | { type: 'networks.prune'; command: CommandId; names?: string[]; except: string }
  /** a network's answer to `network.prune`; fault: why its removal failed */
  | { type: 'network.pruned'; network: string; isRemoved: boolean; fault?: Fault }
  /** a container's answer to `container.abandon`; fault: why it stays */
  | { type: 'container.abandoned'; container: string; fault: Fault | null };

export type ActorEvent = LoopEvent | ContainerEvent | NetworkEvent | HostEvent | DhcpEvent;
