import { isIPv4, isIPv6 } from 'node:net';
import { beforePort } from '../core/address.ts';
import { fault, NetloomError } from '../core/fault.ts';
import type { PortMapping, ShownPort } from '../core/port.ts';

/** The same addresses as in core/port.ts, which is not imported because it loads zod. */
const anyAddress = { 4: '0.0.0.0', 6: '::' } as const;

/** podman's spelling of published ports: `[[hostIp:]hostPort:]containerPort[/protocol]`. */

export const portSpelling = '[[hostIp:]hostPort:]containerPort[/tcp|udp|sctp,…]';

interface Span {
  first: number;
  /** number of consecutive ports */
  range: number;
}

const protocolName = /^(tcp|udp|sctp)$/i;

/**
 * Parses mappings joined by commas: `8080:80,8443:443`; a protocol alone belongs to the port before it:
 * `53:53/tcp,udp`.
 */
export const parsePortMappings = portsParser('-p');

/** `said`: the name of the option or argument, `-p` or `port`. */
export function portsParser(said: string): (text: string) => PortMapping[] {
  return (text) => mappingsIn(text, said);
}

function mappingsIn(text: string, said: string): PortMapping[] {
  const mappings: PortMapping[] = [];
  for (const part of text.split(',')) {
    const last = mappings.at(-1);
    if (last && protocolName.test(part)) last.protocol = `${last.protocol},${part.toLowerCase()}`;
    else mappings.push(parsePortMapping(part, said));
  }
  return mappings;
}

/** Parses one mapping. An empty or missing host port, or 0, requests a free one. Throws port.invalid. */
export function parsePortMapping(text: string, said = '-p'): PortMapping {
  const refuse = (reason: string) =>
    new NetloomError(fault('port.invalid', `${said} ${shown(text)}: ${reason}; expected ${portSpelling}`));
  const { hostIp, host, container, protocol } = splitMapping(text, refuse);
  if (!protocolName.test(protocol)) throw refuse(`unknown protocol ${JSON.stringify(protocol)}`);
  if (hostIp !== null && !isIPv4(hostIp) && !isIPv6(hostIp))
    throw refuse(`${JSON.stringify(hostIp)} is not an IP address`);
  if (container === '') throw refuse('the container port is missing');
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

/** Quotes a text that is empty, or would run into the text after it. */
const shown = (text: string): string => (/^$|[\s:]$/.test(text) ? JSON.stringify(text) : text);

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
  if (!match) throw refuse(`${JSON.stringify(text)} is not a port or a range of ports`);
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  if (first > 65535 || last > 65535) throw refuse('a port is at most 65535');
  if (last < first || (first === 0 && last > 0)) throw refuse(`${text} is not a range`);
  return { first, range: last - first + 1 };
}

/** A free host port is chosen at the set-up. */
const unpicked = '(free)';

/** Formats `127.0.0.1:8080->80/tcp`, as in podman's tables; a port that is left out is marked. */
export function portText(port: ShownPort): string {
  const { hostPort, containerPort, protocol, range } = port;
  const hostIp = isOfIpv6Alone(port) ? anyAddress[6] : port.hostIp;
  const address = hostIp === null ? '' : `${beforePort(hostIp)}:`;
  const span = (first: number) => (range === 1 ? `${first}` : `${first}-${first + range - 1}`);
  const host = hostPort === 0 ? unpicked : span(hostPort);
  return `${address}${host}->${span(containerPort)}/${protocol}${leadsNowhere(port) ? ' (leads nowhere)' : ''}`;
}

export const leadsNowhere = ({ families }: ShownPort): boolean => families?.length === 0;

/** Checks whether a port requested on every address leads to the container by IPv6 only. */
const isOfIpv6Alone = ({ hostIp, families }: ShownPort): boolean =>
  hostIp === null && families?.length === 1 && families[0] === 6;

/** Formats `80/tcp -> 0.0.0.0:8080`, one line per port that leads to the container, like `podman port`. */
export function portLines(ports: readonly ShownPort[]): string[] {
  return ports.flatMap((port) =>
    leadsNowhere(port)
      ? []
      : Array.from(
          { length: port.range },
          (_, offset) => `${port.containerPort + offset}/${port.protocol} -> ${hostPlace(port, offset)}`,
        ),
  );
}

/** Formats the host addresses of a container port: `0.0.0.0:8080`. `80` means TCP. */
export function placesOf(ports: readonly ShownPort[], containerPort: number, protocol: string): string[] {
  return portsOf(ports, containerPort, protocol)
    .filter((port) => !leadsNowhere(port))
    .map((port) => hostPlace(port, containerPort - port.containerPort));
}

/** Returns the mappings that publish this container port. */
export function portsOf(ports: readonly ShownPort[], containerPort: number, protocol: string): ShownPort[] {
  return ports.filter(
    (port) =>
      port.protocol === protocol &&
      containerPort >= port.containerPort &&
      containerPort < port.containerPort + port.range,
  );
}

function hostPlace(port: ShownPort, offset: number): string {
  const { hostPort } = port;
  const address = port.hostIp ?? anyAddress[isOfIpv6Alone(port) ? 6 : 4];
  return `${beforePort(address)}:${hostPort === 0 ? unpicked : hostPort + offset}`;
}
