import { z } from 'zod';
import { canonicalAddress } from '../address.ts';
import { aliasRefusal } from '../dns-name.ts';
import { type Fault, fault } from '../fault.ts';
import { labelsSchema } from '../labels.ts';
import { mostStartWithinMs } from '../milliseconds.ts';
import { defaultNetworkName } from '../name.ts';
import { isOwnVethName } from '../names.ts';
import { answersNames, type NetworkDefinition } from '../network/definition.ts';
import { broughtDefinition } from '../network/file.ts';
import { type PublishedPort, portMappingSchema, publishedPorts } from '../port.ts';
import {
  containerIdSchema,
  containerNameSchema,
  containerReferenceSchema,
  interfaceNameSchema,
  networkNameSchema,
  newNetworkNameSchema,
} from '../token.ts';
import { shortId } from './reference.ts';

const macSchema = z
  .string()
  .regex(/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/, 'must be a MAC address such as 02:00:00:00:00:01')
  .refine(isOneHost, 'must be a unicast MAC address: an even first byte, and not all zeros');

/** What the kernel takes as a link's own. */
function isOneHost(macAddress: string): boolean {
  return Number.parseInt(macAddress.slice(0, 2), 16) % 2 === 0 && /[1-9a-f]/i.test(macAddress);
}

export const attachmentSchema = z.object({
  network: networkNameSchema,
  interfaceName: interfaceNameSchema.nullish().describe('default: eth0, eth1, … in the order of the networks'),
  hostInterfaceName: interfaceNameSchema
    .refine((name) => !isOwnVethName(name), 'a name of nl and 12 hexadecimal digits is reserved for netloom itself')
    .nullish()
    .describe("name of the veth's other end, on the host; no effect with macvlan and ipvlan"),
  staticIps: z
    .array(z.string())
    .nullish()
    .describe('static addresses; from a subnet without one, the next free address is assigned'),
  staticMac: macSchema.nullish(),
  aliases: z.array(z.string()).nullish().describe('additional names of the container on this network'),
  definition: z
    .record(z.string(), z.unknown())
    .nullish()
    .describe(
      "the network as the caller knows it, in podman's format: used if this host does not know it, until its last container leaves",
    ),
});

export type AttachmentRequest = z.infer<typeof attachmentSchema>;

/** With what the daemon knows of its name: that it is the default network's, which is made where there is none. */
export type AskedAttachment = AttachmentRequest & { isDefault?: true };

const ownerSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^\P{Cc}*$/u, 'must not contain control characters');

const startWithinMsSchema = z.int().min(1).max(mostStartWithinMs);

export const containerRequestSchema = z
  .object({
    id: containerIdSchema,
    name: containerNameSchema.nullish(),
    hostname: z
      .string()
      .min(1)
      .max(255)
      .nullish()
      .describe("host name sent to DHCP servers; default: the pod's or container's name"),
    pod: z
      .string()
      .min(1)
      .max(255)
      .nullish()
      .describe("name of the container's pod; networks use it as the container's name"),
    mode: z.string().nullish().describe('bridge (default), none, host, ns:<path>, container:<container>'),
    networks: z
      .array(attachmentSchema.extend({ network: networkNameSchema.nullish().describe('default: the default network') }))
      .nullish()
      .describe('networks to join, in order; default with mode bridge: the default network'),
    defaultNetwork: newNetworkNameSchema
      .nullish()
      .describe('name of the default network; default: that of netloom daemon --default-network'),
    staticIps: z.array(z.string()).nullish().describe('for the first network, unless that has its own'),
    staticMac: macSchema.nullish().describe('for the first network, unless that has its own'),
    dnsServers: z.array(z.string()).nullish().describe('name servers for names that do not belong to containers'),
    ports: z.array(portMappingSchema).nullish().describe('host ports to publish'),
    pid: z.int().min(1).nullish().describe('adopt the namespace of this living process instead of making one'),
    removeOnExit: z
      .boolean()
      .nullish()
      .describe('remove the container when the process given to container.started ends'),
    labels: labelsSchema.nullish().describe('key-value pairs of the user, as podman has them'),
    owner: ownerSchema.nullish().describe('engine that sets up the container: podman, cli, …'),
    startWithinMs: startWithinMsSchema
      .nullish()
      .describe(
        'remove the container unless container.started follows the set-up within this time, or a process is in the namespace then',
      ),
  })
  .describe("the wish for a container's network");
export type ContainerRequest = z.infer<typeof containerRequestSchema>;

/** Where the container's namespace comes from. */
export type NetnsSource =
  | { kind: 'create' }
  | { kind: 'adopt'; pid: number }
  | { kind: 'path'; path: string }
  | { kind: 'host' }
  | { kind: 'container'; id: string };

export interface Attachment {
  network: string;
  /** smallest number that no other attachment has: the order of preference of its routes, kept when others go */
  slot: number;
  interfaceName: string;
  /** of the veth's other end; absent: a name of netloom's own */
  hostInterfaceName?: string;
  staticIps: string[];
  staticMac: string | null;
  aliases: string[];
  /** the network as the caller knows it */
  definition?: NetworkDefinition;
  /** the default network, which is made where there is none */
  isDefault?: true;
}

export interface ContainerWish {
  id: string;
  name: string;
  /** A06: what the networks call it: its pod's name when it has one, else its own */
  networkName: string;
  /** what DHCP servers are told; absent: the name */
  hostName?: string;
  mode: string;
  netns: NetnsSource;
  attachments: Attachment[];
  ports: PublishedPort[];
  dnsServers: string[];
  removeOnExit: boolean;
  /** absent: none */
  labels?: Record<string, string>;
  /** the engine that asked for it; absent: it did not say */
  owner?: string;
  /** how long after its set-up its process must have started; absent: for ever */
  startWithinMs?: number;
}

/** Fills in defaults and checks all that can be checked without asking anybody; `ofDaemon`: the daemon's default network. */
export function containerWish(request: ContainerRequest, ofDaemon = defaultNetworkName): ContainerWish | Fault {
  const mode = request.mode ?? 'bridge';
  const netns = netnsSource(mode, request);
  if ('code' in netns) return netns;
  const defaultNetwork = request.defaultNetwork ?? ofDaemon;
  const attachments = attachmentsOf(request.id, networksOf(request, defaultNetwork));
  if ('code' in attachments) return attachments;
  if (attachments.length === 0 && (request.staticIps?.length || request.staticMac))
    return fault('mode.conflict', 'a static address needs a network');
  const dnsServers = canonicalAddresses(request.dnsServers ?? []);
  if ('code' in dnsServers) return dnsServers;
  const ports = publishedPorts(request.ports ?? []);
  if ('code' in ports) return ports;
  const conflict = modeConflict(mode, netns, attachments, ports);
  if (conflict) return conflict;
  return {
    id: request.id,
    name: request.name ?? request.id,
    networkName: request.pod ?? request.name ?? request.id,
    ...(request.hostname && { hostName: request.hostname }),
    mode,
    netns,
    attachments,
    ports,
    dnsServers,
    removeOnExit: request.removeOnExit ?? false,
    ...(request.labels && Object.keys(request.labels).length > 0 && { labels: request.labels }),
    ...(request.owner && { owner: request.owner }),
    ...(request.startWithinMs && { startWithinMs: request.startWithinMs }),
  };
}

/**
 * What says of itself that it is the host's, as the daemon sees it, also where nobody may look at process 1. Whatever else leads
 * there is known by its inode when it is about to be used.
 */
const ownNetns = /^\/+proc\/+(1|self|thread-self)\/+(task\/+\d+\/+)?ns\/+net$/;

/** A01: the modes that podman has; those that this version does not build yet are named as such. */
function netnsSource(mode: string, request: ContainerRequest): NetnsSource | Fault {
  const [kind = '', ...rest] = mode.split(':');
  const argument = rest.join(':');
  if (request.pid && (kind === 'ns' || kind === 'container' || kind === 'host'))
    return fault('mode.conflict', `mode ${mode} names a namespace: pid cannot name another`);
  if (request.pid === 1 || (kind === 'ns' && ownNetns.test(argument)))
    return fault(
      'mode.conflict',
      `${request.pid ? 'process 1 is in' : `${argument} is`} the host's own network namespace: use mode host`,
    );
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
      return argument ? fault('mode.unknown', `mode ${mode}: host takes no argument`) : { kind: 'host' };
    case 'slirp4netns':
    case 'pasta':
      return fault('mode.unsupported', `network mode ${kind} is not supported by this version`);
    default:
      return fault(
        'mode.unknown',
        `unknown network mode ${mode}: expected bridge, none, host, ns:<path> or container:<container>`,
      );
  }
}

function sharedNetns(id: string, target: string): NetnsSource | Fault {
  if (!containerReferenceSchema.safeParse(target).success)
    return fault('id.invalid', `mode container:${target}: expected a container`);
  if (target === id) return fault('netns.cycle', `container ${id} cannot share its own namespace`);
  return { kind: 'container', id: target };
}

function modeConflict(
  mode: string,
  netns: NetnsSource,
  attachments: Attachment[],
  ports: PublishedPort[],
): Fault | null {
  const takesNone = netns.kind === 'container' || netns.kind === 'host' || mode === 'none';
  if (takesNone && attachments.length > 0) return fault('mode.conflict', `mode ${mode} takes no networks`);
  if (ports.length > 0 && attachments.length === 0)
    return fault('mode.conflict', 'ports can be published only by a container that joins a network');
  return null;
}

/** P10: a definition that comes with the request means another network of that name. */
export const askedAttachment = (request: AttachmentRequest, defaultNetwork: string): AskedAttachment =>
  request.network === defaultNetwork && !request.definition ? { ...request, isDefault: true } : request;

/** A04: what is static for the whole container is so on its first network, where that does not say otherwise. */
function networksOf(request: ContainerRequest, defaultNetwork: string): AskedAttachment[] {
  const { staticIps, staticMac } = request;
  // P10: podman's default in this mode; who names a list that is empty wants none (B05)
  const networks = request.networks ?? (request.mode === 'bridge' ? [{}] : []);
  const [first, ...others] = networks.map((one) =>
    askedAttachment({ ...one, network: one.network ?? defaultNetwork }, defaultNetwork),
  );
  if (!first) return [];
  return [
    {
      ...first,
      staticIps: first.staticIps?.length ? first.staticIps : staticIps,
      staticMac: first.staticMac ?? staticMac,
    },
    ...others,
  ];
}

/** A02: interface names in the order in which the networks come; a name that is asked for is not given twice. */
export function attachmentsOf(id: string, requested: readonly AskedAttachment[]): Attachment[] | Fault {
  const asked = new Set(requested.flatMap(({ interfaceName }) => interfaceName ?? []));
  const attachments: Attachment[] = [];
  for (const entry of requested) {
    if (attachments.some(({ network }) => network === entry.network))
      return fault('payload.invalid', `network ${entry.network} is named twice`);
    const attachment = attachmentBeside(attachments, id, entry, asked);
    if ('code' in attachment) return attachment;
    attachments.push(attachment);
  }
  return attachments;
}

/** One more attachment of a container that has these: the first free interface name, unless one is asked for (A02). */
export function attachmentBeside(
  others: readonly Attachment[],
  id: string,
  entry: AskedAttachment,
  asked: ReadonlySet<string> = new Set(),
): Attachment | Fault {
  if (others.some(({ network }) => network === entry.network))
    return fault('container.connected', `container ${shortId(id)} is already on network ${entry.network}`);
  const taken = new Set([...asked, ...others.map(({ interfaceName }) => interfaceName)]);
  const interfaceName = entry.interfaceName ?? nextInterfaceName(taken);
  if (others.some((other) => other.interfaceName === interfaceName))
    return fault('payload.invalid', `interface name ${interfaceName} is asked for twice`);
  const { hostInterfaceName } = entry;
  if (hostInterfaceName && others.some((other) => other.hostInterfaceName === hostInterfaceName))
    return fault('payload.invalid', `host interface name ${hostInterfaceName} is asked for twice`);
  const staticIps = canonicalAddresses(entry.staticIps ?? []);
  if ('code' in staticIps) return staticIps;
  const twice = staticIps.find((address, index) => staticIps.indexOf(address) < index);
  if (twice !== undefined) return fault('address.invalid', `address ${twice} is asked for twice`);
  const definition = entry.definition ? broughtDefinition(entry.network, entry.definition) : null;
  if (typeof definition === 'string')
    return fault('network.damaged', `the definition of network ${entry.network}: ${definition}`);
  const aliases = aliasesOf(entry, definition);
  if ('code' in aliases) return aliases;
  return {
    network: entry.network,
    slot: nextSlot(others),
    interfaceName,
    ...(hostInterfaceName && { hostInterfaceName }),
    staticIps,
    staticMac: entry.staticMac?.toLowerCase() ?? null,
    aliases: [...new Set([...aliases, id.slice(0, 12)])],
    ...(definition && { definition }),
    ...(entry.isDefault && { isDefault: true }),
  };
}

/** N15: without the dot that ends a whole name. What an engine's user typed must not fail its start: that is left out later. */
function aliasesOf({ aliases }: AttachmentRequest, definition: NetworkDefinition | null): string[] | Fault {
  // an engine that brings its networks gives every name to each of them, also where nobody answers for names
  if (definition && !answersNames(definition)) return [];
  const refusals = definition ? [] : (aliases ?? []).flatMap((alias) => aliasRefusal(alias) ?? []);
  const [refusal] = refusals;
  if (refusal !== undefined) return fault('name.invalid', refusal);
  return (aliases ?? []).map((alias) => alias.replace(/\.$/, ''));
}

function nextSlot(others: readonly Attachment[]): number {
  for (let slot = 0; ; slot++) if (!others.some((other) => other.slot === slot)) return slot;
}

function nextInterfaceName(taken: ReadonlySet<string>): string {
  for (let index = 0; ; index++) if (!taken.has(`eth${index}`)) return `eth${index}`;
}

function canonicalAddresses(texts: readonly string[]): string[] | Fault {
  const addresses: string[] = [];
  for (const text of texts) {
    const address = canonicalAddress(text);
    if (address === null) return fault('address.invalid', `${text} is not an IP address`);
    addresses.push(address);
  }
  return addresses;
}
