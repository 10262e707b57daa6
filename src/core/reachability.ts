import { type ActorAddress, containerAddress } from './actor-address.ts';
import {
  type Family,
  families,
  familyOf,
  parseSubnet,
  type Subnet,
  subnetContains,
  withoutPrefixLength,
} from './address.ts';
import { entryOf } from './entry.ts';
import { dropText, type FirewallDrop } from './firewall/foreign/obstacles.ts';
import type { Way } from './firewall/foreign/traffic.ts';
import { networkSettings } from './network/options.ts';
import type { PublishedPort } from './port.ts';
import type { ContainerView, NetworkView } from './view.ts';

/**
 * Reachability between endpoints, derived from what netloom has set up: the links, the default routes and the rules of base.nft.
 * Nothing is sent. It shows what the network lets through, and what foreign firewalls of this host are known to drop; not whether
 * a process answers, nor what a container's own firewall refuses. test/kernel/firewall-matrix.test.ts compares it with the real
 * kernel.
 */

/** `host`: a process on this host. `outside`: another machine, without a route to a container's subnet. */
export type Origin = 'host' | 'outside' | ActorAddress<'container'>;

export interface ReachabilityCell {
  from: Origin;
  /** ID of a container */
  to: string;
  /** by the container's address, or by a published port on this host's address */
  by: 'address' | 'port';
  family: Family;
  /** which one, if by port; null: no port is published */
  port: PublishedPort | null;
  reachable: boolean;
  reason: string;
}

export type ReachableNetwork = Pick<NetworkView, 'name' | 'internal' | 'options' | 'driver' | 'firewall'>;
export type ReachableContainer = Pick<ContainerView, 'id' | 'mode' | 'netns' | 'attachments' | 'status' | 'ports'>;

/** A network's traffic that other firewalls see. */
type Passing = { network: ReachableNetwork; way: Way };

type Verdict = Pick<ReachabilityCell, 'reachable' | 'reason'> & { passing?: Passing | undefined };
const yes = (reason: string, passing?: Passing): Verdict => ({ reachable: true, reason, passing });
const no = (reason: string): Verdict => ({ reachable: false, reason });

/** A container on one of its networks, with the first address of each family. */
interface Joined {
  network: ReachableNetwork;
  addresses: Partial<Record<Family, string>>;
  /** of its default routes */
  metric: number;
}

interface Endpoint {
  id: string;
  /** containers that share a namespace share this value */
  namespace: string;
  /** all of the namespace, in attach order */
  joined: Joined[];
  ports: readonly PublishedPort[];
}

/**
 * Returns all cells: from the outside, the host and each container, to each container; by address once per family, by port once
 * per family and published port. Leaves out containers whose network is down, and those without a namespace of their own (mode
 * host, and containers that share it), which are the host.
 */
export function reachability(
  networks: readonly ReachableNetwork[],
  containers: readonly ReachableContainer[],
  firewalls: readonly FirewallDrop[] = [],
): ReachabilityCell[] {
  const endpoints = endpointsOf(networks, containers);
  const origins: (Endpoint | 'outside' | 'host')[] = ['outside', 'host', ...endpoints];
  const judged = origins.flatMap((from) =>
    endpoints.flatMap((to) => families.flatMap((family) => cells(from, to, family))),
  );
  return judged.map((cell) => hindered(cell, firewalls));
}

/** Applies foreign firewalls: they may drop what netloom lets through. */
function hindered({ passing, ...cell }: JudgedCell, firewalls: readonly FirewallDrop[]): ReachabilityCell {
  if (!passing) return cell;
  const isMeant = ({ network, family, way }: FirewallDrop['stops'][number]) =>
    network === passing.network.name && family === cell.family && way === passing.way;
  const drop = firewalls.find(({ stops }) => stops.some(isMeant));
  if (!drop) return cell;
  return drop.certain
    ? { ...cell, reachable: false, reason: `dropped by ${dropText(drop)}` }
    : { ...cell, reason: `${cell.reason}; may be dropped by ${dropText(drop)}` };
}

type JudgedCell = ReachabilityCell & Pick<Verdict, 'passing'>;

function cells(from: Endpoint | 'outside' | 'host', to: Endpoint, family: Family): JudgedCell[] {
  const origin: Origin = typeof from === 'string' ? from : containerAddress(from.id);
  const start = { from: origin, to: to.id, family };
  const ports = to.ports.length > 0 ? to.ports : [null];
  return [
    { ...start, by: 'address', port: null, ...byAddress(from, to, family) },
    ...ports.map((port) => ({ ...start, by: 'port' as const, port, ...byPort(from, to, port, family) })),
  ];
}

function endpointsOf(networks: readonly ReachableNetwork[], containers: readonly ReachableContainer[]): Endpoint[] {
  const byName = new Map(networks.map((network) => [network.name, network]));
  const namespaceOf = ({ netns }: ReachableContainer) => `${netns?.inode ?? netns?.path}`;
  const hosts = new Set(containers.filter(({ mode }) => mode === 'host').map(namespaceOf));
  const alive = containers.filter((container) => container.netns !== null && !hosts.has(namespaceOf(container)));
  return alive.map((container) => {
    const namespace = namespaceOf(container);
    const sharing = alive.filter((other) => other !== container && namespaceOf(other) === namespace);
    const joined = [container, ...sharing].flatMap((one) => joinedNetworks(one, byName));
    return { id: container.id, namespace, joined, ports: container.ports };
  });
}

function joinedNetworks(
  { attachments, status }: ReachableContainer,
  networks: ReadonlyMap<string, ReachableNetwork>,
): Joined[] {
  return attachments.flatMap((attachment) => {
    const network = networks.get(attachment.network);
    if (!network) return [];
    const addresses: Joined['addresses'] = {};
    for (const { subnets } of Object.values(entryOf(status, attachment.network)?.interfaces ?? {}))
      for (const { ipnet } of subnets) addresses[familyOf(ipnet)] ??= withoutPrefixLength(ipnet);
    return [{ network, addresses, metric: Number(network.options.metric ?? firstMetric + attachment.slot) }];
  });
}

function byAddress(from: Endpoint | 'outside' | 'host', to: Endpoint, family: Family): Verdict {
  const targets = to.joined.filter(({ addresses }) => addresses[family] !== undefined);
  if (targets.length === 0) return no(noAddress(family));
  if (from === 'host')
    return firstYes(
      targets,
      ({ network }) => beyondUs(network) ?? yes("on the host's bridge", { network, way: 'host' }),
    );
  if (from === 'outside') return firstYes(targets, ({ network }) => beyondUs(network) ?? unrouted(network));
  if (from.namespace === to.namespace) return yes('same namespace');
  const near = targets.find(({ network }) => from.joined.some((own) => isOn(own, network, family)));
  return near
    ? yes(`same network ${near.network.name}`, { network: near.network, way: 'neighbours' })
    : firstYes(targets, (target) => forwarded(from, target, family));
}

function byPort(
  from: Endpoint | 'outside' | 'host',
  to: Endpoint,
  port: PublishedPort | null,
  family: Family,
): Verdict {
  if (!port) return no('no published port');
  if (port.hostIp !== null && familyOf(port.hostIp) !== family) return no(`published on ${port.hostIp} only`);
  // as in the plan: to the first network with an address of the family that the firewall knows
  const targets = to.joined.filter(({ addresses }) => addresses[family] !== undefined);
  const target = targets.find(({ network }) => !unforwarded(network));
  if (!target) return targets[0] ? (unforwarded(targets[0].network) as Verdict) : no(noAddress(family));
  const published = `published ${hostPortText(port)}`;
  if (port.hostIp !== null && isLoopback(port.hostIp)) return byLoopback(from, port.hostIp, target, published);
  if (from === 'host') return yes(published, { network: target.network, way: 'host' });
  const verdict = from === 'outside' ? entered(target) : forwarded(from, target, family);
  return verdict.reachable ? yes(published, verdict.passing) : verdict;
}

/**
 * Judges loopback: the kernel never routes ::1, and 127.0.0.0/8 only onto bridges with route_localnet, which internal networks'
 * bridges lack.
 */
function byLoopback(from: Endpoint | 'outside' | 'host', hostIp: string, target: Joined, published: string): Verdict {
  if (from !== 'host') return no(`published on ${hostIp} only`);
  if (familyOf(hostIp) === 6) return no(`${hostIp} is never routed`);
  return target.network.internal ? no(internal) : yes(published, { network: target.network, way: 'host' });
}

/** Returns what another machine would need beside a route, which it does not have. */
function unrouted(network: ReachableNetwork): Verdict {
  if (network.internal) return no(internal);
  if (network.firewall === 'none') return no(`the other machine needs a route through this host; ${unruled}`);
  return networkSettings(network).inbound === 'open'
    ? no('the other machine needs a route through this host; the network lets it in (inbound=open)')
    : no('only published ports are reached from other machines (inbound=guarded)');
}

function entered({ network }: Joined): Verdict {
  return network.internal ? no(internal) : yes('forwarded by the host', { network, way: 'published' });
}

/** Judges a packet that the host forwards, over the container's default route. */
function forwarded(from: Endpoint, target: Joined, family: Family): Verdict {
  if (!from.joined.some(({ addresses }) => addresses[family] !== undefined))
    return no(`${noAddress(family)} to ask from`);
  const out = wayOut(from, family);
  if (!out) return no(from.joined.every(({ network }) => network.internal) ? internal : 'no default route');
  return (
    beyondUs(target.network) ??
    beyondUs(out.network) ??
    barrier(out.network, target.network) ??
    yes(out.network.name === target.network.name ? `same network ${out.network.name}` : 'forwarded by the host', {
      network: out.network,
      way: 'outbound',
    })
  );
}

/** Returns the network of the container's default route: the least metric, which is the first attached unless a network sets another. */
function wayOut(from: Endpoint, family: Family): Joined | null {
  const candidates = from.joined.filter(({ network, addresses }) => {
    const refused = ['true', '1'].includes(network.options.no_default_route ?? '');
    return !network.internal && addresses[family] !== undefined && !refused;
  });
  return candidates.sort((one, other) => one.metric - other.metric)[0] ?? null;
}

/** as in the plan of a container */
const firstMetric = 100;

/** Applies the forward chain of base.nft, in its order; null: it passes. */
function barrier(from: ReachableNetwork, to: ReachableNetwork): Verdict | null {
  if (from.name === to.name) return null;
  if (from.internal || to.internal) return no(internal);
  const isolation = [from, to].map((one) => (one.firewall === 'none' ? 'none' : networkSettings(one).isolate));
  if (isolation.includes('strict')) return no('isolated (strict)');
  return isolation.every((each) => each === 'true') ? no('isolated') : null;
}

/** Judges links that netloom does not forward for: its firewall does not know them, and others decide what they let through. */
function beyondUs({ driver, options }: ReachableNetwork): Verdict | null {
  if (driver !== 'bridge') return no(`${driver} does not pass this host`);
  return options.mode === 'unmanaged' ? no('unmanaged bridge') : null;
}

/** Refuses networks that no published port leads into. */
const unforwarded = (network: ReachableNetwork): Verdict | null =>
  beyondUs(network) ?? (network.firewall === 'none' ? no(`published ports are not forwarded: ${unruled}`) : null);

const unruled = 'its engine wants no rules (firewall none)';

/** Formats a host port: `8080/tcp`, `8000-8010/udp`. */
export function hostPortText({ hostPort, range, protocol }: PublishedPort): string {
  return `${hostPort}${range > 1 ? `-${hostPort + range - 1}` : ''}/${protocol}`;
}

const internal = 'internal';
const noAddress = (family: Family) => `no IPv${family} address`;

const isOn = (own: Joined, network: ReachableNetwork, family: Family): boolean =>
  own.network.name === network.name && own.addresses[family] !== undefined;

const loopback4 = parseSubnet('127.0.0.0/8') as Subnet;
const isLoopback = (address: string): boolean => address === '::1' || subnetContains(loopback4, address);

/** Returns the first yes, else the first no. */
function firstYes<Item>(items: readonly Item[], judge: (item: Item) => Verdict): Verdict {
  const verdicts = items.map(judge);
  return verdicts.find(({ reachable }) => reachable) ?? (verdicts[0] as Verdict);
}
