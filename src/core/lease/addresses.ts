import type { Subnet } from '../address.ts';
import {
  addressToBigint,
  bigintToAddress,
  familyOf,
  firstHost,
  lastHost,
  parseSubnet,
  subnetAddress,
  subnetContains,
  subnetEnd,
} from '../address.ts';
import { shortId } from '../container/reference.ts';
import type { Fault } from '../fault.ts';
import { fault } from '../fault.ts';
import { LedgerIndex } from '../ledger-index.ts';
import type { NetworkDefinition, NetworkSubnet } from '../network/definition.ts';
import { defaultNetworkId } from '../network/identity.ts';
import type { LeasedAddress } from './lease.ts';

/** Addresses that a network gives a container. */

/** Addresses by holder: container ID → addresses, in subnet order. */
export type Leases = Readonly<Record<string, readonly string[]>>;

/**
 * Picks addresses of every subnet for a container (its own lease, if it has one, counts as free): the requested static ones, else
 * the next free one above the last that was given (as podman's IPAM does, so that an address is not reused at once).
 */
export function chooseAddresses(
  definition: NetworkDefinition,
  leases: Leases,
  lastGiven: Readonly<Record<string, string>>,
  staticIps: readonly string[],
  container: string | null = null,
  hostsOwn: readonly string[] = [],
): LeasedAddress[] | Fault {
  if (definition.ipam_options.driver === 'dhcp') return chooseNone(definition, staticIps);
  const holder = holders(leases, container, new Set(hostsOwn));
  const subnets = definition.subnets.map((entry) => ({ entry, subnet: parseSubnet(entry.subnet) as Subnet }));
  for (const address of staticIps)
    if (!subnets.some(({ subnet }) => subnetContains(subnet, address)))
      return fault(
        'address.outside-subnet',
        `address ${address} is in no subnet of network ${definition.name} (${definition.subnets.map(({ subnet }) => subnet).join(', ')})`,
      );
  const chosen: LeasedAddress[] = [];
  for (const { entry, subnet } of subnets) {
    const wanted = staticIps.filter((address) => subnetContains(subnet, address));
    for (const address of wanted) {
      const refusal = refuseStatic(address, entry, subnet, holder);
      if (refusal) return refusal;
    }
    const last = lastGiven[entry.subnet];
    const free = () =>
      nextFree(besidePodman(definition, entry, subnet), subnet, holder, last) ?? nextFree(entry, subnet, holder, last);
    const given = wanted.length > 0 ? wanted : free();
    if (given === null)
      return fault('address.exhausted', `network ${definition.name} has no free address left in ${entry.subnet}`);
    for (const address of given) chosen.push({ address, prefixLength: subnet.prefixLength, gateway: entry.gateway });
  }
  return chosen;
}

/** Returns the addresses that were picked, not requested, by subnet. */
export function picked(
  { subnets }: Pick<NetworkDefinition, 'subnets'>,
  addresses: readonly string[],
  staticIps: readonly string[],
): Record<string, string> {
  const free = addresses.filter((address) => !staticIps.includes(address));
  return Object.fromEntries(
    subnets.flatMap(({ subnet }) => {
      const parsed = parseSubnet(subnet) as Subnet;
      const address = free.find((one) => subnetContains(parsed, one));
      return address === undefined ? [] : [[subnet, address]];
    }),
  );
}

/** Picks no address, because a DHCP server does; refuses static addresses: the server assigns those by MAC address. */
function chooseNone({ name }: NetworkDefinition, staticIps: readonly string[]): LeasedAddress[] | Fault {
  const [asked] = staticIps;
  if (asked === undefined) return [];
  return familyOf(asked) === 6
    ? fault('mode.unsupported', `network ${name} uses DHCP; DHCPv6 is not supported`)
    : fault(
        'address.outside-subnet',
        `network ${name} uses DHCP: static address ${asked} is not supported; reserve it on the DHCP server by MAC address`,
      );
}

/** Returns the holder of an address: a container's ID, or the host; null: it is free. */
type Holder = (address: string) => { container: string } | 'host' | null;

const byAddress = new LedgerIndex<readonly string[]>((addresses) => addresses);

/** Returns the lookup of holders. What `container` itself holds counts as free. */
function holders(leases: Leases, container: string | null, hostsOwn: ReadonlySet<string>): Holder {
  return (address) => {
    if (hostsOwn.has(address)) return 'host';
    for (const id of byAddress.find(leases, address)) if (id !== container) return { container: id };
    return null;
  };
}

function refuseStatic(address: string, entry: NetworkSubnet, subnet: Subnet, holder: Holder): Fault | null {
  if (address === entry.gateway) return fault('address.taken', `address ${address} is the gateway`);
  const value = addressToBigint(address);
  if (value < firstHost(subnet) || value > lastHost(subnet))
    return fault('address.invalid', `address ${address} is the network or broadcast address of ${entry.subnet}`);
  const owner = holder(address);
  if (owner === null) return null;
  return owner === 'host'
    ? fault('address.taken', `address ${address} is this host's own`)
    : fault('address.taken', `address ${address} is leased to container ${shortId(owner.container)}`);
}

/** P10: limits picks on the default network to the upper half, because podman gives addresses there as well, from the first one on. */
function besidePodman({ id }: NetworkDefinition, entry: NetworkSubnet, subnet: Subnet): NetworkSubnet {
  if (id !== defaultNetworkId || entry.lease_range) return entry;
  const half = (subnetEnd(subnet) - subnet.base) / 2n;
  return { ...entry, lease_range: { start_ip: subnetAddress(subnet, half + 1n), end_ip: null } };
}

/** Returns one free address, or null if none is left. */
function nextFree(entry: NetworkSubnet, subnet: Subnet, holder: Holder, last: string | undefined): [string] | null {
  const { start_ip, end_ip } = entry.lease_range ?? {};
  const first = start_ip ? larger(addressToBigint(start_ip), firstHost(subnet)) : firstHost(subnet);
  const end = end_ip ? smaller(addressToBigint(end_ip), lastHost(subnet)) : lastHost(subnet);
  const start = last === undefined ? first : addressToBigint(last) + 1n;
  const free = (from: bigint, to: bigint): [string] | null => {
    for (let value = from; value <= to; value++) {
      const address = bigintToAddress(value, subnet.family);
      if (address !== entry.gateway && holder(address) === null) return [address];
    }
    return null;
  };
  return (start > first ? free(start, end) : null) ?? free(first, start > first && start <= end ? start - 1n : end);
}

const larger = (one: bigint, other: bigint): bigint => (one > other ? one : other);

const smaller = (one: bigint, other: bigint): bigint => (one < other ? one : other);
