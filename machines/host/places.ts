import { networkAddress } from '../../src/core/actor-address.ts';
import { placeClashes, type SubnetLedger } from '../../src/core/claims.ts';
import { entryOf } from '../../src/core/entry.ts';
import { type Fault, fault } from '../../src/core/fault.ts';
import type { Clash, LinkUse, NetworkPlace } from '../../src/core/network/check.ts';
import type { Effect } from '../effect.ts';
import type { ForwardingClaim, HostContext, PlaceClaim } from './context.ts';
import { andThen, decide, type EventOf, resolve, type Turn } from './decisions.ts';
import * as forwarding from './forwarding.ts';
import { type Obstacle, waitingClaims } from './waiting-claims.ts';

/** Places of networks in the kernel: no two networks share a bridge or have overlapping subnets. */

export const placeClaims = waitingClaims<PlaceClaim>({
  claimantOf: ({ network }) => networkAddress(network),
  waitingIn: ({ deferred }) => deferred,
  withWaiting: (context, deferred) => ({ ...context, deferred }),
  obstacleTo,
  grant,
  refuse,
});

/** Decides a claim. It ends the leaving of its network, and may take another place: waiting claims are decided again. */
const claim = (context: HostContext, event: ForwardingClaim): Turn =>
  andThen(placeClaims.claim(context, { ...event, asked: [] }), placeClaims.decideWaiting);

/**
 * Returns what is in the way of a claim. A clash with a network that stays cannot be waited for; one with networks that are being left
 * can. A network that an engine brings waits for all: each that is not known to leave is asked, once, because its engine may have
 * removed it. A network also waits for another one that is leaving the bridge they share (VLANs), because the bridge may go with that
 * one; its claim is granted at the deadline.
 */
function obstacleTo(context: HostContext, claim: PlaceClaim): Obstacle<PlaceClaim> | null {
  const { clash, lasting } = clashOf(context, claim);
  if (!clash) return isBeingLeft(context, claim) ? { fault: null, wait: { claim, effects: [] } } : null;
  const why = faultOf(claim, clash);
  if (lasting.length > 0 && !claim.isBrought) return { fault: why, wait: null };
  const { asked } = claim;
  const unasked = lasting.map(({ network }) => network).filter((network) => !asked.includes(network));
  const effects = unasked.map((network) => forwarding.tell(network, { type: 'place.asked' }));
  return { fault: why, wait: { claim: { ...claim, asked: [...asked, ...unasked] }, effects } };
}

function grant(context: HostContext, claim: ForwardingClaim): Turn {
  const { context: granted, effects } = forwarding.claim(context, claim);
  return { context: { ...context, ...granted, networks: withPlace(context.networks, claim.place) }, effects };
}

/** Returns the clash that decides, one with a network that stays before one with a leaving network, and all of the former. */
function clashOf(context: HostContext, { network, place, isBrought = false }: ForwardingClaim) {
  const isHeld = Object.hasOwn(context.claims, network);
  const clashes = place && !isHeld ? clashesWith(context, place, isBrought) : [];
  const lasting = clashes.filter((clash) => !entryOf(context.claims, clash.network)?.isLeaving);
  return { clash: lasting[0] ?? clashes[0] ?? null, lasting };
}

function refuse({ network }: ForwardingClaim, why: Fault): Effect<'host'> {
  return forwarding.tell(network, { type: 'forwarding.refused', fault: why });
}

const faultOf = ({ network }: ForwardingClaim, { code, message }: Clash): Fault =>
  fault(code, `network ${network}: ${message}`);

/**
 * Notes that a network is leaving, also one that is only defined: a network that an engine brings must find its place free. If it
 * stays after all, it is asked again.
 */
function leave(context: HostContext, { network }: EventOf<'forwarding.leave'>): Turn {
  const held = entryOf(context.claims, network) ?? { families: [], granted: true };
  const left = placeClaims.drop(context, networkAddress(network));
  const deferred = left.deferred.map((claim) => ({
    ...claim,
    asked: claim.asked.filter((other) => other !== network),
  }));
  return {
    context: { ...left, claims: { ...context.claims, [network]: { ...held, isLeaving: true } }, deferred },
    effects: [],
  };
}

/** Refuses the waiting claims for which a network was asked that stays. Others may find a place free that it has left. */
function keep(context: HostContext, { network }: EventOf<'place.kept'>): Turn {
  const { deferred } = context;
  const refusals = deferred.flatMap((claim) => {
    const clash = claim.asked.includes(network)
      ? clashOf(context, claim).lasting.find((one) => one.network === network)
      : undefined;
    return clash ? [{ claim, clash }] : [];
  });
  const refused = refusals.map(({ claim }) => claim);
  const left = { ...context, deferred: deferred.filter((claim) => !refused.includes(claim)) };
  const effects = refusals.map(({ claim, clash }) => refuse(claim, faultOf(claim, clash)));
  return andThen({ context: left, effects }, placeClaims.decideWaiting);
}

/** Releases a claim; claims that waited for it are decided again. */
function release(context: HostContext, event: EventOf<'forwarding.release'>): Turn {
  const { context: released, effects } = forwarding.release(context, event);
  const left = placeClaims.drop({ ...context, ...released }, networkAddress(event.network));
  const suspicions = suspectSharers(context, event.network);
  return andThen({ context: left, effects: [...effects, ...suspicions] }, placeClaims.decideWaiting);
}

/**
 * Lets networks verify the bridge that another one has left: it stays while they use it, but some of its settings and elements were
 * those of the other network, too.
 */
export const suspectSharers = (context: HostContext, network: string): Effect<'host'>[] =>
  sharersOf(context, network, entryOf(context.networks, network)).map((other) =>
    forwarding.tell(other, { type: 'drift.suspected' }),
  );

/** Lists other networks of the same bridge, which netloom makes, that are in the kernel, or about to be there or to leave. */
function sharersOf(
  { networks, claims }: HostContext,
  network: string,
  place: { bridge: string | null; use?: LinkUse } | undefined,
): string[] {
  if (!place || !isOwner(place)) return [];
  return Object.keys(claims).filter((other) => {
    const shared = entryOf(networks, other);
    return other !== network && shared && isOwner(shared) && shared.bridge === place.bridge;
  });
}

const isOwner = ({ use }: { use?: LinkUse }): boolean => use === 'alone' || use === 'vlan';

/** Checks whether a network that shares the claim's bridge is leaving it. */
function isBeingLeft(context: HostContext, { network, place }: ForwardingClaim): boolean {
  const isHeld = Object.hasOwn(context.claims, network);
  return !isHeld && sharersOf(context, network, place).some((other) => entryOf(context.claims, other)?.isLeaving);
}

export const placeActions = {
  claimForwarding: resolve('forwarding.claim', claim),
  releaseForwarding: resolve('forwarding.release', release),
  refuseForKept: resolve('place.kept', keep),
  noteLeaving: resolve('forwarding.leave', leave),
  keepPlaceDeadline: placeClaims.keepDeadline,
  refuseDeferred: placeClaims.giveUp,
  deferAgain: decide(({ context }) => placeClaims.setDeadlines(context)),
};

export const placeGuards = {
  isWaitForPlace: placeClaims.isWait,
  isPlaceDeadline: placeClaims.isDeadline,
};

/** Lists clashes. A defined network keeps its place while another one uses it; one that an engine brings must find it free. */
function clashesWith({ networks, claims }: HostContext, place: NetworkPlace, isBrought: boolean): Clash[] {
  return placeClashes(networks, place, (network) => isBrought || Object.hasOwn(claims, network));
}

function withPlace(networks: SubnetLedger, place: NetworkPlace | undefined): SubnetLedger {
  if (!place) return networks;
  const { network, bridge, use, subnets } = place;
  const sharesLink = use === 'port' || use === 'upon';
  return { ...networks, [network]: { bridge, sharesLink, use, subnets: [...subnets] } };
}
