import { familyOf } from '../address.ts';
import type { Attachment } from '../container/attachments.ts';
import { entryOf } from '../entry.ts';
import { type Fault, fault } from '../fault.ts';
import type { PublishedPort } from '../port.ts';
import type { StatusBlock } from '../status.ts';
import type { ContainerView } from '../view.ts';
import type { NetworkDefinition } from './definition.ts';

/**
 * podman inspect's NetworkSettings, with its field names and its empty values: "" and 0 for missing values, null for fields that
 * it knows but never fills. Lists of further addresses exist only when they are not empty.
 */

export interface AddressWithPrefix {
  Addr: string;
  PrefixLength: number;
}

/** The addresses of one network. */
export interface BasicNetworkSettings {
  EndpointID: string;
  Gateway: string;
  IPAddress: string;
  IPPrefixLen: number;
  SecondaryIPAddresses?: AddressWithPrefix[];
  IPv6Gateway: string;
  GlobalIPv6Address: string;
  GlobalIPv6PrefixLen: number;
  SecondaryIPv6Addresses?: AddressWithPrefix[];
  MacAddress: string;
  AdditionalMacAddresses?: string[];
}

export interface JoinedNetworkSettings extends BasicNetworkSettings {
  /** "": the network does not exist, or no longer */
  NetworkID: string;
  DriverOpts: Record<string, string> | null;
  IPAMConfig: Record<string, string> | null;
  Links: string[] | null;
  Aliases: string[];
}

export interface HostPort {
  /** "": every address of the host */
  HostIp: string;
  /** "": picked at set-up */
  HostPort: string;
}

/** The addresses are those of the first network. */
export interface NetworkSettings extends BasicNetworkSettings {
  Bridge: string;
  SandboxID: string;
  HairpinMode: boolean;
  LinkLocalIPv6Address: string;
  LinkLocalIPv6PrefixLen: number;
  /** `80/tcp` → where it is published */
  Ports: Record<string, HostPort[]>;
  /** path of the namespace; "" while the network is down */
  SandboxKey: string;
  Networks: Record<string, JoinedNetworkSettings>;
}

type Inspected = Pick<ContainerView, 'id' | 'netns' | 'attachments' | 'status' | 'ports'>;

/**
 * Converts a container's status to podman's form (D01, D02). `networks` may lack some that the container has joined. A container
 * that is up without a status of every network is netloom's own bug: internal.unexpected (D03).
 */
export function networkSettingsOf(
  container: Inspected,
  networks: readonly Pick<NetworkDefinition, 'name' | 'id'>[],
): NetworkSettings | Fault {
  const { netns, attachments, status, ports } = container;
  const mismatch = netns && mismatchOf(container);
  if (mismatch) return mismatch;
  const joined = attachments.map((attachment): [string, JoinedNetworkSettings] => {
    const id = networks.find(({ name }) => name === attachment.network)?.id ?? '';
    return [attachment.network, joinedSettings(attachment, id, entryOf(status, attachment.network))];
  });
  return {
    ...basicSettings(status[attachments[0]?.network ?? '']),
    Bridge: '',
    SandboxID: '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    Ports: portBindings(ports),
    SandboxKey: netns?.path ?? '',
    Networks: Object.fromEntries(joined),
  };
}

function mismatchOf({ id, attachments, status }: Inspected): Fault | null {
  const joined = attachments.map(({ network }) => network);
  const known = Object.keys(status);
  if (joined.length === known.length) return null;
  return fault(
    'internal.unexpected',
    `container ${id} has joined ${countOf(joined)}, but there is a status of ${countOf(known)}`,
  );
}

const countOf = (names: string[]) =>
  `${names.length} network${names.length === 1 ? '' : 's'} (${names.join(', ') || 'none'})`;

function joinedSettings({ aliases }: Attachment, id: string, block: StatusBlock | undefined): JoinedNetworkSettings {
  return { ...basicSettings(block), NetworkID: id, DriverOpts: null, IPAMConfig: null, Links: null, Aliases: aliases };
}

/** Converts a status block. The first address of a family is the address, the others are secondary; likewise MAC addresses. */
function basicSettings(block: StatusBlock | undefined): BasicNetworkSettings {
  const interfaces = Object.values(block?.interfaces ?? {});
  const addresses = interfaces.flatMap(({ subnets }) => subnets.map(addressOf));
  const [first4, ...others4] = addresses.filter(({ family }) => family === 4);
  const [first6, ...others6] = addresses.filter(({ family }) => family === 6);
  const [firstMac = '', ...otherMacs] = interfaces.map(({ mac_address }) => mac_address);
  return {
    EndpointID: '',
    Gateway: first4?.gateway ?? '',
    IPAddress: first4?.Addr ?? '',
    IPPrefixLen: first4?.PrefixLength ?? 0,
    ...(others4.length > 0 && { SecondaryIPAddresses: others4.map(withPrefix) }),
    IPv6Gateway: first6?.gateway ?? '',
    GlobalIPv6Address: first6?.Addr ?? '',
    GlobalIPv6PrefixLen: first6?.PrefixLength ?? 0,
    ...(others6.length > 0 && { SecondaryIPv6Addresses: others6.map(withPrefix) }),
    MacAddress: firstMac,
    ...(otherMacs.length > 0 && { AdditionalMacAddresses: otherMacs }),
  };
}

function addressOf({ ipnet, gateway = '' }: { ipnet: string; gateway?: string }) {
  const [Addr = '', prefixLength] = ipnet.split('/');
  return { family: familyOf(Addr), Addr, PrefixLength: Number(prefixLength), gateway };
}

const withPrefix = ({ Addr, PrefixLength }: AddressWithPrefix): AddressWithPrefix => ({ Addr, PrefixLength });

/** Largest number of ports with an entry each; above it a range is one entry, `8000-65535/tcp`, because an answer's size is limited. */
const mostPorts = 1024;

function portBindings(ports: readonly PublishedPort[]): Record<string, HostPort[]> {
  const count = ports.reduce((sum, { range }) => sum + range, 0);
  const bindings: Record<string, HostPort[]> = {};
  for (const port of count > mostPorts ? ports : ports.flatMap(singlePorts)) {
    const key = `${span(port.containerPort, port.range)}/${port.protocol}`;
    const place = { HostIp: port.hostIp ?? '', HostPort: port.hostPort === 0 ? '' : span(port.hostPort, port.range) };
    bindings[key] = [...(bindings[key] ?? []), place];
  }
  return bindings;
}

const span = (first: number, range: number) => (range === 1 ? `${first}` : `${first}-${first + range - 1}`);

function singlePorts(port: PublishedPort): PublishedPort[] {
  return Array.from({ length: port.range }, (_, offset) => ({
    ...port,
    hostPort: port.hostPort === 0 ? 0 : port.hostPort + offset,
    containerPort: port.containerPort + offset,
    range: 1,
  }));
}
