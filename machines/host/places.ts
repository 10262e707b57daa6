import { placeClashes, type SubnetLedger } from '../../src/core/claims.ts';
import { entryOf } from '../../src/core/entry.ts';
import type { HostEvent } from '../../src/core/event.ts';
import { fault } from '../../src/core/fault.ts';
import type { Clash, NetworkPlace } from '../../src/core/network/check.ts';
import type { ForwardingClaim, ForwardingContext } from './context.ts';
import * as forwarding from './forwarding.ts';

/** Which networks can be in the kernel beside each other: no two of them have one bridge, or overlapping subnets. */

type PlacesContext = ForwardingContext & { networks: SubnetLedger };
type Decision = forwarding.Decision<PlacesContext>;

/** Refuses a network that cannot be beside the others; one that cannot be beside those that are going waits for them. */
export function claim(context: PlacesContext, event: ForwardingClaim): Decision {
  const { network, place } = event;
  const isHeld = Object.hasOwn(context.claims, network);
  const clashes = place && !isHeld ? clashesWith(context, place, event.isBrought ?? false) : [];
  const lasting = clashes.find((clash) => !entryOf(context.claims, clash.network)?.isLeaving);
  if (lasting) {
    const refusal = fault(lasting.code, `network ${network}: ${lasting.message}`);
    return { context, effects: [forwarding.tell(network, { type: 'forwarding.refused', fault: refusal })] };
  }
  if (clashes.length > 0)
    return { context: { ...context, deferred: [...(context.deferred ?? []), event] }, effects: [] };
  const granted = forwarding.claim(context, event);
  return { ...granted, context: { ...context, ...granted.context, networks: withPlace(context.networks, place) } };
}

export function leave(context: PlacesContext, { network }: Extract<HostEvent, { type: 'forwarding.leave' }>): Decision {
  const held = entryOf(context.claims, network);
  const deferred = withoutClaim(context, network);
  const claims = held ? { ...context.claims, [network]: { ...held, isLeaving: true } } : context.claims;
  return { context: { ...context, claims, deferred }, effects: [] };
}

/** Those that waited for it are looked at again. */
export function release(context: PlacesContext, event: Extract<HostEvent, { type: 'forwarding.release' }>): Decision {
  const waiting = withoutClaim(context, event.network);
  const released = forwarding.release(context, event);
  const start: Decision = { ...released, context: { ...context, ...released.context, deferred: [] } };
  return waiting.reduce((before, deferred) => {
    const { context: after, effects } = claim(before.context, deferred);
    return { context: after, effects: [...before.effects, ...effects] };
  }, start);
}

const withoutClaim = ({ deferred = [] }: PlacesContext, network: string): ForwardingClaim[] =>
  deferred.filter((one) => one.network !== network);

/** A network that is defined keeps its place while another one is in it; one that is brought must find it free. */
function clashesWith({ networks, claims }: PlacesContext, place: NetworkPlace, isBrought: boolean): Clash[] {
  return placeClashes(networks, place, (network) => isBrought || Object.hasOwn(claims, network));
}

function withPlace(networks: SubnetLedger, place: NetworkPlace | undefined): SubnetLedger {
  if (!place) return networks;
  const { network, bridge, use, subnets } = place;
  const sharesLink = use === 'port' || use === 'upon';
  return { ...networks, [network]: { bridge, sharesLink, use, subnets: [...subnets] } };
}
