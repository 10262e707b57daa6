import { familyOf } from '../address.ts';
import type { Element } from '../firewall/nft.ts';
import type { OwnerMark } from '../object-names.ts';
import { anyAddress, type Protocol, type PublishedPort } from '../port.ts';
import type { BoundPort } from './evidence.ts';

/**
 * Returns the ports that a container publishes, by its elements: the inverse of `portElements`. The counters show each mapping, since a
 * range has one whether or not its ports are the same on both sides.
 */
export function publishedBy(
  owner: OwnerMark,
  elements: readonly Element[],
  bound: readonly BoundPort[],
): PublishedPort[] {
  const own = elements.filter((element) => element.owner === owner);
  const found = new Map<string, PublishedPort>();
  for (const element of own) {
    const span = countedSpan(element);
    const containerPort = span && targetOf(span, own);
    // one mapping has a counter per family and direction
    if (containerPort) found.set(JSON.stringify(span), { ...span, containerPort });
  }
  return [...found.values()].map((port) => (isBound(port, bound) ? { ...port, heldByCaller: true } : port));
}

type Span = Omit<PublishedPort, 'containerPort'>;

/** The host's ports of a mapping, by its counter; null: not a counter. */
function countedSpan({ set, key: [, protocol = '', second = '', third = ''] }: Element): Span | null {
  const kind = /^counted_(any|host|range)[46]$/.exec(set)?.[1];
  if (!kind || !isProtocol(protocol)) return null;
  if (kind === 'any') return { protocol, hostIp: null, hostPort: Number(second), range: 1 };
  const [first = 0, last = first] = third.split('-').map(Number);
  return { protocol, hostIp: addressOf(second), hostPort: first, range: last - first + 1 };
}

/** The first port inside; null: its elements are gone, so it leads nowhere. */
function targetOf({ protocol, hostIp, hostPort, range }: Span, own: readonly Element[]): number | null {
  for (const { set, key, value = [] } of own) {
    const [of, second = '', third = ''] = key;
    if (of !== protocol) continue;
    if (/^published_any/.test(set) && hostIp === null && Number(second) === hostPort) return Number(value[1]);
    if (/^published_host/.test(set) && hostIp === second && Number(third) === hostPort) return Number(value[1]);
    const isRange = /^published_range/.test(set) && third === `${hostPort}-${hostPort + range - 1}`;
    if (isRange && addressOf(second) === hostIp) return hostPort;
  }
  return null;
}

const isProtocol = (text: string): text is Protocol => text === 'tcp' || text === 'udp' || text === 'sctp';

/** null: every address */
function addressOf(text: string): string | null {
  const [address = ''] = text.split('/');
  return text === `${anyAddress[familyOf(address)]}/0` ? null : address;
}

const isBound = (port: PublishedPort, bound: readonly BoundPort[]): boolean =>
  bound.some(
    ({ protocol, hostIp, hostPort }) =>
      protocol === port.protocol && hostIp === port.hostIp && hostPort === port.hostPort,
  );
