import { parseSubnet } from '../address.ts';
import type { RouteType } from '../link-kinds.ts';
import type { NetworkDriver } from './options.ts';
import { networkSettings } from './options.ts';

/** A network as it is defined, and what follows from that. */

export interface NetworkRoute {
  destination: string;
  gateway: string | null;
  metric: number | null;
  type: RouteType;
}

export interface NetworkSubnet {
  subnet: string;
  gateway: string | null;
  lease_range?: { start_ip: string | null; end_ip: string | null };
}

export const ipamDrivers = ['host-local', 'none', 'dhcp'] as const;

export type IpamDriver = (typeof ipamDrivers)[number];

export interface NetworkDefinition {
  name: string;
  id: string;
  driver: NetworkDriver;
  /** bridge or parent; null: the parent is the link of the default route */
  network_interface: string | null;
  created: string;
  subnets: NetworkSubnet[];
  routes: NetworkRoute[];
  ipv6_enabled: boolean;
  internal: boolean;
  dns_enabled: boolean;
  network_dns_servers: string[];
  /** where its resolver listens, if an engine says so (podman's dns_bind_port); in no file */
  dns_port?: number;
  /** its engine wants no rules for it (podman's firewall_driver none), and leaves them to its user; in no file */
  firewall?: 'none';
  labels: Record<string, string>;
  options: Record<string, string>;
  ipam_options: { driver: IpamDriver };
}

/** below it the kernel takes no IPv6 address */
export const leastMtuBytes6 = 1280;

export const hasIpv6Subnet = ({ subnets }: { subnets: readonly { subnet: string }[] }): boolean =>
  subnets.some(({ subnet }) => parseSubnet(subnet)?.family === 6);

/** Whether a link of that MTU has IPv6 at all; of one that has not, nothing of IPv6 can be set (EAFNOSUPPORT). */
export function carriesIpv6(mtuBytes: number | null): boolean {
  return mtuBytes === null || mtuBytes >= leastMtuBytes6;
}

/** Whether the bridge is made, and unmade, by netloom. */
export function ownsBridge(definition: Pick<NetworkDefinition, 'driver' | 'options'>): boolean {
  return definition.driver === 'bridge' && networkSettings(definition).managed;
}

/** Whether the firewall is ours there: it masquerades, forwards published ports, and guards its containers. */
export function hasOurRules(definition: Pick<NetworkDefinition, 'driver' | 'options' | 'firewall'>): boolean {
  return ownsBridge(definition) && definition.firewall !== 'none';
}

/**
 * accept_ra of its containers: what the option says; else 1 where they are to find their addresses by themselves on a link of
 * others, and 0 everywhere else.
 */
export function acceptRaOf(definition: NetworkDefinition): number {
  const { acceptRa } = networkSettings(definition);
  if (acceptRa !== null) return acceptRa;
  const isOnForeignLink = definition.driver !== 'ipvlan' && !ownsBridge(definition);
  return isOnForeignLink && definition.ipv6_enabled && definition.ipam_options.driver !== 'host-local' ? 1 : 0;
}

/** Whether its containers are made by what leads to the outside: their MTU, or the link that they are upon. */
export function followsUplink(
  definition: Pick<NetworkDefinition, 'driver' | 'options' | 'network_interface'>,
): boolean {
  const { mtuBytes } = networkSettings(definition);
  return definition.network_interface === null || (mtuBytes === null && ownsBridge(definition));
}

/** Whether its containers are answered for by name; podman's files say so of networks that have no gateway of ours, too. */
export function answersNames(
  definition: Pick<NetworkDefinition, 'dns_enabled' | 'driver' | 'options' | 'subnets'>,
): boolean {
  if (!definition.dns_enabled || definition.driver !== 'bridge') return false;
  // on a bridge of others it is at whatever addresses this host has there
  return ownsBridge(definition) ? gatewaysOf(definition).length > 0 : definition.subnets.length > 0;
}

export function gatewaysOf({ subnets }: Pick<NetworkDefinition, 'subnets'>): string[] {
  return subnets.flatMap(({ gateway }) => gateway ?? []);
}
