import { z } from 'zod';
import { canonicalAddress, type Family, familyOf } from './address.ts';
import { type Fault, fault } from './fault.ts';

const protocols = ['tcp', 'udp', 'sctp'] as const;
export type Protocol = (typeof protocols)[number];

/** A port mapping as a user asks for it. */
export const portMappingSchema = z
  .object({
    hostIp: z.string().nullish().describe('host address to listen on; absent or "" for every address of both families'),
    hostPort: z.int().min(0).max(65535).nullish().describe('first host port; absent or 0: a free one is picked'),
    containerPort: z.int().min(1).max(65535).describe('first container port'),
    protocol: z
      .string()
      .regex(/^(tcp|udp|sctp)(,(tcp|udp|sctp))*$/i, 'must be tcp, udp or sctp, or several joined by commas')
      .nullish()
      .describe('tcp (default), udp, sctp, or several joined by commas'),
    range: z.int().min(1).max(65535).nullish().describe('number of consecutive ports, default 1'),
    heldByCaller: z
      .boolean()
      .nullish()
      .describe('the caller has bound the host port itself and keeps it: it is recorded, and not bound here'),
  })
  .describe('published port');
export type PortMapping = z.infer<typeof portMappingSchema>;

/** One protocol, canonical address, everything explicit. hostPort 0 until one is picked. */
export interface PublishedPort {
  protocol: Protocol;
  /** null: every address of both families; `0.0.0.0` and `::` every address of that family */
  hostIp: string | null;
  hostPort: number;
  containerPort: number;
  range: number;
  /** bound by whoever asked for it, as podman does; never by netloom */
  heldByCaller?: true;
}

export function describePort(port: PublishedPort): string {
  const address = port.hostIp === null ? '' : familyOf(port.hostIp) === 6 ? `[${port.hostIp}]:` : `${port.hostIp}:`;
  const span = (first: number) => (port.range === 1 ? `${first}` : `${first}-${first + port.range - 1}`);
  return `${address}${span(port.hostPort)}->${span(port.containerPort)}/${port.protocol}`;
}

/** Splits comma lists, fills in defaults; ranges that leave 1–65535 and mappings that overlap are faults. */
export function publishedPorts(mappings: readonly PortMapping[]): PublishedPort[] | Fault {
  const ports: PublishedPort[] = [];
  for (const mapping of mappings) {
    for (const protocol of new Set((mapping.protocol ?? 'tcp').toLowerCase().split(','))) {
      const port = publishedPort(mapping, protocol as Protocol);
      if ('code' in port) return port;
      const clash = ports.find((other) => portsOverlap(port, other));
      if (clash) return fault('port.overlap', `${describePort(port)} overlaps ${describePort(clash)}`);
      ports.push(port);
    }
  }
  return ports;
}

function publishedPort(mapping: PortMapping, protocol: Protocol): PublishedPort | Fault {
  const hostIp = mapping.hostIp ? canonicalAddress(mapping.hostIp) : null;
  if (mapping.hostIp && hostIp === null)
    return fault('address.invalid', `host address ${mapping.hostIp} is no IP address`);
  const range = mapping.range ?? 1;
  const port = { protocol, hostIp, hostPort: mapping.hostPort ?? 0, containerPort: mapping.containerPort, range };
  for (const first of [port.hostPort, port.containerPort])
    if (first + range - 1 > 65535) return fault('port.invalid', `${describePort(port)} goes beyond port 65535`);
  if (!mapping.heldByCaller) return port;
  if (port.hostPort === 0)
    return fault('port.invalid', `${describePort(port)}: a port that the caller holds has a number`);
  return { ...port, heldByCaller: true };
}

/** Whether both publish the same ports of a container at the same place. Host port 0 is one that was not picked yet. */
export function isSamePort(published: PublishedPort, asked: PublishedPort): boolean {
  return (
    published.protocol === asked.protocol &&
    published.hostIp === asked.hostIp &&
    published.hostPort === asked.hostPort &&
    published.containerPort === asked.containerPort &&
    published.range === asked.range
  );
}

/** Whether both would need the same host port of a protocol on an address that both listen on. */
export function portsOverlap(one: PublishedPort, other: PublishedPort): boolean {
  if (one.protocol !== other.protocol || one.hostPort === 0 || other.hostPort === 0) return false;
  const meet = one.hostPort < other.hostPort + other.range && other.hostPort < one.hostPort + one.range;
  return meet && addressesMeet(one.hostIp, other.hostIp);
}

const isWildcard = (address: string | null): boolean => address === null || address === '0.0.0.0' || address === '::';

function addressesMeet(one: string | null, other: string | null): boolean {
  if (one === null || other === null) return true;
  if (familyOf(one) !== familyOf(other)) return false;
  return one === other || isWildcard(one) || isWildcard(other);
}

/** Which families a published port is offered on, given what the container has. */
export function publishedFamilies(port: PublishedPort): Family[] {
  return port.hostIp === null ? [4, 6] : [familyOf(port.hostIp)];
}

/** Whether the host itself reaches the port by 127.0.0.1, for which its bridge must route loopback addresses. */
export function isOnLoopback({ hostIp }: PublishedPort): boolean {
  return hostIp === null || hostIp === '0.0.0.0' || hostIp.startsWith('127.');
}

/** The addresses that must be bound to hold the port: one per family that it is published on. */
export function holdAddresses(port: PublishedPort): string[] {
  return port.hostIp === null ? ['0.0.0.0', '::'] : [port.hostIp];
}

/** Which flows a published port takes, by where their first packet was sent; destination null: any address. */
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
