import { dhcpAddress } from '../../actor-address.ts';
import { withTerms } from '../../lease/lease.ts';
import type { DhcpPlace } from '../../steps/dhcp.ts';
import type { Step } from '../../steps/step.ts';
import { type ContainerGrant, type Joined, joined, macOf } from './grant.ts';

/** Data from a container's plan to its DHCP clients, and back. */

/** Returns the grant without the terms of any DHCP server; or without those of these networks. */
export function withoutTerms(grant: ContainerGrant, networks: readonly string[] | null = null): ContainerGrant {
  const leases = Object.entries(grant.leases).map(([name, lease]) => [
    name,
    networks === null || networks.includes(name) ? withTerms(lease, null) : lease,
  ]);
  return { ...grant, leases: Object.fromEntries(leases) };
}

/** Returns where the DHCP clients of these networks send, and for which claims. */
export function dhcpPlaces(
  grant: ContainerGrant,
  inode: number | null,
): { network: string; attempt: number; place: DhcpPlace }[] {
  return joined(grant).flatMap((one) => {
    const { attachment, lease } = one;
    return lease.dhcp
      ? [{ network: attachment.network, attempt: lease.dhcp.attempt, place: placeOf(grant, one, inode) }]
      : [];
  });
}

function placeOf(grant: ContainerGrant, { attachment, lease }: Joined, inode: number | null): DhcpPlace {
  const { wish, netns } = grant;
  const macAddress = macOf(wish, attachment, lease);
  const otherSubnets = joined(grant).flatMap(({ lease: { dhcp, addresses } }) =>
    dhcp ? [] : addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
  );
  return {
    netns,
    inode,
    link: attachment.interfaceName,
    macAddress,
    hostName: wish.hostName ?? wish.networkName,
    ...(otherSubnets.length > 0 && { otherSubnets }),
  };
}

/** Returns the release steps, which run while the link exists: sending needs it. */
export function releaseSteps(grant: ContainerGrant, one: Joined): Step[] {
  const { attachment, lease } = one;
  if (!lease.dhcp) return [];
  const { terms } = lease.dhcp;
  const owner = dhcpAddress(grant.wish.id, attachment.network);
  const given = terms && { address: terms.address, server: terms.server, serverMac: terms.serverMac };
  return [{ verb: 'dhcp.release', owner, place: placeOf(grant, one, null), lease: given }];
}
