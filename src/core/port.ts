import { z } from 'zod';
import { beforePort, canonicalAddress, type Family, familyOf, isOfOneLink, unmappedAddress } from './address.ts';
import { type Fault, fault } from './fault.ts';

const protocols = ['tcp', 'udp', 'sctp'] as const;
export type Protocol = (typeof protocols)[number];

/** A port mapping as a user requests it. */
export const portMappingSchema = z
  .object({
    hostIp: z.string().nullish().describe('host address to listen on; absent or "": every address of both families'),
    hostPort: z.int().min(0).max(65535).nullish().describe('first host port; absent or 0: a free one is picked'),
    containerPort: z.int().min(1).max(65535).describe('first container port'),
    protocol: z
      .string()
      .regex(/^(tcp|udp|sctp)(,(tcp|udp|sctp))*$/i, 'must be tcp, udp or sctp, or several joined by commas')
      .nullish()
      .describe('tcp (default), udp, sctp, or several joined by commas'),
    range: z.int().min(1).max(65535).nullish().describe('number of consecutive ports (default 1)'),
    heldByCaller: z
      .boolean()
      .nullish()
      .describe('the caller has bound the host port and keeps it: netloom records it, and does not bind it'),
  })
  .meta({ id: 'PortMapping', description: 'published port' });
export type PortMapping = z.infer<typeof portMappingSchema>;

/** A port mapping in full: one protocol, canonical address, everything explicit. hostPort is 0 until one is picked. */
export interface PublishedPort {
  protocol: Protocol;
  /** null: every address of both families; `0.0.0.0` and `::` every address of that family */
  hostIp: string | null;
  hostPort: number;
  containerPort: number;
  range: number;
  /** the caller binds it, as podman does; netloom never does */
  heldByCaller?: true;
}

/** A port as the host has granted it. */
export interface GrantedPort extends PublishedPort {
  /** families over which another container has it: engines have bound each port separately, and let both containers start */
  without?: Family[];
}

/** A port as users see it. */
export interface ShownPort extends PublishedPort {
  /** families over which it leads to the container; empty: none, absent: the network is down */
  families?: Family[];
}

export function describePort(port: PublishedPort): string {
  const address = port.hostIp === null ? '' : `${beforePort(port.hostIp)}:`;
  const span = (first: number) => (port.range === 1 ? `${first}` : `${first}-${first + port.range - 1}`);
  return `${address}${span(port.hostPort)}->${span(port.containerPort)}/${port.protocol}`;
}

/**
 * Splits comma lists and fills in defaults; equal mappings become one. Ranges that leave 1–65535 and mappings that contradict
 * each other are faults. An engine that holds its ports may have accepted contradictory mappings, and its containers start all
 * the same: see `servedPorts`.
 */
export function publishedPorts(mappings: readonly PortMapping[]): PublishedPort[] | Fault {
  const ports: PublishedPort[] = [];
  for (const mapping of mappings) {
    for (const protocol of new Set((mapping.protocol ?? 'tcp').toLowerCase().split(','))) {
      const port = publishedPort(mapping, protocol as Protocol);
      if ('code' in port) return port;
      if (isAsked(ports, port)) continue;
      const clash = ports.find((other) => isContradiction(port, other));
      if (clash) return contradiction(port, clash);
      ports.push(port);
    }
  }
  return ports;
}

function publishedPort(mapping: PortMapping, protocol: Protocol): PublishedPort | Fault {
  const hostIp = mapping.hostIp ? hostAddress(mapping.hostIp) : null;
  if (mapping.hostIp && hostIp === null)
    return fault('address.invalid', `host address ${mapping.hostIp} is not an IP address`);
  if (hostIp !== null && isOfOneLink(hostIp) && !mapping.heldByCaller)
    return fault('address.invalid', `host address ${hostIp}: cannot publish on multicast or IPv6 link-local addresses`);
  const range = mapping.range ?? 1;
  const port = { protocol, hostIp, hostPort: mapping.hostPort ?? 0, containerPort: mapping.containerPort, range };
  for (const first of [port.hostPort, port.containerPort])
    if (first + range - 1 > 65535) return fault('port.invalid', `${describePort(port)} goes beyond port 65535`);
  if (!mapping.heldByCaller) return port;
  if (port.hostPort === 0)
    return fault('port.invalid', `${describePort(port)}: a port that the caller holds needs a number`);
  return { ...port, heldByCaller: true };
}

function hostAddress(text: string): string | null {
  const address = canonicalAddress(text);
  return address && unmappedAddress(address);
}

/** Checks whether both publish the same ports of a container at the same place. Host port 0 is one that was not picked yet. */
export function isSamePort(published: PublishedPort, asked: PublishedPort): boolean {
  return (
    published.protocol === asked.protocol &&
    published.hostIp === asked.hostIp &&
    published.hostPort === asked.hostPort &&
    published.containerPort === asked.containerPort &&
    published.range === asked.range
  );
}

/** Formats what is compared of a mapping: equal ones have the same key. */
export const mappingKey = (port: PublishedPort): string => `${describePort(port)} ${port.heldByCaller ?? false}`;

/**
 * Returns the requested mappings whose host port is still to be picked. A published port that differs only in its number covers
 * one of them, unless another requested mapping names it.
 */
export function unpickedPorts(asked: readonly PublishedPort[], published: readonly PublishedPort[]): PublishedPort[] {
  const named = new Set(asked.map(mappingKey));
  const free = published
    .filter((port) => !named.has(mappingKey(port)))
    .map((port) => mappingKey({ ...port, hostPort: 0 }));
  return asked.filter((port) => {
    if (port.hostPort !== 0) return false;
    const place = free.indexOf(mappingKey(port));
    if (place >= 0) free.splice(place, 1);
    return place < 0;
  });
}

/** Checks whether an equal mapping was requested already. Ports that are picked are all different. */
export function isAsked(ports: readonly PublishedPort[], port: PublishedPort): boolean {
  return port.hostPort !== 0 && ports.some((other) => isSamePort(other, port));
}

/** Checks whether a host port that both have leads to the same port of the container. */
export function leadAlike(one: PublishedPort, other: PublishedPort): boolean {
  return one.containerPort - one.hostPort === other.containerPort - other.hostPort;
}

/** Checks whether they lead one family, protocol and host port to different ports of the container; a wildcard is every address. */
export function contradict(one: PublishedPort, other: PublishedPort): boolean {
  return portsOverlap(one, other) && !leadAlike(one, other);
}

/** Checks the same, but tolerates two mappings that an engine has accepted. */
export function isContradiction(one: PublishedPort, other: PublishedPort): boolean {
  return contradict(one, other) && !(one.heldByCaller && other.heldByCaller);
}

/** Refuses two mappings of one request. */
function contradiction(port: PublishedPort, other: PublishedPort): Fault {
  return fault('port.overlap', contradictionText(port, other));
}

/** Refuses a mapping that contradicts one that the container publishes already. */
export function contradictionOfPublished(port: PublishedPort, published: PublishedPort): Fault {
  return fault('port.taken', contradictionText(port, published));
}

const contradictionText = (port: PublishedPort, other: PublishedPort): string =>
  `${describePort(port)} conflicts with ${describePort(other)}: one host port cannot lead to two container ports`;

/** Checks whether both would need the same host port of a protocol on an address that both listen on. */
export function portsOverlap(one: PublishedPort, other: PublishedPort): boolean {
  return portsShare(one, other) && addressesMeet(one.hostIp, other.hostIp);
}

/** Checks whether both have the same host port of a protocol, on whichever addresses. */
export function portsShare(one: PublishedPort, other: PublishedPort): boolean {
  if (one.protocol !== other.protocol || one.hostPort === 0 || other.hostPort === 0) return false;
  return one.hostPort < other.hostPort + other.range && other.hostPort < one.hostPort + one.range;
}

/** The wildcard address of each family. */
export const anyAddress = { 4: '0.0.0.0', 6: '::' } as const satisfies Record<Family, string>;

/** Checks for ::1: the kernel never routes it, so it can lead to no container. */
export const isLoopback6 = ({ hostIp }: Pick<PublishedPort, 'hostIp'>): boolean => hostIp === '::1';

/** Checks whether the port is published on every address of a family. */
export const isEverywhere = ({ hostIp }: Pick<PublishedPort, 'hostIp'>, family: Family): boolean =>
  hostIp === null || hostIp === anyAddress[family];

const isWildcard = (address: string | null): boolean =>
  address === null || address === anyAddress[4] || address === anyAddress[6];

function addressesMeet(one: string | null, other: string | null): boolean {
  if (one === null || other === null) return true;
  if (familyOf(one) !== familyOf(other)) return false;
  return one === other || isWildcard(one) || isWildcard(other);
}

/** Returns the families that a port is published on, if the container has them. */
export function publishedFamilies(port: PublishedPort): Family[] {
  return port.hostIp === null ? [4, 6] : [familyOf(port.hostIp)];
}

/** Returns the families that other containers leave to it. */
export function grantedFamilies(port: GrantedPort): Family[] {
  return publishedFamilies(port).filter((family) => !port.without?.includes(family));
}

/** Returns the families in which it is really bound. For the wildcard podman binds IPv4 only, and SCTP not at all. */
export function boundFamilies(port: PublishedPort): Family[] {
  if (!port.heldByCaller) return publishedFamilies(port);
  if (port.protocol === 'sctp') return [];
  return port.hostIp === null ? [4] : publishedFamilies(port);
}

/** Returns the families over which two containers have the same host port. */
export function familiesInCommon(one: GrantedPort, other: GrantedPort): Family[] {
  if (!portsOverlap(one, other)) return [];
  return grantedFamilies(one).filter((family) => grantedFamilies(other).includes(family));
}

/** Checks whether the host itself reaches the port by 127.0.0.1, for which its bridge must route loopback addresses. */
export function isOnLoopback({ hostIp }: PublishedPort): boolean {
  return isEverywhere({ hostIp }, 4) || (hostIp?.startsWith('127.') ?? false);
}

/** Returns the addresses to bind to hold the port: one per family that it is published on. */
export function holdAddresses(port: PublishedPort): string[] {
  return port.hostIp === null ? [anyAddress[4], anyAddress[6]] : [port.hostIp];
}

/** Returns the flows that a published port takes, by the destination of their first packet; destination null: any address. */
export function publishedFlows(port: PublishedPort) {
  const { protocol, hostIp, hostPort, range } = port;
  return publishedFamilies(port).map((family) => ({
    protocol,
    family,
    destination: isWildcard(hostIp) ? null : hostIp,
    firstPort: hostPort,
    lastPort: hostPort + range - 1,
  }));
}
