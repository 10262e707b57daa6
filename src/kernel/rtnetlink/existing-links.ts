import * as native from '#native';
import { isLinkLocal6, withoutPrefixLength } from '../../core/address.ts';
import { SystemError } from '../../core/fault.ts';
import { networkOfPort, ownerOfAlias, vethGroup } from '../../core/object-names.ts';
import { type SettingDrift, settingDrift } from '../../core/plan/interface-settings.ts';
import type { MadeBridge } from '../../core/steps/link.ts';
import type { Step } from '../../core/steps/step.ts';
import { attempt } from '../system-fault.ts';
import type { RtnetlinkStep } from './requests.ts';

/** Checks whether the link is as the step would make it: setting it again would notify every program that watches links. */
export function isSet(socket: native.RouteSocket, step: RtnetlinkStep): boolean {
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

/** Checks whether the link that the step would remove stays: another link has the name by now, or other networks use it. */
export function isSpared(socket: native.RouteSocket, step: RtnetlinkStep): boolean {
  if (step.verb !== 'link.cut' && step.verb !== 'link.delete') return false;
  const bridge = step.verb === 'link.delete' ? step.bridge : undefined;
  if (step.alias === undefined && bridge === undefined) return false;
  const link = native.linkByName(socket, step.name);
  if (!link) return false;
  if (step.alias !== undefined && !isNamed(link, step.alias)) return true;
  return bridge !== undefined && (!isMade(link, bridge) || isUsed(socket, link, bridge));
}

/** Checks whether netloom made the bridge, for that network. */
function isMade(
  { macAddress, alias }: native.LinkInfo,
  { macAddresses, network, shared = false }: MadeBridge,
): boolean {
  const owner = alias === null ? null : ownerOfAlias(alias);
  return macAddresses.includes(macAddress ?? '') && (shared || network === null || owner === null || owner === network);
}

/** Checks whether other networks use the bridge. */
function isUsed(
  socket: native.RouteSocket,
  { index }: native.LinkInfo,
  { network, shared = false }: MadeBridge,
): boolean {
  const networks = native
    .listLinks(socket)
    .flatMap(({ masterIndex, alias }) => (masterIndex === index && alias !== null ? (networkOfPort(alias) ?? []) : []));
  if (networks.some((one) => one !== network)) return true;
  const isGiven = ({ linkIndex, address }: native.AddressInfo) =>
    linkIndex === index && !isLinkLocal6(withoutPrefixLength(address));
  return shared && native.listAddresses(socket).some(isGiven);
}

/** Checks whether the link is netloom's: on an unfinished veth only the group shows it. */
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
export function driftOf(socket: native.RouteSocket, step: RtnetlinkStep): SettingDrift[] {
  if (step.verb !== 'link.set' || !step.ipv4) return [];
  const found = native.linkByName(socket, step.name)?.ipv4Configuration ?? null;
  return settingDrift(step.name, 4, step.ipv4, found);
}

/** Compares an existing link of that name with the step's: if it differs, it is foreign or a former one. */
export function verifyExisting(
  socket: native.RouteSocket,
  step: RtnetlinkStep,
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

/** Checks that a link, which is in another namespace than its parent, is on that parent. */
function verifyUpon(
  socket: native.RouteSocket,
  step: Extract<RtnetlinkStep, { verb: 'link.macvlan' | 'link.ipvlan' }>,
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

/** Checks whether a veth's other end is the link of that name in that namespace. */
function leadsTo(end: native.LinkInfo, peer: { netns: string; name: string }): boolean {
  const inside = native.openRouteSocket(peer.netns);
  try {
    return native.linkByName(inside, peer.name)?.index === end.peerIndex;
  } finally {
    inside.close();
  }
}
