import { type Family, familyOf } from './address.ts';
import { commonSpans, type Span, withoutSpans } from './number-range.ts';
import {
  anyAddress,
  contradict,
  type GrantedPort,
  grantedFamilies,
  isEverywhere,
  leadAlike,
  type PublishedPort,
  portsOverlap,
  portsShare,
  publishedFamilies,
} from './port.ts';

/**
 * Port mappings of one container may overlap: a range with another mapping's port, an address with a port that is published on
 * every address. All mappings are kept as requested, so that each can be withdrawn separately; the served, counted and shown
 * ports are derived from them here.
 */

/**
 * Returns the mappings without duplicates: ranges on one address that overlap become one, and what a wider address covers is
 * dropped, even if it is part of a range. The results never overlap, unless a user's mappings, which an engine accepted,
 * conflict: then the narrower address counts, and of equal ones the first.
 */
export function servedPorts(granted: readonly GrantedPort[]): PublishedPort[] {
  const asked = granted.flatMap(withoutOthers);
  if (!anyShare(asked)) return asked;
  const ports = joined(asked.flatMap((_, index) => uncontradicted(asked, index)));
  const served = new Map<PublishedPort, PublishedPort[]>();
  for (const port of ports.toSorted(byWidth)) served.set(port, uncoveredPorts([port], [...served.values()].flat()));
  return ports.flatMap((port) => served.get(port) ?? []);
}

/** Returns the parts of these ports that `by` does not lead to the same place already. */
export function uncoveredPorts(ports: readonly PublishedPort[], by: readonly PublishedPort[]): PublishedPort[] {
  return ports.flatMap((port) => {
    const alike = by.filter((other) => portsOverlap(other, port) && leadAlike(other, port));
    return left(port, (family) => alike.filter((other) => isEverywhere(other, family) || other.hostIp === port.hostIp));
  });
}

/** Returns the mappings that another one partly redirects, in one of these families: conflicts that an engine let its user request. */
export function contradictedPorts(asked: readonly PublishedPort[], families: readonly Family[]): PublishedPort[] {
  return asked.filter((port, index) =>
    publishedFamilies(port).some((family) => families.includes(family) && stronger(asked, index, family).length > 0),
  );
}

/** Returns the mappings that together make up this one, as it may be shown; null: no mappings do. */
export function portsTogether(asked: readonly PublishedPort[], whole: PublishedPort): PublishedPort[] | null {
  const within = asked.filter((port) => uncoveredPorts([port], [whole]).length === 0);
  return within.length > 0 && uncoveredPorts([whole], within).length === 0 ? within : null;
}

/** Checks whether two of them have the same host port, on whichever addresses. */
function anyShare(ports: readonly PublishedPort[]): boolean {
  const inOrder = ports.toSorted(
    (one, other) => one.protocol.localeCompare(other.protocol) || one.hostPort - other.hostPort,
  );
  return inOrder.some((port, index) => index > 0 && portsShare(inOrder[index - 1] as PublishedPort, port));
}

/** Restricts a port to the families that other containers leave to it. */
function withoutOthers(granted: GrantedPort): PublishedPort[] {
  if (!granted.without) return [granted];
  const { without: _, ...port } = granted;
  const left = grantedFamilies(granted);
  return port.hostIp === null ? left.map((family) => ({ ...port, hostIp: anyAddress[family] })) : left.map(() => port);
}

/** Orders wider ones first; among equal ones, those that another program has bound already. */
function byWidth(one: PublishedPort, other: PublishedPort): number {
  return widthOf(one) - widthOf(other) || Number(other.heldByCaller ?? false) - Number(one.heldByCaller ?? false);
}

const widthOf = ({ hostIp }: PublishedPort): number =>
  hostIp === null ? 0 : hostIp === anyAddress[4] || hostIp === anyAddress[6] ? 1 : 2;

const uncontradicted = (asked: readonly PublishedPort[], index: number): PublishedPort[] =>
  left(asked[index] as PublishedPort, (family) => stronger(asked, index, family));

/**
 * Returns mappings that lead elsewhere and take precedence. A wildcard loses nothing to one of its addresses: the firewall looks
 * up the address first.
 */
function stronger(asked: readonly PublishedPort[], index: number, family: Family): PublishedPort[] {
  const port = asked[index] as PublishedPort;
  return asked.filter((other, place) => {
    if (!contradict(port, other)) return false;
    return other.hostIp === port.hostIp ? place < index : port.hostIp === null && other.hostIp === anyAddress[family];
  });
}

/** Joins ranges on one address that overlap, in the place of the first. */
function joined(ports: readonly PublishedPort[]): PublishedPort[] {
  let all: PublishedPort[] = [];
  for (const port of ports) {
    const met = all.filter((other) => isSameKind(other, port) && portsOverlap(other, port));
    const place = met[0] ? all.indexOf(met[0]) : all.length;
    const firsts = [port, ...met].map(({ hostPort }) => hostPort);
    const lasts = [port, ...met].map((one) => spanOf(one).last);
    const whole = parts(port, port.hostIp, [{ first: Math.min(...firsts), last: Math.max(...lasts) }]);
    all.splice(place, 0, ...(met.length > 0 ? whole : [port]));
    all = all.filter((other) => !met.includes(other));
  }
  return all;
}

const isSameKind = (one: PublishedPort, other: PublishedPort): boolean =>
  one.hostIp === other.hostIp && one.heldByCaller === other.heldByCaller && leadAlike(one, other);

/** Returns the rest of a port without the parts that others have: the port itself if they have no part. */
function left(port: PublishedPort, taken: (family: Family) => readonly PublishedPort[]): PublishedPort[] {
  const whole = [spanOf(port)];
  if (port.hostIp !== null) {
    const others = taken(familyOf(port.hostIp));
    return others.length === 0 ? [port] : parts(port, port.hostIp, withoutSpans(whole, others.map(spanOf)));
  }
  const [others4, others6] = [taken(4), taken(6)];
  if (others4.length + others6.length === 0) return [port];
  const [left4, left6] = [others4, others6].map((others) => withoutSpans(whole, others.map(spanOf))) as [
    Span[],
    Span[],
  ];
  return [
    ...parts(port, null, commonSpans(left4, left6)),
    ...parts(port, anyAddress[4], withoutSpans(left4, left6)),
    ...parts(port, anyAddress[6], withoutSpans(left6, left4)),
  ];
}

const spanOf = ({ hostPort, range }: PublishedPort): Span => ({ first: hostPort, last: hostPort + range - 1 });

function parts(port: PublishedPort, hostIp: string | null, spans: readonly Span[]): PublishedPort[] {
  return spans.map(({ first, last }) => ({
    ...port,
    hostIp,
    hostPort: first,
    containerPort: port.containerPort + first - port.hostPort,
    range: last - first + 1,
  }));
}
