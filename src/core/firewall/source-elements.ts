import { familyOf } from '../address.ts';
import type { Lease } from '../lease/lease.ts';
import type { Element } from './nft.ts';

/** What the bridges take from a container: table `bridge netloom` of native/nft/base.nft. */

/** A container's veth on a network. */
export interface ContainerLink {
  /** its end on the host */
  name: string;
  /** of its other end */
  macAddress: string;
  lease: Lease;
}

/**
 * The elements that hold a container's links to what it leases. A link may send every address that netloom gave the container: with
 * two networks it may answer by the link of the other. What a DHCP server gave is not among them, for a server may give the
 * address of a neighbour on a bridge of ours, or of its gateway. Links of networks with spoofing=allow, and those that are no bridge's
 * of ours, are not held at all.
 */
export function sourceElements(links: readonly ContainerLink[], owner: string): Element[] {
  const addresses = links.flatMap(({ lease }) => (lease.dhcp ? [] : lease.addresses.map(({ address }) => address)));
  const passesOn = isGateway(links, addresses);
  return links.filter(isHeld).flatMap(({ name, macAddress, lease }): Element[] => {
    // by its group as well: see base.nft
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

/** Without a lease (ipam none), and with router advertisements, it has addresses that only others know. */
const isAddressedByUs = ({ addresses, acceptRa }: Lease): boolean => addresses.length > 0 && !acceptRa;

/** The next hop of a route that one of its networks gives to its members: it passes on what others send. */
function isGateway(links: readonly ContainerLink[], addresses: readonly string[]): boolean {
  const gateways = new Set(links.flatMap(({ lease }) => lease.routes.map(({ gateway }) => gateway)));
  return addresses.some((address) => gateways.has(address));
}
