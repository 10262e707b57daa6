import { assertEvent } from 'xstate';
import { containerAddress, hostAddress, networkAddress } from '../../src/core/actor-address.ts';
import type { NetworkEvent } from '../../src/core/actor-event.ts';
import { type Fault, fault, withDetail } from '../../src/core/fault.ts';
import { isOurs } from '../../src/core/network/identity.ts';
import { lowerPlan } from '../../src/core/plan/network.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import { commandOf, isResultOf } from '../decisions.ts';
import type { Effect } from '../effect.ts';
import { claimsPlace, definitionOf, grantOf, isOfDefault, type NetworkContext, type Removal } from './context.ts';
import { decide, decision, type Given, remember, resultOf } from './decisions.ts';
import { answerTo, busyFault, hasMembers, isKept } from './leases.ts';

/** Removal of a network: it waits for members that are leaving; a forced removal asks all members to leave. */

/** Time for the kernel to remove the links of leaving containers. */
const leavingMs = 2_000;
/** Time for members that are asked to leave, and may have to finish something first. */
const forcedMs = 10_000;

function removalBy(event: NetworkEvent): Removal {
  const by = event.type === 'network.remove' ? 'command' : event.type === 'network.prune' ? 'prune' : 'loss';
  const isForced = event.type === 'network.remove' && (event.force ?? false);
  return { by, isForced, left: [], refusals: {} };
}

/** Returns the plan of a wait. `at`: its end, if an earlier daemon has set it. */
export function waitPlan({ name, removal }: NetworkContext, at: number | null): Plan {
  const withinMs = removal?.isForced ? forcedMs : leavingMs;
  return {
    purpose: { kind: 'await-leaving' },
    kind: 'build',
    steps: [{ verb: 'deadline.set', owner: networkAddress(name), deadline: 'leaving', withinMs, at }],
  };
}

/**
 * Lists the effects of the start: networks that need its place wait from now on, and a forced removal refuses containers that are about
 * to join. No member is asked to leave before the wait has a deadline: a removal that fails to set one changes nothing.
 */
function emptyingEffects(context: NetworkContext): Effect<'network'>[] {
  const { name, leases, waiting, held, removal } = context;
  const ids = Object.keys(leases);
  const wait: Effect<'network'>[] =
    ids.length > 0 ? [...leavePlaceEffects(context), { kind: 'apply', plan: waitPlan(context, null) }] : [];
  if (!removal?.isForced) return wait;
  const requests = [...waiting, ...held.map(({ request }) => request)];
  return [...requests.map((request) => answerTo(request, { fault: busyFault(name) })), ...wait];
}

/** Asks all members to leave, for a forced removal; asks again after a restart, which changes nothing for members already asked. */
function leaveRequests({ name, leases, removal }: NetworkContext): Effect<'network'>[] {
  if (!removal?.isForced) return [];
  return Object.keys(leases).map((id) => ({
    kind: 'tell',
    to: containerAddress(id),
    event: { type: 'network.leave', command: null, network: name },
  }));
}

/** Leaves the network's place, if it claims one. */
export function leavePlaceEffects({ name, definition }: NetworkContext): Effect<'network'>[] {
  if (!definition || !claimsPlace(definition)) return [];
  return [{ kind: 'tell', to: hostAddress, event: { type: 'forwarding.leave', network: name } }];
}

/** Checks whether every remaining member has answered that it cannot leave. */
export function isRefusedByAll({ leases, removal }: NetworkContext): boolean {
  const left = Object.keys(leases);
  return left.length > 0 && left.every((id) => Object.hasOwn(removal?.refusals ?? {}, id));
}

/**
 * Returns why it stays: a step has failed, a member cannot leave, or members have not left in time. Names the members that have
 * left.
 */
function removalFault(context: NetworkContext, event: NetworkEvent): Fault {
  const { left = [], refusals = {} } = context.removal ?? {};
  const why = event.type === 'steps.failed' ? event.fault : (Object.values(refusals)[0] ?? inUseFault(context));
  return left.length === 0 ? why : withDetail(why, `containers that have left the network: ${left.join(', ')}`);
}

function inUseFault({ name, leases, waiting, held }: NetworkContext): Fault {
  const joining = [...waiting, ...held.map(({ request }) => request)].map(({ container }) => container);
  const members = [...Object.keys(leases), ...joining];
  const more = members.length > 5 ? ` and ${members.length - 5} more` : '';
  return fault(
    'network.in-use',
    `network ${name} is used by ${members.slice(0, 5).join(', ')}${more}: disconnect them, or force it (--force)`,
  );
}

/** Answers the caller of the command, or the host; a loss has no caller. */
function refusalEffects({ command, name, removal }: NetworkContext, why: Fault): Effect<'network'>[] {
  if (removal?.by === 'prune') return [prunedEffect(name, false)];
  return command === null ? [] : [{ kind: 'reply', command, fault: why }];
}

const prunedEffect = (network: string, isRemoved: boolean, why?: Fault): Effect<'network'> => ({
  kind: 'tell',
  to: hostAddress,
  event: { type: 'network.pruned', network, isRemoved, ...(why && { fault: why }) },
});

/**
 * Returns what it may have in the kernel, perhaps from an earlier life: nothing if the host refused its place, where another network
 * is; and the bridge only if netloom made it.
 */
function unmadeWith(context: NetworkContext, event: NetworkEvent): { unmake: boolean; made: boolean } {
  const { device } = context;
  const isDefinedHere = isOurs(definitionOf(context));
  return {
    unmake: event.type !== 'forwarding.refused' && (isDefinedHere || device !== null),
    made: isDefinedHere || (device?.made ?? false),
  };
}

/** Checks whether the deadline has passed, or could not be set. */
const isWaitOver = ({ waitsUntil }: NetworkContext, event: NetworkEvent): boolean =>
  (event.type === 'deadline.passed' && event.at === waitsUntil) ||
  (event.type === 'steps.failed' && isResultOf(event, 'await-leaving'));

export const removalActions = {
  keepLoss: remember(({ event }) => ({ news: null, command: null, removal: removalBy(event) })),
  keepRemoval: remember(({ event }) => ({ command: commandOf(event), removal: removalBy(event) })),
  empty: decision(({ context }) => ({
    context: { waitsUntil: null, ...(context.removal?.isForced && { waiting: [], held: [] }) },
    effects: emptyingEffects(context),
  })),
  leavePlace: decide(({ context }) => leavePlaceEffects(context)),
  askToLeave: decide(({ context }) => leaveRequests(context)),
  keepRefusal: remember(({ context: { removal, leases }, event }) => {
    assertEvent(event, 'membership.refused');
    if (!removal || !Object.hasOwn(leases, event.container)) return {};
    return { removal: { ...removal, refusals: { ...removal.refusals, [event.container]: event.fault } } };
  }),
  /** Refuses the removal: the network stays as it was, without the members that have left. */
  refuseRemoval: decide(({ context, event }) => refusalEffects(context, removalFault(context, event))),
  endRemoval: remember(() => ({ command: null, removal: null, waitsUntil: null })),
  lower: decide(({ context, event }) => [
    ...leavePlaceEffects(context),
    { kind: 'announce', fact: 'tearing-down', data: {} },
    {
      kind: 'apply',
      plan: lowerPlan(grantOf(context), {
        forget: context.removal?.by !== 'loss',
        ...unmadeWith(context, event),
      }),
    },
  ]),
  announceRemoved: decide(({ context: { name, command, removal } }) => [
    { kind: 'announce', fact: 'removed', data: {} },
    removal?.by === 'prune' ? prunedEffect(name, true) : { kind: 'reply', command, output: { name } },
  ]),
  answered: remember(() => ({ command: null, removal: null })),
  /** Keeps the loss of the file: the next daemon tries the removal again. */
  failedToGo: remember(({ context: { removal } }) => ({
    command: null,
    removal: removal?.by === 'loss' ? removal : null,
  })),
  replyFailed: decide(({ context, event }) => {
    const { name, command, removal } = context;
    const why = removalFault(context, event);
    return [removal?.by === 'prune' ? prunedEffect(name, false, why) : { kind: 'reply', command, fault: why }];
  }),
  answerUnpruned: decide(({ context: { name } }) => [prunedEffect(name, false)]),
  refuseInUse: decide(({ context, event }) => [
    { kind: 'reply', command: commandOf(event), fault: inUseFault(context) },
  ]),
  refuseBusy: decide(({ context: { name }, event }) => [
    { kind: 'reply', command: commandOf(event), fault: busyFault(name) },
  ]),
};

export const removalGuards = {
  isLost: ({ context }: Given) => context.removal?.by === 'loss',
  isPruned: ({ context }: Given) => context.removal?.by === 'prune',
  isLastOfReplaced: ({ context, event }: Given) =>
    context.successor !== null && event.type === 'lease.release' && !hasMembers(context, event.container),
  /** Starts the removal only once: after a failure, the next daemon tries it again. */
  isSucceeded: ({ context }: Given) => context.successor !== null && context.removal === null && !hasMembers(context),
  isLeftOfReplaced: ({ context }: Given) => context.successor !== null && !hasMembers(context),
  /** All members are leaving. */
  isBeingLeft: ({ context }: Given) => !isKept(context),
  isBeingLeftOrForced: ({ context, event }: Given) =>
    (event.type === 'network.remove' && event.force) || !isKept(context),
  isEmpty: ({ context }: Given) => Object.keys(context.leases).length === 0,
  isRefusedByAll: ({ context }: Given) => isRefusedByAll(context),
  isWaitOver: ({ context, event }: Given) => isWaitOver(context, event),
  isLossOver: ({ context, event }: Given) => context.removal?.by === 'loss' && isWaitOver(context, event),
  isLower: resultOf('lower'),
  isLowerForFile: ({ context, event }: Given) => isResultOf(event, 'lower') && context.successor !== null,
  isLowerForBrought: ({ context, event }: Given) =>
    isResultOf(event, 'lower') && context.waiting.some((request) => request.definition),
  isLowerOfDefault: ({ context: { successor, waiting }, event }: Given) =>
    isResultOf(event, 'lower') && successor === null && waiting.some(isOfDefault) && !waiting[0]?.definition,
};
