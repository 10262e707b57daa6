import {
  addressToBigint,
  firstHost,
  formatSubnet,
  isBroadcast,
  lastHost,
  parseSubnet,
  type Subnet,
  subnetContains,
  subnetsOverlap,
} from '../address.ts';
import { addressText, type DhcpMessage, type Options, optionCodes } from './message.ts';
import { readDomainName, readSearchDomains } from './search-domains.ts';

/**
 * What a server gives, as far as it is plausible. An unusable address makes the whole offer worthless; other implausible values
 * are left out and reported.
 */

export interface DhcpTerms {
  /** `192.0.2.7` */
  address: string;
  prefixLength: number;
  /** gateway of the default route */
  gateway: string | null;
  /** further routes, from option 121; gateway null: on the link itself */
  routes: { destination: string; gateway: string | null }[];
  nameServers: string[];
  searchDomains: string[];
  /** the server's identifier, and the source of its answer */
  server: string;
  serverMac: string;
  /** milliseconds since 1970; null: the lease never ends */
  times: DhcpTimes | null;
  /** what was left out, in words */
  ignored: string[];
}

/** Times of a lease: when to ask the server that gave it (T1), when to ask any server (T2), and when it ends. */
export interface DhcpTimes {
  renewAt: number;
  rebindAt: number;
  expiresAt: number;
}

/** Most entries taken from each list. */
const most = { routers: 8, nameServers: 8, searchDomains: 16, routes: 64 } as const;
/** Lower limits: a shorter lease would be renewed endlessly; no renewal is sent sooner than that. */
const least = { leaseSeconds: 3, renewalSeconds: 1 } as const;
/** Shortest prefix of a plausible IPv4 network. */
const leastPrefixLength = 8;
const forEver = 0xffffffff;

/** Ranges that no host of a LAN uses: unspecified, loopback, multicast, reserved. */
const reserved = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4'].map((text) => parseSubnet(text) as Subnet);

const isHost = (address: string): boolean => !reserved.some((subnet) => subnetContains(subnet, address));

/** Source of an answer, and what it is checked against. */
export interface Circumstances {
  serverMac: string;
  /** when the question was sent, in milliseconds since 1970: the lease counts from there */
  sentAt: number;
  /** of the container's other networks: `10.89.0.7/24`. An address given there would cut the container off from them */
  otherSubnets: readonly string[];
}

/** Reads the terms of an offer or an acknowledgement. A string gives the reason why it is unusable. */
export function termsOf(
  { yourAddress, options }: DhcpMessage,
  { serverMac, sentAt, otherSubnets }: Circumstances,
): DhcpTerms | string {
  const server = oneAddress(options.get(optionCodes.server));
  if (server === null || !isHost(server)) return 'the server identifier is missing (option 54)';
  if (!isHost(yourAddress)) return `${yourAddress} is not a host address`;
  const prefixLength = prefixLengthOf(options.get(optionCodes.subnetMask));
  if (prefixLength === null) return `${yourAddress} comes without a subnet mask (option 1)`;
  const subnet = parseSubnet(`${yourAddress}/${prefixLength}`) as Subnet;
  const value = addressToBigint(yourAddress);
  if (value < firstHost(subnet) || value > lastHost(subnet))
    return `${yourAddress} is the network or broadcast address of ${formatSubnet(subnet)}`;
  const other = otherSubnets.find((text) => subnetContains(parseSubnet(text) as Subnet, yourAddress));
  if (other !== undefined)
    return `${yourAddress} is in ${formatSubnet(parseSubnet(other) as Subnet)}, the subnet of another network of the container`;
  const seconds = number32(options.get(optionCodes.leaseSeconds));
  if (seconds === null || seconds === 0) return `${yourAddress} comes without a lease time (option 51)`;
  if (seconds < least.leaseSeconds)
    return `the lease time of ${yourAddress}, ${seconds} s, is too short: the minimum is ${least.leaseSeconds} s (option 51)`;
  const ignored: string[] = [];
  const others = otherSubnets.map((text) => parseSubnet(text) as Subnet);
  const ways = waysOf(options, { address: yourAddress, subnet, others }, ignored);
  return {
    address: yourAddress,
    prefixLength,
    ...ways,
    nameServers: nameServersOf(options, ignored),
    searchDomains: searchDomainsOf(options, ignored),
    server,
    serverMac,
    times: seconds === forEver ? null : timesOf(options, seconds, sentAt, ignored),
    ignored,
  };
}

/** Compares terms without the times of the lease: if they are equal, the container need not change. */
export function isSameTerms({ times: _, ignored: __, ...one }: DhcpTerms, other: DhcpTerms | null): boolean {
  if (other === null) return false;
  const { times: ___, ignored: ____, ...rest } = other;
  return JSON.stringify(one) === JSON.stringify(rest);
}

/** Returns the server's reason for a refusal, for users (option 56). */
export function refusalText({ options }: DhcpMessage): string | null {
  const text = printable(options.get(optionCodes.message));
  return text === '' ? null : text;
}

const printable = (bytes: Uint8Array | undefined): string =>
  [...(bytes ?? [])]
    .slice(0, 200)
    .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ' '))
    .join('')
    .trim();

function prefixLengthOf(mask: Uint8Array | undefined): number | null {
  if (mask?.length !== 4) return null;
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const length = bits.indexOf('0') === -1 ? 32 : bits.indexOf('0');
  return /^1*0*$/.test(bits) && length >= leastPrefixLength ? length : null;
}

function timesOf(options: Options, seconds: number, sentAt: number, ignored: string[]): DhcpTimes {
  const after = (seconds: number) => sentAt + seconds * 1000;
  const expiresAt = after(seconds);
  const renewal = number32(options.get(optionCodes.renewalSeconds));
  const rebinding = number32(options.get(optionCodes.rebindingSeconds));
  const [t1, t2] = [renewal ?? seconds * 0.5, rebinding ?? seconds * 0.875];
  if (t1 >= least.renewalSeconds && t1 < t2 && t2 < seconds)
    return { renewAt: after(t1), rebindAt: after(t2), expiresAt };
  ignored.push(`to renew after ${t1} s and rebind after ${t2} s does not fit a lease of ${seconds} s`);
  return { renewAt: after(seconds * 0.5), rebindAt: after(seconds * 0.875), expiresAt };
}

/** `others`: subnets of the container's other networks. */
type Own = { address: string; subnet: Subnet; others: readonly Subnet[] };

/** Reads the gateway and routes. RFC 3442: where there are classless routes, routers are ignored. */
function waysOf(options: Options, own: Own, ignored: string[]): Pick<DhcpTerms, 'gateway' | 'routes'> {
  const encoded = options.get(optionCodes.classlessRoutes);
  const routes = encoded && decodeRoutes(encoded);
  if (routes) return reachable(routes, own, ignored);
  if (encoded) ignored.push('the classless routes (option 121) are malformed');
  const routers = addressList(options.get(optionCodes.routers), 'routers (option 3)', ignored).slice(0, most.routers);
  if (own.subnet.prefixLength === 32) return pointToPoint(routers, own, ignored);
  const gateway = routers.find((router) => isNear(router, own)) ?? null;
  for (const router of routers) if (!isNear(router, own)) ignored.push(`router ${router} is not within reach`);
  return { gateway, routes: [] };
}

/** Handles a subnet of one address, as some clouds give it: its gateway is on the link all the same. */
function pointToPoint(routers: string[], own: Own, ignored: string[]): Pick<DhcpTerms, 'gateway' | 'routes'> {
  const isOnLink = (router: string) =>
    isHost(router) && router !== own.address && !own.others.some((subnet) => subnetContains(subnet, router));
  const gateway = routers.find(isOnLink) ?? null;
  for (const router of routers) if (!isOnLink(router)) ignored.push(`router ${router} is not on the link`);
  return { gateway, routes: gateway === null ? [] : [{ destination: `${gateway}/32`, gateway: null }] };
}

const isNear = (gateway: string, { address, subnet }: Own): boolean =>
  isHost(gateway) && gateway !== address && subnetContains(subnet, gateway) && !isBroadcast(subnet, gateway);

type Route = DhcpTerms['routes'][number];

function reachable(all: Route[], own: Own, ignored: string[]): Pick<DhcpTerms, 'gateway' | 'routes'> {
  const leftOut = (route: Route, why: string) => {
    ignored.push(`route to ${route.destination}${route.gateway ? ` by ${route.gateway}` : ''}: ${why}`);
    return false;
  };
  const sensible = all.slice(0, most.routes).filter((route, index) => {
    const { base, prefixLength } = parseSubnet(route.destination) as Subnet;
    if (all.slice(0, index).some(({ destination }) => destination === route.destination))
      return leftOut(route, 'the destination is given twice');
    if (prefixLength === 0) return route.gateway !== null || leftOut(route, 'it has no gateway');
    const destination = { family: 4, base, prefixLength } as const;
    // a half of all addresses, as a VPN routes it, covers more than reserved addresses
    const isReserved = reserved.some((one) => prefixLength >= one.prefixLength && subnetsOverlap(one, destination));
    if (isReserved) return leftOut(route, 'no host can have these addresses');
    const isOthers = own.others.some((one) => prefixLength >= one.prefixLength && subnetsOverlap(one, destination));
    return !isOthers || leftOut(route, 'that is another network of the container');
  });
  if (all.length > most.routes) ignored.push(`${all.length - most.routes} of ${all.length} routes are too many`);
  const onLink = sensible.flatMap(({ destination, gateway }) =>
    gateway === null ? [parseSubnet(destination) as Subnet] : [],
  );
  const routes = sensible.filter((route) => {
    const { gateway } = route;
    if (gateway === null) return true;
    const isReached =
      isNear(gateway, own) || (isHost(gateway) && onLink.some((subnet) => subnetContains(subnet, gateway)));
    return isReached || leftOut(route, 'its gateway is not within reach');
  });
  const isDefault = ({ destination }: Route) => destination === '0.0.0.0/0';
  return { gateway: routes.find(isDefault)?.gateway ?? null, routes: routes.filter((route) => !isDefault(route)) };
}

/** Decodes routes: prefix length, significant bytes of the destination, gateway; repeated. null: malformed. */
function decodeRoutes(bytes: Uint8Array): Route[] | null {
  const routes: Route[] = [];
  for (let at = 0; at < bytes.length; ) {
    const width = bytes[at++] as number;
    const significant = Math.ceil(width / 8);
    if (width > 32 || at + significant + 4 > bytes.length) return null;
    const destination = new Uint8Array(4);
    destination.set(bytes.subarray(at, at + significant));
    const gateway = addressText(bytes.subarray(at + significant, at + significant + 4));
    const subnet = parseSubnet(`${addressText(destination)}/${width}`) as Subnet;
    routes.push({ destination: formatSubnet(subnet), gateway: gateway === '0.0.0.0' ? null : gateway });
    at += significant + 4;
  }
  return routes;
}

function nameServersOf(options: Options, ignored: string[]): string[] {
  const found = addressList(options.get(optionCodes.nameServers), 'name servers (option 6)', ignored);
  for (const server of found) if (!isHost(server)) ignored.push(`name server ${server} is not a host address`);
  return found.filter(isHost).slice(0, most.nameServers);
}

function searchDomainsOf(options: Options, ignored: string[]): string[] {
  const search = options.get(optionCodes.searchDomains);
  const list = search && readSearchDomains(search);
  if (list && list.length > most.searchDomains)
    ignored.push(
      `${list.length - most.searchDomains} of ${list.length} search domains: the maximum is ${most.searchDomains}`,
    );
  if (list) return list.slice(0, most.searchDomains);
  if (search) ignored.push('the search domains (option 119) are malformed');
  const name = options.get(optionCodes.domainName);
  const domain = name && readDomainName(name);
  if (name && !domain) ignored.push('the domain name (option 15) is malformed');
  return domain ? [domain] : [];
}

const number32 = (bytes: Uint8Array | undefined): number | null =>
  bytes?.length === 4 ? new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) : null;

const oneAddress = (bytes: Uint8Array | undefined): string | null => (bytes?.length === 4 ? addressText(bytes) : null);

function addressList(bytes: Uint8Array | undefined, what: string, ignored: string[]): string[] {
  if (!bytes) return [];
  if (bytes.length % 4 !== 0 || bytes.length === 0) {
    ignored.push(`the ${what} are malformed`);
    return [];
  }
  const count = bytes.length / 4;
  return [
    ...new Set(Array.from({ length: count }, (_, index) => addressText(bytes.subarray(4 * index, 4 * index + 4)))),
  ];
}
