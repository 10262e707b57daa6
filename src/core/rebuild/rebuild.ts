import { actorName, containerAddress, isOfKind, networkAddress } from '../actor-address.ts';
import { parseSubnet, subnetContains } from '../address.ts';
import type { Attachment } from '../container/attachments.ts';
import { idAlias } from '../container/reference.ts';
import type { ContainerWish } from '../container/wish.ts';
import type { NetworkDefinition } from '../network/definition.ts';
import { hostEndName, isCut, networkOfPort, type OwnerMark, ownerMark, ownerOfAlias } from '../object-names.ts';
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

/** What was found out. */
export interface Rebuilt {
  containers: FoundContainer[];
  /** owners of objects that could not be assigned: a name that is cut and matches none */
  unknown: OwnerMark[];
}

/**
 * Finds the containers that live in the kernel. Pins, aliases of links and comments of elements name the owners, and the interfaces in the
 * namespaces show the rest: networks, addresses, MAC addresses. A container's names, DNS servers and labels are not in the kernel, unless
 * its wish could be read from the damaged journal.
 */
export function rebuild(
  evidence: Evidence,
  definitions: readonly NetworkDefinition[],
  { wishes, hasLived }: Former,
): Rebuilt {
  const isAnothers = anotherDaemons(evidence, hasLived);
  const owners = new Set(
    [
      ...evidence.namespaces.map(({ owner }) => owner),
      ...evidence.links.map(({ alias }) => (alias === null ? null : ownerOfAlias(alias))),
      ...evidence.elements.map(({ owner }) => owner as OwnerMark | null),
    ].flatMap((owner) => (owner !== null && isOfKind(owner, 'container') && !isAnothers(owner) ? [owner] : [])),
  );
  const known = new Map([...wishes.keys()].map((id) => [ownerMark(containerAddress(id)), id]));
  const nameOf = (owner: OwnerMark) => known.get(owner) ?? (isCut(owner) ? null : actorName(owner));
  const unknown = [...owners].filter((owner) => nameOf(owner) === null);
  const containers = [...owners].flatMap((owner) => {
    const id = nameOf(owner);
    return id === null ? [] : [foundContainer(id, owner, evidence, definitions, wishes.get(id) ?? null)];
  });
  // a network that is raised for a container with ports routes loopback addresses at once
  const publishing = (container: FoundContainer) => Number(container.wish.ports.length > 0);
  return { containers: containers.toSorted((one, other) => publishing(other) - publishing(one)), unknown };
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
  const attachments = (namespace?.interfaces ?? []).flatMap((inside, slot) => {
    const network = networkOf(inside, evidence, definitions);
    return network ? [attachmentOf(id, inside, slot, network, evidence, known)] : [];
  });
  const isForeign = namespace !== null && namespace.owner === null;
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

/**
 * Returns whether a container is another daemon's, which has the same kernel and another run directory: it is pinned elsewhere, or this
 * daemon has no past, and the container has no pin here.
 */
function anotherDaemons({ namespaces }: Evidence, hasLived: boolean): (owner: OwnerMark) => boolean {
  const pinnedBy = (isOurs: boolean) =>
    new Set(namespaces.flatMap((one) => (one.owner !== null && one.isOurs === isOurs ? [one.owner] : [])));
  const [ours, others] = [pinnedBy(true), pinnedBy(false)];
  return (owner) => !ours.has(owner) && (others.has(owner) || !hasLived);
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
  return (
    namespaces.find((one) => one.owner === owner && one.isOurs) ??
    namespaces.find((one) => one.owner === null && leadsThere(one)) ??
    null
  );
}

interface FoundNetwork {
  definition: NetworkDefinition;
  isFiled: boolean;
}

/** Finds the network that an interface belongs to; null: another program made it. */
function networkOf(
  inside: FoundInterface,
  { links, elements }: Evidence,
  definitions: readonly NetworkDefinition[],
): FoundNetwork | null {
  const beside = links.find(({ index }) => index === inside.hostIndex);
  if (!beside) return null;
  if (inside.kind !== 'veth') {
    const upon = definitions.find((one) => isUpon(one, inside, beside));
    return upon ? { definition: upon, isFiled: true } : null;
  }
  const mark = beside.alias === null ? null : networkOfPort(beside.alias);
  if (mark === null) return null;
  const filed = definitions.find(({ name }) => ownerMark(networkAddress(name)) === mark);
  if (filed) return { definition: filed, isFiled: true };
  const bridge = links.find(({ index }) => index === beside.masterIndex);
  if (isCut(mark) || !bridge) return null;
  return { definition: broughtNetwork(actorName(mark), bridge, elements), isFiled: false };
}

/** Checks whether the network's interfaces are made upon this link: its parent, and a subnet that has one of the addresses. */
function isUpon(definition: NetworkDefinition, inside: FoundInterface, parent: FoundHostLink): boolean {
  const { driver, network_interface, subnets } = definition;
  if (driver !== inside.kind || (network_interface !== null && network_interface !== parent.name)) return false;
  return subnets.length === 0 || addressesOn(definition, inside).length > 0;
}

/** Lists the addresses that the network has given; others came from elsewhere, as by router advertisements. */
function addressesOn({ subnets, ipam_options }: NetworkDefinition, { addresses }: FoundInterface): string[] {
  if (ipam_options.driver !== 'host-local') return [];
  const ranges = subnets.flatMap(({ subnet }) => parseSubnet(subnet) ?? []);
  const plain = addresses.map((address) => address.split('/')[0] ?? '');
  return plain.filter((address) => ranges.some((range) => subnetContains(range, address)));
}

function attachmentOf(
  id: string,
  inside: FoundInterface,
  slot: number,
  { definition, isFiled }: FoundNetwork,
  { links }: Evidence,
  known: Remembered | null,
): Attachment {
  const { name: network } = definition;
  const before = known?.attachments.find((attachment) => attachment.network === network);
  const hostEnd = inside.kind === 'veth' ? links.find(({ index }) => index === inside.hostIndex)?.name : undefined;
  const isNamed = hostEnd !== undefined && hostEnd !== hostEndName(id, { network });
  return {
    network,
    slot: before?.slot ?? slot,
    interfaceName: inside.name,
    ...(isNamed && { hostInterfaceName: hostEnd }),
    staticIps: addressesOn(definition, inside),
    staticMac: inside.macAddress,
    aliases: before?.aliases ?? [idAlias(id)],
    ...(!isFiled && { definition }),
  };
}
