import { familyOf } from '../address.ts';
import type { Lease } from '../lease/lease.ts';
import type { Element } from './nft.ts';

/** Source addresses that the bridges accept from a container: table `bridge netloom` of native/nft/base.nft. */

/** A container's veth on a network. */
export interface ContainerLink {
  /** its end on the host */
  name: string;
  /** of its other end */
  macAddress: string;
  lease: Lease;
}

/**
 * Returns the elements that restrict a container's links to what it leases. A link may send from every address that netloom gave
 * the container: with two networks it may answer by the link of the other. Addresses from a DHCP server are not among them,
 * because a server may give the address of a neighbour on a netloom bridge, or of its gateway. Links of networks with
 * spoofing=allow, and links that are not ports of such a bridge, are not restricted at all.
 */
export function sourceElements(links: readonly ContainerLink[], owner: string): Element[] {
  const addresses = links.flatMap(({ lease }) => (lease.dhcp ? [] : lease.addresses.map(({ address }) => address)));
  const passesOn = isGateway(links, addresses);
  return links.filter(isHeld).flatMap(({ name, macAddress, lease }): Element[] => {
    // also by its group: see base.nft
    const held: Element = { set: 'held_links', key: [name], owner };
    if (passesOn || !isAddressedByUs(lease)) return [held, { set: 'free_macs', key: [name, macAddress], owner }];
    return [
      held,
      { set: 'leased_macs', key: [name, macAddress], owner },
      ...addresses.map(
        (address): Element => ({ set: `sources${familyOf(address)}`, key: [name, macAddress, address], owner }),
      ),
    ];
  });
}

function isHeld({ lease: { link } }: ContainerLink): boolean {
  return link.kind === 'bridge' && link.published && link.spoofing !== 'allow';
}

/** Checks whether netloom knows all its addresses: without a lease (ipam none), or with router advertisements, only the container does. */
const isAddressedByUs = ({ addresses, acceptRa }: Lease): boolean => addresses.length > 0 && !acceptRa;

/** Checks whether it is the next hop of a route that one of its networks gives to members: then it forwards packets of others. */
function isGateway(links: readonly ContainerLink[], addresses: readonly string[]): boolean {
  const gateways = new Set(links.flatMap(({ lease }) => lease.routes.map(({ gateway }) => gateway)));
  return addresses.some((address) => gateways.has(address));
}
