import { containerAddress } from '../../src/core/actor-address.ts';
import type { LeaseRequest } from '../../src/core/actor-event.ts';
import { entryOf } from '../../src/core/entry.ts';
import { type Fault, fault } from '../../src/core/fault.ts';
import { chooseAddresses, type Leases, picked } from '../../src/core/lease/addresses.ts';
import { type Lease, leaseOf, leaseRefusal } from '../../src/core/lease/lease.ts';
import { withGivenMacs } from '../../src/core/lease/mac-addresses.ts';
import { withEntry, withoutEntry } from '../../src/core/ledger.ts';
import { answersNames, type NetworkDefinition } from '../../src/core/network/definition.ts';
import { isBroughtNetwork } from '../../src/core/network/identity.ts';
import type { Effect } from '../effect.ts';
import { present } from '../present.ts';
import { definitionOf, type HeldRequest, type NetworkContext } from './context.ts';

/** Requests of containers, and their leases. */

export const answerTo = (
  { container, attempt }: LeaseRequest,
  answer: { lease: Lease } | { fault: Fault },
): Effect<'network'> => ({
  kind: 'tell',
  to: containerAddress(container),
  event:
    'lease' in answer ? { type: 'lease.granted', attempt, ...answer } : { type: 'claim.refused', attempt, ...answer },
});

export type Ledger = Pick<NetworkContext, 'leases' | 'lastGiven' | 'macs' | 'onLoopback'>;
type Grounds = Pick<NetworkContext, 'definition' | 'device' | 'searchDomain' | 'node'>;

/** Result of deciding requests one after another: the answers, the requests that still wait, and the ledger afterwards. */
export interface Decided {
  ledger: Ledger;
  held: HeldRequest[];
  effects: Effect<'network'>[];
}

/** Answers each request, unless only leaving members block it. */
export function decideRequests(context: NetworkContext, requests: readonly LeaseRequest[]): Decided {
  const { leases, lastGiven, macs, onLoopback } = context;
  const decided: Decided = { ledger: { leases, lastGiven, macs, onLoopback }, held: [], effects: [] };
  for (const request of requests) {
    if (isReplacementDue({ ...decided.ledger, waiting: [], held: decided.held })) {
      decided.held.push({ request, fault: busyFault(context.name) });
      continue;
    }
    const found = leaseFor(context, decided.ledger, request);
    if (!('code' in found)) {
      decided.ledger = found.ledger;
      decided.effects.push(answerTo(request, { lease: found.lease }));
    } else if (isOnlyHeldByLeaving(context, decided.ledger, request, found))
      decided.held.push({ request, fault: found });
    else decided.effects.push(answerTo(request, { fault: found }));
  }
  return decided;
}

/** Checks whether the network must be made again for the first waiting request: all others have left. */
export function isReplacementDue(context: Pick<NetworkContext, 'leases' | 'waiting' | 'held'>): boolean {
  const [first] = context.held;
  return first?.fault.code === 'network.exists' && !hasMembers(context, first.request.container);
}

export const busyFault = (network: string): Fault =>
  fault('network.busy', `network ${network} is being changed; try again`);

/** Checks whether the request is granted, or the network made again for it, as soon as the leaving members have left. */
function isOnlyHeldByLeaving(context: NetworkContext, ledger: Ledger, request: LeaseRequest, refusal: Fault): boolean {
  const staying = context.leaving.reduce(withoutEntry, ledger.leases);
  if (refusal.code === 'network.exists') return Object.keys(withoutEntry(staying, request.container)).length === 0;
  const isLeft = context.leaving.some((id) => id !== request.container && Object.hasOwn(ledger.leases, id));
  return isLeft && !('code' in leaseFor(context, { ...ledger, leases: staying }, request));
}

/** Returns a request's lease and the ledger after it, or the refusal. A container that asks again keeps its lease. */
export function leaseFor(
  grounds: Grounds,
  ledger: Ledger,
  request: LeaseRequest,
): { ledger: Ledger; lease: Lease } | Fault {
  const definition = definitionOf(grounds);
  const refusal =
    leaseRefusal(definition, grounds.device) ?? refuseOther(definition, request) ?? refuseAliases(definition, request);
  if (refusal) return refusal;
  const held = entryOf(ledger.leases, request.container);
  const wanted = request.staticIps.length > 0 ? request.staticIps : (held ?? []);
  const device = present(grounds.device, 'the device');
  const { leases, lastGiven } = ledger;
  const chosen = chooseAddresses(definition, leases, lastGiven, wanted, request.container, device.addresses);
  if ('code' in chosen) return chosen;
  const addresses = chosen.map(({ address }) => address);
  const lessee = {
    container: request.container,
    node: grounds.node,
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

/** Returns a list of containers with or without that one. */
export function withMember(members: readonly string[], container: string, isMember: boolean): string[] {
  const others = members.filter((id) => id !== container);
  return isMember ? [...others, container] : others;
}

/** Checks whether it has members, or containers that are about to join; `besides`: other than that one. */
export function hasMembers(
  { leases, waiting }: Pick<NetworkContext, 'leases' | 'waiting'>,
  besides: string | null = null,
): boolean {
  return hasOther(leases, besides) || waiting.some(({ container }) => container !== besides);
}

/** Checks whether it has members, containers that are about to join, or containers that wait until others have left. */
export function isUsed(context: NetworkContext, besides: string | null = null): boolean {
  return hasMembers(context, besides) || context.held.some(({ request }) => request.container !== besides);
}

/** Checks whether a container that is not leaving uses it. */
export function isKept({ leases, waiting, held, leaving }: NetworkContext): boolean {
  return waiting.length + held.length > 0 || Object.keys(leases).some((id) => !leaving.includes(id));
}

const hasOther = (leases: Leases, besides: string | null): boolean => Object.keys(leases).some((id) => id !== besides);

/** Refuses another definition while the network has members, which would lose it. */
function refuseOther(definition: NetworkDefinition, { definition: other }: LeaseRequest): Fault | null {
  if (!other || isBroughtNetwork(definition, other)) return null;
  return fault(
    'network.exists',
    `network ${definition.name} is in use with another definition: its id is ${definition.id}, not ${other.id}`,
  );
}

/** Refuses aliases on a network without a resolver, where nothing would answer them (A08). */
function refuseAliases(definition: NetworkDefinition, { aliases, container }: LeaseRequest): Fault | null {
  if (answersNames(definition) || aliases.length === 0) return null;
  return fault(
    'mode.conflict',
    `network ${definition.name} has no DNS: container ${container} cannot have the alias ${aliases[0]} there`,
  );
}
