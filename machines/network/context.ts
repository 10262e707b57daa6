import type { CommandId, LeaseRequest, NetworkEvent } from '../../src/core/event.ts';
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
import type { Removal } from './removal.ts';

/** What a network's machine remembers, and what follows from it. */

export interface NetworkInput {
  name: string;
  /** the names of containers end in this */
  searchDomain: string;
  /** names this host; absent from the records of earlier daemons */
  node?: string;
}

export type DefinitionNews = Extract<NetworkEvent, { type: `definition.${string}` }>;

export interface NetworkContext extends NetworkInput {
  wish: NetworkWish | null;
  created: string;
  definition: NetworkDefinition | null;
  /** the definition that is about to take the place of the present one */
  update: NetworkDefinition | null;
  /** bridge or parent, while the network is up; made: by us, and not found there */
  device: (NetworkDevice & { made: boolean }) | null;
  /** the daemon was restarted: whether all is there is being looked at */
  adopting: boolean;
  /** something was seen to vanish while it was being changed */
  suspected: boolean;
  /** no file tells of it, only those who use it: it goes with its last member */
  isTransient: boolean;
  /** a file of the same name, of another network, that was found while this one was used or taken down */
  successor: NetworkDefinition | null;
  /** the last that was told of its file while it was being raised or changed */
  news: DefinitionNews | null;
  lastFault: Fault | null;
  /** members: container id → addresses, in subnet order */
  leases: Leases;
  /** subnet → the address that was given last, so that none is reused at once */
  lastGiven: Record<string, string>;
  macs: GivenMacs;
  /** members that publish a port which 127.0.0.1 reaches, and which may lead here */
  onLoopback: string[];
  /** members that are being taken down: their leases end soon */
  leaving: string[];
  /** requests that came before the bridge was up, in order */
  waiting: LeaseRequest[];
  /** requests that wait until members which are leaving have left, in order */
  held: HeldRequest[];
  /** when this wait, or that of the removal, ends, in ms since 1970; null: none, or not set yet */
  waitsUntil: number | null;
  /** why it is being removed; by `loss`, its file went without us, and one of that name is another network's by now */
  removal: Removal | null;
  command: CommandId;
}

/** fault: why it is refused, unless a member that is leaving gives up in time what it asks for. */
export interface HeldRequest {
  request: LeaseRequest;
  fault: Fault;
}

/** What it was born with. */
export const inputOf = ({ name, searchDomain, node }: NetworkInput): NetworkInput => ({
  name,
  searchDomain,
  ...(node !== undefined && { node }),
});

/** P10: what the default network is made by, for the first container that asks it for a lease. */
export const defaultWish = (name: string, { madeAt = '' }: LeaseRequest) => ({
  wish: defaultNetworkWish(name),
  created: madeAt,
});

export const isOfDefault = ({ madeAt }: LeaseRequest): boolean => madeAt !== undefined;

/** Of a network that is not known yet. */
export function firstContext(input: NetworkInput): NetworkContext {
  return {
    ...input,
    wish: null,
    created: '',
    definition: null,
    update: null,
    device: null,
    adopting: false,
    suspected: false,
    isTransient: false,
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

/** What is upon a parent can be beside everything, and is routed by others. */
export const claimsPlace = (definition: NetworkDefinition): boolean => linkUse(definition) !== 'upon';

/** What plans are made from. */
export function grantOf(
  { definition, searchDomain, onLoopback }: NetworkContext,
  changed: NetworkDefinition | null = null,
): NetworkGrant {
  return { definition: changed ?? (definition as NetworkDefinition), searchDomain, onLoopback: onLoopback.length > 0 };
}

/**
 * The definition for the first waiting container. Its engine sets the port of its resolver, and whether there are rules (N19); for
 * netloom's own containers there are. While the network is up, the port stays.
 */
export function definitionForFirst(context: NetworkContext): NetworkDefinition {
  const definition = context.definition as NetworkDefinition;
  const brought = broughtFirst(context);
  if (wantsOtherFirewall(context)) return withFirewall(definition, brought?.firewall);
  if (context.device !== null) return definition;
  const ruled = withFirewall(definition, brought?.firewall);
  return brought ? withDnsPort(ruled, brought.dns_port) : ruled;
}

/** Whether the first waiting container needs other rules than the network has. Members keep the rules that they have. */
export function wantsOtherFirewall(context: NetworkContext): boolean {
  const { definition, device, leases, waiting } = context;
  const [first] = waiting;
  if (!first || !definition || device === null || !ownsBridge(definition)) return false;
  const isAlone = Object.keys(leases).every((id) => id === first.container);
  return isAlone && broughtFirst(context)?.firewall !== definition.firewall;
}

/** The definition that the first waiting container brought of this network; null: it brought none. */
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
