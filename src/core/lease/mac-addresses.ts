import { familyOf } from '../address.ts';
import { withEntry, withoutEntry } from '../ledger.ts';
import { macOfAddress, macOfContainer } from '../object-names.ts';
import { firstOfFamily, type Lease, type LeasedAddress, type LeaseLink, type Lessee } from './lease.ts';

/** The MAC address of a lease, and whether neighbours must be notified of it. */

/** Address → the MAC address that it was last given with, if that is not the one derived from the address. */
export type GivenMacs = Readonly<Record<string, string>>;

/**
 * Derives it from the address, or from the container if it gets no address: another host of the LAN may have a container of the
 * same name.
 */
export function usualMac(network: string, { container, node, addresses }: Lessee): string {
  const first = naming(addresses);
  return first ? macOfAddress(network, first.address) : macOfContainer(container, network, node);
}

/** Returns the address that the MAC address follows from: the first IPv4 address, else the first IPv6 address. */
const naming = (addresses: readonly LeasedAddress[]): LeasedAddress | null =>
  firstOfFamily(addresses, 4) ?? firstOfFamily(addresses, 6);

/**
 * Returns the addresses to announce. Every neighbour on a netloom bridge has a lease: an address is announced only if it had
 * another MAC address before, because every port of the bridge gets a copy. Neighbours on a parent or a foreign bridge may know
 * more than netloom does.
 */
export function addressesToAnnounce(
  network: string,
  link: LeaseLink,
  addresses: readonly LeasedAddress[],
  macAddress: string,
  macs: GivenMacs,
): string[] {
  return addresses.flatMap((one) => {
    const former = macs[one.address] ?? (isNaming(addresses, one) ? macOfAddress(network, one.address) : macAddress);
    return isOurBridge(link) && former === macAddress ? [] : one.address;
  });
}

/** Checks whether an address determines the MAC address of the container that has it as its first one. */
function isNaming(addresses: readonly LeasedAddress[], { address }: LeasedAddress): boolean {
  const first = naming(addresses);
  return first !== null && familyOf(first.address) === familyOf(address);
}

const isOurBridge = (link: LeaseLink): boolean => link.kind === 'bridge' && link.published;

/** Returns the ledger with a lease's MAC address recorded. */
export function withGivenMacs(macs: GivenMacs, { network, link, addresses, macAddress }: Lease): GivenMacs {
  if (macAddress === undefined || !isOurBridge(link)) return macs;
  return addresses.reduce((all, one) => {
    const isUsual = isNaming(addresses, one) && macAddress === macOfAddress(network, one.address);
    if (isUsual) return one.address in all ? withoutEntry(all, one.address) : all;
    return all[one.address] === macAddress ? all : withEntry(all, one.address, macAddress);
  }, macs);
}
