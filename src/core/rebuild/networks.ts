import { networkAddress } from '../actor-address.ts';
import { formatSubnet, parseSubnet } from '../address.ts';
import type { Element } from '../firewall/nft.ts';
import type { NetworkDefinition } from '../network/definition.ts';
import { defaultNetworkId } from '../network/identity.ts';
import { isMadeBridge, networkId, type OwnerMark, ownerMark } from '../object-names.ts';
import type { FoundHostLink } from './evidence.ts';

/** podman's network without a file */
const podmansDefault = 'podman';

/**
 * Returns the definition of a network that has no file, because an engine brought it: what its bridge and its elements show. Its labels, the
 * ranges of its addresses and its ID are not in the kernel.
 */
export function broughtNetwork(name: string, bridge: FoundHostLink, elements: readonly Element[]): NetworkDefinition {
  const owner: OwnerMark = ownerMark(networkAddress(name));
  const own = elements.filter((element) => element.owner === owner);
  const has = (set: Element['set']) => own.some((element) => element.set === set);
  const subnets = bridge.addresses.flatMap((address) => {
    const subnet = parseSubnet(address);
    return subnet ? [{ subnet: formatSubnet(subnet), gateway: address.split('/')[0] ?? null }] : [];
  });
  const isolate = has('strict_links') ? 'strict' : has('isolated_links') ? 'true' : null;
  return {
    name,
    id: name === podmansDefault ? defaultNetworkId : networkId(name),
    driver: 'bridge',
    network_interface: bridge.name,
    created: '',
    subnets,
    routes: [],
    ipv6_enabled: subnets.some(({ subnet }) => subnet.includes(':')),
    internal: has('internal_links'),
    dns_enabled: has('resolver4') || has('resolver6'),
    network_dns_servers: [],
    labels: {},
    options: {
      ...(!isMadeBridge(bridge, owner) && { mode: 'unmanaged' }),
      ...(isolate && { isolate }),
      ...(has('open_links') && { inbound: 'open' }),
    },
    ipam_options: { driver: subnets.length > 0 ? 'host-local' : 'none' },
  };
}
