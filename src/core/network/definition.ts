import { z } from 'zod';
import {
  addressToBigint,
  canonicalAddress,
  familyOf,
  firstHost,
  formatSubnet,
  hasHostBits,
  isBroadcast,
  lastHost,
  parseSubnet,
  type Subnet,
  subnetAddress,
  subnetContains,
  subnetsOverlap,
} from '../address.ts';
import { type Fault, fault } from '../fault.ts';
import type { RouteType } from '../link-kinds.ts';
import { networkId } from '../names.ts';
import { interfaceNameSchema, newNetworkNameSchema } from '../token.ts';
import {
  changeableOptions,
  either,
  type NetworkDriver,
  type NetworkSettings,
  networkDrivers,
  networkSettings,
  readOptions,
} from './options.ts';

/** Network definitions have podman's field names, for they are the same files and the same nouns. */
const subnetSchema = z.object({
  subnet: z.string().describe('CIDR, e.g. 10.89.0.0/24'),
  gateway: z.string().nullish().describe('default: the first address of the subnet'),
  lease_range: z
    .object({ start_ip: z.string().nullish(), end_ip: z.string().nullish() })
    .nullish()
    .describe('automatic addresses come from here only'),
});

const routeTypes = ['unicast', 'blackhole', 'unreachable', 'prohibit'] as const satisfies RouteType[];

const routeSchema = z.object({
  destination: z.string().describe('CIDR'),
  gateway: z
    .string()
    .nullish()
    .describe(
      "address on one of the container's networks, usually this one; omit for blackhole, unreachable and prohibit",
    ),
  metric: z.int().min(0).max(4_294_967_295).nullish().describe('default: 100'),
  type: z.enum(routeTypes).nullish().describe('default: unicast'),
  route_type: z.enum(routeTypes).nullish().describe('the same, as netavark calls it'),
});

export const networkRequestSchema = z
  .object({
    name: newNetworkNameSchema,
    driver: z.string().nullish().describe('bridge (default), macvlan, ipvlan'),
    network_interface: interfaceNameSchema
      .nullish()
      .describe(
        "name of the bridge, default: the first free netloomN; or the parent, default: the default route's link",
      ),
    subnets: z.array(subnetSchema).nullish().describe("default: a free one from podman's pools"),
    routes: z.array(routeSchema).nullish().describe('additional routes of its containers'),
    ipv6_enabled: z.boolean().nullish().describe('add a free IPv6 subnet if none is given'),
    internal: z.boolean().nullish().describe('no external access, inbound or outbound'),
    dns_enabled: z
      .boolean()
      .nullish()
      .describe(
        'answer queries for container names, at port 53 of the gateways (on an unmanaged bridge: of the addresses that this host has there); default: true for bridges',
      ),
    network_dns_servers: z
      .array(z.string())
      .nullish()
      .describe("name servers for all other names; default: the host's"),
    labels: z.record(z.string(), z.string()).nullish(),
    options: z.record(z.string(), z.string()).nullish().describe('docs/networks.md lists them by driver'),
    ipam_options: z
      .record(z.string(), z.string())
      .nullish()
      .describe(
        'driver: "host-local" (default); "dhcp": addresses from a DHCP server (macvlan or unmanaged bridge); "none": no addresses',
      ),
  })
  .describe('the wish for a network');
export type NetworkRequest = z.infer<typeof networkRequestSchema>;

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

/** A wish with every default filled in but those that need the host: the bridge's name and free subnets. */
export interface NetworkWish {
  name: string;
  id: string;
  driver: NetworkDriver;
  /** bridge or parent; null: a free name, or the link of the default route */
  link: string | null;
  /** the link is there already, and may be somebody else's as well */
  sharesLink: boolean;
  subnets: NetworkSubnet[];
  /** families for which a free subnet is to be found */
  automatic: (4 | 6)[];
  /** asked for, also where no subnet of it is given out */
  ipv6Enabled: boolean;
  routes: NetworkRoute[];
  internal: boolean;
  dnsEnabled: boolean;
  dnsServers: string[];
  labels: Record<string, string>;
  options: Record<string, string>;
  ipamDriver: IpamDriver;
}

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

/** What is no container's, whatever a user asks for: unspecified, loopback, link-local, mapped, multicast. */
const reserved = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '::/127', '::ffff:0:0/96', 'fe80::/10', 'ff00::/8'].map(
  (text) => parseSubnet(text) as Subnet,
);

/** What of that a subnet overlaps; null: it can be a network's. */
export function reservedAround(subnet: Subnet): string | null {
  const clash = reserved.find((other) => subnetsOverlap(other, subnet));
  return clash ? formatSubnet(clash) : null;
}

/**
 * Checks all that can be checked without the host. `asker`: podman's users may give the gateway either end of its subnet, and an engine
 * brings what they gave.
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
    // without addresses of ours there is no gateway to answer at
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

const addressesByAdvertisement = 'with ipv6_enabled, containers take addresses of IPv6 from router advertisements';

const isDriver = (text: string): text is NetworkDriver => networkDrivers.includes(text as NetworkDriver);

/** Engines may keep under an option what they name. */
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

/** What cannot be meant together. */
function contradiction(wish: NetworkWish, settings: NetworkSettings, asker: 'user' | 'engine'): Fault | null {
  const { driver, subnets, ipamDriver, automatic, sharesLink, link } = wish;
  const conflict = (message: string) => fault('payload.invalid', message);
  const families = [...automatic, ...subnets.flatMap(({ subnet }) => parseSubnet(subnet)?.family ?? [])];
  if (ipamDriver === 'none' && subnets.length > 0)
    return conflict('--ipam-driver none gives no addresses, so the network cannot have a --subnet');
  if (ipamDriver === 'dhcp') return dhcpConflict(wish, settings, asker);
  if (families.includes(6) && settings.mtuBytes !== null && settings.mtuBytes < leastMtuBytes6)
    return conflict(`mtu ${settings.mtuBytes}: IPv6 needs at least ${leastMtuBytes6}`);
  if (driver === 'bridge' && sharesLink && link === null) return conflict(bridgeMissing);
  if (sharesLink && ipamDriver === 'host-local' && subnets.length === 0) return conflict(subnetMissing(driver));
  if (wish.dnsEnabled && driver !== 'bridge')
    return conflict(`dns_enabled: ${aNetwork(driver)} cannot answer names, because it has no gateway of netloom's`);
  if (wish.dnsEnabled && ipamDriver === 'none')
    return conflict('dns_enabled: a network without addresses (--ipam-driver none) cannot answer names');
  const unasked = wish.dnsServers.length > 0 ? nameServersRefusal(wish) : null;
  if (unasked) return unasked;
  for (const [family, outbound] of [
    [4, settings.outbound4],
    [6, settings.outbound6],
  ] as const)
    if (outbound !== null && (wish.internal || !families.includes(family)))
      return conflict(`outbound_addr${family}: no IPv${family} traffic leaves this network`);
  return guardConflict(wish);
}

const bridgeMissing = 'an unmanaged network needs the name of its bridge: give --interface-name';

const aNetwork = (driver: NetworkDriver): string => `${driver === 'ipvlan' ? 'an' : 'a'} ${driver} network`;

function subnetMissing(driver: NetworkDriver): string {
  const [network, link] = driver === 'bridge' ? ['an unmanaged network', 'bridge'] : [aNetwork(driver), 'parent'];
  const others = driver === 'ipvlan' ? 'none' : 'dhcp or none';
  return `${network} needs a subnet of its ${link}: give --subnet, or --ipam-driver ${others}`;
}

/** Why a network has no use for name servers: no name is asked for there. null: it has. */
export function nameServersRefusal({
  driver,
  dnsEnabled,
  ipamDriver,
}: Pick<NetworkWish, 'driver' | 'dnsEnabled' | 'ipamDriver'>): Fault | null {
  const without = (reason: string) =>
    fault('payload.invalid', `--dns: ${reason}, so it has no use for name servers; give them to the containers`);
  if (ipamDriver === 'dhcp')
    return without('a network with --ipam-driver dhcp answers no names and has the name servers of the DHCP server');
  if (driver !== 'bridge') return without(`${aNetwork(driver)} answers no names`);
  if (ipamDriver === 'none') return without('a network with --ipam-driver none answers no names');
  return dnsEnabled ? null : without('the network answers no names (--disable-dns)');
}

/** Why a network of these traits cannot have its addresses from a DHCP server; null: it can. */
export function dhcpRefusal({
  driver,
  options,
  subnets,
  ipv6_enabled,
}: Pick<NetworkDefinition, 'driver' | 'options' | 'subnets' | 'ipv6_enabled'>): Fault | null {
  const unsupported = (message: string) => fault('mode.unsupported', `ipam driver dhcp: ${message}`);
  if (driver === 'ipvlan')
    return unsupported('the containers of an ipvlan have one MAC address, and a DHCP server could not tell them apart');
  if (ownsBridge({ driver, options }))
    return unsupported('a bridge made by netloom has no DHCP server; use macvlan, or bridge with mode=unmanaged');
  if (hasIpv6Subnet({ subnets })) return unsupported(`DHCPv6 is not supported; ${addressesByAdvertisement}`);
  if (subnets.length > 0)
    return fault('payload.invalid', 'ipam driver dhcp: subnets cannot be given; the DHCP server decides the subnet');
  if (ipv6_enabled && networkSettings({ driver, options }).acceptRa === 0)
    return unsupported('DHCPv6 is not supported, and with accept_ra=0 nothing else gives addresses of IPv6');
  return null;
}

/** What a network whose addresses a DHCP server gives cannot be. */
function dhcpConflict(wish: NetworkWish, settings: NetworkSettings, asker: 'user' | 'engine'): Fault | null {
  const conflict = (message: string) => fault('payload.invalid', `ipam driver dhcp: ${message}`);
  const refusal = dhcpRefusal({ ...wish, ipv6_enabled: wish.ipv6Enabled });
  if (refusal) return refusal;
  if (wish.driver === 'bridge' && wish.link === null) return fault('payload.invalid', bridgeMissing);
  if (wish.dnsEnabled) return conflict('dns_enabled: names are answered only for addresses that netloom gives');
  // netavark keeps those of a bridge and asks none of them, and its engine's user must not be refused
  const isKept = asker === 'engine' && wish.driver === 'bridge';
  const unasked = wish.dnsServers.length > 0 && !isKept ? nameServersRefusal(wish) : null;
  if (unasked) return unasked;
  if (settings.outbound4 ?? settings.outbound6)
    return conflict('outbound_addr: netloom does not translate addresses on a parent or an unmanaged bridge');
  return guardConflict(wish);
}

/** Options of guards that the network has not, or could not open. */
function guardConflict({
  driver,
  internal,
  options,
}: Pick<NetworkDefinition, 'driver' | 'internal' | 'options'>): Fault | null {
  const named = changeableOptions.find((name) => Object.hasOwn(options, name));
  if (named !== undefined && !ownsBridge({ driver, options }))
    return fault('payload.invalid', `option ${named}: netloom guards only bridges of its own`);
  if (internal && options.inbound === 'open')
    return fault('payload.invalid', 'option inbound=open: nothing enters an internal network');
  return null;
}

/** Why a network cannot have these options instead of those that it has; null: it can. */
export function optionsRefusal(definition: NetworkDefinition, options: Readonly<Record<string, string>>): Fault | null {
  const lasting = Object.keys(options).find((name) => !changeableOptions.includes(name));
  if (lasting !== undefined)
    return fault(
      'payload.invalid',
      `option ${lasting} of a network cannot be changed; ${changeableOptions.join(' and ')} can`,
    );
  const conflict = guardConflict({ ...definition, options: { ...definition.options, ...options } });
  if (conflict) return conflict;
  const read = readOptions(definition.driver, options);
  return 'code' in read ? read : null;
}

/** Why a network cannot be changed so; null: it can. */
export function updateRefusal(
  definition: NetworkDefinition,
  { nameServers, options }: { nameServers: readonly string[]; options?: Readonly<Record<string, string>> | undefined },
): Fault | null {
  const { driver, dns_enabled: dnsEnabled, ipam_options } = definition;
  const unasked =
    nameServers.length > 0 ? nameServersRefusal({ driver, dnsEnabled, ipamDriver: ipam_options.driver }) : null;
  return unasked ?? (options ? optionsRefusal(definition, options) : null);
}

/** Those options that may change while the network is in use. */
export function changeable(options: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => changeableOptions.includes(name)));
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

/** netavark's metric: of a route that says none, and of the first default route; that of each further network is one less preferred. */
export const firstRouteMetric = 100;
/** C12: netavark's metric of a network upon a parent: the LAN leads outwards before any bridge does. */
export const lanRouteMetric = 99;
/** What the kernel makes of metric 0 for IPv6. */
const kernelMetric6 = 1024;

/** The metric with which a route is in force. */
export function routeMetric({ destination, metric }: Pick<NetworkRoute, 'destination' | 'metric'>): number {
  const wanted = metric ?? firstRouteMetric;
  return wanted === 0 && familyOf(destination) === 6 ? kernelMetric6 : wanted;
}

/** Whether one of the others is in the way of that route. */
export function isRepeated(route: NetworkRoute, others: readonly NetworkRoute[]): boolean {
  return others.some((other) => other.destination === route.destination && routeMetric(other) === routeMetric(route));
}

function networkRoutes(
  requested: NonNullable<NetworkRequest['routes']>,
  subnets: readonly NetworkSubnet[],
): NetworkRoute[] | Fault {
  const routes: NetworkRoute[] = [];
  for (const entry of requested) {
    const route = networkRoute(entry);
    if ('code' in route) return route;
    const { destination, gateway } = route;
    if (isRepeated(route, routes))
      return fault(
        'payload.invalid',
        `there are two routes to ${destination} with metric ${routeMetric(route)}; give one of them another metric`,
      );
    const around =
      gateway === null ? null : subnets.find(({ subnet }) => isBroadcast(parseSubnet(subnet) as Subnet, gateway));
    if (around)
      return fault(
        'address.invalid',
        `route to ${destination}: gateway ${gateway} is the broadcast address of ${around.subnet}; give the address of a host`,
      );
    routes.push(route);
  }
  return routes;
}

/** A route of everything that would not be in force beside the default route by the network's gateway. */
function hiddenDefaultRoute(
  { driver, routes, internal, subnets, automatic }: NetworkWish,
  settings: NetworkSettings,
): Fault | null {
  if (internal || !settings.defaultRoute) return null;
  const led = new Set([...automatic, ...subnets.flatMap(({ subnet }) => parseSubnet(subnet)?.family ?? [])]);
  const hidden = routes.find(({ destination, metric }) => {
    const { family, prefixLength } = parseSubnet(destination) as Subnet;
    const own = { destination, metric: settings.metric ?? (driver === 'bridge' ? firstRouteMetric : lanRouteMetric) };
    return prefixLength === 0 && led.has(family) && routeMetric({ destination, metric }) === routeMetric(own);
  });
  return hidden
    ? fault(
        'payload.invalid',
        `route to ${hidden.destination}: the network's gateway is the default route with metric ${routeMetric(hidden)} already; give the route another metric, or the option no_default_route=true`,
      )
    : null;
}

/** Whether its gateway can be reached is known when a container joins: it may be on another network of the container. */
function networkRoute({
  destination,
  gateway,
  metric,
  type,
  route_type,
}: NonNullable<NetworkRequest['routes']>[number]): NetworkRoute | Fault {
  const subnet = parseSubnet(destination);
  if (!subnet) return fault('subnet.invalid', `route to ${destination}: not a valid subnet`);
  if (hasHostBits(destination))
    return fault(
      'subnet.invalid',
      `route to ${destination}: not a subnet; the one around it is ${formatSubnet(subnet)}`,
    );
  if (type && route_type && type !== route_type)
    return fault(
      'payload.invalid',
      `route to ${destination}: type ${type} and route_type ${route_type} differ; give one`,
    );
  const route: NetworkRoute = {
    destination: formatSubnet(subnet),
    gateway: null,
    metric: metric ?? null,
    type: type ?? route_type ?? 'unicast',
  };
  if (route.type !== 'unicast')
    return gateway ? fault('payload.invalid', `a ${route.type} route cannot have a gateway`) : route;
  const via = canonicalAddress(gateway ?? '');
  if (via === null)
    return fault('address.invalid', `route to ${destination}: gateway ${gateway ?? ''} is not an IP address`);
  if (familyOf(via) !== subnet.family)
    return fault('address.invalid', `route to ${destination}: gateway ${via} is an IPv${familyOf(via)} address`);
  return { ...route, gateway: via };
}

function networkSubnets(requested: NonNullable<NetworkRequest['subnets']>): NetworkSubnet[] | Fault {
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

/** The kernel has no route over a broadcast address, and before 5.14 the lowest address is one. */
function gatewayAtEnd(subnets: readonly NetworkSubnet[]): Fault | null {
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
