import type { CommandId, LeaseRequest, NetworkEvent } from '../../src/core/actor-event.ts';
import type { Fault } from '../../src/core/fault.ts';
import type { Leases } from '../../src/core/lease/addresses.ts';
import type { NetworkDevice } from '../../src/core/lease/device.ts';
import type { GivenMacs } from '../../src/core/lease/mac-addresses.ts';
import { linkUse } from '../../src/core/network/check.ts';
import { defaultNetworkWish } from '../../src/core/network/default.ts';
import { type NetworkDefinition, ownsBridge } from '../../src/core/network/definition.ts';
import { isBroughtNetwork } from '../../src/core/network/identity.ts';
import type { NetworkWish } from '../../src/core/network/wish.ts';
import type { NetworkGrant } from '../../src/core/plan/network.ts';
import { present } from '../present.ts';

/** The context of a network's machine, and functions of it. */

export type DefinitionState = 'filed' | 'transient' | 'restoring';
export type DeviceState =
  | 'down'
  | 'updating'
  | 'routing'
  | 'raising'
  | 'settled'
  | 'verifying'
  | 'closing'
  | 'degraded'
  | 'emptying'
  | 'lowering';
export type VerificationState = 'none' | 'due' | 'adoption';

/** States of the regions of a network that is defined. */
export interface Regions {
  definition: DefinitionState;
  device: DeviceState;
  verification: VerificationState;
}

export interface NetworkInput {
  name: string;
  /** suffix of the containers' names */
  searchDomain: string;
  /** name of this host */
  node: string;
}

export type DefinitionNews = Extract<NetworkEvent, { type: `definition.${string}` }>;

export interface NetworkContext extends NetworkInput {
  wish: NetworkWish | null;
  created: string;
  definition: NetworkDefinition | null;
  /** the definition that is about to replace the present one */
  update: NetworkDefinition | null;
  /** bridge or parent, while the network is up; made: netloom made it */
  device: (NetworkDevice & { made: boolean }) | null;
  /** another network's file of the same name, found while this one was used or taken down */
  successor: NetworkDefinition | null;
  /** the last news about its file while it was being raised or changed */
  news: DefinitionNews | null;
  lastFault: Fault | null;
  /** members: container id → addresses, in subnet order */
  leases: Leases;
  /** subnet → the last address given, so that no address is reused at once */
  lastGiven: Record<string, string>;
  macs: GivenMacs;
  /** members that publish a port which 127.0.0.1 reaches, and which may lead here */
  onLoopback: string[];
  /** members that are being taken down: their leases end soon */
  leaving: string[];
  /** requests that came before the bridge was up, in order */
  waiting: LeaseRequest[];
  /** requests that wait until leaving members have left, in order */
  held: HeldRequest[];
  /** when this wait, or that of the removal, ends, in ms since 1970; null: none, or not set yet */
  waitsUntil: number | null;
  /** why it is being removed; by `loss`: another program removed its file, and a file of that name is now another network's */
  removal: Removal | null;
  command: CommandId;
}

/** A removal, and what has become of it. */
export interface Removal {
  /** a command, the host that removes all unused networks, or the loss of its file */
  by: 'command' | 'prune' | 'loss';
  /** its members were asked to leave */
  isForced: boolean;
  /** members that have left since */
  left: string[];
  /** members that cannot leave → why */
  refusals: Record<string, Fault>;
}

/** A request that waits. `fault`: its refusal, unless a leaving member gives up in time what it asks for. */
export interface HeldRequest {
  request: LeaseRequest;
  fault: Fault;
}

/** Returns the machine's input. */
export const inputOf = ({ name, searchDomain, node }: NetworkInput): NetworkInput => ({ name, searchDomain, node });

/** P10: returns the wish by which the default network is made, for the first container that asks it for a lease. */
export const defaultWish = (name: string, { madeAt = '' }: LeaseRequest) => ({
  wish: defaultNetworkWish(name),
  created: madeAt,
});

export const isOfDefault = ({ madeAt }: LeaseRequest): boolean => madeAt !== undefined;

/** Returns the context of a network that is not known yet. */
export function firstContext(input: NetworkInput): NetworkContext {
  return {
    ...input,
    wish: null,
    created: '',
    definition: null,
    update: null,
    device: null,
    successor: null,
    news: null,
    lastFault: null,
    leases: {},
    onLoopback: [],
    lastGiven: {},
    macs: {},
    leaving: [],
    waiting: [],
    held: [],
    waitsUntil: null,
    removal: null,
    command: null,
  };
}

/** Checks whether the network claims a place on the host: a network on a parent clashes with none, and others route it. */
export const claimsPlace = (definition: NetworkDefinition): boolean => linkUse(definition) !== 'upon';

/** Returns the definition in force: a network that is defined, or being written, has one. */
export const definitionOf = ({ definition }: Pick<NetworkContext, 'definition'>): NetworkDefinition =>
  present(definition, 'the definition');

/** Returns the definition that a change leads to: there is one while the network is being updated. */
export const updateOf = ({ update }: Pick<NetworkContext, 'update'>): NetworkDefinition =>
  present(update, 'the new definition');

/** Returns the wish of a network that is not defined yet. */
export const wishOf = ({ wish }: Pick<NetworkContext, 'wish'>): NetworkWish => present(wish, 'the wish');

/** Returns the input of plans. */
export function grantOf(context: NetworkContext, changed: NetworkDefinition | null = null): NetworkGrant {
  const { searchDomain, onLoopback, waiting } = context;
  const isOnLoopback = onLoopback.length > 0 || waiting.some((request) => request.onLoopback);
  return { definition: changed ?? definitionOf(context), searchDomain, onLoopback: isOnLoopback };
}

/**
 * Returns the definition for the first waiting container. Its engine sets the port of its resolver, and whether there are rules
 * (N19); netloom's own containers have rules. While the network is up, the port stays.
 */
export function definitionForFirst(context: NetworkContext): NetworkDefinition {
  const definition = definitionOf(context);
  const brought = broughtFirst(context);
  if (wantsOtherFirewall(context)) return withFirewall(definition, brought?.firewall);
  if (context.device !== null) return definition;
  const ruled = withFirewall(definition, brought?.firewall);
  return brought ? withDnsPort(ruled, brought.dns_port) : ruled;
}

/** Checks whether the first waiting container needs other rules than the network has. Members keep their rules. */
export function wantsOtherFirewall(context: NetworkContext): boolean {
  const { definition, device, leases, waiting } = context;
  const [first] = waiting;
  if (!first || !definition || device === null || !ownsBridge(definition)) return false;
  const isAlone = Object.keys(leases).every((id) => id === first.container);
  return isAlone && broughtFirst(context)?.firewall !== definition.firewall;
}

/** Returns the definition of this network that the first waiting container brought; null: none. */
function broughtFirst({ definition, waiting: [first] }: NetworkContext): NetworkDefinition | null {
  const brought = first?.definition;
  return brought && definition && isBroughtNetwork(definition, brought) ? brought : null;
}

function withDnsPort(definition: NetworkDefinition, port: number | undefined): NetworkDefinition {
  const { dns_port: _, ...rest } = definition;
  return port === undefined ? rest : { ...rest, dns_port: port };
}

function withFirewall(definition: NetworkDefinition, firewall: NetworkDefinition['firewall']): NetworkDefinition {
  const { firewall: _, ...rest } = definition;
  return firewall === undefined ? rest : { ...rest, firewall };
}
