import type { ContainerWish } from '../../container/wish.ts';
import type { Lease } from '../../lease/lease.ts';
import type { StatusBlock } from '../../status.ts';
import { type ContainerGrant, joined, macOf } from './grant.ts';

/** C01: returns one status block per network. */
export function statusBlocks(grant: ContainerGrant): Record<string, StatusBlock> {
  return Object.fromEntries(
    joined(grant).map(({ attachment, lease }) => [
      attachment.network,
      {
        interfaces: {
          [attachment.interfaceName]: {
            mac_address: macOf(grant.wish, attachment, lease),
            subnets: lease.addresses.map(({ address, prefixLength, gateway }) => ({
              ipnet: `${address}/${prefixLength}`,
              ...(lease.internal || gateway === null ? {} : { gateway }),
            })),
          },
        },
        dns_server_ips: nameServersOf(grant.wish, lease),
        dns_search_domains: lease.dns?.searchDomains ?? lease.dhcp?.terms?.searchDomains ?? [],
      },
    ]),
  );
}

/** Returns name servers: without a resolver of the network, the container's own, or those that a DHCP server names. */
function nameServersOf({ dnsServers }: ContainerWish, { dns, dhcp }: Lease): string[] {
  if (dns?.servers.length) return dns.servers;
  return dnsServers.length > 0 ? dnsServers : (dhcp?.terms?.nameServers ?? []);
}
