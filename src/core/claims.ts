import { type Family, formatSubnet, parseSubnet, type Subnet, subnetsOverlap } from './address.ts';
import { shortId } from './container/reference.ts';
import { entryOf } from './entry.ts';
import { type Fault, fault } from './fault.ts';
import { withEntry } from './ledger.ts';
import { LedgerIndex } from './ledger-index.ts';
import { type Clash, clashesOf, type LinkUse, type NetworkPlace } from './network/check.ts';
import type { NetworkSubnet } from './network/definition.ts';
import { completeSubnet } from './network/subnets.ts';
import {
  boundFamilies,
  describePort,
  familiesInCommon,
  type GrantedPort,
  grantedFamilies,
  type PublishedPort,
} from './port.ts';
import type { HostRoute, HostSurvey } from './steps/host.ts';
import { freeSubnet } from './subnet-pool.ts';

/** Claims on what must be unique on a host: published ports, bridge names, subnets. Pure; the host machine keeps the ledgers. */

export type PortLedger = Readonly<Record<string, readonly GrantedPort[]>>;

/** Adjacent host ports share an index term: a range of all ports has a thousand terms. */
const portsPerTerm = 64;

function termsOfPort({ protocol, hostPort, range }: PublishedPort): string[] {
  const [first, last] = [hostPort, hostPort + range - 1].map((port) => Math.floor(port / portsPerTerm)) as [
    number,
    number,
  ];
  return Array.from({ length: last - first + 1 }, (_, offset) => `${protocol} ${first + offset}`);
}

const byPort = new LedgerIndex<readonly GrantedPort[]>((ports) => ports.flatMap(termsOfPort));

interface Meeting {
  owner: string;
  other: GrantedPort;
  families: Family[];
}

/** Finds where other containers have the same host port. */
function meetings(ledger: PortLedger, container: string, port: PublishedPort): Meeting[] {
  const owners = new Set(termsOfPort(port).flatMap((term) => [...byPort.find(ledger, term)]));
  owners.delete(container);
  return [...owners].flatMap((owner) =>
    (entryOf(ledger, owner) ?? []).flatMap((other) => {
      const families = familiesInCommon(port, other);
      return families.length > 0 ? [{ owner, other, families }] : [];
    }),
  );
}

/** A port that another container has already. */
export interface PortConflict {
  port: PublishedPort;
  owner: string;
  other: GrantedPort;
}

/** Returns the ports that cannot be granted. Engines that bind their own ports know which can coexist. */
export function portConflicts(ledger: PortLedger, container: string, ports: readonly PublishedPort[]): PortConflict[] {
  return ports.flatMap((port) => {
    const bound = boundFamilies(port);
    const isClash = ({ other, families }: Meeting) =>
      !port.heldByCaller || families.some((family) => bound.includes(family) && boundFamilies(other).includes(family));
    return meetings(ledger, container, port)
      .filter(isClash)
      .map(({ owner, other }) => ({ port, owner, other }));
  });
}

export const portTaken = ({ port, owner, other }: PortConflict): Fault =>
  fault('port.taken', `${describePort(port)}: container ${shortId(owner)} publishes ${describePort(other)}`);

/** Returns the first conflict; null: the ports can be granted. */
export function portConflict(ledger: PortLedger, container: string, ports: readonly PublishedPort[]): Fault | null {
  const [first] = portConflicts(ledger, container, ports);
  return first ? portTaken(first) : null;
}

/** Grants ports without a conflict: where engines let two containers start with the same port, the first keeps what they share. */
export function grantPorts(ledger: PortLedger, container: string, ports: readonly PublishedPort[]): GrantedPort[] {
  return ports.map((port) => {
    const without = new Set(meetings(ledger, container, port).flatMap(({ families }) => families));
    return without.size > 0 ? { ...port, without: [...without] } : port;
  });
}

/**
 * Gives ports that a container released to the containers that were denied them. Returns the new ledger, and the newly granted
 * ports by container.
 */
export function giveBackPorts(
  ledger: PortLedger,
  released: readonly PublishedPort[],
): { ledger: PortLedger; freed: Record<string, GrantedPort[]> } {
  const owners = new Set(released.flatMap(termsOfPort).flatMap((term) => [...byPort.find(ledger, term)]));
  const freed = new Map<string, GrantedPort[]>();
  let after = ledger;
  for (const owner of owners) {
    const held = entryOf(after, owner) ?? [];
    const wanting = held.filter(({ without }) => without);
    if (wanting.length === 0) continue;
    const granted = grantPorts(after, owner, held.map(wholePort));
    const better = granted.filter(
      (port, index) => grantedFamilies(port).length > grantedFamilies(held[index] as GrantedPort).length,
    );
    if (better.length === 0) continue;
    after = withEntry(after, owner, granted);
    freed.set(owner, better);
  }
  return { ledger: after, freed: Object.fromEntries(freed) };
}

const wholePort = ({ without: _, ...port }: GrantedPort): PublishedPort => port;

export interface SubnetClaim {
  network: string;
  /** bridge or parent; null: a free bridge name, or, for a network upon a parent, the link of the default route */
  bridge: string | null;
  /** the link exists already, and others may use it */
  sharesLink: boolean;
  /** its containers become ports of that link (an unmanaged network). Absent: they do not */
  needsBridge?: boolean;
  subnets: NetworkSubnet[];
  automatic: (4 | 6)[];
  use?: LinkUse;
}

export interface SubnetGrant {
  bridge: string | null;
  subnets: NetworkSubnet[];
}

/** sharesLink: the link exists without netloom, and others may use it; use: absent from the records of earlier daemons */
export type SubnetLedger = Readonly<Record<string, SubnetGrant & { sharesLink?: boolean; use?: LinkUse }>>;

/** Finds clashes with those networks of the ledger that `counts` accepts. A record of an earlier daemon clashes with nothing. */
export function placeClashes(ledger: SubnetLedger, place: NetworkPlace, counts: (network: string) => boolean): Clash[] {
  const others = Object.entries(ledger).flatMap(([network, { bridge, subnets, use }]) =>
    network !== place.network && use && counts(network) ? [{ network, bridge, subnets, use }] : [],
  );
  return clashesOf(place, others);
}

/** Checks the requested values against the other networks and the host, and picks the others. */
export function grantSubnets(ledger: SubnetLedger, survey: HostSurvey, claim: SubnetClaim): SubnetGrant | Fault {
  const { [claim.network]: _, ...others } = ledger;
  const bridge = claim.sharesLink ? sharedLink(others, survey, claim) : ownBridge(others, survey, claim.bridge);
  if (typeof bridge === 'object' && bridge !== null) return bridge;
  const used = usedSubnets(others, claim.sharesLink ? { ...survey, connected: [], routes: [] } : survey);
  for (const { subnet } of claim.subnets) {
    const clash = used.find((other) => clashes(other, parseSubnet(subnet) as Subnet));
    if (clash) return fault('subnet.taken', `subnet ${subnet} overlaps ${clash.whose}`);
  }
  const found = automaticSubnets(claim, used);
  return 'code' in found ? found : { bridge, subnets: [...claim.subnets, ...found] };
}

interface UsedSubnet {
  subnet: Subnet;
  whose: string;
  /** a route to elsewhere: a narrower subnet within it is still reached by its own route */
  routed: boolean;
}

/** Checks whether a network with that subnet and this other subnet cannot both be reached. */
const clashes = ({ subnet: other, routed }: UsedSubnet, subnet: Subnet): boolean =>
  subnetsOverlap(other, subnet) && !(routed && other.prefixLength < subnet.prefixLength);

/** Picks the name of a bridge that netloom makes: nothing else may have the name. */
function ownBridge(others: SubnetLedger, survey: HostSurvey, wanted: string | null): string | Fault {
  const bridge = wanted ?? freeBridgeName(others, survey);
  const holder = Object.entries(others).find(([, granted]) => granted.bridge === bridge);
  if (holder) return belongsTo(bridge, holder[0]);
  if (survey.linkNames.includes(bridge)) return fault('link.exists', `this host already has an interface ${bridge}`);
  return bridge;
}

/**
 * Returns an existing bridge or parent; the host's routes over it are no clash. A bridge that netloom made goes with its network.
 * Links upon it (macvlan, ipvlan) go with it, which the watcher notices. Its ports stay without a bridge, and the watcher
 * suspects only that network then, not the owners of the ports: so no other network may have ports on it.
 */
function sharedLink(
  others: SubnetLedger,
  survey: HostSurvey,
  { bridge: wanted, needsBridge }: SubnetClaim,
): string | null | Fault {
  if (wanted === null) return null;
  const owner = Object.entries(others).find(([, granted]) => granted.bridge === wanted && !granted.sharesLink);
  if (needsBridge && owner) return belongsTo(wanted, owner[0]);
  if (!survey.linkNames.includes(wanted)) return fault('link.unknown', `this host has no interface ${wanted}`);
  if (needsBridge && !survey.bridges.includes(wanted))
    return fault('mode.unsupported', `interface ${wanted} is not a bridge; an unmanaged network needs one`);
  return wanted;
}

const belongsTo = (link: string, network: string): Fault =>
  fault('link.exists', `interface ${link} belongs to network ${network}`);

function usedSubnets(others: SubnetLedger, survey: HostSurvey): UsedSubnet[] {
  const networks = Object.entries(others).flatMap(([name, { subnets }]) =>
    subnets.map(({ subnet }) => ({ text: subnet, whose: `${subnet} of network ${name}`, routed: false })),
  );
  const ways = (routes: HostRoute[], routed: boolean) =>
    routes.map(({ destination, link }) => ({
      text: destination,
      whose: `the host's route to ${destination}${link === null ? '' : ` by ${link}`}`,
      routed,
    }));
  return [...networks, ...ways(survey.connected, false), ...ways(survey.routes, true)].flatMap(({ text, ...rest }) => {
    const subnet = parseSubnet(text);
    return subnet && subnet.prefixLength > 0 ? [{ subnet, ...rest }] : [];
  });
}

function automaticSubnets(claim: SubnetClaim, used: readonly UsedSubnet[]): NetworkSubnet[] | Fault {
  const own = claim.subnets.map(({ subnet }) => parseSubnet(subnet) as Subnet);
  const found: NetworkSubnet[] = [];
  for (const family of claim.automatic) {
    const subnet = pickSubnet(family, used, own);
    if (!subnet) return fault('subnet.exhausted', `no free IPv${family} subnet is left in the pools`);
    own.push(subnet);
    const completed = completeSubnet(subnet, null, null);
    if ('code' in completed) return fault('subnet.exhausted', `${formatSubnet(subnet)}: ${completed.message}`);
    found.push(completed);
  }
  return found;
}

/**
 * Picks a subnet beside every route of the host while there is room, then within the widest of them: a VPN's route may cover all
 * the pools.
 */
function pickSubnet(family: Family, used: readonly UsedSubnet[], own: readonly Subnet[]): Subnet | null {
  const ofFamily = used.filter(({ subnet }) => subnet.family === family);
  const widths = ofFamily.filter(({ routed }) => routed).map(({ subnet }) => subnet.prefixLength);
  for (const widest of [0, ...new Set(widths.sort((one, other) => one - other))]) {
    const avoided = ofFamily.filter(({ subnet, routed }) => !routed || subnet.prefixLength > widest);
    const free = freeSubnet(family, [...avoided.map(({ subnet }) => subnet), ...own]);
    if (free && !ofFamily.some((other) => clashes(other, free))) return free;
  }
  return null;
}

function freeBridgeName(others: SubnetLedger, survey: HostSurvey): string {
  const taken = new Set([...Object.values(others).map(({ bridge }) => bridge), ...survey.linkNames]);
  for (let index = 0; ; index++) if (!taken.has(`netloom${index}`)) return `netloom${index}`;
}
