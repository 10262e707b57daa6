import { isIPv4, isIPv6 } from 'node:net';
import { fault, NetloomError } from '../core/fault.ts';
import type { PortMapping, PublishedPort } from '../core/port.ts';

/** podman's spelling of published ports: `[[hostIp:]hostPort:]containerPort[/protocol]`. */

export const portSpelling = '[[hostIp:]hostPort:]containerPort[/tcp|udp|sctp,…]';

interface Span {
  first: number;
  /** number of consecutive ports */
  range: number;
}

const protocolName = /^(tcp|udp|sctp)$/i;

/** Several joined by commas: `8080:80,8443:443`; a protocol alone goes on with the port before it: `53:53/tcp,udp`. */
export function parsePortMappings(text: string): PortMapping[] {
  const mappings: PortMapping[] = [];
  for (const part of text.split(',')) {
    const last = mappings.at(-1);
    if (last && protocolName.test(part)) last.protocol = `${last.protocol},${part.toLowerCase()}`;
    else mappings.push(parsePortMapping(part));
  }
  return mappings;
}

/** Throws port.invalid. An empty or absent host port, or 0, asks for a free one. */
export function parsePortMapping(text: string): PortMapping {
  const refuse = (reason: string) =>
    new NetloomError(fault('port.invalid', `-p ${text}: ${reason}; expected ${portSpelling}`));
  const { hostIp, host, container, protocol } = splitMapping(text, refuse);
  if (!protocolName.test(protocol)) throw refuse(`unknown protocol ${JSON.stringify(protocol)}`);
  if (hostIp !== null && !isIPv4(hostIp) && !isIPv6(hostIp)) throw refuse(`${JSON.stringify(hostIp)} is no IP address`);
  const inside = parseSpan(container, refuse);
  if (inside.first === 0) throw refuse('a container port is at least 1');
  const outside = host === '' ? { first: 0, range: inside.range } : parseSpan(host, refuse);
  const picked = outside.first === 0 && outside.range === 1;
  if (!picked && outside.range !== inside.range)
    throw refuse(`${host} has ${outside.range} ports and ${container} has ${inside.range}`);
  return {
    hostIp,
    hostPort: outside.first,
    containerPort: inside.first,
    protocol: protocol.toLowerCase(),
    range: inside.range,
  };
}

type Refuse = (reason: string) => NetloomError;

function splitMapping(text: string, refuse: Refuse) {
  const [address = '', protocol = 'tcp', ...tooMany] = text.split('/');
  if (tooMany.length > 0) throw refuse('there is more than one /');
  const bracketed = /^\[([^\]]*)\]:(.*)$/.exec(address);
  const parts = (bracketed ? (bracketed[2] as string) : address).split(':');
  const hostIp = bracketed ? (bracketed[1] as string) : parts.length === 3 ? (parts.shift() as string) : null;
  if (parts.length > 2) throw refuse('too many colons (an IPv6 address goes in brackets)');
  if (bracketed && parts.length < 2) throw refuse('a host address needs a host port, which may be empty: [::1]::80');
  const [host, container] = parts.length === 2 ? parts : ['', parts[0]];
  return { hostIp, host: host as string, container: container as string, protocol };
}

function parseSpan(text: string, refuse: Refuse): Span {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) throw refuse(`${JSON.stringify(text)} is no port and no range of ports`);
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  if (first > 65535 || last > 65535) throw refuse('a port is at most 65535');
  if (last < first || (first === 0 && last > 0)) throw refuse(`${text} is no range`);
  return { first, range: last - first + 1 };
}

/** A free host port is picked at the set-up. */
const unpicked = '(free)';

/** `127.0.0.1:8080->80/tcp`, as podman's tables show it. */
export function portText({ hostIp, hostPort, containerPort, protocol, range }: PublishedPort): string {
  const address = hostIp === null ? '' : hostIp.includes(':') ? `[${hostIp}]:` : `${hostIp}:`;
  const span = (first: number) => (range === 1 ? `${first}` : `${first}-${first + range - 1}`);
  const host = hostPort === 0 ? unpicked : span(hostPort);
  return `${address}${host}->${span(containerPort)}/${protocol}`;
}

/** `80/tcp -> 0.0.0.0:8080`, one line per port, as `podman port` has it. */
export function portLines(ports: readonly PublishedPort[]): string[] {
  return ports.flatMap((port) =>
    Array.from(
      { length: port.range },
      (_, offset) => `${port.containerPort + offset}/${port.protocol} -> ${hostPlace(port, offset)}`,
    ),
  );
}

/** Where a container port is reached: `0.0.0.0:8080`. `80` is tcp's. */
export function placesOf(ports: readonly PublishedPort[], containerPort: number, protocol: string): string[] {
  return ports.flatMap((port) => {
    const offset = containerPort - port.containerPort;
    return port.protocol === protocol && offset >= 0 && offset < port.range ? [hostPlace(port, offset)] : [];
  });
}

function hostPlace({ hostIp, hostPort }: PublishedPort, offset: number): string {
  const address = hostIp ?? '0.0.0.0';
  return `${address.includes(':') ? `[${address}]` : address}:${hostPort === 0 ? unpicked : hostPort + offset}`;
}
