import { containerAddress, hostAddress, networkAddress } from '../../src/core/actor-address.ts';
import type { NetworkEvent } from '../../src/core/event.ts';
import { type Fault, fault } from '../../src/core/fault.ts';
import { withoutEntry } from '../../src/core/ledger.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import type { Effect } from '../effect.ts';
import { claimsPlace, type NetworkContext } from './context.ts';
import { answerTo, busyFault } from './leases.ts';

/** How a network empties: it waits for members that are leaving, and a forced removal asks all members to leave. */

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

/** How long the kernel may take with the links of containers that are leaving. */
const leavingMs = 2_000;
/** A member that is asked to leave may have something else to finish first. */
const forcedMs = 10_000;

export function removalBy(event: NetworkEvent): Removal {
  const by = event.type === 'network.remove' ? 'command' : event.type === 'network.prune' ? 'prune' : 'loss';
  const isForced = event.type === 'network.remove' && (event.force ?? false);
  return { by, isForced, left: [], refusals: {} };
}

/** `at`: when the wait ends, where an earlier daemon has set it. */
export function waitPlan({ name, removal }: NetworkContext, at: number | null): Plan {
  const withinMs = removal?.isForced ? forcedMs : leavingMs;
  return {
    purpose: { kind: 'await-leaving' },
    kind: 'build',
    steps: [{ verb: 'deadline.set', owner: networkAddress(name), deadline: 'leaving', withinMs, at }],
  };
}

/**
 * Networks that need its place wait from now on, and a forced removal refuses the containers that are about to join. No member is asked
 * to leave before the wait has a deadline: a removal that fails at that changes nothing.
 */
export function emptyingEffects(context: NetworkContext): Effect[] {
  const { name, leases, waiting, held, removal } = context;
  const ids = Object.keys(leases);
  const wait: Effect[] =
    ids.length > 0 ? [...leavePlaceEffects(context), { kind: 'apply', plan: waitPlan(context, null) }] : [];
  if (!removal?.isForced) return wait;
  const requests = [...waiting, ...held.map(({ request }) => request)];
  return [...requests.map((request) => answerTo(request, { fault: busyFault(name) })), ...wait];
}

/** A forced removal asks all members to leave; again after a restart, which changes nothing for those that were asked before. */
export function leaveRequests({ name, leases, removal }: NetworkContext): Effect[] {
  if (!removal?.isForced) return [];
  return Object.keys(leases).map((id) => ({
    kind: 'tell',
    to: containerAddress(id),
    event: { type: 'network.leave', command: null, network: name },
  }));
}

/** Only a network that claims a place has one to leave. */
export function leavePlaceEffects({ name, definition }: NetworkContext): Effect[] {
  if (!definition || !claimsPlace(definition)) return [];
  return [{ kind: 'tell', to: hostAddress, event: { type: 'forwarding.leave', network: name } }];
}

/** Every member that is left has said that it cannot leave. */
export function isRefusedByAll({ leases, removal }: NetworkContext): boolean {
  const left = Object.keys(leases);
  return left.length > 0 && left.every((id) => Object.hasOwn(removal?.refusals ?? {}, id));
}

/** Why it stays: a member cannot leave, or members have not left in time. Names those that have left. */
export function removalFault(context: NetworkContext): Fault {
  const { left = [], refusals = {} } = context.removal ?? {};
  const why = Object.values(refusals)[0] ?? inUseFault(context);
  if (left.length === 0) return why;
  const details = [...(why.detail ? [why.detail] : []), `containers that have left the network: ${left.join(', ')}`];
  return { ...why, detail: details.join('; ') };
}

export function inUseFault({ name, leases, waiting, held }: NetworkContext): Fault {
  const joining = [...waiting, ...held.map(({ request }) => request)].map(({ container }) => container);
  const members = [...Object.keys(leases), ...joining];
  const more = members.length > 5 ? ` and ${members.length - 5} more` : '';
  return fault(
    'network.in-use',
    `network ${name} is used by ${members.slice(0, 5).join(', ')}${more}: disconnect them, or force it (--force)`,
  );
}

/** To the caller of the command, or to the host; a loss has no caller. */
export function refusalEffects({ command, name, removal }: NetworkContext, why: Fault): Effect[] {
  if (removal?.by === 'prune') return [prunedEffect(name, false)];
  return command === null ? [] : [{ kind: 'reply', command, fault: why }];
}

export const prunedEffect = (network: string, isRemoved: boolean, why?: Fault): Effect => ({
  kind: 'tell',
  to: hostAddress,
  event: { type: 'network.pruned', network, isRemoved, ...(why && { fault: why }) },
});

/** A member, or a container that was about to join, has gone. */
export function withoutMember(context: NetworkContext, container: string): Partial<NetworkContext> {
  const { removal, leases } = context;
  const isMember = Object.hasOwn(leases, container);
  return {
    leases: withoutEntry(leases, container),
    onLoopback: context.onLoopback.filter((id) => id !== container),
    leaving: context.leaving.filter((id) => id !== container),
    waiting: context.waiting.filter((request) => request.container !== container),
    held: context.held.filter(({ request }) => request.container !== container),
    ...(removal && isMember && { removal: { ...removal, left: [...removal.left, container] } }),
  };
}
