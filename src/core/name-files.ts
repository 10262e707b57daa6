import { canonicalAddress, familyOf, isLinkLocal6, parseSubnet, withoutPrefixLength } from './address.ts';
import type { StatusBlock } from './status.ts';

/** Contents of /etc/resolv.conf and /etc/hosts for a command that has a container's network and the host's other files. */

/** Contents of the two files. */
export interface NameFiles {
  resolvConf: string;
  hosts: string;
}

/** The host's resolver configuration. */
export interface HostResolver {
  /** /etc/resolv.conf; null: missing */
  text: string | null;
  /** systemd-resolved's list of its upstream servers; null: missing */
  uplinkText: string | null;
}

export interface ResolverGround {
  status: Record<string, StatusBlock>;
  /** requested servers: the only ones if no network answers for names */
  dnsServers: readonly string[];
  /** requested domains: replace all others; `.`: no search domains */
  searchDomains: readonly string[];
  host: HostResolver;
  /** servers on loopback are reachable, because the network is the host's */
  isHostNetwork: boolean;
}

export interface Resolver {
  resolvConf: string;
  /** why outside names cannot be resolved; null: they can, as far as is known here */
  problem: string | null;
}

/** Chooses the servers: a network's resolver answers for containers, and asks others for the rest; without one, the host's own servers. */
export function resolverFor(ground: ResolverGround): Resolver {
  const blocks = Object.values(ground.status);
  const given = unique(blocks.flatMap(({ dns_server_ips }) => dns_server_ips));
  const asked = given.length > 0 ? given : [...ground.dnsServers];
  const found = asked.length > 0 ? { servers: asked, problem: null } : serversOfHost(ground);
  const searched = ground.searchDomains.filter((domain) => domain !== '.');
  const search =
    ground.searchDomains.length > 0
      ? searched
      : unique([...blocks.flatMap((block) => block.dns_search_domains), ...wordsAfter(ground.host.text, 'search')]);
  const options = wordsAfter(ground.host.text, 'options');
  const lines = [
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...found.servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ];
  return { resolvConf: text(lines), problem: blocks.length > 0 ? found.problem : null };
}

/** systemd-resolved listens there; its own list has the servers that it asks. */
const stubs = ['127.0.0.53', '127.0.0.54'];

function serversOfHost({ host, status, isHostNetwork }: ResolverGround): { servers: string[]; problem: string | null } {
  const named = wordsAfter(host.text, 'nameserver');
  if (isHostNetwork) return { servers: named, problem: null };
  const all = named.some((server) => stubs.includes(server)) ? wordsAfter(host.uplinkText, 'nameserver') : [];
  const outside = [...named, ...all].filter(isOutside);
  const hasIpv6 = Object.values(status).some(hasIpv6Address);
  const servers = unique(outside.filter((server) => hasIpv6 || familyOf(server) === 4));
  if (servers.length > 0) return { servers, problem: null };
  const reason =
    outside.length > 0
      ? `this host has IPv6 name servers only (${outside.join(', ')}), and the container has no IPv6 address`
      : named.length > 0
        ? `this host's /etc/resolv.conf names no server that a container can reach (${named.join(', ')})`
        : "this host's /etc/resolv.conf names no server";
  return { servers, problem: `names outside do not resolve: ${reason}; give one with --dns` };
}

/** Checks whether a container can reach a server: not if it is on the host's loopback, or on one link of the host. */
function isOutside(server: string): boolean {
  const address = canonicalAddress(server);
  return address !== null && !address.startsWith('127.') && address !== '::1' && !isLinkLocal6(address);
}

const hasIpv6Address = ({ interfaces }: StatusBlock): boolean =>
  Object.values(interfaces).some(({ subnets }) => subnets.some(({ ipnet }) => parseSubnet(ipnet)?.family === 6));

/** Returns the words of all lines that begin with that keyword; glibc uses only the last search line, netloom all of them. */
function wordsAfter(content: string | null, keyword: string): string[] {
  return (content ?? '').split('\n').flatMap((line) => {
    const [first, ...words] = line.trim().split(/\s+/);
    return first === keyword ? words.slice(0, keyword === 'nameserver' ? 1 : undefined) : [];
  });
}

/** `--add-host`: names of an address, or of the host itself. */
export interface HostEntry {
  names: readonly string[];
  /** null: the host's address as seen by the container */
  address: string | null;
}

export interface HostsGround {
  /** the host's own file; null: missing */
  base: string | null;
  status: Record<string, StatusBlock>;
  /** the container's names */
  names: readonly string[];
  added: readonly HostEntry[];
  /** the host's address as seen by the container; null: not reachable */
  hostAddress: string | null;
}

/** Names that resolve to the host: podman's and docker's. */
export const hostNames = ['host.containers.internal', 'host.docker.internal'];

/** Writes /etc/hosts: requested entries first, then the container's own; the host's lines follow, without names that are taken. */
export function hostsFile({ base, status, names, added, hostAddress }: HostsGround): string {
  const asked = added.flatMap(({ names: given, address }) => {
    const at = address ?? hostAddress;
    return at === null ? [] : [line(at, given)];
  });
  const isAsked = (name: string) => added.some((entry) => entry.names.includes(name));
  const internal = hostNames.filter((name) => !isAsked(name));
  const own = addressesOf(status).map((address) => line(address, unique(names)));
  const baseLines = (base ?? '').replace(/\n+$/, '').split('\n');
  const hasLocalhost = (address: string) =>
    baseLines.some((entry) => {
      const [at, ...called] = (entry.split('#')[0] as string).trim().split(/\s+/);
      return at === address && called.includes('localhost');
    });
  const lines = [
    ...asked,
    ...['127.0.0.1', '::1'].filter((address) => !hasLocalhost(address)).map((address) => line(address, ['localhost'])),
    ...own,
    ...(hostAddress !== null && internal.length > 0 ? [line(hostAddress, internal)] : []),
    ...(base === null ? [] : baseLines),
  ];
  return text(lines);
}

/** Returns the addresses of all its interfaces, in the order of its networks. */
function addressesOf(status: Record<string, StatusBlock>): string[] {
  return Object.values(status).flatMap(({ interfaces }) =>
    Object.values(interfaces).flatMap(({ subnets }) => subnets.map(({ ipnet }) => withoutPrefixLength(ipnet))),
  );
}

/**
 * Returns the address by which a container reaches the host: the gateway of one of its bridges, IPv4 before IPv6, else the host's
 * own outside address. `bridges`: names of networks whose gateway is the host.
 */
export function hostAddressFor(
  status: Record<string, StatusBlock>,
  bridges: ReadonlySet<string>,
  hostIp: string | null,
): string | null {
  if (Object.keys(status).length === 0) return null;
  const gateways = Object.entries(status).flatMap(([network, { interfaces }]) =>
    bridges.has(network)
      ? Object.values(interfaces).flatMap(({ subnets }) => subnets.flatMap(({ gateway }) => gateway ?? []))
      : [],
  );
  return gateways.find((gateway) => familyOf(gateway) === 4) ?? gateways[0] ?? hostIp;
}

const line = (address: string, names: readonly string[]): string => `${address}\t${names.join(' ')}`;

const text = (lines: readonly string[]): string => lines.map((each) => `${each}\n`).join('');

const unique = (list: readonly string[]): string[] => [...new Set(list)];
