import { hostAddress, networkAddress } from '../../../src/core/actor-address.ts';
import { withoutTerms } from '../../../src/core/plan/container/dhcp.ts';
import { addressPlan, joinPlan, leavePlan, verifyPlan } from '../../../src/core/plan/container/plan.ts';
import { freedPlan, spoofingPlan } from '../../../src/core/plan/container/ports.ts';
import { isOnLoopback, type PublishedPort } from '../../../src/core/port.ts';
import type { Effect } from '../../effect.ts';
import { type ContainerContext, claimPorts, grantOf, type Join, releaseLease, requestLease } from '../context.ts';
import { endDhcp } from '../dhcp.ts';
import { grantAfter } from './outcome.ts';

/** Claims, plan and releases of a change. */

/** Claims everything that the change needs: one claim to each owner. */
export function claimsOfChange({ id, attempt, change, ports, askedAt }: ContainerContext): Effect<'container'>[] {
  if (change?.kind !== 'join') return [];
  const next = attempt + 1;
  const published = [...ports, ...change.ports];
  const leases = change.attachments.map((attachment) => requestLease(id, next, attachment, published, askedAt));
  return change.ports.length > 0 ? [...leases, claimPorts(id, next, change.ports)] : leases;
}

/** Returns the plan of the change. */
export function changePlan(context: ContainerContext) {
  const [before, after] = [grantOf(context), grantAfter(context)];
  const { change, inode } = context;
  switch (change?.kind) {
    case 'join': {
      const given = Object.keys(change.terms);
      if (given.length > 0) return addressPlan('join', withoutTerms(after, given), after, inode);
      return joinPlan(before, after, inode);
    }
    case 'leave':
      return leavePlan('leave', before, after);
    case 'address':
      return addressPlan('address', before, after, inode);
    case 'freed':
      return freedPlan(before, after);
    case 'spoofing':
      return spoofingPlan(before, after);
    default:
      return verifyPlan(before, inode);
  }
}

/** Undoes a join without an address from a DHCP server. */
export const withdrawPlan = (context: ContainerContext) => leavePlan('withdraw', grantAfter(context), grantOf(context));

/** Notifies networks before the first port that 127.0.0.1 reaches is published, and after the last one is unpublished. */
export function notesOfPorts(
  { id, wish }: ContainerContext,
  before: readonly PublishedPort[],
  after: readonly PublishedPort[],
): Effect<'container'>[] {
  const onLoopback = after.some(isOnLoopback);
  if (onLoopback === before.some(isOnLoopback)) return [];
  return (wish?.attachments ?? []).map(({ network }) => ({
    kind: 'tell',
    to: networkAddress(network),
    event: { type: 'lease.ports', container: id, onLoopback },
  }));
}

/** Releases the claims of a failed change, or what a finished change gave up. */
export function releasesOfChange(context: ContainerContext): Effect<'container'>[] {
  const { id, change } = context;
  if (change?.kind !== 'join' && change?.kind !== 'leave') return [];
  const networks = change.kind === 'join' ? networksOf(change) : change.networks;
  const { ports } = change;
  return [
    ...networks.flatMap((network) => [...endDhcp(context, network), releaseLease(id, network)]),
    ...(ports.length > 0
      ? [{ kind: 'tell', to: hostAddress, event: { type: 'ports.release', container: id, ports } } as const]
      : []),
  ];
}

export const networksOf = ({ attachments }: Join): string[] => attachments.map(({ network }) => network);
