import { z } from 'zod';
import {
  addressToBigint,
  canonicalAddress,
  firstHost,
  formatSubnet,
  lastHost,
  parseSubnet,
  type Subnet,
  subnetAddress,
  subnetContains,
  subnetsOverlap,
} from './address.ts';
import { type Fault, fault } from './fault.ts';
import type { IpvlanMode, MacvlanMode, RouteType } from './link-kinds.ts';
import { networkId } from './names.ts';
import { interfaceNameSchema, networkNameSchema } from './token.ts';

/** Network definitions have podman's field names, for they are the same files and the same nouns. */
const subnetSchema = z.object({
  subnet: z.string().describe('CIDR, e.g. 10.89.0.0/24'),
  gateway: z.string().nullish().describe('default: the first address of the subnet'),
  lease_range: z
    .object({ start_ip: z.string().nullish(), end_ip: z.string().nullish() })
    .nullish()
    .describe('automatic addresses come from here only'),
});

export const networkRequestSchema = z
  .object({
    name: networkNameSchema,
    driver: z.string().nullish().describe('bridge'),
    network_interface: interfaceNameSchema.nullish().describe('name of the bridge; default: the first free netloomN'),
    subnets: z.array(subnetSchema).nullish().describe("default: a free one from podman's pools"),
    ipv6_enabled: z.boolean().nullish().describe('adds a free IPv6 subnet when no IPv6 subnet is given'),
    internal: z.boolean().nullish().describe('no way out and none in'),
    dns_enabled: z
      .boolean()
      .nullish()
      .describe('names of containers are answered for at the gateways, port 53; default: true'),
    labels: z.record(z.string(), z.string()).nullish(),
    options: z
      .record(z.string(), z.string())
      .nullish()
      .describe('mtu, com.docker.network.driver.mtu, com.docker.network.bridge.name'),
    ipam_options: z.record(z.string(), z.string()).nullish().describe('{"driver": "host-local"}'),
  })
  .describe('a network as it is wished for');
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

/** A wish with every default filled in but those that need the host: the bridge's name and free subnets. */
export interface NetworkWish {
  name: string;
  id: string;
  bridge: string | null;
  subnets: NetworkSubnet[];
  /** families for which a free subnet is to be found */
  automatic: (4 | 6)[];
  internal: boolean;
  dnsEnabled: boolean;
  mtuBytes: number | null;
  labels: Record<string, string>;
  options: Record<string, string>;
}

export interface NetworkDefinition {
  name: string;
  id: string;
  driver: 'bridge' | 'macvlan' | 'ipvlan';
  network_interface: string | null;
  created: string;
  subnets: NetworkSubnet[];
  routes: NetworkRoute[];
  ipv6_enabled: boolean;
  internal: boolean;
  dns_enabled: boolean;
  network_dns_servers: string[];
  labels: Record<string, string>;
  options: Record<string, string>;
  ipam_options: { driver: 'host-local' | 'none' };
}

export interface NetworkSettings {
  mtuBytes: number | null;
  isolate: 'none' | 'true' | 'strict';
  metric: number | null;
  defaultRoute: boolean;
  vrf: string | null;
  outbound4: string | null;
  outbound6: string | null;
  managed: boolean;
  vlanId: number | null;
  mode: MacvlanMode | IpvlanMode | null;
  broadcastLimit: number | null;
}

export function networkSettings({ options }: Pick<NetworkDefinition, 'driver' | 'options'>): NetworkSettings {
  const mtu = options.mtu ?? options['com.docker.network.driver.mtu'];
  return {
    mtuBytes: mtu === undefined ? null : Number(mtu),
    isolate: 'none',
    metric: null,
    defaultRoute: true,
    vrf: null,
    outbound4: null,
    outbound6: null,
    managed: true,
    vlanId: null,
    mode: null,
    broadcastLimit: null,
  };
}

/** As podman's: a network has DNS unless it is told not to. */
const dnsByDefault = true;

const knownOptions = ['mtu', 'com.docker.network.driver.mtu', 'com.docker.network.bridge.name'];

/** below these the kernel takes no address of the family */
const leastMtuBytes = { 4: 68, 6: 1280 } as const;

/** What is no container's, whatever a user asks for: unspecified, loopback, link-local, mapped, multicast. */
const reserved = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '::/127', '::ffff:0:0/96', 'fe80::/10', 'ff00::/8'].map(
  (text) => parseSubnet(text) as Subnet,
);

/** Checks all that can be checked without the host. */
export function networkWish(request: NetworkRequest): NetworkWish | Fault {
  const options = request.options ?? {};
  const unknown = Object.keys(options).filter((key) => !knownOptions.includes(key));
  if (unknown.length > 0)
    return fault('payload.invalid', `unknown option ${unknown.join(', ')}; known are ${knownOptions.join(', ')}`);
  if ((request.driver ?? 'bridge') !== 'bridge')
    return fault('mode.unsupported', `driver ${request.driver} is not supported by this version; bridge is`);
  if ((request.ipam_options?.driver ?? 'host-local') !== 'host-local')
    return fault('mode.unsupported', `ipam driver ${request.ipam_options?.driver} is not supported; host-local is`);
  const mtuBytes = mtuOf(options);
  if (typeof mtuBytes === 'object' && mtuBytes !== null) return mtuBytes;
  const bridge = request.network_interface ?? options['com.docker.network.bridge.name'] ?? null;
  if (bridge !== null && !interfaceNameSchema.safeParse(bridge).success)
    return fault('payload.invalid', `${bridge} cannot be the name of an interface`);
  const subnets = networkSubnets(request.subnets ?? []);
  if ('code' in subnets) return subnets;
  const automatic = automaticFamilies(subnets, request.ipv6_enabled ?? false);
  const hasIpv6 = automatic.includes(6) || subnets.some(({ subnet }) => parseSubnet(subnet)?.family === 6);
  if (hasIpv6 && mtuBytes !== null && mtuBytes < leastMtuBytes[6])
    return fault('payload.invalid', `mtu ${mtuBytes}: IPv6 needs at least ${leastMtuBytes[6]}`);
  return {
    name: request.name,
    id: networkId(request.name),
    bridge,
    subnets,
    automatic,
    internal: request.internal ?? false,
    dnsEnabled: request.dns_enabled ?? dnsByDefault,
    mtuBytes,
    labels: request.labels ?? {},
    options,
  };
}

function automaticFamilies(subnets: NetworkSubnet[], ipv6: boolean): (4 | 6)[] {
  const families: (4 | 6)[] = subnets.length === 0 ? [4] : [];
  if (ipv6 && !subnets.some(({ subnet }) => parseSubnet(subnet)?.family === 6)) families.push(6);
  return families;
}

function mtuOf(options: Record<string, string>): number | null | Fault {
  const text = options.mtu ?? options['com.docker.network.driver.mtu'];
  if (text === undefined) return null;
  const mtuBytes = Number(text);
  if (!/^\d+$/.test(text) || mtuBytes < leastMtuBytes[4] || mtuBytes > 65535)
    return fault('payload.invalid', `mtu ${text}: expected a number from ${leastMtuBytes[4]} to 65535`);
  return mtuBytes;
}

function networkSubnets(requested: NonNullable<NetworkRequest['subnets']>): NetworkSubnet[] | Fault {
  const parsed: Subnet[] = [];
  const subnets: NetworkSubnet[] = [];
  for (const entry of requested) {
    const subnet = parseSubnet(entry.subnet);
    if (!subnet) return fault('subnet.invalid', `${entry.subnet} is no subnet (expected e.g. 10.89.0.0/24)`);
    const clash = reserved.find((other) => subnetsOverlap(other, subnet));
    if (clash)
      return fault('subnet.invalid', `${entry.subnet} overlaps ${formatSubnet(clash)}, which no network can have`);
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
  if (via === null) return fault('address.invalid', `gateway ${gateway} is no IP address`);
  if (!subnetContains(subnet, via)) return fault('address.outside-subnet', `gateway ${via} is outside ${text}`);
  const value = addressToBigint(via);
  if (value < firstHost(subnet) || value > lastHost(subnet))
    return fault('address.invalid', `gateway ${via} is the network or broadcast address of ${text}`);
  if (!leaseRange) return { subnet: text, gateway: via };
  const range = completeRange(subnet, leaseRange);
  return 'code' in range ? range : { subnet: text, gateway: via, lease_range: range };
}

type LeaseRange = NonNullable<NetworkSubnet['lease_range']>;

function completeRange(subnet: Subnet, requested: Partial<LeaseRange>): LeaseRange | Fault {
  const range: LeaseRange = { start_ip: null, end_ip: null };
  for (const end of ['start_ip', 'end_ip'] as const) {
    const text = requested[end] ?? null;
    if (text === null) continue;
    const address = canonicalAddress(text);
    if (address === null) return fault('address.invalid', `lease range: ${text} is no IP address`);
    if (!subnetContains(subnet, address))
      return fault('address.outside-subnet', `lease range: ${address} is outside ${formatSubnet(subnet)}`);
    range[end] = address;
  }
  const { start_ip, end_ip } = range;
  if (start_ip !== null && end_ip !== null && addressToBigint(start_ip) > addressToBigint(end_ip))
    return fault('address.invalid', `lease range: ${start_ip} is behind ${end_ip}`);
  return range;
}

export function networkDefinition(
  wish: NetworkWish,
  granted: { bridge: string | null; subnets: NetworkSubnet[]; created: string },
): NetworkDefinition {
  return {
    name: wish.name,
    id: wish.id,
    driver: 'bridge',
    routes: [],
    network_dns_servers: [],
    network_interface: granted.bridge,
    created: granted.created,
    subnets: granted.subnets,
    ipv6_enabled: granted.subnets.some(({ subnet }) => parseSubnet(subnet)?.family === 6),
    internal: wish.internal,
    dns_enabled: wish.dnsEnabled,
    labels: wish.labels,
    options: wish.options,
    ipam_options: { driver: 'host-local' },
  };
}

export function gatewaysOf({ subnets }: Pick<NetworkDefinition, 'subnets'>): string[] {
  return subnets.flatMap(({ gateway }) => gateway ?? []);
}
