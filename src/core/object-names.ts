import { createHash } from 'node:crypto';
import { type ActorAddress, actorKind, actorName, containerAddress, networkAddress } from './actor-address.ts';

/**
 * Kernel names are derived from IDs, so that undo needs no memory and a leftover shows its owner. Interface names have only 15
 * bytes: they hold a digest, and the link's alias holds the readable owner.
 */

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Two such names fit into the alias of a link that names a container and a network, and one into an nft comment. */
const longestInKernel = 64;
const digestDigits = 16;

/**
 * Returns a name as kernel objects carry it. A longer one is cut, and followed by `~`, which no name contains, and 16 digits of
 * its digest.
 */
export function kernelName(name: string): string {
  if (name.length <= longestInKernel) return name;
  const beginning = name.slice(0, longestInKernel - 1 - digestDigits);
  return `${beginning}~${digest(name).toString('hex').slice(0, digestDigits)}`;
}

/**
 * An owner as kernel objects carry it: `container/<id>`, `network/<name>` with a long name cut, `host`. The existing owners show
 * which one a cut mark means.
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

/** Checks whether the name in a mark is cut. */
export const isCut = (mark: OwnerMark): boolean => mark.includes('~');

/** Returns the host-side veth name of one attachment: `nl` + 12 hex digits. */
export function hostVethName(containerId: string, network: string): string {
  return `nl${digest(`${containerId}/${network}`).toString('hex', 0, 6)}`;
}

/** Checks whether a name has the pattern of netloom's own veth names; users cannot request one. */
export const isOwnVethName = (name: string): boolean => /^nl[0-9a-f]{12}$/.test(name);

/** Returns the name of the host's end of an attachment's veth: the requested one, else a derived one. */
export function hostEndName(
  containerId: string,
  { network, hostInterfaceName }: { network: string; hostInterfaceName?: string | undefined },
): string {
  return hostInterfaceName ?? hostVethName(containerId, network);
}

/** The link group of the veths' host ends (`nl` in ASCII): native/nft/base.nft names it. */
export const vethGroup = 0x6e6c;

/** Checks whether a link is the host's end of a netloom veth, even before its alias names the owner. */
export function isHostEnd({ name, group }: { name: string; group: number }): boolean {
  return group === vethGroup || isOwnVethName(name);
}

export function vethAlias(containerId: string, network: string): string {
  return `netloom ${ownerMark(containerAddress(containerId))} ${ownerMark(networkAddress(network))}`;
}

/** Returns the alias of a network's bridge. */
export function bridgeAlias(network: string): string {
  return `netloom ${ownerMark(networkAddress(network))}`;
}

/**
 * Returns the MAC address of a bridge that netloom makes. It shows which bridges these are: the alias is also set on an existing
 * bridge that a network uses. It does not follow from a network's name, because any of those that share the bridge may be the last.
 */
export const bridgeMac = (bridge: string): string => derivedMac(`bridge/${bridge}`);

/** Returns the MAC address of a bridge that an earlier version made for a network. */
export const formerBridgeMac = (network: string): string => derivedMac(networkAddress(network));

/** Checks whether netloom made the bridge with that owner in its alias. */
export const isMadeBridge = (
  { name, macAddress }: { name: string; macAddress: string | null },
  owner: OwnerMark,
): boolean => macAddress === bridgeMac(name) || macAddress === formerBridgeMac(actorName(owner));

/** Returns the path where a container's namespace is pinned. */
export function netnsPath(directory: string, containerId: string): string {
  return `${directory}/netloom-${kernelName(containerId)}`;
}

/** Returns the owner of a pin by its name within the directory; null: a foreign pin. */
export function ownerOfPin(entry: string): OwnerMark | null {
  const [, name] = /^netloom-(.+)$/.exec(entry) ?? [];
  return name === undefined ? null : containerAddress(name);
}

/** Returns a locally administered unicast address, always the same for the same owner. */
export function derivedMac(owner: string): string {
  const bytes = digest(`mac ${owner}`).subarray(0, 6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/**
 * Returns the MAC address of any interface that has the address on a network. An interface that takes the address over is found
 * at once: its neighbours' cached entries stay valid.
 */
export function macOfAddress(network: string, address: string): string {
  return derivedMac(`address ${network}/${address}`);
}

/** Returns the MAC address of an interface without an address: the container's own on that network of that host. null: of any host. */
export function macOfContainer(containerId: string, network: string, node: string | null): string {
  return derivedMac(node === null ? `${containerId}/${network}` : `node ${node}/${containerId}/${network}`);
}

/**
 * Returns the MAC address of the host's end of a veth. A bridge whose address was not set takes the lowest of its ports: it must
 * never change when a container joins or leaves, because the host's neighbours would look for it at the old one. This one is
 * above those of other devices (libvirt's taps begin with fe:54), and the same for all containers of a bridge that has no other
 * ports.
 */
export function macOfBridgePort(bridge: string): string {
  return derivedMac(`port ${bridge}`).replace(/^..:../, 'fe:ff');
}

/** Returns an ID of 64 hex digits, as podman gives networks. */
export function networkId(name: string): string {
  return digest(`netloom network ${name}`).toString('hex');
}

/** Returns a link's owner by its alias: a veth belongs to its container, a bridge to its network. null: a foreign link. */
export function ownerOfAlias(alias: string): OwnerMark | null {
  const [netloom, owner] = alias.split(' ');
  return netloom === 'netloom' && owner ? ownerNamed(owner) : null;
}

/** Returns the network of the host's end of a veth by its alias; null: the alias names none. */
export function networkOfPort(alias: string): OwnerMark | null {
  const [netloom, , network] = alias.split(' ');
  return netloom === 'netloom' && network ? ownerNamed(network) : null;
}

/** Parses `container/<id>`, `network/<name>` or `host` from the comment of an element; null: a foreign element. */
export function ownerNamed(text: string): OwnerMark | null {
  return /^((container|network)\/.|host$)/.test(text) ? (text as OwnerMark) : null;
}
