import {
  addressToBigint,
  bigintToAddress,
  familyOf,
  firstHost,
  lastHost,
  parseSubnet,
  type Subnet,
  subnetAddress,
  subnetContains,
  subnetEnd,
} from './address.ts';
import { shortId } from './container/reference.ts';
import type { DhcpTerms } from './dhcp/terms.ts';
import { type Fault, fault } from './fault.ts';
import { withEntry, withoutEntry } from './ledger.ts';
import { LedgerIndex } from './ledger-index.ts';
import type { IpvlanMode, MacvlanMode } from './link-kinds.ts';
import { macOfAddress, macOfContainer } from './names.ts';
import {
  acceptRaOf,
  answersNames,
  carriesIpv6,
  gatewaysOf,
  hasIpv6Subnet,
  hasOurRules,
  leastMtuBytes6,
  type NetworkDefinition,
  type NetworkRoute,
  type NetworkSubnet,
  ownsBridge,
} from './network/definition.ts';
import { defaultNetworkId } from './network/identity.ts';
import { type NetworkSettings, networkSettings, unreadableOption } from './network/options.ts';
import type { ServedNames } from './steps/dns.ts';
import type { FoundLink } from './steps/link.ts';

/** What a network gives a container: addresses of every subnet, and all that its plan needs to know of the network. */
export interface Lease {
  network: string;
  /** podman's id of the network */
  networkId: string;
  link: LeaseLink;
  internal: boolean;
  /** null: as the kernel makes it */
  mtuBytes: number | null;
  /** in subnet order; several static ones of a subnet in the order in which they were asked for */
  addresses: LeasedAddress[];
  /** of the container's interface; absent from leases of journal version 9, whose containers keep what they have */
  macAddress?: string;
  /** addresses that neighbours may know by another MAC address: the container announces them. Absent: none */
  announced?: string[];
  /** beside the default routes */
  routes: NetworkRoute[];
  /** whether a default route per family leads to the gateways, and how preferred; null: by the order of the networks */
  defaultRoute: boolean;
  metric: number | null;
  /** accept_ra inside; 0 unless the network asks for router advertisements */
  acceptRa: number;
  /** null: the network has no resolver */
  dns: LeaseDns | null;
  /**
   * its address is given by a DHCP server, whom the container's client asks in this attempt; `loss`: why it has no terms any more.
   * Absent: not so
   */
  dhcp?: { attempt: number; terms: DhcpTerms | null; loss?: Fault };
}

/** A lease with what a DHCP server gives; null: nothing, for that reason. */
export function withTerms(lease: Lease, terms: DhcpTerms | null, loss: Fault | null = null): Lease {
  const { announced: _, dhcp, ...rest } = lease;
  if (!dhcp) return lease;
  const bare = { ...rest, dhcp: { attempt: dhcp.attempt, terms, ...(loss && { loss }) } };
  if (!terms) return { ...bare, addresses: [] };
  const { address, prefixLength, gateway } = terms;
  return { ...bare, addresses: [{ address, prefixLength, gateway }], announced: [address] };
}

/** A DHCP server is to give an address, and does not. */
export const lacksTerms = ({ dhcp }: Lease): boolean => dhcp?.terms === null;

/** What the container's interface is made upon. */
export type LeaseLink =
  /** published: whether the firewall knows the network, so that ports can lead there; firewall: an engine wants no rules for it */
  | {
      kind: 'bridge';
      bridge: string;
      vlanId: number | null;
      published: boolean;
      spoofing: NetworkSettings['spoofing'];
      firewall?: 'none';
    }
  | { kind: 'macvlan'; parent: string; mode: MacvlanMode; broadcastLimit: number | null }
  | { kind: 'ipvlan'; parent: string; mode: IpvlanMode };

export interface LeaseDns {
  /** where the resolver listens: the network's gateways */
  servers: string[];
  searchDomains: string[];
}

export interface LeasedAddress {
  /** `10.89.0.2` */
  address: string;
  prefixLength: number;
  gateway: string | null;
}

/** Who holds which address: container id → addresses, in subnet order. */
/** `10.89.0.2/24` */
export const withPrefix = ({ address, prefixLength }: Pick<LeasedAddress, 'address' | 'prefixLength'>): string =>
  `${address}/${prefixLength}`;

export type Leases = Readonly<Record<string, readonly string[]>>;

/**
 * Picks addresses of every subnet for a container (its own lease, if it has one, counts as free): the static ones where asked
 * for, else the next free one above the last that was given (as podman's IPAM does, so that an address is not reused at once).
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

/** Subnet → the address that was picked there, and not asked for. */
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

/** A DHCP server chooses, and it is the one to ask for a certain address: by the MAC address. */
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

/** Holder of an address: a container's id, or the host; null: it is free. */
type Holder = (address: string) => { container: string } | 'host' | null;

const byAddress = new LedgerIndex<readonly string[]>((addresses) => addresses);

/** What `container` itself holds counts as free. */
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

/** P10: on the default network podman gives addresses as well, from the first one on; what is picked here is of the upper half. */
function besidePodman({ id }: NetworkDefinition, entry: NetworkSubnet, subnet: Subnet): NetworkSubnet {
  if (id !== defaultNetworkId || entry.lease_range) return entry;
  const half = (subnetEnd(subnet) - subnet.base) / 2n;
  return { ...entry, lease_range: { start_ip: subnetAddress(subnet, half + 1n), end_ip: null } };
}

/** One, or null where there is none left. */
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

/** One family's first address of a list, in attach order. */
export function firstOfFamily(addresses: readonly LeasedAddress[], family: 4 | 6): LeasedAddress | null {
  return addresses.find(({ address }) => familyOf(address) === family) ?? null;
}

/** Address → the MAC address that it was last given with, where that is not the one that follows from the address. */
export type GivenMacs = Readonly<Record<string, string>>;

/** Who a lease is for, and what it is to have. */
export interface Lessee {
  container: string;
  /** names its host; null: not known */
  node: string | null;
  addresses: LeasedAddress[];
  /** null: as it follows from the addresses */
  staticMac: string | null;
  /** which of its claims that is for */
  attempt: number;
}

/** All that a container's plan needs to know of the network, with the addresses that were chosen for it. */
export function leaseOf(
  definition: NetworkDefinition,
  device: NetworkDevice,
  searchDomain: string,
  lessee: Lessee,
  macs: GivenMacs,
): Lease {
  const { addresses } = lessee;
  const link = linkOf(definition, device);
  const macAddress = inheritedMac(link, device) ?? lessee.staticMac ?? usualMac(definition.name, lessee);
  const announced = addressesToAnnounce(definition.name, link, addresses, macAddress, macs);
  const { mtuBytes, metric, defaultRoute } = networkSettings(definition);
  return {
    network: definition.name,
    networkId: definition.id,
    link,
    internal: definition.internal,
    mtuBytes: mtuBytes ?? device.mtuBytes,
    addresses,
    macAddress,
    ...(announced.length > 0 && { announced }),
    routes: definition.routes,
    defaultRoute,
    metric,
    acceptRa: acceptRaOf(definition),
    ...(definition.ipam_options.driver === 'dhcp' && { dhcp: { attempt: lessee.attempt, terms: null } }),
    dns: answersNames(definition) ? { servers: serversOf(definition, device), searchDomains: [searchDomain] } : null,
  };
}

/** Why no container can join: a value that is no such option's, or an MTU that the parent cannot carry, or that is too small for IPv6. */
export function leaseRefusal(definition: NetworkDefinition, device: NetworkDevice | null): Fault | null {
  const unreadable = unreadableOption(definition);
  if (unreadable !== null) return fault('network.damaged', `network ${definition.name}: ${unreadable}`);
  const { mtuBytes } = networkSettings(definition);
  const most = definition.driver === 'bridge' ? null : (device?.mtuBytes ?? null);
  if (mtuBytes !== null && most !== null && mtuBytes > most)
    return fault(
      'mtu.too-large',
      `network ${definition.name}: mtu ${mtuBytes} exceeds the parent's MTU (${most} on ${device?.name})`,
    );
  const actual = mtuBytes ?? device?.mtuBytes ?? null;
  if (!hasIpv6Subnet(definition) || carriesIpv6(actual)) return null;
  return fault(
    'mtu.too-small',
    `network ${definition.name}: IPv6 needs an MTU of ${leastMtuBytes6}, and ${device?.name} has ${actual}`,
  );
}

/** What a network's containers are attached to, as it was found in the kernel. */
export interface NetworkDevice {
  /** bridge or parent */
  name: string;
  /** of the interfaces of new containers, unless an option gives another */
  mtuBytes: number | null;
  /** this host's own ones in the subnets of the network: never leased */
  addresses: readonly string[];
  /** absent from journals of version 9 */
  macAddress?: string | null;
  /** whether the host reaches published ports there by 127.0.0.1, as far as is known */
  routesLoopback: boolean;
  /** where names are answered on a bridge of others; null elsewhere */
  names: ServedNames | null;
}

function serversOf(definition: NetworkDefinition, { names }: NetworkDevice): string[] {
  return ownsBridge(definition) ? gatewaysOf(definition) : (names?.servers ?? []);
}

/** What of a link that was found matters to the network. */
export function deviceOf(
  { subnets }: Pick<NetworkDefinition, 'subnets'>,
  found: FoundLink,
  names: ServedNames | null,
): NetworkDevice {
  const parsed = subnets.map(({ subnet }) => parseSubnet(subnet) as Subnet);
  const isNear = (address: string) => parsed.some((subnet) => subnetContains(subnet, address));
  return { ...found, addresses: found.addresses.filter(isNear), names };
}

/** An ipvlan, and a macvlan that has its parent for itself, speak with the MAC address of the parent. */
function inheritedMac(link: LeaseLink, { macAddress }: NetworkDevice): string | null {
  const inherits = link.kind === 'ipvlan' || (link.kind === 'macvlan' && link.mode === 'passthru');
  return inherits ? (macAddress ?? null) : null;
}

/** One per address, or the container's own where it gets none: another host of the LAN may have a container of the same name. */
function usualMac(network: string, { container, node, addresses }: Lessee): string {
  const first = naming(addresses);
  return first ? macOfAddress(network, first.address) : macOfContainer(container, network, node);
}

/** The address that the MAC address follows from: the first IPv4 address, else the first IPv6 address. */
const naming = (addresses: readonly LeasedAddress[]): LeasedAddress | null =>
  firstOfFamily(addresses, 4) ?? firstOfFamily(addresses, 6);

/**
 * On a bridge of ours every neighbour is known by its lease: only an address that had another MAC address before is announced, for
 * every port of the bridge gets a copy. Neighbours on a parent or on a bridge of others may know more than we do.
 */
function addressesToAnnounce(
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

/** Whether an address names the interface of the container that has it as its first one. */
function isNaming(addresses: readonly LeasedAddress[], { address }: LeasedAddress): boolean {
  const first = naming(addresses);
  return first !== null && familyOf(first.address) === familyOf(address);
}

const isOurBridge = (link: LeaseLink): boolean => link.kind === 'bridge' && link.published;

/** The ledger with what a lease says in it. */
export function withGivenMacs(macs: GivenMacs, { network, link, addresses, macAddress }: Lease): GivenMacs {
  if (macAddress === undefined || !isOurBridge(link)) return macs;
  return addresses.reduce((all, one) => {
    const isUsual = isNaming(addresses, one) && macAddress === macOfAddress(network, one.address);
    if (isUsual) return one.address in all ? withoutEntry(all, one.address) : all;
    return all[one.address] === macAddress ? all : withEntry(all, one.address, macAddress);
  }, macs);
}

function linkOf(definition: NetworkDefinition, { name }: NetworkDevice): LeaseLink {
  const { vlanId, mode, broadcastLimit, spoofing } = networkSettings(definition);
  switch (definition.driver) {
    case 'bridge': {
      const { firewall } = definition;
      return {
        kind: 'bridge',
        bridge: name,
        vlanId,
        published: hasOurRules(definition),
        spoofing,
        ...(firewall && ownsBridge(definition) && { firewall }),
      };
    }
    case 'macvlan':
      return { kind: 'macvlan', parent: name, mode: (mode ?? 'bridge') as MacvlanMode, broadcastLimit };
    case 'ipvlan':
      return { kind: 'ipvlan', parent: name, mode: (mode ?? 'l2') as IpvlanMode };
  }
}
