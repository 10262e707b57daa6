import type { HeldByContainer } from '../core/dhcp/holder.ts';
import { ownsBridge } from '../core/network/definition.ts';
import type { Journal } from './journal.ts';

/** Lists all addresses that containers have, also those from DHCP servers. */
export function heldAddresses(journal: Journal): HeldByContainer[] {
  const given = dhcpAddresses(journal);
  return journal.actorsOf('network').flatMap(({ record }) => {
    const { name: network, definition, device, leases } = record.context;
    if (!definition) return [];
    return Object.entries(leases).map(([container, addresses]) => ({
      container,
      network,
      link: device?.name ?? null,
      isOwnBridge: ownsBridge(definition),
      addresses: [...addresses, ...given(container, network)],
    }));
  });
}

/** Lists addresses from DHCP servers: of a container on a network, those in the lease of its client. */
export function dhcpAddresses(journal: Journal): (container: string, network: string) => string[] {
  const given = new Map<string, string[]>();
  for (const { record } of journal.actorsOf('dhcp')) {
    const { container, network, terms } = record.context;
    // an ended client keeps its lease
    if (terms && typeof record.value === 'object' && 'leased' in record.value)
      given.set(`${network} ${container}`, [terms.address]);
  }
  return (container, network) => given.get(`${network} ${container}`) ?? [];
}
