import {
  type Family,
  families,
  familyOf,
  formatSubnet,
  parseSubnet,
  type Subnet,
  subnetEnd,
  subnetsOverlap,
} from '../address.ts';
import { interfaceNameSchema } from '../token.ts';
import {
  carriesIpv6,
  hasIpv6Subnet,
  leastMtuBytes6,
  type NetworkDefinition,
  type NetworkRoute,
  type NetworkSubnet,
  ownsBridge,
} from './definition.ts';
import { networkSettings } from './options.ts';
import { isRepeated } from './routes.ts';
import { completeRange, completeSubnet, reservedAround } from './subnets.ts';

/** A definition file that is not accepted, and why. */
export interface DamagedDefinition {
  /** its name: `definitionFile` of a network */
  file: string;
  /** `<field>: <problem>` */
  reason: string;
}

const extension = '.json';

/** Returns the name of the file that defines a network. */
export const definitionFile = (network: string): string => `${network}${extension}`;

/** Checks whether a file of that name may define a network. */
export const isDefinitionFile = (file: string): boolean => file.endsWith(extension) && !file.startsWith('.');

/** Returns the network that a file of that name defines. */
export const networkOfFile = (file: string): string => file.slice(0, -extension.length);

/** Adds what the user can do about it; reasons are complete sentences. */
export const damagedText = (path: string, reason: string): string =>
  `${path} is damaged: ${reason}; correct or remove the file`;

/** Contents of a directory of definitions. */
export interface Definitions {
  definitions: NetworkDefinition[];
  /** reported, and never overwritten */
  damaged: DamagedDefinition[];
}

/**
 * Completes a definition from a file or an engine as podman does when it reads one, or returns what is wrong with it, `<field>:
 * <reason>`. Each field alone has been checked; this checks their combination.
 */
export function completeDefinition(definition: NetworkDefinition): NetworkDefinition | string {
  const subnets = completeSubnets(definition);
  if (typeof subnets === 'string') return subnets;
  const hasIpv6 = hasIpv6Subnet({ subnets });
  const wrong =
    linkProblem(definition) ?? ipamProblem(definition) ?? routeProblem(definition) ?? mtuProblem(definition, hasIpv6);
  if (wrong !== null) return wrong;
  return { ...definition, subnets, ipv6_enabled: definition.ipv6_enabled || hasIpv6 };
}

function mtuProblem(definition: NetworkDefinition, hasIpv6: boolean): string | null {
  const { mtuBytes } = networkSettings(definition);
  if (!hasIpv6 || carriesIpv6(mtuBytes)) return null;
  return `options.mtu: ${mtuBytes} is too small for IPv6, which needs ${leastMtuBytes6}`;
}

function completeSubnets(definition: NetworkDefinition): NetworkSubnet[] | string {
  const completed: NetworkSubnet[] = [];
  for (const [index, entry] of definition.subnets.entries()) {
    const field = `subnets.${index}`;
    const subnet = parseSubnet(entry.subnet) as Subnet;
    const wrong = subnetProblem(subnet, completed);
    if (wrong !== null) return `${field}.subnet: ${entry.subnet} ${wrong}`;
    const one = completeEntry(subnet, entry, !definition.internal || definition.dns_enabled);
    if ('message' in one) return `${field}.${one.field}: ${one.message}`;
    completed.push(one);
  }
  return completed;
}

function subnetProblem(subnet: Subnet, others: readonly NetworkSubnet[]): string | null {
  const reserved = reservedAround(subnet);
  if (reserved !== null) return `overlaps ${reserved}, which no network can have`;
  const other = others.find((one) => overlap(one.subnet, formatSubnet(subnet)));
  return other ? `overlaps ${other.subnet} of the same network` : null;
}

/**
 * Completes a subnet: if anything of the network's own has the gateway's address (the way out, or the resolver), that is the
 * first address.
 */
function completeEntry(
  subnet: Subnet,
  { gateway, lease_range }: NetworkSubnet,
  needsGateway: boolean,
): NetworkSubnet | { field: string; message: string } {
  const isAsked = gateway !== null || needsGateway;
  const entry = isAsked ? completeSubnet(subnet, gateway, null) : { subnet: formatSubnet(subnet), gateway: null };
  if ('code' in entry) return { field: 'gateway', message: entry.message };
  if (!lease_range) return entry;
  const range = completeRange(subnet, lease_range);
  return 'code' in range ? { field: 'lease_range', message: range.message } : { ...entry, lease_range: range };
}

/**
 * Finds a missing link name. podman completes no bridge: netavark refuses the container then. A parent without a name is the
 * default route's link.
 */
function linkProblem({ driver, options, network_interface: link }: NetworkDefinition): string | null {
  if (driver !== 'bridge') return null;
  if (link === null) return 'network_interface: missing; a bridge network needs the name of its bridge';
  if (!ownsBridge({ driver, options }) || interfaceNameSchema.safeParse(link).success) return null;
  return `network_interface: ${JSON.stringify(link)} cannot be the name of a bridge`;
}

function ipamProblem({ subnets, ipam_options: { driver } }: NetworkDefinition): string | null {
  if (driver === 'none' && subnets.length > 0)
    return 'subnets: ipam driver none gives no addresses, so there can be no subnets';
  if (driver === 'host-local' && subnets.length === 0)
    return 'subnets: missing; the ipam driver host-local takes addresses from them';
  return null;
}

function routeProblem({ routes }: NetworkDefinition): string | null {
  for (const [index, route] of routes.entries()) {
    const wrong = oneRouteProblem(route) ?? repeatedRoute(route, routes.slice(0, index));
    if (wrong !== null) return `routes.${index}.${wrong}`;
  }
  return null;
}

/** Finds a problem of one route. Whether its gateway can be reached depends on the container's other networks. */
function oneRouteProblem({ destination, gateway, type }: NetworkRoute): string | null {
  if (type !== 'unicast') return gateway === null ? null : `gateway: a ${type} route has none`;
  if (gateway === null) return `gateway: missing for ${destination}`;
  if (familyOf(gateway) !== familyOf(destination)) return `gateway: ${gateway} cannot lead to ${destination}`;
  return null;
}

function repeatedRoute(route: NetworkRoute, others: readonly NetworkRoute[]): string | null {
  return isRepeated(route, others) ? `destination: there are two routes to ${route.destination}` : null;
}

/**
 * Removes incompatible networks: two bridges of one name, or with overlapping subnets. Known networks stay, then those that were
 * made first. `standing`: known networks without a readable file; they take precedence over all others.
 */
export function withoutClashes(
  { definitions, damaged }: Definitions,
  isKnown: (name: string) => boolean,
  standing: readonly NetworkDefinition[] = [],
): Definitions {
  const all = [...standing, ...definitions];
  const isSuspect = new Set([...onClashingBridges(all), ...overlapping(all.filter(needsItsOwn))]);
  const rank = ({ name, created }: NetworkDefinition) => [isKnown(name) ? '0' : '1', created || '~', name];
  const inOrder = definitions
    .filter((definition) => isSuspect.has(definition))
    .map((definition) => ({ definition, rank: rank(definition) }))
    .sort(byRank);
  const taken = standing.filter((definition) => isSuspect.has(definition));
  const clashing = new Map<NetworkDefinition, string>();
  for (const { definition } of inOrder) {
    const found = firstClash(definition, taken);
    if (found) clashing.set(definition, `${found.field}: ${found.message}`);
    else taken.push(definition);
  }
  return {
    definitions: definitions.filter((one) => !clashing.has(one)),
    damaged: [...damaged, ...[...clashing].map(([{ name }, reason]) => ({ file: definitionFile(name), reason }))],
  };
}

/** Checks whether subnets must not overlap: networks upon foreign links may share them, and the VLANs of one bridge are kept apart. */
const needsItsOwn = (definition: NetworkDefinition): boolean => linkUse(definition) === 'alone';

/** Finds networks that are incompatible with another on their bridge: one look at each, because there may be thousands. */
function onClashingBridges(definitions: readonly NetworkDefinition[]): NetworkDefinition[] {
  const byBridge = new Map<string | null, NetworkDefinition[]>();
  for (const definition of definitions) {
    if (definition.driver !== 'bridge') continue;
    const { network_interface: bridge } = definition;
    byBridge.set(bridge, [...(byBridge.get(bridge) ?? []), definition]);
  }
  return [...byBridge.values()].flatMap((sharing) => {
    const owners = sharing.filter((one) => isOwner(linkUse(one)));
    if (owners.length > 0 && owners.length < sharing.length) return sharing;
    const alone = sharing.filter(needsItsOwn);
    return alone.length > 1 ? alone : [];
  });
}

/** Finds networks that share a part of a subnet with any other. */
function overlapping(definitions: readonly NetworkDefinition[]): Set<NetworkDefinition> {
  const found = new Set<NetworkDefinition>();
  for (const family of families) {
    let widest: Placed | null = null;
    for (const placed of placedSubnets(definitions, family)) {
      if (widest && subnetsOverlap(widest.subnet, placed.subnet)) found.add(widest.definition).add(placed.definition);
      if (!widest || subnetEnd(placed.subnet) > subnetEnd(widest.subnet)) widest = placed;
    }
  }
  return found;
}

interface Placed {
  definition: NetworkDefinition;
  subnet: Subnet;
}

/** Returns subnets in ascending order. */
function placedSubnets(definitions: readonly NetworkDefinition[], family: Family): Placed[] {
  const all = definitions.flatMap((definition) =>
    definition.subnets.map(({ subnet }) => ({ definition, subnet: parseSubnet(subnet) as Subnet })),
  );
  const inFamily = all.filter(({ subnet }) => subnet.family === family);
  return inFamily.sort(({ subnet: one }, { subnet: other }) => (one.base < other.base ? -1 : 1));
}

interface Ranked {
  rank: string[];
}

function byRank({ rank: one }: Ranked, { rank: other }: Ranked): number {
  const index = one.findIndex((part, at) => part !== other[at]);
  if (index < 0) return 0;
  return (one[index] as string) < (other[index] as string) ? -1 : 1;
}

/**
 * A network's use of its link. alone: a bridge that netloom makes for it; vlan: the same, shared with other VLANs; port: a
 * foreign bridge, which must not be one of netloom's, because that goes with its network; upon: a parent, which may be shared.
 */
export type LinkUse = 'alone' | 'vlan' | 'port' | 'upon';

export function linkUse(definition: Pick<NetworkDefinition, 'driver' | 'options'>): LinkUse {
  if (definition.driver !== 'bridge') return 'upon';
  if (!ownsBridge(definition)) return 'port';
  return networkSettings(definition).vlanId === null ? 'alone' : 'vlan';
}

const isOwner = (use: LinkUse): boolean => use === 'alone' || use === 'vlan';

/** Checks whether the two cannot have one bridge. */
const cannotShareBridge = (one: LinkUse, other: LinkUse): boolean =>
  (one === 'alone' && other === 'alone') || (isOwner(one) && other === 'port') || (one === 'port' && isOwner(other));

/** A network's place: what it may be unable to share with other networks. */
export interface NetworkPlace {
  network: string;
  bridge: string | null;
  use: LinkUse;
  subnets: readonly NetworkSubnet[];
}

export function placeOf(definition: NetworkDefinition): NetworkPlace {
  const { name, network_interface: bridge, subnets } = definition;
  return { network: name, bridge, use: linkUse(definition), subnets };
}

/** Why a network is incompatible with another. */
export interface Clash {
  code: 'link.exists' | 'subnet.taken';
  field: string;
  message: string;
  /** the other one */
  network: string;
}

/** Returns the first clash of a network; null: it is compatible with all others. */
export function firstClash(definition: NetworkDefinition, others: readonly NetworkDefinition[]): Clash | null {
  return clashesOf(placeOf(definition), others.map(placeOf))[0] ?? null;
}

/** Returns all clashes of a network. */
export function clashesOf(place: NetworkPlace, others: readonly NetworkPlace[]): Clash[] {
  return others.flatMap((other) => bridgeClash(place, other) ?? subnetClash(place, other) ?? []);
}

function bridgeClash({ bridge, use }: NetworkPlace, other: NetworkPlace): Clash | null {
  if (bridge !== other.bridge || !cannotShareBridge(use, other.use)) return null;
  const message = isOwner(other.use)
    ? `${bridge} is the bridge of network ${other.network}`
    : `network ${other.network} uses ${bridge} as a bridge of others (mode=unmanaged)`;
  return { code: 'link.exists', field: 'network_interface', message, network: other.network };
}

function subnetClash({ use, subnets }: NetworkPlace, other: NetworkPlace): Clash | null {
  if (use !== 'alone' || other.use !== 'alone') return null;
  for (const [index, { subnet }] of subnets.entries()) {
    const overlapped = other.subnets.find((one) => overlap(one.subnet, subnet));
    if (!overlapped) continue;
    const message = `${subnet} overlaps ${overlapped.subnet} of network ${other.network}`;
    return { code: 'subnet.taken', field: `subnets.${index}.subnet`, message, network: other.network };
  }
  return null;
}

const overlap = (one: string, other: string): boolean =>
  subnetsOverlap(parseSubnet(one) as Subnet, parseSubnet(other) as Subnet);
