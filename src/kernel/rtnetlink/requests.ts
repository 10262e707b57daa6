import * as native from '#native';
import { SystemError } from '../../core/fault.ts';
import { leastMtuBytes6 } from '../../core/network/definition.ts';
import { vethGroup } from '../../core/object-names.ts';
import { type SettingDrift, settingDrift } from '../../core/plan/interface-settings.ts';
import type { AddressSteps } from '../../core/steps/address.ts';
import type { LinkSteps } from '../../core/steps/link.ts';
import type { RouteSteps } from '../../core/steps/route.ts';
import type { Step, Verb } from '../../core/steps/step.ts';
import { publicAddresses } from '../../core/uplink.ts';
import { attempt } from '../system-fault.ts';

/** Steps that are one route-netlink message each. */
export type RouteStep = Step<RouteVerb>;
type RouteVerb =
  | Exclude<keyof LinkSteps, 'link.find' | 'link.ipv6' | 'link.settle' | 'link.vacant' | 'link.gone'>
  | Exclude<keyof AddressSteps, 'address.settle' | 'address.announce'>
  | keyof RouteSteps;

interface RouteKind<V extends RouteVerb> {
  /** converts the step to the addon's form */
  request: (step: Step<V>, socket: native.RouteSocket) => native.RouteRequest;
  /** something already gone counts as success */
  takesAway?: true;
}

const routeKinds: { readonly [V in RouteVerb]: RouteKind<V> } = {
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

export const isRouteVerb = (verb: Verb): verb is RouteVerb => Object.hasOwn(routeKinds, verb);

export function requestFor<V extends RouteVerb>(socket: native.RouteSocket, step: Step<V>): native.RouteRequest {
  return routeKinds[step.verb].request(step, socket);
}

/** Whether the step removes something or sets it down. */
export const takesAway = ({ verb }: RouteStep): boolean => routeKinds[verb].takesAway ?? false;

/** Returns the MTU, read from the uplink when it is needed: uplinks come and go. */
function mtuOf(socket: native.RouteSocket, mtuBytes: number | 'uplink' | null): number | null {
  return mtuBytes === 'uplink' ? uplinkMtu(socket) : mtuBytes;
}

/** Returns the MTU for bridges that follow the uplink; null: no uplink. Not below IPv6's minimum: the host reports packets too large for the uplink. */
export function uplinkMtu(socket: native.RouteSocket): number | null {
  const link = uplink(socket);
  return link && Math.max(link.mtuBytes, leastMtuBytes6);
}

/** Returns the link for external traffic, by any route, as `ip route get <a public address>` does. */
export function uplink(socket: native.RouteSocket): native.LinkInfo | null {
  for (const address of publicAddresses) {
    const index = native.linkTowards(socket, address);
    const name = index === null ? null : native.linkName(socket, index);
    const link = name === null ? null : native.linkByName(socket, name);
    if (link && !link.loopback) return link;
  }
  return null;
}

const gone: ReadonlySet<string> = new Set(['ENODEV', 'ENOENT', 'ESRCH', 'EADDRNOTAVAIL']);

/** Returns null for success, which includes already there and already gone. */
export function settle(step: RouteStep, fault: native.SystemFault | null): native.SystemFault | null {
  if (!fault) return null;
  if (takesAway(step) && gone.has(fault.errno)) return null;
  if ((step.verb === 'address.add' || step.verb === 'route.add') && fault.errno === 'EEXIST') return null;
  return fault;
}

/** Whether the link is as the step would make it: setting it again would notify every program that watches links. */
export function isSet(socket: native.RouteSocket, step: RouteStep): boolean {
  if (step.verb !== 'link.set') return false;
  const link = native.linkByName(socket, step.name);
  if (!link) return false;
  const { up, master, hairpin, alias, group, ipv4, ipv6AddressGeneration } = step;
  const same = <Value>(wanted: Value | undefined, found: Value | null) => wanted === undefined || wanted === found;
  return (
    same(up, link.up) &&
    (master === undefined || native.linkByName(socket, master)?.index === link.masterIndex) &&
    same(hairpin, link.hairpin) &&
    same(alias, link.alias) &&
    same(group, link.group) &&
    same(ipv6AddressGeneration, link.ipv6AddressGeneration) &&
    Object.entries(ipv4 ?? {}).every(([key, value]) => same(value, link.ipv4Configuration?.[key as keyof typeof ipv4]))
  );
}

/** Whether the link that the step would remove is foreign: another link has the name by now. */
export function isOthers(socket: native.RouteSocket, step: RouteStep): boolean {
  if ((step.verb !== 'link.cut' && step.verb !== 'link.delete') || step.alias === undefined) return false;
  const link = native.linkByName(socket, step.name);
  return link !== null && !isNamed(link, step.alias);
}

/** Whether the link is netloom's: on an unfinished veth only the group shows it. */
export const isNamed = ({ alias, group }: native.LinkInfo, wanted: string): boolean =>
  alias === null ? group === vethGroup : alias === wanted;

/** Throws EEXIST if a link other than the wanted veth has the name. */
export function requireVacant(
  socket: native.RouteSocket,
  { name, peer }: Extract<Step, { verb: 'link.vacant' }>,
): void {
  const found = native.linkByName(socket, name);
  if (!found) return;
  if (found.kind !== 'veth') throw new SystemError('find link', 'EEXIST', isAnother(name, found));
  // no link leads to a namespace that does not exist yet
  const [leads] = attempt(() => leadsTo(found, peer), 'open netns');
  if (!leads) throw new SystemError('find link', 'EEXIST', leadsElsewhere(name, peer));
}

const isAnother = (name: string, found: native.LinkInfo | null): string =>
  `interface ${name} already exists but is a ${found?.kind ?? 'device'} interface`;
const leadsElsewhere = (name: string, peer: { netns: string }): string =>
  `interface ${name} already exists but does not lead to ${peer.netns}`;

/** Lists the IPv4 settings of an existing link that differ from the step's. */
export function driftOf(socket: native.RouteSocket, step: RouteStep): SettingDrift[] {
  if (step.verb !== 'link.set' || !step.ipv4) return [];
  const found = native.linkByName(socket, step.name)?.ipv4Configuration ?? null;
  return settingDrift(step.name, 4, step.ipv4, found);
}

/** Compares an existing link of that name with the step's: if it differs, it is foreign or a former one. */
export function verifyExisting(
  socket: native.RouteSocket,
  step: RouteStep,
  fault: native.SystemFault | null,
): native.SystemFault | null {
  if (fault?.errno !== 'EEXIST') return fault;
  if (step.verb === 'link.macvlan' || step.verb === 'link.ipvlan') return verifyUpon(socket, step, fault);
  if (step.verb !== 'link.veth' && step.verb !== 'link.bridge') return fault;
  const found = native.linkByName(socket, step.name);
  const wanted = step.verb === 'link.veth' ? 'veth' : 'bridge';
  if (!found && step.verb === 'link.veth')
    return { ...fault, detail: `interface ${step.peer.name} already exists in ${step.peer.netns}` };
  if (found?.kind !== wanted) return { ...fault, detail: isAnother(step.name, found) };
  if (step.verb === 'link.veth' && !leadsTo(found, step.peer))
    return { ...fault, detail: leadsElsewhere(step.name, step.peer) };
  return null;
}

/** Explains EINVAL: a link's MTU cannot exceed its parent's, and a macvlan needs Ethernet. */
export function explainParent(
  host: native.RouteSocket,
  step: RouteStep,
  fault: native.SystemFault | null,
): native.SystemFault | null {
  if (step.verb !== 'link.macvlan' && step.verb !== 'link.ipvlan') return fault;
  const parent = fault?.errno === 'EINVAL' ? native.linkByName(host, step.parent) : null;
  if (!fault || !parent) return fault;
  if (step.verb === 'link.macvlan' && (parent.macAddress === null || parent.loopback))
    return { ...fault, errno: 'EOPNOTSUPP', detail: `${parent.name} is not an Ethernet interface` };
  if (step.mtuBytes === null || step.mtuBytes <= parent.mtuBytes) return fault;
  return {
    ...fault,
    errno: 'ERANGE',
    detail: `mtu ${step.mtuBytes} exceeds the parent's MTU (${parent.mtuBytes} on ${parent.name})`,
  };
}

/** Checks that a link, which is in another namespace than its parent, is on that parent. */
function verifyUpon(
  socket: native.RouteSocket,
  step: Extract<RouteStep, { verb: 'link.macvlan' | 'link.ipvlan' }>,
  fault: native.SystemFault,
): native.SystemFault | null {
  const inside = native.openRouteSocket(step.netns);
  try {
    const found = native.linkByName(inside, step.name);
    const isUpon = found?.parentIndex === native.linkByName(socket, step.parent)?.index;
    if (found?.kind === (step.verb === 'link.macvlan' ? 'macvlan' : 'ipvlan') && isUpon) return null;
    return {
      ...fault,
      detail: `interface ${step.name} already exists in ${step.netns} and is not on ${step.parent}`,
    };
  } finally {
    inside.close();
  }
}

/** Whether a veth's other end is the link of that name in that namespace. */
function leadsTo(end: native.LinkInfo, peer: { netns: string; name: string }): boolean {
  const inside = native.openRouteSocket(peer.netns);
  try {
    return native.linkByName(inside, peer.name)?.index === end.peerIndex;
  } finally {
    inside.close();
  }
}
