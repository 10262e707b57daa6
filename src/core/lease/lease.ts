import { familyOf } from '../address.ts';
import type { DhcpTerms } from '../dhcp/terms.ts';
import type { Fault } from '../fault.ts';
import { fault } from '../fault.ts';
import type { IpvlanMode, MacvlanMode } from '../link-modes.ts';
import type { NetworkDefinition, NetworkRoute } from '../network/definition.ts';
import {
  acceptRaOf,
  answersNames,
  carriesIpv6,
  gatewaysOf,
  hasIpv6Subnet,
  hasOurRules,
  leastMtuBytes6,
  ownsBridge,
} from '../network/definition.ts';
import type { NetworkSettings } from '../network/options.ts';
import { networkSettings, unreadableOption } from '../network/options.ts';
import type { NetworkDevice } from './device.ts';
import { addressesToAnnounce, type GivenMacs, usualMac } from './mac-addresses.ts';

/** What a network gives a container: addresses of every subnet, and all that its plan needs to know of the network. */
export interface Lease {
  network: string;
  /** podman's ID of the network */
  networkId: string;
  link: LeaseLink;
  internal: boolean;
  /** null: the kernel's default */
  mtuBytes: number | null;
  /** in subnet order; several static ones of a subnet in the order of the request */
  addresses: LeasedAddress[];
  /** of the container's interface; absent from leases of journal version 9, whose containers keep what they have */
  macAddress?: string;
  /** addresses that neighbours may know by another MAC address: the container announces them. Absent: no addresses */
  announced?: string[];
  /** beside the default routes */
  routes: NetworkRoute[];
  /** whether a default route per family leads to the gateways, and its metric; null: by the order of the networks */
  defaultRoute: boolean;
  metric: number | null;
  /** accept_ra inside; 0 unless the network asks for router advertisements */
  acceptRa: number;
  /** null: the network has no resolver */
  dns: LeaseDns | null;
  /** set if a DHCP server gives the address; the container's client asks it in this attempt. `loss`: why there are no terms any longer */
  dhcp?: { attempt: number; terms: DhcpTerms | null; loss?: Fault };
}

/** Returns the lease with a DHCP server's terms; null: no terms, for that reason. */
export function withTerms(lease: Lease, terms: DhcpTerms | null, loss: Fault | null = null): Lease {
  const { announced: _, dhcp, ...rest } = lease;
  if (!dhcp) return lease;
  const bare = { ...rest, dhcp: { attempt: dhcp.attempt, terms, ...(loss && { loss }) } };
  if (!terms) return { ...bare, addresses: [] };
  const { address, prefixLength, gateway } = terms;
  return { ...bare, addresses: [{ address, prefixLength, gateway }], announced: [address] };
}

/** Checks whether a DHCP server is to give an address, and has not. */
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

/** Formats an address with its prefix: `10.89.0.2/24`. */
export const withPrefix = ({ address, prefixLength }: Pick<LeasedAddress, 'address' | 'prefixLength'>): string =>
  `${address}/${prefixLength}`;

/** Returns one family's first address of a list, in attach order. */
export function firstOfFamily(addresses: readonly LeasedAddress[], family: 4 | 6): LeasedAddress | null {
  return addresses.find(({ address }) => familyOf(address) === family) ?? null;
}

/** The container that a lease is for, and what it is to have. */
export interface Lessee {
  container: string;
  /** names its host; null: unknown */
  node: string | null;
  addresses: LeasedAddress[];
  /** null: derived from the addresses */
  staticMac: string | null;
  /** the claim that it is for */
  attempt: number;
}

/** Returns the lease: the chosen addresses, and all that a container's plan needs to know of the network. */
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

/** Returns why no container can join: an invalid option value, an MTU that the parent cannot carry, or one that is too small for IPv6. */
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

function serversOf(definition: NetworkDefinition, { names }: NetworkDevice): string[] {
  return ownsBridge(definition) ? gatewaysOf(definition) : (names?.servers ?? []);
}

/** Returns the parent's MAC address for an ipvlan, or a macvlan that has its parent for itself: they use it. */
function inheritedMac(link: LeaseLink, { macAddress }: NetworkDevice): string | null {
  const inherits = link.kind === 'ipvlan' || (link.kind === 'macvlan' && link.mode === 'passthru');
  return inherits ? (macAddress ?? null) : null;
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
