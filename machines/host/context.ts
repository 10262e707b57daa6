import type { CommandId, HostEvent } from '../../src/core/actor-event.ts';
import type { PortLedger, SubnetClaim, SubnetLedger } from '../../src/core/claims.ts';
import type { Fault } from '../../src/core/fault.ts';
import type { Forwarding, ForwardingClaims } from '../../src/core/forwarding.ts';
import type { GcResult, Leftovers, Unstarted } from '../../src/core/gc.ts';
import type { DamagedDefinition } from '../../src/core/network/check.ts';
import type { PublishedPort } from '../../src/core/port.ts';

/** The host's context: owners of ports, subnets and bridge names, and work under way. */

export interface HostContext extends ForwardingContext {
  /** container ID → its published ports; held, or about to be */
  ports: PortLedger;
  /** container ID → the attempt whose ports are being bound, and their number, at the end of its list */
  holding: Record<string, { attempt: number; count: number }>;
  /** containers that are being taken down: their ports are free soon */
  portsLeaving: readonly string[];
  /** claims of ports that only leaving containers hold, in order */
  portsWaiting: readonly Waiting<PortsClaim>[];
  /** network → bridge and subnets */
  networks: SubnetLedger;
  /** claims that wait for a survey of the host's routes and links, in order */
  surveying: SubnetClaim[];
  /** sweeps under way, and what each removes */
  sweeping: Sweep[];
  /** commands that wait for networks to answer `network.prune` */
  pruning: readonly GroupCommand[];
  /** gc commands that wait for containers to answer `container.abandon` */
  abandoning: readonly GroupCommand[];
  lastFault: Fault | null;
  /** definition files reported as not usable */
  damaged: DamagedDefinition[];
}

/** Leftovers that are being removed, and the command that started it. */
export interface Sweep {
  command: CommandId;
  found: Leftovers;
  /** containers that are asked to go afterwards; absent: none */
  unstarted?: Unstarted[];
}

/** A command to a group of actors, and their answers. */
export interface GroupCommand {
  command: CommandId;
  /** names of the actors that were asked, in order */
  asked: readonly string[];
  /** actors that have not answered yet */
  open: readonly string[];
  removed: readonly string[];
  /** why the others were not removed, by name */
  faults: Readonly<Record<string, Fault>>;
  /** of gc: the reply if all containers go; absent if an older version began it */
  gc?: GcResult;
}

export interface PortsClaim {
  container: string;
  attempt: number;
  ports: PublishedPort[];
}

/** A claim that waits for a leaving actor. */
export type Waiting<Claim extends object> = Claim & {
  /** when it waits no longer, in ms since 1970; null: not known yet */
  until: number | null;
};

export interface ForwardingContext {
  /** routing networks that are up or about to be; also networks that are only defined, while they are being removed (no families) */
  claims: ForwardingClaims;
  forwarding: Forwarding;
  /** claims of networks that clash only with networks that are being left, or may be, in order */
  deferred: Waiting<PlaceClaim>[];
  /** foreign links reach each other, even if netloom switched forwarding on */
  forwardForeign: boolean;
}

export type ForwardingClaim = Extract<HostEvent, { type: 'forwarding.claim' }>;

/** A claim of a network's place in the kernel. */
export type PlaceClaim = ForwardingClaim & {
  /** networks that were asked whether they keep the place */
  asked: readonly string[];
};

const noForwarding: ForwardingContext = { claims: {}, forwarding: {}, deferred: [], forwardForeign: false };

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
  damaged: [],
  lastFault: null,
  ...noForwarding,
};
