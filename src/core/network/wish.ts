import { canonicalAddress } from '../address.ts';
import type { Fault } from '../fault.ts';
import { fault } from '../fault.ts';
import { networkId } from '../object-names.ts';
import { interfaceNameSchema } from '../token.ts';
import { addressesByAdvertisement, contradiction } from './contradictions.ts';
import {
  hasIpv6Subnet,
  type IpamDriver,
  ipamDrivers,
  type NetworkDefinition,
  type NetworkRoute,
  type NetworkSubnet,
} from './definition.ts';
import type { NetworkDriver } from './options.ts';
import { either, networkDrivers, readOptions } from './options.ts';
import type { NetworkRequest } from './request.ts';
import { hiddenDefaultRoute, networkRoutes } from './routes.ts';
import { gatewayAtEnd, networkSubnets } from './subnets.ts';

/** A wish with all defaults except those that need the host: the bridge's name and free subnets. */
export interface NetworkWish {
  name: string;
  id: string;
  driver: NetworkDriver;
  /** bridge or parent; null: a free name, or the link of the default route */
  link: string | null;
  /** the link exists already, and others may use it */
  sharesLink: boolean;
  subnets: NetworkSubnet[];
  /** families that need a free subnet */
  automatic: (4 | 6)[];
  /** requested, even if it gives out no IPv6 subnet */
  ipv6Enabled: boolean;
  routes: NetworkRoute[];
  internal: boolean;
  dnsEnabled: boolean;
  dnsServers: string[];
  labels: Record<string, string>;
  options: Record<string, string>;
  ipamDriver: IpamDriver;
}

/**
 * Checks all that can be checked without the host. `asker`: podman's users may give the gateway either end of its subnet, and an
 * engine brings what they gave.
 */
export function networkWish(request: NetworkRequest, asker: 'user' | 'engine' = 'user'): NetworkWish | Fault {
  const driver = request.driver ?? 'bridge';
  if (!isDriver(driver))
    return fault('mode.unsupported', `unknown driver ${driver}; expected one of ${networkDrivers.join(', ')}`);
  const options = request.options ?? {};
  const settings = readOptions(driver, options);
  if ('code' in settings) return settings;
  const ipamDriver = request.ipam_options?.driver ?? 'host-local';
  if (!isIpamDriver(ipamDriver)) return ipamRefusal(ipamDriver);
  const link = linkOf(request, driver, options, asker);
  if (typeof link === 'object' && link !== null) return link;
  const subnets = networkSubnets(request.subnets ?? []);
  if ('code' in subnets) return subnets;
  const wrongGateway = asker === 'user' ? gatewayAtEnd(subnets) : null;
  if (wrongGateway) return wrongGateway;
  const routes = networkRoutes(request.routes ?? [], subnets);
  if ('code' in routes) return routes;
  const dnsServers = addresses(request.network_dns_servers ?? [], 'name server');
  if ('code' in dnsServers) return dnsServers;
  const isOurs = driver === 'bridge' && settings.managed;
  const wish: NetworkWish = {
    name: request.name,
    id: networkId(request.name),
    driver,
    link,
    sharesLink: !isOurs,
    subnets,
    ipv6Enabled: request.ipv6_enabled ?? false,
    automatic: ipamDriver !== 'host-local' ? [] : automaticFamilies(subnets, request.ipv6_enabled ?? false),
    routes,
    internal: request.internal ?? false,
    // a network without addresses from netloom has no gateway to answer at
    dnsEnabled: request.dns_enabled ?? (driver === 'bridge' && ipamDriver === 'host-local'),
    dnsServers,
    labels: request.labels ?? {},
    options,
    ipamDriver,
  };
  const hidden = asker === 'user' ? hiddenDefaultRoute(wish, settings) : null;
  return hidden ?? contradiction(wish, settings, asker) ?? wish;
}

const isIpamDriver = (text: string): text is IpamDriver => ipamDrivers.includes(text as IpamDriver);

const ipamRefusal = (driver: string): Fault =>
  fault(
    'mode.unsupported',
    /^dhcp(v?6)$/i.test(driver)
      ? `ipam driver ${driver}: DHCPv6 is not supported; ${addressesByAdvertisement}`
      : `ipam driver ${driver} is not supported: expected ${either(ipamDrivers)}`,
  );

const isDriver = (text: string): text is NetworkDriver => networkDrivers.includes(text as NetworkDriver);

/** Returns the link, which engines may also name in an option. */
function linkOf(
  { network_interface }: NetworkRequest,
  driver: NetworkDriver,
  options: Record<string, string>,
  asker: 'user' | 'engine',
): string | null | Fault {
  const option = driver === 'bridge' ? 'com.docker.network.bridge.name' : 'parent';
  const named = options[option] ?? null;
  const link = network_interface ?? named;
  if (asker === 'user' && named !== null && named !== link)
    return fault(
      'payload.invalid',
      `--interface-name ${link} and option ${option}=${named} name different interfaces; give one of them`,
    );
  if (link === null || interfaceNameSchema.safeParse(link).success) return link;
  return fault('payload.invalid', `${link} cannot be the name of an interface`);
}

function automaticFamilies(subnets: NetworkSubnet[], ipv6: boolean): (4 | 6)[] {
  const families: (4 | 6)[] = subnets.length === 0 ? [4] : [];
  if (ipv6 && !hasIpv6Subnet({ subnets })) families.push(6);
  return families;
}

function addresses(texts: readonly string[], what: string): string[] | Fault {
  const canonical: string[] = [];
  for (const text of texts) {
    const address = canonicalAddress(text);
    if (address === null) return fault('address.invalid', `${what} ${text} is not an IP address`);
    canonical.push(address);
  }
  return [...new Set(canonical)];
}

export function networkDefinition(
  wish: NetworkWish,
  granted: { bridge: string | null; subnets: NetworkSubnet[]; created: string },
): NetworkDefinition {
  return {
    name: wish.name,
    id: wish.id,
    driver: wish.driver,
    network_interface: granted.bridge,
    created: granted.created,
    subnets: granted.subnets,
    routes: wish.routes,
    ipv6_enabled: wish.ipv6Enabled || hasIpv6Subnet(granted),
    internal: wish.internal,
    dns_enabled: wish.dnsEnabled,
    network_dns_servers: wish.dnsServers,
    labels: wish.labels,
    options: wish.options,
    ipam_options: { driver: wish.ipamDriver },
  };
}
