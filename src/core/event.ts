import type { ActorAddress } from './actor-address.ts';
import type { Family } from './address.ts';
import type { SubnetClaim } from './claims.ts';
import type { AskedAttachment } from './container/attachments.ts';
import type { ContainerWish } from './container/wish.ts';
import type { DhcpTerms } from './dhcp/terms.ts';
import type { Fault } from './fault.ts';
import type { Leftovers } from './gc.ts';
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
import type { WayOut } from './way-out.ts';

/**
 * Everything that actors hear. Wishes are imperative, facts are in the past. A command carries the id under which its
 * one answer is kept; null when nobody waits for an answer.
 */
export type CommandId = string | null;

/** What every actor hears from its own loop. */
export type LoopEvent<For extends Purpose = Purpose> =
  | ({ type: 'steps.applied' } & StepsResult<For>)
  | ({ type: 'steps.failed'; fault: Fault } & StepsResult<For>)
  /** the actor was restored from the journal; rebooted: nothing that it made in the kernel is left */
  | { type: 'actor.recovered'; rebooted: boolean }
  /** something that this actor may have made has vanished or changed: it looks whether all is as it should be */
  | { type: 'drift.suspected' };

/** How a plan went. */
export interface StepsResult<For extends Purpose = Purpose> {
  purpose: For;
  outputs: StepOutput[];
  /** of an extending or mending plan: the steps that found their work undone */
  changed: Step[];
  /** what the kernel steps took, without the way there and back */
  tookMs: number;
}

export type ContainerEvent =
  | LoopEvent<ContainerPurpose>
  /** created: now, ISO 8601; in the next ones, too */
  | { type: 'container.create'; command: CommandId; wish: ContainerWish; created?: string }
  /** overrides: networks that replace those of the wish, this once (A05) */
  | {
      type: 'container.setup';
      command: CommandId;
      wish: ContainerWish | null;
      overrides?: AskedAttachment[] | null;
      /** instead of that of a wish that was kept */
      startWithinMs?: number;
      /** refused where there is a container of this id */
      isNew?: boolean;
      created?: string;
    }
  /**
   * from an engine that calls once per network: sets it up, or joins what it lacks of the wish. asked: the networks as they were asked
   * for, in the order of the wish; inode: of what is at the path of the wish's namespace; null: nothing, or it has no path
   */
  | {
      type: 'container.attach';
      command: CommandId;
      wish: ContainerWish;
      asked: AskedAttachment[];
      inode: number | null;
      created?: string;
    }
  /** it leaves these networks; with the last one it is torn down and removed. netns: path; with another one by now, nothing is done */
  | { type: 'container.detach'; command: CommandId; networks: string[]; netns?: string | null }
  /** the set-up with which an engine's attach began has failed: removes it unless something of it is left in the kernel */
  | { type: 'container.forget'; command: null }
  | { type: 'container.connect'; command: CommandId; attachment: AskedAttachment; created?: string }
  | { type: 'container.disconnect'; command: CommandId; network: string }
  | { type: 'container.publish'; command: CommandId; ports: PublishedPort[] }
  | { type: 'container.unpublish'; command: CommandId; ports: PublishedPort[] }
  | { type: 'container.reload'; command: CommandId }
  /** reportsExit: `container.exited` will follow, with an exit code */
  | { type: 'container.started'; command: CommandId; pid: number; reportsExit?: boolean }
  /** the engine that waited for the process says how it ended */
  | { type: 'container.exited'; command: CommandId; pid: number; exitCode: number }
  /** force: also where its process runs */
  | { type: 'container.teardown'; command: CommandId; force?: boolean }
  /** from: that actor is answered instead of a client, with `container.abandoned` */
  | { type: 'container.remove'; command: CommandId; force?: boolean; from?: ActorAddress }
  /** removes it unless its process was ever started; from: that actor is answered, with `container.abandoned` */
  | { type: 'container.abandon'; command: CommandId; from?: ActorAddress }
  /** what was waited for did not come: the start of its process, or the word how it ended. Waits as a command does */
  | { type: 'deadline.passed'; command: null; deadline: Deadline; at: number }
  /** a network wants to know whether this member still has its namespace; waits as a command does, without an answer */
  | { type: 'membership.asked'; command: null; network: string }
  /**
   * a network that is being removed asks this member to leave. It leaves in its turn, and the network hears `lease.release`, also where
   * it was no member any more; or `membership.refused`
   */
  | { type: 'network.leave'; command: null; network: string }
  | { type: 'lease.granted'; attempt: number; lease: Lease }
  | { type: 'ports.granted'; attempt: number; ports: GrantedPort[]; tookMs: number }
  | { type: 'netns.shared'; attempt: number; share: NetnsShare }
  | { type: 'claim.refused'; attempt: number; fault: Fault }
  | { type: 'netns.share'; from: ActorAddress; attempt: number }
  /** a container shares the namespace of this one, and which it has found; or does so no more */
  | { type: 'netns.joined'; container: string; inode: number | null }
  | { type: 'netns.release'; container: string }
  /** the process of a container that shares the namespace of this one runs; or does no more */
  | { type: 'netns.entered' | 'netns.left'; container: string }
  /** a network of the container, which is up there, guards against spoofing from now on, or does so no more */
  | { type: 'lease.changed'; command: null; network: string; spoofing: NetworkSettings['spoofing'] }
  /** ports of the container, as they are granted from now on: others have given up what they had of them */
  | { type: 'ports.freed'; command: null; ports: GrantedPort[] }
  | { type: 'process.exited'; pid: number }
  | DhcpNews;

/** What a container hears from its DHCP client on a network; `attempt` is that of its lease. */
export type DhcpNews =
  /** a server gave it an address, or has changed what it gives */
  | { type: 'dhcp.leased'; command: null; network: string; attempt: number; terms: DhcpTerms }
  /** no server gives it any, or not any more */
  | { type: 'dhcp.lost'; command: null; network: string; attempt: number; fault: Fault };

export type DhcpEvent =
  | LoopEvent<DhcpPurpose>
  /** its container needs an address: the link is there, and up */
  | { type: 'dhcp.start'; attempt: number; place: DhcpPlace }
  /** its container has joined or left other networks: their subnets now */
  | { type: 'dhcp.neighbours'; otherSubnets: string[] }
  /** its container needs none any more, and has given back what it had */
  | { type: 'dhcp.end' }
  | { type: 'dhcp.offered'; terms: DhcpTerms }
  | { type: 'dhcp.acknowledged'; terms: DhcpTerms }
  /** the server that offered an address says nothing when it is asked for it */
  | { type: 'dhcp.unacknowledged' }
  /** DHCPNAK */
  | { type: 'dhcp.refused'; server: string | null; message: string | null }
  /** time to ask the server that gave the lease; to ask any; the lease has ended */
  | { type: 'dhcp.t1' }
  | { type: 'dhcp.t2' }
  | { type: 'dhcp.expired' }
  /** no answer in time; detail: what came and could not be taken, or why nothing could be sent */
  | { type: 'dhcp.timeout'; detail: string | null };

/** B04: what a container that shares another's namespace gets of it. */
export interface NetnsShare {
  path: string;
  status: Record<string, StatusBlock>;
  /** whose namespace it is, which may share it on; absent: that of an older version */
  owner?: ActorAddress;
}

export type NetworkEvent =
  | LoopEvent<NetworkPurpose>
  | { type: 'network.create'; command: CommandId; wish: NetworkWish; created: string }
  /** dnsServers: instead of those that there are; options: instead of those of the same names */
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
  /** the host asks: it is removed unless a container uses it, and answers `network.pruned` */
  | { type: 'network.prune'; command: null }
  /** the base ruleset was gone, or a part of it: its members may have lost their elements */
  | { type: 'ruleset.loaded' }
  /** its definition's file is there, made or changed by somebody else; or is there no more */
  | { type: 'definition.found'; definition: NetworkDefinition }
  | { type: 'definition.lost' }
  | { type: 'subnet.granted'; bridge: string | null; subnets: NetworkSubnet[] }
  | { type: 'subnet.refused'; fault: Fault }
  /** the host forwards for it, or cannot */
  | { type: 'forwarding.granted' }
  | { type: 'forwarding.refused'; fault: Fault }
  | LeaseRequest
  /** the same of a member whose published ports have changed */
  | { type: 'lease.ports'; container: string; onLoopback: boolean }
  /** a member is being taken down: its lease ends soon, with lease.release, or with its next request */
  | { type: 'lease.leaving'; container: string }
  | { type: 'lease.release'; container: string }
  /** the wait for members that are leaving has ended */
  | { type: 'deadline.passed'; command: null; deadline: Deadline; at: number }
  /** a member that was asked to leave cannot, and why */
  | { type: 'membership.refused'; container: string; fault: Fault }
  /** the answer of one who was asked */
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
  /** P10: of the default network, which is made where there is none: the time, ISO 8601 */
  madeAt?: string;
}

export type HostEvent =
  | LoopEvent<HostPurpose>
  /** forwardForeign: links that are not ours reach each other, also where netloom switched forwarding on */
  | { type: 'host.start'; forwardForeign?: boolean }
  /** links that are not ours came or went */
  | { type: 'links.seen' }
  /** a network of ours is about to route these families */
  /**
   * A network is about to be in the kernel, at that place, or is there. isBrought: only an engine knows it, so that it must be able to be
   * beside all networks that are defined, and not only beside those that are in the kernel
   */
  | { type: 'forwarding.claim'; network: string; families: Family[]; place?: NetworkPlace; isBrought?: boolean }
  /** it is being taken down: others that cannot be beside it wait for the release */
  | { type: 'forwarding.leave'; network: string }
  | { type: 'forwarding.release'; network: string }
  /** the way to the outside is another now: its source address (C09), its link, or the MTU of that */
  | ({ type: 'uplink.changed'; before?: WayOut } & WayOut)
  /** files of definitions that are not taken, and why: all of them */
  | { type: 'definitions.read'; damaged: DamagedDefinition[] }
  /** the thread that answers for names has ended by itself; another has taken its place */
  | { type: 'resolver.lost' }
  | { type: 'resolver.replaced' }
  /** in addition to what the container has already */
  | { type: 'ports.claim'; container: string; attempt: number; ports: PublishedPort[] }
  /** a container is being taken down: its ports are free soon, with ports.release, or claimed anew */
  | { type: 'ports.leaving'; container: string }
  /** the claim of this actor has waited long enough for what others are about to release */
  | { type: 'deadline.passed'; command: null; deadline: Deadline; at: number; claimant?: ActorAddress }
  /** without ports: all that the container has */
  | { type: 'ports.release'; container: string; ports?: PublishedPort[] | null }
  | ({ type: 'subnet.claim' } & SubnetClaim)
  /** a network that somebody else defined: others keep away from what it has */
  | {
      type: 'subnet.note';
      network: string;
      bridge: string | null;
      sharesLink: boolean;
      use?: LinkUse;
      subnets: NetworkSubnet[];
    }
  /** a verification found the base ruleset gone and loaded it: others may have lost their elements with it */
  | { type: 'ruleset.loaded' }
  /** leftovers that gc found, and how they are removed */
  | { type: 'host.sweep'; command: CommandId; steps: Step[]; found: Leftovers }
  | { type: 'subnet.release'; network: string }
  /** removes the networks that no container uses: those of these names, or all but that one */
  | { type: 'networks.prune'; command: CommandId; names?: string[]; except: string }
  /** the answer of a network to `network.prune`; fault: why its removal failed */
  | { type: 'network.pruned'; network: string; isRemoved: boolean; fault?: Fault }
  /** removes those of these containers that were never started */
  | { type: 'containers.abandon'; command: CommandId; ids: string[] }
  /** the answer of a container to `container.abandon`; fault: why it stays */
  | { type: 'container.abandoned'; container: string; fault: Fault | null };

export type ActorEvent = LoopEvent | ContainerEvent | NetworkEvent | HostEvent | DhcpEvent;
