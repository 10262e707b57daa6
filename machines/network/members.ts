import { assertEvent } from 'xstate';
import { withoutEntry } from '../../src/core/ledger.ts';
import { isBroughtNetwork } from '../../src/core/network/identity.ts';
import { wasRebooted } from '../decisions.ts';
import { definitionOf, type NetworkContext, wantsOtherFirewall } from './context.ts';
import { decide, decision, type Given, remember, resolve, resultOf, unknownFault } from './decisions.ts';
import { answerTo, busyFault, decideRequests, isReplacementDue, isUsed, withMember } from './leases.ts';
import { waitPlan } from './removal.ts';

/** Members of a network: containers that join it, wait for it and leave it. */

/** Returns the context without a member, or without a container that was about to join. */
function withoutMember(context: NetworkContext, container: string): Partial<NetworkContext> {
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

export const memberActions = {
  /** Queues a request. A member that asks again stays a member. */
  wait: remember(({ context: { waiting, leaving }, event }) => {
    assertEvent(event, 'lease.request');
    const isBack = leaving.includes(event.container);
    return {
      waiting: [...waiting, event],
      ...(isBack && { leaving: leaving.filter((id) => id !== event.container) }),
    };
  }),
  /** Grants waiting requests, unless the first one needs other rules: then all wait for these. */
  grantWaiting: decision(({ context }) => {
    if (context.lastFault !== null || wantsOtherFirewall(context)) return {};
    const { waiting, held, onLoopback, device } = context;
    const { ledger, effects, ...decided } = decideRequests(context, [
      ...held.map(({ request }) => request),
      ...waiting,
    ]);
    // the container's plan will open it
    const routesLoopback = device?.routesLoopback || ledger.onLoopback.length > onLoopback.length;
    const granted = { ...ledger, waiting: [], held: decided.held, device: device && { ...device, routesLoopback } };
    const isNew = decided.held.some(({ request }) => waiting.includes(request));
    if (!isNew || isReplacementDue(granted)) return { context: granted, effects };
    return {
      context: { ...granted, waitsUntil: null },
      effects: [...effects, { kind: 'apply', plan: waitPlan(context, null) }],
    };
  }),
  keepWait: remember(({ event }) => {
    assertEvent(event, 'steps.applied');
    return { waitsUntil: event.outputs.find(({ deadlineAt }) => deadlineAt)?.deadlineAt ?? null };
  }),
  /** Continues a wait in the next daemon. A wait without a deadline gets one by its plan. */
  waitOn: decide(({ context }) =>
    context.waitsUntil === null || (context.held.length === 0 && context.removal === null)
      ? []
      : [{ kind: 'apply', plan: waitPlan(context, context.waitsUntil) }],
  ),
  /** Refuses held requests: the leaving members have not left in time. */
  refuseHeld: decision(({ context: { held } }) => ({
    context: { held: [], waitsUntil: null },
    effects: held.map(({ request, fault: why }) => answerTo(request, { fault: why })),
  })),
  /** Queues held requests for the network that follows this one. */
  queueHeld: remember(({ context: { held, waiting } }) => ({
    waiting: [...held.map(({ request }) => request), ...waiting],
    held: [],
  })),
  refuseWaiting: resolve(['steps.failed', 'forwarding.refused', 'subnet.refused'], (context, event) => {
    const { fault } = event;
    // the containers did not ask for a subnet
    const buildFault = { ...fault, message: `network ${context.name} cannot be built: ${fault.message}` };
    const why = event.type === 'subnet.refused' ? buildFault : fault;
    return { context: { waiting: [] }, effects: context.waiting.map((request) => answerTo(request, { fault: why })) };
  }),
  /** Refuses requests that wait for a following network, because none follows. */
  refuseRest: decision(({ context: { name, waiting } }) => ({
    context: { waiting: [] },
    effects: waiting.map((request) => answerTo(request, { fault: unknownFault(name) })),
  })),
  refuseLease: decide(({ context, event }) => {
    assertEvent(event, 'lease.request');
    return [answerTo(event, { fault: unknownFault(context.name) })];
  }),
  refuseLeaseBusy: decide(({ context: { name }, event }) => {
    assertEvent(event, 'lease.request');
    return [answerTo(event, { fault: busyFault(name) })];
  }),
  noteLeaving: remember(({ context, event }) => {
    assertEvent(event, 'lease.leaving');
    const { leases, leaving, waiting, held } = context;
    const { container } = event;
    return {
      waiting: waiting.filter((request) => request.container !== container),
      held: held.filter(({ request }) => request.container !== container),
      ...(Object.hasOwn(leases, container) && { leaving: withMember(leaving, container, true) }),
    };
  }),
  release: remember(({ context, event }) => {
    assertEvent(event, 'lease.release');
    return withoutMember(context, event.container);
  }),
  notePorts: remember(({ context: { onLoopback, device, leases }, event }) => {
    assertEvent(event, 'lease.ports');
    // the container may have left meanwhile
    if (!Object.hasOwn(leases, event.container)) return {};
    const routesLoopback = event.onLoopback || (device?.routesLoopback ?? false);
    return {
      onLoopback: withMember(onLoopback, event.container, event.onLoopback),
      device: device && { ...device, routesLoopback },
    };
  }),
  /** Forgets members at a reboot, after which the daemon reports all files again. */
  forgetLeases: remember(() => ({ leases: {}, onLoopback: [], leaving: [], waiting: [], held: [], successor: null })),
};

export const memberGuards = {
  hasWaiting: ({ context }: Given) => context.waiting.length > 0,
  hasHeld: ({ context }: Given) => context.held.length > 0,
  bringsDefinition: ({ event }: Given) => event.type === 'lease.request' && event.definition !== undefined,
  isReplaced: ({ context, event }: Given) =>
    event.type === 'lease.request' &&
    event.definition !== undefined &&
    !isUsed(context, event.container) &&
    !isBroughtNetwork(definitionOf(context), event.definition),
  isReplacedByHeld: ({ context }: Given) => isReplacementDue(context),
  isWait: resultOf('await-leaving'),
  wasRebooted,
};
