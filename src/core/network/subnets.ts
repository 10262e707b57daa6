import type { Subnet } from '../address.ts';
import {
  addressToBigint,
  canonicalAddress,
  firstHost,
  formatSubnet,
  lastHost,
  parseSubnet,
  subnetAddress,
  subnetContains,
  subnetsOverlap,
} from '../address.ts';
import type { Fault } from '../fault.ts';
import { fault } from '../fault.ts';
import type { NetworkSubnet } from './definition.ts';
import type { NetworkRequest } from './request.ts';

/** The subnets of a network, checked and completed. */

/** Ranges that no container may use: unspecified, loopback, link-local, mapped, multicast. */
const reserved = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '::/127', '::ffff:0:0/96', 'fe80::/10', 'ff00::/8'].map(
  (text) => parseSubnet(text) as Subnet,
);

/** Returns the reserved range that a subnet overlaps; null: it is usable. */
export function reservedAround(subnet: Subnet): string | null {
  const clash = reserved.find((other) => subnetsOverlap(other, subnet));
  return clash ? formatSubnet(clash) : null;
}

export function networkSubnets(requested: NonNullable<NetworkRequest['subnets']>): NetworkSubnet[] | Fault {
  const parsed: Subnet[] = [];
  const subnets: NetworkSubnet[] = [];
  for (const entry of requested) {
    const subnet = parseSubnet(entry.subnet);
    if (!subnet) return fault('subnet.invalid', `${entry.subnet} is not a subnet (expected e.g. 10.89.0.0/24)`);
    const clash = reservedAround(subnet);
    if (clash) return fault('subnet.invalid', `${entry.subnet} overlaps ${clash}, which no network can have`);
    if (parsed.some((other) => subnetsOverlap(other, subnet)))
      return fault('subnet.invalid', `${entry.subnet} overlaps another subnet of the same network`);
    const completed = completeSubnet(subnet, entry.gateway ?? null, entry.lease_range ?? null);
    if ('code' in completed) return completed;
    parsed.push(subnet);
    subnets.push(completed);
  }
  return subnets;
}

export function completeSubnet(
  subnet: Subnet,
  gateway: string | null,
  leaseRange: Partial<LeaseRange> | null,
): NetworkSubnet | Fault {
  const text = formatSubnet(subnet);
  const via = gateway === null ? subnetAddress(subnet, 1n) : canonicalAddress(gateway);
  if (via === null) return fault('address.invalid', `gateway ${gateway} is not an IP address`);
  if (!subnetContains(subnet, via)) return fault('address.outside-subnet', `gateway ${via} is outside ${text}`);
  if (!leaseRange) return { subnet: text, gateway: via };
  const range = completeRange(subnet, leaseRange);
  return 'code' in range ? range : { subnet: text, gateway: via, lease_range: range };
}

/** Refuses a gateway at either end: the kernel has no route via a broadcast address, and before 5.14 the lowest address is one. */
export function gatewayAtEnd(subnets: readonly NetworkSubnet[]): Fault | null {
  const wrong = subnets.find(({ subnet: text, gateway }) => {
    const subnet = parseSubnet(text) as Subnet;
    const value = gateway === null ? firstHost(subnet) : addressToBigint(gateway);
    return value < firstHost(subnet) || value > lastHost(subnet);
  });
  return wrong
    ? fault('address.invalid', `gateway ${wrong.gateway} is the network or broadcast address of ${wrong.subnet}`)
    : null;
}

type LeaseRange = NonNullable<NetworkSubnet['lease_range']>;

export function completeRange(subnet: Subnet, requested: Partial<LeaseRange>): LeaseRange | Fault {
  const range: LeaseRange = { start_ip: null, end_ip: null };
  for (const end of ['start_ip', 'end_ip'] as const) {
    const text = requested[end] ?? null;
    if (text === null) continue;
    const address = canonicalAddress(text);
    if (address === null) return fault('address.invalid', `lease range: ${text} is not an IP address`);
    if (!subnetContains(subnet, address))
      return fault('address.outside-subnet', `lease range: ${address} is outside ${formatSubnet(subnet)}`);
    range[end] = address;
  }
  const { start_ip, end_ip } = range;
  if (start_ip !== null && end_ip !== null && addressToBigint(start_ip) > addressToBigint(end_ip))
    return fault('address.invalid', `lease range: ${start_ip} is after ${end_ip}`);
  return range;
}
