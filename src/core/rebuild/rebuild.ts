import { actorName, containerAddress, isOfKind, networkAddress } from '../actor-address.ts';
import { parseSubnet, subnetContains, withoutPrefixLength } from '../address.ts';
import type { Attachment } from '../container/attachments.ts';
import { idAlias } from '../container/reference.ts';
import type { ContainerWish } from '../container/wish.ts';
import type { Element } from '../firewall/nft.ts';
import type { NetworkDefinition } from '../network/definition.ts';
import {
  hostEndName,
  isCut,
  networkOfPort,
  type OwnerMark,
  ownerMark,
  ownerNamed,
  ownerOfAlias,
} from '../object-names.ts';
import type { Evidence, FoundHostLink, FoundInterface, FoundNamespace } from './evidence.ts';
import { broughtNetwork } from './networks.ts';
import { publishedBy } from './published.ts';
import type { Remembered } from './remembered.ts';

/** A container that lives in the kernel, with a wish that leads to what is there. */
export interface FoundContainer {
  wish: ContainerWish;
  /** of its namespace; null: that was not found, or nothing of it is left */
  inode: number | null;
}

/** What is known of the daemon before, besides the kernel. */
export interface Former {
  /** what could still be read of containers, by ID */
  wishes: ReadonlyMap<string, Remembered>;
  /** a daemon has used the run directory: only then may a namespace without a pin be one of its containers' */
  hasLived: boolean;
}

/**
 * Finds the containers that live in the kernel. Pins, aliases of links and comments of elements name the owners; the elements that guard a
 * bridge, or else the interfaces in the namespace, show the addresses. A container's names, DNS servers and labels are not in the
 * kernel, unless its record could be read from the damaged journal.
 */
export function rebuild(
  evidence: Evidence,
  definitions: readonly NetworkDefinition[],
  { wishes, hasLived }: Former,
): FoundContainer[] {
  const isAnothers = anotherDaemons(evidence, hasLived);
  const marks = [
    ...evidence.namespaces.map(({ owner, isOurs }) => (isOurs ? owner : null)),
    ...evidence.links.map(({ alias }) => (alias === null ? null : ownerOfAlias(alias))),
    ...evidence.elements.map(({ owner }) => (owner === null ? null : ownerNamed(owner))),
  ];
  const owners = new Set(
    marks.flatMap((mark) => (mark !== null && isOfKind(mark, 'container') && !isAnothers(mark) ? [mark] : [])),
  );
  // a name that is cut stands for itself: it has the same mark, so nothing of it is given to others or removed
  const known = new Map([...wishes.keys()].map((id) => [ownerMark(containerAddress(id)), id]));
  const found = [...owners].map((owner) => {
    const id = known.get(owner) ?? actorName(owner);
    return foundContainer(id, owner, evidence, definitions, wishes.get(id) ?? null);
  });
  // a network that is raised for a container with ports routes loopback addresses at once
  const publishing = ({ wish }: FoundContainer) => Number(wish.ports.length > 0);
  return found.toSorted((one, other) => publishing(other) - publishing(one));
}

/**
 * Returns whether a container is another daemon's, which has the same kernel and another run directory: it is pinned elsewhere, or this
 * daemon has no past, and the container has no pin here.
 */
function anotherDaemons({ namespaces }: Evidence, hasLived: boolean): (owner: OwnerMark) => boolean {
  // namespaces that no link of this host leads into are those of other hosts: of containers' containers, for example
  const isHere = ({ isOurs, interfaces }: FoundNamespace) =>
    isOurs || interfaces.some(({ hostIndex }) => hostIndex !== null);
  const pinnedBy = (isOurs: boolean) =>
    new Set(
      namespaces.filter(isHere).flatMap((one) => (one.owner !== null && one.isOurs === isOurs ? [one.owner] : [])),
    );
  const [ours, others] = [pinnedBy(true), pinnedBy(false)];
  return (owner) => !ours.has(owner) && (others.has(owner) || !hasLived);
}

function foundContainer(
  id: string,
  owner: OwnerMark,
  evidence: Evidence,
  definitions: readonly NetworkDefinition[],
  known: Remembered | null,
): FoundContainer {
  const hostEnds = evidence.links.filter(({ alias }) => alias !== null && ownerOfAlias(alias) === owner);
  const namespace = namespaceOf(owner, hostEnds, evidence);
  const attachments = interfacesOf(owner, hostEnds, namespace, evidence, definitions).map((one, slot) =>
    attachmentOf(id, one, slot, known),
  );
  const isForeign = namespace !== null && namespace.owner !== owner;
  const wish: ContainerWish = {
    id,
    name: known?.name ?? id,
    networkName: known?.networkName ?? id,
    ...(known?.hostName && { hostName: known.hostName }),
    mode: isForeign ? `ns:${namespace.path}` : attachments.length > 0 || namespace === null ? 'bridge' : 'none',
    netns: isForeign ? { kind: 'path', path: namespace.path } : { kind: 'create' },
    attachments,
    ports: publishedBy(owner, evidence.elements, evidence.boundPorts),
    dnsServers: known?.dnsServers ?? [],
    removeOnExit: known?.removeOnExit ?? false,
    ...(known?.labels && { labels: known.labels }),
    ...(known?.owner && { owner: known.owner }),
  };
  return { wish, inode: namespace?.inode ?? null };
}

/** Its own pin, or the namespace that one of its veths leads into. */
function namespaceOf(
  owner: OwnerMark,
  hostEnds: readonly FoundHostLink[],
  { namespaces }: Evidence,
): FoundNamespace | null {
  const indices = new Set(hostEnds.map(({ index }) => index));
  const leadsThere = ({ interfaces }: FoundNamespace) =>
    interfaces.some(({ kind, hostIndex }) => kind === 'veth' && hostIndex !== null && indices.has(hostIndex));
  return namespaces.find((one) => one.owner === owner && one.isOurs) ?? namespaces.find(leadsThere) ?? null;
}

/** An interface of a container, with its network. */
interface Interface {
  definition: NetworkDefinition;
  isFiled: boolean;
  /** null: it was not found, so only its host end is left */
  name: string | null;
  macAddress: string | null;
  addresses: string[];
  /** of a veth */
  hostEnd: string | null;
}

/** Lists the container's interfaces, in the order of their indices; those of which only the host's end is left, at the end. */
function interfacesOf(
  owner: OwnerMark,
  hostEnds: readonly FoundHostLink[],
  namespace: FoundNamespace | null,
  evidence: Evidence,
  definitions: readonly NetworkDefinition[],
): Interface[] {
  const inside = namespace?.interfaces ?? [];
  const byHostEnd = new Map(inside.map((one) => [one.kind === 'veth' ? one.hostIndex : null, one]));
  const rest = hostEnds.filter(({ index }) => !byHostEnd.has(index));
  const ends = new Map(hostEnds.map((end) => [end.index, end]));
  const within = inside.flatMap((one) => {
    const hostEnd = one.hostIndex === null ? undefined : ends.get(one.hostIndex);
    if (one.kind === 'veth') return hostEnd ? (vethOf(owner, hostEnd, one, evidence, definitions) ?? []) : [];
    // another container may have brought the namespace
    return namespace?.owner === owner ? (uponParent(one, evidence, definitions) ?? []) : [];
  });
  return [...within, ...rest.flatMap((end) => vethOf(owner, end, null, evidence, definitions) ?? [])];
}

/** null: its network is not known any more */
function vethOf(
  owner: OwnerMark,
  hostEnd: FoundHostLink,
  inside: FoundInterface | null,
  { links, elements }: Evidence,
  definitions: readonly NetworkDefinition[],
): Interface | null {
  const mark = hostEnd.alias === null ? null : networkOfPort(hostEnd.alias);
  if (mark === null) return null;
  const filed = definitions.find(({ name }) => ownerMark(networkAddress(name)) === mark);
  const bridge = links.find(({ index }) => index === hostEnd.masterIndex);
  const definition = filed ?? (bridge && !isCut(mark) ? broughtNetwork(actorName(mark), bridge, elements) : null);
  if (!definition) return null;
  const leased = leasedBy(owner, hostEnd.name, elements);
  return {
    definition,
    isFiled: filed !== undefined,
    name: inside?.name ?? null,
    macAddress: leased.macAddress ?? inside?.macAddress ?? null,
    addresses: addressesOn(definition, leased.addresses ?? inside?.addresses ?? []),
    hostEnd: hostEnd.name,
  };
}

/** Returns what a guarded bridge accepts from a veth, which the container cannot change. null: the bridge is not guarded. */
function leasedBy(
  owner: OwnerMark,
  hostEnd: string,
  elements: readonly Element[],
): { macAddress: string | null; addresses: string[] | null } {
  const own = elements.filter((element) => element.owner === owner && element.key[0] === hostEnd);
  const macs = own.flatMap(({ set, key }) => (set === 'leased_macs' || set === 'free_macs' ? (key[1] ?? []) : []));
  const addresses = own.flatMap(({ set, key }) => (set === 'sources4' || set === 'sources6' ? (key[2] ?? []) : []));
  return { macAddress: macs[0] ?? null, addresses: addresses.length > 0 ? addresses : null };
}

/** Finds the network of a macvlan or ipvlan: one whose subnet has its address, else one upon its parent. null: another program's. */
function uponParent(
  { name, kind, macAddress, addresses, hostIndex }: FoundInterface,
  { links }: Evidence,
  definitions: readonly NetworkDefinition[],
): Interface | null {
  const parent = links.find(({ index }) => index === hostIndex);
  if (!parent) return null;
  const upon = definitions.filter(
    ({ driver, network_interface }) =>
      driver === kind && (network_interface === null || network_interface === parent.name),
  );
  const definition =
    upon.find((one) => addressesOn(one, addresses).length > 0) ?? upon.find(({ subnets }) => subnets.length === 0);
  if (!definition) return null;
  const given = addressesOn(definition, addresses);
  return { definition, isFiled: true, name, macAddress, addresses: given, hostEnd: null };
}

/** Lists the addresses that the network has given, without prefixes; others came from elsewhere, as by router advertisements. */
function addressesOn({ subnets, ipam_options }: NetworkDefinition, addresses: readonly string[]): string[] {
  if (ipam_options.driver !== 'host-local') return [];
  const ranges = subnets.flatMap(({ subnet }) => parseSubnet(subnet) ?? []);
  return addresses.map(withoutPrefixLength).filter((address) => ranges.some((range) => subnetContains(range, address)));
}

function attachmentOf(id: string, one: Interface, slot: number, known: Remembered | null): Attachment {
  const { name: network } = one.definition;
  const before = known?.attachments.find((attachment) => attachment.network === network);
  const isNamed = one.hostEnd !== null && one.hostEnd !== hostEndName(id, { network });
  return {
    network,
    slot: before?.slot ?? slot,
    interfaceName: one.name ?? `eth${slot}`,
    ...(isNamed && one.hostEnd !== null && { hostInterfaceName: one.hostEnd }),
    staticIps: one.addresses,
    staticMac: one.macAddress,
    aliases: before?.aliases ?? [idAlias(id)],
    ...(!one.isFiled && { definition: one.definition }),
  };
}
