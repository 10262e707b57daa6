import type * as native from '#native';
import { vethGroup } from '../../core/object-names.ts';
import type { AddressSteps } from '../../core/steps/address.ts';
import type { LinkSteps } from '../../core/steps/link.ts';
import type { RouteSteps } from '../../core/steps/route.ts';
import type { Step, Verb } from '../../core/steps/step.ts';
import { uplinkMtu } from '../links/uplink.ts';

/** Steps that are one rtnetlink message each. */
export type RtnetlinkStep = Step<RtnetlinkVerb>;
type RtnetlinkVerb =
  | Exclude<keyof LinkSteps, 'link.find' | 'link.ipv6' | 'link.settle' | 'link.vacant' | 'link.gone'>
  | Exclude<keyof AddressSteps, 'address.settle' | 'address.announce'>
  | keyof RouteSteps;

interface RequestKind<V extends RtnetlinkVerb> {
  /** converts the step to the addon's form */
  request: (step: Step<V>, socket: native.RouteSocket) => native.RouteRequest;
  /** something already gone counts as success */
  takesAway?: true;
}

const requestKinds: { readonly [V in RtnetlinkVerb]: RequestKind<V> } = {
  'link.bridge': {
    request: ({ name, macAddress, mtuBytes, vlanFiltering }, socket) => ({
      verb: 'addBridge',
      name,
      macAddress,
      mtuBytes: mtuOf(socket, mtuBytes),
      vlanFiltering: vlanFiltering ?? null,
      up: false,
    }),
  },
  'link.veth': {
    request: ({ name, macAddress, mtuBytes, peer }) => ({
      verb: 'addVeth',
      name,
      macAddress: macAddress ?? null,
      mtuBytes,
      peerName: peer.name,
      peerNetnsPath: peer.netns,
      peerMacAddress: peer.macAddress,
      // its owner is set a moment later; the group marks it as netloom's from the first notice on
      group: vethGroup,
    }),
  },
  'link.macvlan': {
    request: ({ verb: _, netns: netnsPath, ...rest }) => ({ verb: 'addMacvlan', netnsPath, ...rest }),
  },
  'link.ipvlan': {
    request: ({ verb: _, netns: netnsPath, ...rest }) => ({ verb: 'addIpvlan', netnsPath, ...rest }),
  },
  'link.set': {
    request: (step) => ({
      verb: 'setLink',
      name: step.name,
      up: step.up ?? null,
      master: step.master ?? null,
      hairpin: step.hairpin ?? null,
      bridgeVlan: step.bridgeVlan ?? null,
      alias: step.alias ?? null,
      group: step.group ?? null,
      ipv4Configuration: step.ipv4 ?? null,
      ipv6AddressGeneration: step.ipv6AddressGeneration ?? null,
    }),
  },
  'link.cut': { request: ({ name }) => ({ verb: 'setLink', name, up: false }), takesAway: true },
  'link.delete': { request: ({ name }) => ({ verb: 'deleteLink', name }), takesAway: true },
  'address.add': { request: ({ link, address }) => ({ verb: 'addAddress', link, address, noDad: true }) },
  'address.delete': { request: ({ link, address }) => ({ verb: 'deleteAddress', link, address }), takesAway: true },
  'route.add': { request: (step) => ({ verb: 'addRoute', ...wayOf(step) }) },
  'route.delete': { request: (step) => ({ verb: 'deleteRoute', ...wayOf(step) }), takesAway: true },
};

const wayOf = ({ destination, gateway, link, metric, type = 'unicast' }: Step<keyof RouteSteps>) => ({
  destination,
  gateway,
  link,
  metric,
  type,
});

export const isRtnetlinkVerb = (verb: Verb): verb is RtnetlinkVerb => Object.hasOwn(requestKinds, verb);

export function requestFor<V extends RtnetlinkVerb>(socket: native.RouteSocket, step: Step<V>): native.RouteRequest {
  return requestKinds[step.verb].request(step, socket);
}

/** Checks whether the step removes something or sets it down. */
export const takesAway = ({ verb }: RtnetlinkStep): boolean => requestKinds[verb].takesAway ?? false;

/** Returns the MTU, read from the uplink when it is needed: uplinks come and go. */
function mtuOf(socket: native.RouteSocket, mtuBytes: number | 'uplink' | null): number | null {
  return mtuBytes === 'uplink' ? uplinkMtu(socket) : mtuBytes;
}
