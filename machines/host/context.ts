import type { PortLedger, SubnetClaim, SubnetLedger } from '../../src/core/claims.ts';
import type { CommandId, HostEvent } from '../../src/core/event.ts';
import type { Fault } from '../../src/core/fault.ts';
import type { Forwarding, ForwardingClaims } from '../../src/core/firewall/forwarding.ts';
import type { Leftovers } from '../../src/core/gc.ts';
import type { DamagedDefinition } from '../../src/core/network/check.ts';
import type { PublishedPort } from '../../src/core/port.ts';

/** What the host keeps: who has which ports, subnets, bridge names, and what of all that is under way. */

export interface HostContext extends ForwardingContext {
  /** container id → the ports it publishes; held, or about to be */
  ports: PortLedger;
  /** container id → the attempt whose ports are being bound, and how many of its last ones these are */
  holding: Record<string, { attempt: number; count: number }>;
  /** containers that are being taken down: their ports are free soon; absent: none */
  portsLeaving?: readonly string[];
  /** claims of ports that only containers hold which are leaving, in order; absent: none */
  portsWaiting?: readonly WaitingClaim[];
  /** network → bridge and subnets */
  networks: SubnetLedger;
  /** claims that wait for a look at the host's routes and links, in order */
  surveying: SubnetClaim[];
  /** sweeps that are under way, and what each removes */
  sweeping: Sweep[];
  /** commands that wait for networks to answer `network.prune`; absent: none */
  pruning?: readonly Gathering[];
  /** commands that wait for containers to answer `container.abandon`; absent: none */
  abandoning?: readonly Gathering[];
  lastFault: Fault | null;
  /** files of definitions that are not taken, as far as is told; absent: none */
  damaged?: DamagedDefinition[];
}

/** Leftovers that are being removed, and the command that asked for it. */
export interface Sweep {
  command: CommandId;
  found: Leftovers;
}

/** A command to several actors, and what they have answered. */
export interface Gathering {
  command: CommandId;
  /** names of the actors that were asked, in order */
  asked: readonly string[];
  /** those of them that have not answered yet */
  open: readonly string[];
  removed: readonly string[];
  /** why the others were not removed, by name */
  faults: Readonly<Record<string, Fault>>;
}

export interface PortsClaim {
  container: string;
  attempt: number;
  ports: PublishedPort[];
}

export interface WaitingClaim extends PortsClaim {
  /** when it is refused, in ms since 1970; null: not known yet */
  until: number | null;
}

export interface ForwardingContext {
  /** networks that are up, or about to be, and route */
  claims: ForwardingClaims;
  forwarding: Forwarding;
  /** claims of networks that cannot be beside one that is being taken down, in order; absent: none */
  deferred?: DeferredClaim[];
  /** links that are not ours reach each other, also where netloom switched forwarding on */
  forwardForeign: boolean;
}

export type ForwardingClaim = Extract<HostEvent, { type: 'forwarding.claim' }>;

/** `until`: when it is refused, in ms since 1970; absent or null: not known yet. */
export type DeferredClaim = ForwardingClaim & { until?: number | null };

export const noForwarding: ForwardingContext = { claims: {}, forwarding: {}, forwardForeign: false };

export const firstContext: HostContext = {
  ports: {},
  holding: {},
  portsLeaving: [],
  portsWaiting: [],
  networks: {},
  surveying: [],
  sweeping: [],
  pruning: [],
  abandoning: [],
  lastFault: null,
  ...noForwarding,
};
