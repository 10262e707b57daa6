import type { Subnet } from '../address.ts';
import { parseSubnet, subnetContains } from '../address.ts';
import type { NetworkDefinition } from '../network/definition.ts';
import type { ServedNames } from '../steps/dns.ts';
import type { FoundLink } from '../steps/link.ts';

/** What a network's containers are attached to, as found in the kernel. */
export interface NetworkDevice {
  /** bridge or parent */
  name: string;
  /** of new containers' interfaces, unless an option sets another */
  mtuBytes: number | null;
  /** the host's own addresses in the subnets of the network: never leased */
  addresses: readonly string[];
  /** absent from journals of version 9 */
  macAddress?: string | null;
  /** whether the host reaches published ports there by 127.0.0.1, as far as is known */
  routesLoopback: boolean;
  /** where names are answered on a foreign bridge; null elsewhere */
  names: ServedNames | null;
}

/** Extracts the properties of a link that matter to the network. */
export function deviceOf(
  { subnets }: Pick<NetworkDefinition, 'subnets'>,
  found: FoundLink,
  names: ServedNames | null,
): NetworkDevice {
  const parsed = subnets.map(({ subnet }) => parseSubnet(subnet) as Subnet);
  const isNear = (address: string) => parsed.some((subnet) => subnetContains(subnet, address));
  return { ...found, addresses: found.addresses.filter(isNear), names };
}
