import { createHash } from 'node:crypto';
import { type ActorAddress, actorKind, actorName, containerAddress, networkAddress } from './actor-address.ts';

/**
 * Names in the kernel are derived from ids, so that undo needs no memory and a leftover shows whose it was.
 * Interface names have 15 bytes: a digest goes there, and the readable owner into the link's alias.
 */

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** An alias of a link that names a container and a network has room for two of them, and so has a comment of nft for one. */
const longestInKernel = 64;
const digestDigits = 16;

/** A name as the kernel's objects carry it. A longer one is cut, and 16 digits of its digest follow a `~`, which no name has. */
export function kernelName(name: string): string {
  if (name.length <= longestInKernel) return name;
  const beginning = name.slice(0, longestInKernel - 1 - digestDigits);
  return `${beginning}~${digest(name).toString('hex').slice(0, digestDigits)}`;
}

/**
 * An owner as the kernel's objects carry it: `container/<id>`, `network/<name>` with a long name cut, `host`. Whose address it
 * is follows from the owners that there are.
 */
export type OwnerMark = ActorAddress;

export function ownerMark(address: ActorAddress): OwnerMark {
  switch (actorKind(address)) {
    case 'container':
      return containerAddress(kernelName(actorName(address)));
    case 'network':
      return networkAddress(kernelName(actorName(address)));
    case 'host':
    // a DHCP client has nothing in the kernel that outlives it
    case 'dhcp':
      return address;
  }
}

/** Whether the name in it is cut. */
export const isCut = (mark: OwnerMark): boolean => mark.includes('~');

/** Host-side veth of one attachment: `nl` + 12 hex digits. */
export function hostVethName(containerId: string, network: string): string {
  return `nl${digest(`${containerId}/${network}`).toString('hex', 0, 6)}`;
}

/** Whether a name has the pattern of the veths that netloom names itself; users cannot ask for one. */
export const isOwnVethName = (name: string): boolean => /^nl[0-9a-f]{12}$/.test(name);

/** The host's end of an attachment's veth: the name that was asked for, else one of its own. */
export function hostEndName(
  containerId: string,
  { network, hostInterfaceName }: { network: string; hostInterfaceName?: string | undefined },
): string {
  return hostInterfaceName ?? hostVethName(containerId, network);
}

/** The group of links that the host's ends of veths are in (`nl` in ASCII): native/nft/base.nft names it. */
export const vethGroup = 0x6e6c;

/** Whether it is the host's end of a veth of netloom's, also before its alias says whose. */
export function isHostEnd({ name, group }: { name: string; group: number }): boolean {
  return group === vethGroup || isOwnVethName(name);
}

export function vethAlias(containerId: string, network: string): string {
  return `netloom ${ownerMark(containerAddress(containerId))} ${ownerMark(networkAddress(network))}`;
}

/** The alias of a network's bridge. */
export function bridgeAlias(network: string): string {
  return `netloom ${ownerMark(networkAddress(network))}`;
}

/** Where the namespace of a container is pinned. */
export function netnsPath(directory: string, containerId: string): string {
  return `${directory}/netloom-${kernelName(containerId)}`;
}

/** Whose pin has that name within its directory; null: another's pin. */
export function ownerOfPin(entry: string): OwnerMark | null {
  const [, name] = /^netloom-(.+)$/.exec(entry) ?? [];
  return name === undefined ? null : containerAddress(name);
}

/** Locally administered unicast address, the same for the same owner for ever. */
export function derivedMac(owner: string): string {
  const bytes = digest(`mac ${owner}`).subarray(0, 6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/**
 * The MAC address of whatever interface has the address on a network. One that takes the address over is found at once: what
 * its neighbours remember of the address stays true.
 */
export function macOfAddress(network: string, address: string): string {
  return derivedMac(`address ${network}/${address}`);
}

/** The MAC address of an interface without an address: the container's own on that network of that host. null: of any. */
export function macOfContainer(containerId: string, network: string, node: string | null): string {
  return derivedMac(node === null ? `${containerId}/${network}` : `node ${node}/${containerId}/${network}`);
}

/**
 * The MAC address of the host's end of a veth. A bridge whose address was not set has the lowest of its ports: it must never
 * change because a container comes or goes, for the neighbours of the host would look for it at the old one. Above those of
 * other devices (libvirt's taps begin with fe:54), and the same for all containers of a bridge that has no other ports.
 */
export function macOfBridgePort(bridge: string): string {
  return derivedMac(`port ${bridge}`).replace(/^..:../, 'fe:ff');
}

/** 64 hex digits, as podman names networks. */
export function networkId(name: string): string {
  return digest(`netloom network ${name}`).toString('hex');
}

/** Whose a link is, by its alias: a veth is its container's, a bridge its network's. null: not one of ours. */
export function ownerOfAlias(alias: string): OwnerMark | null {
  const [netloom, owner] = alias.split(' ');
  return netloom === 'netloom' && owner ? ownerNamed(owner) : null;
}

/** `container/<id>`, `network/<name>` or `host`, as the comment of an element has it; null: not one of ours. */
export function ownerNamed(text: string): OwnerMark | null {
  return /^((container|network)\/.|host$)/.test(text) ? (text as OwnerMark) : null;
}
