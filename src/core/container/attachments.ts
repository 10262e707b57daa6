import { canonicalAddress } from '../address.ts';
import { aliasRefusal } from '../dns-name.ts';
import type { Fault } from '../fault.ts';
import { fault } from '../fault.ts';
import type { NetworkDefinition } from '../network/definition.ts';
import { answersNames } from '../network/definition.ts';
import { broughtDefinition } from '../network/file.ts';
import { idAlias, shortId } from './reference.ts';
import type { AttachmentRequest, ContainerRequest } from './request.ts';

/** The networks that a container is to join, and how. */

/** A request with what the daemon knows of its name: that it is the default network, which is made if it does not exist. */
export type AskedAttachment = AttachmentRequest & { isDefault?: true };

export interface Attachment {
  network: string;
  /** smallest number that no other attachment has: sets the preference of its routes, and stays when others leave */
  slot: number;
  interfaceName: string;
  /** name of the veth's other end; absent: a name that netloom chooses */
  hostInterfaceName?: string;
  staticIps: string[];
  staticMac: string | null;
  aliases: string[];
  /** the network as the caller knows it */
  definition?: NetworkDefinition;
  /** the default network, which is made if it does not exist */
  isDefault?: true;
}

/** P10: marks the default network, unless a definition comes with the request: then it means another network of that name. */
export const askedAttachment = (request: AttachmentRequest, defaultNetwork: string): AskedAttachment =>
  request.network === defaultNetwork && !request.definition ? { ...request, isDefault: true } : request;

/** A04: applies the container's static addresses to its first network, unless that network has its own. */
export function networksOf(request: ContainerRequest, defaultNetwork: string): AskedAttachment[] {
  const { staticIps, staticMac } = request;
  // P10: podman's default in this mode; an empty list means no networks (B05)
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

/** A02: gives out interface names in the order of the networks; a requested name is not given twice. */
export const attachmentsOf = (id: string, requested: readonly AskedAttachment[]): Attachment[] | Fault =>
  attachmentsBeside([], id, requested);

/** Adds several attachments to those that a container has. */
export function attachmentsBeside(
  others: readonly Attachment[],
  id: string,
  requested: readonly AskedAttachment[],
): Attachment[] | Fault {
  const asked = new Set(requested.flatMap(({ interfaceName }) => interfaceName ?? []));
  const attachments: Attachment[] = [];
  for (const entry of requested) {
    if (attachments.some(({ network }) => network === entry.network))
      return fault('payload.invalid', `network ${entry.network} is named twice`);
    const attachment = attachmentBeside([...others, ...attachments], id, entry, asked);
    if ('code' in attachment) return attachment;
    attachments.push(attachment);
  }
  return attachments;
}

/** Adds one attachment to those that a container has: with the first free interface name, unless one is requested (A02). */
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
    aliases: [...new Set([...aliases, idAlias(id)])],
    ...(definition && { definition }),
    ...(entry.isDefault && { isDefault: true }),
  };
}

/**
 * N15: returns aliases without the final dot of a full name. A user's typing must not fail an engine's start: invalid names are
 * left out later.
 */
function aliasesOf({ aliases }: AttachmentRequest, definition: NetworkDefinition | null): string[] | Fault {
  // an engine that brings its networks gives every name to each of them, also where names are not answered
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

export function canonicalAddresses(texts: readonly string[]): string[] | Fault {
  const addresses: string[] = [];
  for (const text of texts) {
    const address = canonicalAddress(text);
    if (address === null) return fault('address.invalid', `${text} is not an IP address`);
    addresses.push(address);
  }
  return addresses;
}
