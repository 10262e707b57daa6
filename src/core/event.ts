import type { ActorAddress } from './actor-address.ts';
import type { ContainerWish } from './container.ts';
import type { Fault } from './fault.ts';
import type { Lease } from './lease.ts';
import type { NetworkSubnet, NetworkWish } from './network.ts';
import type { StepOutput } from './plan/step.ts';
import type { PublishedPort } from './port.ts';
import type { StatusBlock } from './status.ts';

/**
 * Everything that actors hear. Wishes are imperative, facts are in the past. A command carries the id under which its
 * one answer is kept; null when nobody waits for an answer.
 */
export type CommandId = string | null;

/** What every actor hears from its own loop. */
export type LoopEvent =
  /** tookMs: what the kernel steps took, without the way there and back */
  | { type: 'steps.applied'; plan: string; outputs: StepOutput[]; tookMs: number }
  | { type: 'steps.failed'; plan: string; fault: Fault; outputs: StepOutput[]; tookMs: number }
  /** the actor was restored from the journal; rebooted: nothing that it made in the kernel is left */
  | { type: 'actor.recovered'; rebooted: boolean };

export type ContainerEvent =
  | LoopEvent
  | { type: 'container.create'; command: CommandId; wish: ContainerWish }
  | { type: 'container.setup'; command: CommandId; wish: ContainerWish | null }
  | { type: 'container.started'; command: CommandId; pid: number }
  | { type: 'container.teardown'; command: CommandId }
  | { type: 'container.remove'; command: CommandId }
  | { type: 'lease.granted'; attempt: number; lease: Lease }
  | { type: 'ports.granted'; attempt: number; ports: PublishedPort[]; tookMs: number }
  | { type: 'netns.shared'; attempt: number; share: NetnsShare }
  | { type: 'claim.refused'; attempt: number; fault: Fault }
  | { type: 'netns.share'; from: ActorAddress; attempt: number }
  | { type: 'process.exited'; pid: number };

/** B04: what a container that shares another's namespace gets of it. */
export interface NetnsShare {
  path: string;
  status: Record<string, StatusBlock>;
}

export type NetworkEvent =
  | LoopEvent
  | { type: 'network.create'; command: CommandId; wish: NetworkWish; created: string }
  | { type: 'network.remove'; command: CommandId }
  | { type: 'subnet.granted'; bridge: string; subnets: NetworkSubnet[] }
  | { type: 'subnet.refused'; fault: Fault }
  | LeaseRequest
  | { type: 'lease.release'; container: string };

export interface LeaseRequest {
  type: 'lease.request';
  container: string;
  attempt: number;
  staticIps: string[];
}

export type HostEvent =
  | LoopEvent
  | { type: 'host.start' }
  | { type: 'ports.claim'; container: string; attempt: number; ports: PublishedPort[] }
  | { type: 'ports.release'; container: string }
  | { type: 'subnet.claim'; network: string; bridge: string | null; subnets: NetworkSubnet[]; automatic: (4 | 6)[] }
  | { type: 'subnet.release'; network: string };

export type ActorEvent = ContainerEvent | NetworkEvent | HostEvent;
