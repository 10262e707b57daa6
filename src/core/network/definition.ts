import { parseSubnet } from '../address.ts';
import type { RouteType } from '../link-modes.ts';
import type { NetworkDriver } from './options.ts';
import { networkSettings } from './options.ts';

/** A network's definition, and what follows from it. */

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
  /** where its resolver listens, if an engine chooses that (podman's dns_bind_port); in no file */
  dns_port?: number;
  /** its engine wants no rules for it (podman's firewall_driver none), and leaves them to its user; in no file */
  firewall?: 'none';
  labels: Record<string, string>;
  options: Record<string, string>;
  ipam_options: { driver: IpamDriver };
}

/** below it the kernel accepts no IPv6 address */
export const leastMtuBytes6 = 1280;

export const hasIpv6Subnet = ({ subnets }: { subnets: readonly { subnet: string }[] }): boolean =>
  subnets.some(({ subnet }) => parseSubnet(subnet)?.family === 6);

/** Checks whether a link of that MTU has IPv6 at all; without it, no IPv6 setting can be made (EAFNOSUPPORT). */
export function carriesIpv6(mtuBytes: number | null): boolean {
  return mtuBytes === null || mtuBytes >= leastMtuBytes6;
}

/** Checks whether netloom makes and removes the bridge. */
export function ownsBridge(definition: Pick<NetworkDefinition, 'driver' | 'options'>): boolean {
  return definition.driver === 'bridge' && networkSettings(definition).managed;
}

/** Checks whether netloom's firewall rules apply there: they masquerade, forward published ports, and guard its containers. */
export function hasOurRules(definition: Pick<NetworkDefinition, 'driver' | 'options' | 'firewall'>): boolean {
  return ownsBridge(definition) && definition.firewall !== 'none';
}

/**
 * Returns accept_ra of its containers: the option's value; else 1 if they are to find their addresses by themselves on a foreign
 * link, and 0 everywhere else.
 */
export function acceptRaOf(definition: NetworkDefinition): number {
  const { acceptRa } = networkSettings(definition);
  if (acceptRa !== null) return acceptRa;
  const isOnForeignLink = definition.driver !== 'ipvlan' && !ownsBridge(definition);
  return isOnForeignLink && definition.ipv6_enabled && definition.ipam_options.driver !== 'host-local' ? 1 : 0;
}

/** Checks whether the uplink determines its containers' MTU, or the link that they are upon. */
export function followsUplink(
  definition: Pick<NetworkDefinition, 'driver' | 'options' | 'network_interface'>,
): boolean {
  const { mtuBytes } = networkSettings(definition);
  return definition.network_interface === null || (mtuBytes === null && ownsBridge(definition));
}

/** Checks whether its containers' names are answered; podman's files also claim so for networks without a netloom gateway. */
export function answersNames(
  definition: Pick<NetworkDefinition, 'dns_enabled' | 'driver' | 'options' | 'subnets'>,
): boolean {
  if (!definition.dns_enabled || definition.driver !== 'bridge') return false;
  // on a foreign bridge the resolver listens at whatever addresses this host has there
  return ownsBridge(definition) ? gatewaysOf(definition).length > 0 : definition.subnets.length > 0;
}

export function gatewaysOf({ subnets }: Pick<NetworkDefinition, 'subnets'>): string[] {
  return subnets.flatMap(({ gateway }) => gateway ?? []);
}
