import { networkAddress } from '../../src/core/actor-address.ts';
import type { HostEvent } from '../../src/core/actor-event.ts';
import { placeClashes, type SubnetLedger } from '../../src/core/claims.ts';
import { entryOf } from '../../src/core/entry.ts';
import { fault } from '../../src/core/fault.ts';
import type { Clash, NetworkPlace } from '../../src/core/network/check.ts';
import { awaitPlan } from '../../src/core/plan/host.ts';
import type { Effect } from '../effect.ts';
import type { DeferredClaim, ForwardingClaim, ForwardingContext, HostContext } from './context.ts';
import { claimantOf, decide, type Given, purposeOf, resolve } from './decisions.ts';
import * as forwarding from './forwarding.ts';

/** Places of networks in the kernel: no two networks share a bridge or have overlapping subnets. */

type PlacesContext = ForwardingContext & { networks: SubnetLedger };
type Decision = forwarding.Decision<PlacesContext>;

/** Decides a claim. It ends the leaving of its network, and may take another place: waiting claims are decided again. */
export function claim(context: PlacesContext, event: ForwardingClaim): Decision {
  const decided = withWait(decideClaim(context, { ...event, until: null, asked: [] }), event.network);
  return after(decided, decideDeferred(decided.context));
}

/** Adds the deadline of a claim that waits. */
function withWait(decided: Decision, network: string): Decision {
  const isWaiting = decided.context.deferred.some((one) => one.network === network);
  return isWaiting ? { ...decided, effects: [wait(network, null), ...decided.effects] } : decided;
}

/**
 * Refuses a claim that clashes with a network that stays; one that clashes only with networks that are being left waits for them. A
 * network that an engine brings waits for all: each that is not known to leave is asked, once, because its engine may have removed it.
 */
function decideClaim(context: PlacesContext, claim: DeferredClaim): Decision {
  const before = { ...context, deferred: withoutClaim(context, claim.network) };
  const { clash, lasting } = clashOf(context, claim);
  if (!clash) return grant(before, claim);
  if (lasting.length > 0 && !claim.isBrought) return { context: before, effects: [refuse(claim.network, clash)] };
  const { asked } = claim;
  const unasked = lasting.map(({ network }) => network).filter((network) => !asked.includes(network));
  const waiting = { ...claim, asked: [...asked, ...unasked] };
  return {
    context: { ...before, deferred: [...before.deferred, waiting] },
    effects: unasked.map((network) => forwarding.tell(network, { type: 'place.asked' })),
  };
}

function grant(context: PlacesContext, claim: ForwardingClaim): Decision {
  const granted = forwarding.claim(context, claim);
  return {
    ...granted,
    context: { ...context, ...granted.context, networks: withPlace(context.networks, claim.place) },
  };
}

/** Returns the clash that decides, one with a network that stays before one with a leaving network, and all of the former. */
function clashOf(context: PlacesContext, { network, place, isBrought = false }: ForwardingClaim) {
  const isHeld = Object.hasOwn(context.claims, network);
  const clashes = place && !isHeld ? clashesWith(context, place, isBrought) : [];
  const lasting = clashes.filter((clash) => !entryOf(context.claims, clash.network)?.isLeaving);
  return { clash: lasting[0] ?? clashes[0] ?? null, lasting };
}

const refuse = (network: string, { code, message }: Clash): Effect<'host'> =>
  forwarding.tell(network, { type: 'forwarding.refused', fault: fault(code, `network ${network}: ${message}`) });

const wait = (network: string, until: number | null): Effect<'host'> => ({
  kind: 'apply',
  plan: awaitPlan(networkAddress(network), until),
});

const after = (before: Decision, next: Decision): Decision => ({
  ...next,
  effects: [...before.effects, ...next.effects],
});

/** Decides waiting claims in order of arrival; a claim that still waits keeps its deadline. */
export function decideDeferred(context: PlacesContext): Decision {
  let decided: Decision = { context: { ...context, deferred: [] }, effects: [] };
  for (const claim of context.deferred) decided = after(decided, decideClaim(decided.context, claim));
  return decided;
}

/**
 * Notes that a network is leaving, also one that is only defined: a network that an engine brings must find its place free. If it
 * stays after all, it is asked again.
 */
export function leave(context: PlacesContext, { network }: Extract<HostEvent, { type: 'forwarding.leave' }>): Decision {
  const held = entryOf(context.claims, network) ?? { families: [], granted: true };
  const claims = { ...context.claims, [network]: { ...held, isLeaving: true } };
  const deferred = withoutClaim(context, network).map(({ asked, ...claim }) => ({
    ...claim,
    asked: asked.filter((other) => other !== network),
  }));
  return { context: { ...context, claims, deferred }, effects: [] };
}

/** Refuses the waiting claims for which a network was asked that stays. Others may find a place free that it has left. */
export function keep(context: PlacesContext, { network }: Extract<HostEvent, { type: 'place.kept' }>): Decision {
  const { deferred } = context;
  const refusals = deferred.flatMap((claim) => {
    const clash = claim.asked.includes(network)
      ? clashOf(context, claim).lasting.find((one) => one.network === network)
      : undefined;
    return clash ? [{ claim, clash }] : [];
  });
  const refused = refusals.map(({ claim }) => claim);
  const decided = {
    context: { ...context, deferred: deferred.filter((claim) => !refused.includes(claim)) },
    effects: refusals.map(({ claim, clash }) => refuse(claim.network, clash)),
  };
  return after(decided, decideDeferred(decided.context));
}

/** Releases a claim; claims that waited for it are decided again. */
export function release(context: PlacesContext, event: Extract<HostEvent, { type: 'forwarding.release' }>): Decision {
  const released = forwarding.release(context, event);
  const deferred = withoutClaim(context, event.network);
  return after(released as Decision, decideDeferred({ ...context, ...released.context, deferred }));
}

// ---- deadlines

/** Returns the claim of a deadline. */
function waitOf({ deferred }: PlacesContext, event: HostEvent): DeferredClaim | undefined {
  const claimant = claimantOf(event);
  return deferred.find(({ network }) => networkAddress(network) === claimant);
}

/** Refuses a claim if the other networks have not gone in time. */
function giveUp(context: HostContext, event: HostEvent): Partial<Decision> {
  const claim = waitOf(context, event);
  if (!claim) return {};
  const { clash } = clashOf(context, claim);
  const rest = { ...context, deferred: withoutClaim(context, claim.network) };
  return clash ? { context: rest, effects: [refuse(claim.network, clash)] } : grant(rest, claim);
}

export const placeActions = {
  claimForwarding: resolve('forwarding.claim', claim),
  releaseForwarding: resolve('forwarding.release', release),
  refuseForKept: resolve('place.kept', keep),
  noteLeaving: resolve('forwarding.leave', leave),
  keepPlaceDeadline: resolve('steps.applied', (context, event) => {
    const known = waitOf(context, event);
    const until = event.outputs[0]?.deadlineAt ?? null;
    const { deferred } = context;
    return { context: { deferred: deferred.map((claim) => (claim === known ? { ...claim, until } : claim)) } };
  }),
  refuseDeferred: resolve(['steps.failed', 'deadline.passed'], giveUp),
  /** Sets known deadlines again: none runs after a restart of the daemon. Unknown ones are set by their own plans. */
  deferAgain: decide(({ context: { deferred } }) =>
    deferred.flatMap(({ network, until }) => (until === null ? [] : [wait(network, until)])),
  ),
};

export const placeGuards = {
  isWaitForPlace: ({ context, event }: Given): boolean =>
    purposeOf(event, 'wait') !== null && waitOf(context, event) !== undefined,
  isPlaceDeadline: ({ context, event }: Given): boolean =>
    event.type === 'deadline.passed' && waitOf(context, event)?.until === event.at,
};

const withoutClaim = ({ deferred }: PlacesContext, network: string): DeferredClaim[] =>
  deferred.filter((one) => one.network !== network);

/** Lists clashes. A defined network keeps its place while another one uses it; one that an engine brings must find it free. */
function clashesWith({ networks, claims }: PlacesContext, place: NetworkPlace, isBrought: boolean): Clash[] {
  return placeClashes(networks, place, (network) => isBrought || Object.hasOwn(claims, network));
}

function withPlace(networks: SubnetLedger, place: NetworkPlace | undefined): SubnetLedger {
  if (!place) return networks;
  const { network, bridge, use, subnets } = place;
  const sharesLink = use === 'port' || use === 'upon';
  return { ...networks, [network]: { bridge, sharesLink, use, subnets: [...subnets] } };
}
