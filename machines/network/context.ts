import { containerAddress } from '../../src/core/actor-address.ts';
import { entryOf } from '../../src/core/entry.ts';
import type { CommandId, LeaseRequest, NetworkEvent } from '../../src/core/event.ts';
import { type Fault, fault } from '../../src/core/fault.ts';
import { chooseAddresses, type Leases, picked } from '../../src/core/lease/addresses.ts';
import type { NetworkDevice } from '../../src/core/lease/device.ts';
import { type Lease, leaseOf, leaseRefusal } from '../../src/core/lease/lease.ts';
import { type GivenMacs, withGivenMacs } from '../../src/core/lease/mac-addresses.ts';
import { withEntry } from '../../src/core/ledger.ts';
import { defaultNetworkWish } from '../../src/core/network/default.ts';
import { answersNames, type NetworkDefinition, ownsBridge } from '../../src/core/network/definition.ts';
import { isBroughtNetwork } from '../../src/core/network/identity.ts';
import type { NetworkWish } from '../../src/core/network/wish.ts';
import type { NetworkGrant } from '../../src/core/plan/network.ts';
import type { Effect } from '../effect.ts';

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
  /** its file went without us: one of that name is another network's by now */
  lost: boolean;
  /** no file tells of it, only those who use it: it goes with its last member */
  given: boolean;
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
  /** requests that came before the bridge was up, in order */
  waiting: LeaseRequest[];
  command: CommandId;
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
    lost: false,
    given: false,
    successor: null,
    news: null,
    lastFault: null,
    leases: {},
    onLoopback: [],
    lastGiven: {},
    macs: {},
    waiting: [],
    command: null,
  };
}

export const answerTo = (
  { container, attempt }: LeaseRequest,
  answer: { lease: Lease } | { fault: Fault },
): Effect => ({
  kind: 'tell',
  to: containerAddress(container),
  event:
    'lease' in answer ? { type: 'lease.granted', attempt, ...answer } : { type: 'claim.refused', attempt, ...answer },
});

export type Ledger = Pick<NetworkContext, 'leases' | 'lastGiven' | 'macs' | 'onLoopback'>;

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

type Grounds = Pick<NetworkContext, 'definition' | 'device' | 'searchDomain' | 'node'>;

/** One request against the ledger: the answer, and the ledger after it. */
export function grant(grounds: Grounds, ledger: Ledger, request: LeaseRequest): { ledger: Ledger; effect: Effect } {
  const found = leaseFor(grounds, ledger, request);
  if ('code' in found) return { ledger, effect: answerTo(request, { fault: found }) };
  return { ledger: found.ledger, effect: answerTo(request, { lease: found.lease }) };
}

/** What a request gets, and the ledger after it; or why it gets nothing. A container that asks again keeps what it has. */
export function leaseFor(
  grounds: Grounds,
  ledger: Ledger,
  request: LeaseRequest,
): { ledger: Ledger; lease: Lease } | Fault {
  const definition = grounds.definition as NetworkDefinition;
  const refusal =
    leaseRefusal(definition, grounds.device) ?? refuseOther(definition, request) ?? refuseAliases(definition, request);
  if (refusal) return refusal;
  const held = entryOf(ledger.leases, request.container);
  const wanted = request.staticIps.length > 0 ? request.staticIps : (held ?? []);
  const device = grounds.device as NetworkDevice;
  const { leases, lastGiven } = ledger;
  const chosen = chooseAddresses(definition, leases, lastGiven, wanted, request.container, device.addresses);
  if ('code' in chosen) return chosen;
  const addresses = chosen.map(({ address }) => address);
  const lessee = {
    container: request.container,
    node: grounds.node ?? null,
    addresses: chosen,
    staticMac: request.staticMac ?? null,
    attempt: request.attempt,
  };
  const lease = leaseOf(definition, device, grounds.searchDomain, lessee, ledger.macs);
  return {
    ledger: {
      leases: withEntry(ledger.leases, request.container, addresses),
      lastGiven: { ...ledger.lastGiven, ...picked(definition, addresses, wanted) },
      macs: withGivenMacs(ledger.macs, lease),
      onLoopback: withMember(ledger.onLoopback, request.container, request.onLoopback),
    },
    lease,
  };
}

/** A list of containers, with or without that one. */
export function withMember(members: readonly string[], container: string, isMember: boolean): string[] {
  const others = members.filter((id) => id !== container);
  return isMember ? [...others, container] : others;
}

/** Its own members would be torn from it. */
function refuseOther(definition: NetworkDefinition, { definition: other }: LeaseRequest): Fault | null {
  if (!other || isBroughtNetwork(definition, other)) return null;
  return fault(
    'network.exists',
    `network ${definition.name} is in use with another definition: its id is ${definition.id}, not ${other.id}`,
  );
}

/** A08: nobody would answer for them. */
function refuseAliases(definition: NetworkDefinition, { aliases, container }: LeaseRequest): Fault | null {
  if (answersNames(definition) || aliases.length === 0) return null;
  return fault(
    'mode.conflict',
    `network ${definition.name} has no DNS: container ${container} cannot have the alias ${aliases[0]} there`,
  );
}
