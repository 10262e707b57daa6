import { z } from 'zod';
import { canonicalAddress } from './address.ts';
import { type Fault, fault } from './fault.ts';
import { type PublishedPort, portMappingSchema, publishedPorts } from './port.ts';
import { containerIdSchema, interfaceNameSchema, networkNameSchema } from './token.ts';

const macSchema = z
  .string()
  .regex(/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/, 'must be a MAC address such as 02:00:00:00:00:01')
  .refine(isOneHost, 'must be the MAC address of one host: not all zeroes, nor of many (an odd first byte)');

/** What the kernel takes as a link's own. */
function isOneHost(macAddress: string): boolean {
  return Number.parseInt(macAddress.slice(0, 2), 16) % 2 === 0 && /[1-9a-f]/i.test(macAddress);
}

export const attachmentSchema = z.object({
  network: networkNameSchema,
  interfaceName: interfaceNameSchema.nullish().describe('default: eth0, eth1, … in the order of the networks'),
  staticIps: z.array(z.string()).nullish().describe('addresses to take, at most one per subnet'),
  staticMac: macSchema.nullish(),
  aliases: z.array(z.string()).nullish().describe('further names of the container on this network'),
});

export const containerRequestSchema = z
  .object({
    id: containerIdSchema,
    name: z.string().min(1).max(255).nullish().describe('default: the id'),
    mode: z.string().nullish().describe('bridge (default), none, ns:<path>, container:<id>'),
    networks: z.array(attachmentSchema).nullish().describe('networks to join, in order'),
    ports: z.array(portMappingSchema).nullish().describe('host ports to publish'),
    pid: z.int().min(1).nullish().describe('adopt the namespace of this living process instead of making one'),
    removeOnExit: z
      .boolean()
      .nullish()
      .describe('when the process given to container.started ends, tear down and forget'),
  })
  .describe("a container's network as it is wished for");
export type ContainerRequest = z.infer<typeof containerRequestSchema>;

/** Where the container's namespace comes from. */
export type NetnsSource =
  | { kind: 'create' }
  | { kind: 'adopt'; pid: number }
  | { kind: 'path'; path: string }
  | { kind: 'container'; id: string };

export interface Attachment {
  network: string;
  interfaceName: string;
  staticIps: string[];
  staticMac: string | null;
  aliases: string[];
}

export interface ContainerWish {
  id: string;
  name: string;
  mode: string;
  netns: NetnsSource;
  attachments: Attachment[];
  ports: PublishedPort[];
  removeOnExit: boolean;
}

/** Fills in defaults and checks all that can be checked without asking anybody. */
export function containerWish(request: ContainerRequest): ContainerWish | Fault {
  const mode = request.mode ?? 'bridge';
  const netns = netnsSource(mode, request);
  if ('code' in netns) return netns;
  const attachments = attachmentsOf(request);
  if ('code' in attachments) return attachments;
  const ports = publishedPorts(request.ports ?? []);
  if ('code' in ports) return ports;
  const conflict = modeConflict(mode, netns, attachments, ports);
  if (conflict) return conflict;
  return {
    id: request.id,
    name: request.name ?? request.id,
    mode,
    netns,
    attachments,
    ports,
    removeOnExit: request.removeOnExit ?? false,
  };
}

/** A01: the modes that podman has; those that this version does not build yet are named as such. */
function netnsSource(mode: string, request: ContainerRequest): NetnsSource | Fault {
  const [kind = '', ...rest] = mode.split(':');
  const argument = rest.join(':');
  if (request.pid && (kind === 'ns' || kind === 'container'))
    return fault('mode.conflict', `mode ${mode} names a namespace: pid cannot name another`);
  switch (kind) {
    case 'bridge':
    case 'none':
      if (argument) return fault('mode.unknown', `mode ${mode}: ${kind} takes no argument`);
      return request.pid ? { kind: 'adopt', pid: request.pid } : { kind: 'create' };
    case 'ns':
      if (!argument.startsWith('/')) return fault('mode.unknown', 'mode ns: expected ns:<absolute path>');
      return { kind: 'path', path: argument };
    case 'container':
      return sharedNetns(request.id, argument);
    case 'host':
    case 'slirp4netns':
    case 'pasta':
      return fault('mode.unsupported', `network mode ${kind} is not supported by this version`);
    default:
      return fault('mode.unknown', `unknown network mode ${mode}: expected bridge, none, ns:<path> or container:<id>`);
  }
}

function sharedNetns(id: string, target: string): NetnsSource | Fault {
  if (!containerIdSchema.safeParse(target).success)
    return fault('id.invalid', `mode container:${target}: expected a container id`);
  if (target === id) return fault('netns.cycle', `container ${id} cannot share its own namespace`);
  return { kind: 'container', id: target };
}

function modeConflict(
  mode: string,
  netns: NetnsSource,
  attachments: Attachment[],
  ports: PublishedPort[],
): Fault | null {
  const joins = netns.kind === 'container' || mode === 'none';
  if (joins && attachments.length > 0) return fault('mode.conflict', `mode ${mode} takes no networks`);
  if (ports.length > 0 && attachments.length === 0)
    return fault('mode.conflict', 'ports can be published only by a container that joins a network');
  return null;
}

/** A02: interface names in the order in which the networks come; a name that is asked for is not given twice. */
function attachmentsOf(request: ContainerRequest): Attachment[] | Fault {
  const requested = request.networks ?? [];
  const taken = new Set(requested.flatMap(({ interfaceName }) => interfaceName ?? []));
  const attachments: Attachment[] = [];
  for (const entry of requested) {
    if (attachments.some(({ network }) => network === entry.network))
      return fault('payload.invalid', `network ${entry.network} is named twice`);
    const interfaceName = entry.interfaceName ?? nextInterfaceName(taken);
    if (attachments.some((other) => other.interfaceName === interfaceName))
      return fault('payload.invalid', `interface name ${interfaceName} is asked for twice`);
    taken.add(interfaceName);
    const staticIps = canonicalAddresses(entry.staticIps ?? []);
    if ('code' in staticIps) return staticIps;
    attachments.push({
      network: entry.network,
      interfaceName,
      staticIps,
      staticMac: entry.staticMac?.toLowerCase() ?? null,
      aliases: [...new Set([...(entry.aliases ?? []), request.id.slice(0, 12)])],
    });
  }
  return attachments;
}

function nextInterfaceName(taken: ReadonlySet<string>): string {
  for (let index = 0; ; index++) if (!taken.has(`eth${index}`)) return `eth${index}`;
}

function canonicalAddresses(texts: string[]): string[] | Fault {
  const addresses: string[] = [];
  for (const text of texts) {
    const address = canonicalAddress(text);
    if (address === null) return fault('address.invalid', `${text} is no IP address`);
    addresses.push(address);
  }
  return addresses;
}
