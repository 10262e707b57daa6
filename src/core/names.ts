import { createHash } from 'node:crypto';
import type { ActorAddress } from './actor-address.ts';

/**
 * Names in the kernel are derived from ids, so that undo needs no memory and a leftover shows whose it was.
 * Interface names have 15 bytes: a digest goes there, and the readable owner into the link's alias.
 */

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Host-side veth of one attachment: `nl` + 12 hex digits. */
export function hostVethName(containerId: string, network: string): string {
  return `nl${digest(`${containerId}/${network}`).toString('hex', 0, 6)}`;
}

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
  return group === vethGroup || /^nl[0-9a-f]{12}$/.test(name);
}

export function vethAlias(containerId: string, network: string): string {
  return `netloom container/${containerId} network/${network}`;
}

/** Where the namespace of a container is pinned. */
export function netnsPath(directory: string, containerId: string): string {
  return `${directory}/netloom-${containerId}`;
}

/** The container whose pin has that name within its directory; null: another's pin. */
export function idOfPin(entry: string): string | null {
  return /^netloom-(.+)$/.exec(entry)?.[1] ?? null;
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

/** The MAC address of an interface without an address: the container's own on that network. */
export function macOfContainer(containerId: string, network: string): string {
  return derivedMac(`${containerId}/${network}`);
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
export function ownerOfAlias(alias: string): ActorAddress | null {
  const [netloom, owner] = alias.split(' ');
  return netloom === 'netloom' && owner ? ownerNamed(owner) : null;
}

/** `container/<id>`, `network/<name>` or `host`, as the comment of an element has it; null: not one of ours. */
export function ownerNamed(text: string): ActorAddress | null {
  return /^((container|network)\/.|host$)/.test(text) ? (text as ActorAddress) : null;
}
