import { dhcpAddress } from '../../src/core/actor-address.ts';
import type { ContainerEvent } from '../../src/core/actor-event.ts';
import { entryOf } from '../../src/core/entry.ts';
import type { Fault } from '../../src/core/fault.ts';
import { type Lease, lacksTerms, withTerms } from '../../src/core/lease/lease.ts';
import { dhcpPlaces, withoutTerms } from '../../src/core/plan/container/dhcp.ts';
import type { ContainerGrant } from '../../src/core/plan/container/grant.ts';
import { addressPlan } from '../../src/core/plan/container/plan.ts';
import { unreachableRoute } from '../../src/core/plan/container/routes.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import type { Effect } from '../effect.ts';
import { present } from '../present.ts';
import { type Change, type ContainerContext, grantOf } from './context.ts';

/** Addresses from DHCP servers: the clients of a container, one per network of that kind, and their reports. */

type Leases = Record<string, Lease>;

export const lacksLease = ({ leases }: Pick<ContainerContext, 'leases'>): boolean =>
  Object.values(leases).some(lacksTerms);

/** Checks whether the event is from a client of this set-up, not of a former one. */
export const isOurLease = ({ leases }: ContainerContext, event: ContainerEvent): boolean =>
  (event.type === 'dhcp.leased' || event.type === 'dhcp.lost') &&
  entryOf(leases, event.network)?.dhcp?.attempt === event.attempt;

/** Checks whether it is the last awaited lease. */
export const isLastLease = (context: ContainerContext, event: ContainerEvent): boolean =>
  event.type === 'dhcp.leased' && isOurLease(context, event) && !lacksLease({ leases: leasesAfter(context, event) });

/** C05: whether it is the last lease, and a route's gateway is on no network. */
export const isLastLeaseUnreachable = (context: ContainerContext, event: ContainerEvent): boolean =>
  isLastLease(context, event) &&
  unreachableRoute(grantOf({ ...context, leases: leasesAfter(context, event) })) !== null;

/** Checks whether the lease is for a network that is being joined. */
export const isLeaseOfChange = (context: ContainerContext, event: ContainerEvent): boolean =>
  isOurLease(context, event) &&
  context.change?.kind === 'join' &&
  'network' in event &&
  context.change.attachments.some(({ network }) => network === event.network);

/** Returns the change with a client's report about one of its networks. */
export function changeAfter({ change }: ContainerContext, event: ContainerEvent): Change | null {
  if (change?.kind !== 'join' || event.type !== 'dhcp.leased') return change;
  return { ...change, terms: { ...change.terms, [event.network]: event.terms } };
}

/** Lists networks that are being joined and have no address from their DHCP server yet. */
export function unleasedOfChange({ change, leases }: Pick<ContainerContext, 'change' | 'leases'>): string[] {
  if (change?.kind !== 'join') return [];
  return change.attachments
    .map(({ network }) => network)
    .filter((network) => entryOf(leases, network)?.dhcp && !Object.hasOwn(change.terms, network));
}

/** Checks whether it is the last lease that the change waits for. */
export const isLastLeaseOfChange = (context: ContainerContext, event: ContainerEvent): boolean =>
  event.type === 'dhcp.leased' &&
  isLeaseOfChange(context, event) &&
  unleasedOfChange({ ...context, change: changeAfter(context, event) }).length === 0;

/** Returns the leases with a client's report about one. */
export function leasesAfter({ leases }: ContainerContext, event: ContainerEvent): Leases {
  if (event.type !== 'dhcp.leased') return leases;
  return { ...leases, [event.network]: withTerms(present(leases[event.network], 'the lease'), event.terms) };
}

/** Returns why a container is degraded after a change: only a new lease on the same network ends the loss of a lease. */
export function faultAfter({ change, lastFault, leases: before }: ContainerContext, after: Leases): Fault | null {
  const isLoss = Object.values(before).some(
    (lease) => lacksTerms(lease) && (!lease.dhcp?.loss || isSameFault(lease.dhcp.loss, lastFault)),
  );
  const loss = change?.kind === 'address' ? change.fault : null;
  return loss ?? lossesOf(after)[0] ?? (isLoss ? null : lastFault);
}

/** Returns why a container is degraded while everything else is in order; the record of an earlier daemon may lack the reason of a lost lease. */
export const faultOfLeases = ({ leases, lastFault }: ContainerContext): Fault | null =>
  lossesOf(leases)[0] ?? (lacksLease({ leases }) ? lastFault : null);

const isSameFault = (one: Fault, other: Fault | null): boolean =>
  one.code === other?.code && one.message === other.message;

const lossesOf = (leases: Leases): Fault[] => Object.values(leases).flatMap(({ dhcp }) => dhcp?.loss ?? []);

/** Starts to ask for addresses on these networks; null: on every network with a DHCP server. */
export function askDhcp(context: ContainerContext, networks: readonly string[] | null): Effect<'container'>[] {
  return dhcpPlaces(grantWith(context), context.inode)
    .filter(({ network }) => networks === null || networks.includes(network))
    .map(({ network, attempt, place }) => ({
      kind: 'tell',
      to: dhcpAddress(context.id, network),
      event: { type: 'dhcp.start', attempt, place },
    }));
}

/** Tells each client the subnets of the container's other networks, if a change has altered them. */
export function tellNeighbours(
  { id, inode }: ContainerContext,
  before: ContainerGrant,
  after: ContainerGrant,
): Effect<'container'>[] {
  const former = new Map(dhcpPlaces(before, inode).map(({ network, place }) => [network, place.otherSubnets ?? []]));
  return dhcpPlaces(after, inode).flatMap(({ network, place: { otherSubnets = [] } }): Effect<'container'>[] => {
    if ((former.get(network) ?? otherSubnets).join() === otherSubnets.join()) return [];
    return [{ kind: 'tell', to: dhcpAddress(id, network), event: { type: 'dhcp.neighbours', otherSubnets } }];
  });
}

/** Returns the grant with the change under way, whose attachments are not in the wish yet. */
function grantWith(context: ContainerContext) {
  const grant = grantOf(context);
  const { change } = context;
  if (change?.kind !== 'join') return grant;
  return { ...grant, wish: { ...grant.wish, attachments: [...grant.wish.attachments, ...change.attachments] } };
}

/** Ends clients whose link is about to go, or has gone. */
export function endDhcp({ id, leases }: ContainerContext, network: string | null = null): Effect<'container'>[] {
  return Object.values(leases).flatMap((lease): Effect<'container'>[] => {
    const isMeant = lease.dhcp && (network === null || lease.network === network);
    return isMeant ? [{ kind: 'tell', to: dhcpAddress(id, lease.network), event: { type: 'dhcp.end' } }] : [];
  });
}

/** Returns the plan that adds a set-up's addresses, when all of them are known. */
export function firstAddressPlan(context: ContainerContext): Plan {
  const grant = grantOf(context);
  return addressPlan('address', withoutTerms(grant), grant, context.inode);
}
