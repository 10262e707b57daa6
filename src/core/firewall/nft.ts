import { networkAddress } from '../actor-address.ts';
import {
  addressBytes,
  addressToBigint,
  bigintToAddress,
  type Family,
  familyOf,
  parseSubnet,
  subnetEnd,
} from '../address.ts';
import { ownerMark } from '../names.ts';
import type { NetworkDefinition } from '../network/definition.ts';
import { type Isolation, networkSettings } from '../network/options.ts';
import { anyAddress, isEverywhere, isLoopback6, type PublishedPort, publishedFamilies } from '../port.ts';

/**
 * The elements of the tables `inet netloom` and `bridge netloom`: everything in them that changes. The chains and rules are
 * static (native/nft/base.nft). An element is readable plain data here; `encodeElement` gives the bytes that the kernel keeps.
 */
export const nftTable = 'netloom';
export const nftFamilies = ['inet', 'bridge'] as const;
export type NftFamily = (typeof nftFamilies)[number];

type Field = 'direction' | 'proto' | 'address4' | 'address6' | 'port' | 'ifname' | 'family' | 'mac';
interface Layout {
  key: Field[];
  value?: Field[];
  interval?: boolean;
  /** of the table that has the set; default: inet */
  family?: NftFamily;
}

/** The sets and maps that base.nft declares; both must agree. */
export const nftSets = {
  published_any4: { key: ['proto', 'port'], value: ['address4', 'port'] },
  published_any6: { key: ['proto', 'port'], value: ['address6', 'port'] },
  published_host4: { key: ['proto', 'address4', 'port'], value: ['address4', 'port'] },
  published_host6: { key: ['proto', 'address6', 'port'], value: ['address6', 'port'] },
  published_range4: { key: ['proto', 'address4', 'port'], value: ['address4'], interval: true },
  published_range6: { key: ['proto', 'address6', 'port'], value: ['address6'], interval: true },
  resolver4: { key: ['address4'], value: ['address4', 'port'] },
  resolver6: { key: ['address6'], value: ['address6', 'port'] },
  counted_any4: { key: ['direction', 'proto', 'port'] },
  counted_any6: { key: ['direction', 'proto', 'port'] },
  counted_host4: { key: ['direction', 'proto', 'address4', 'port'] },
  counted_host6: { key: ['direction', 'proto', 'address6', 'port'] },
  counted_range4: { key: ['direction', 'proto', 'address4', 'port'], interval: true },
  counted_range6: { key: ['direction', 'proto', 'address6', 'port'], interval: true },
  refused_loopback6: { key: ['proto', 'port'] },
  refused_loopback_range6: { key: ['proto', 'port'], interval: true },
  subnets4: { key: ['address4'], interval: true },
  subnets6: { key: ['address6'], interval: true },
  outbound4: { key: ['address4'], value: ['address4'], interval: true },
  outbound6: { key: ['address6'], value: ['address6'], interval: true },
  same_network4: { key: ['address4', 'address4'], interval: true },
  same_network6: { key: ['address6', 'address6'], interval: true },
  network_links: { key: ['ifname'] },
  same_link: { key: ['ifname', 'ifname'] },
  isolated_links: { key: ['ifname'] },
  strict_links: { key: ['ifname'] },
  internal_links: { key: ['ifname'] },
  open_links: { key: ['ifname'] },
  closed_families: { key: ['family'] },
  sources4: { family: 'bridge', key: ['ifname', 'mac', 'address4'] },
  sources6: { family: 'bridge', key: ['ifname', 'mac', 'address6'] },
  leased_macs: { family: 'bridge', key: ['ifname', 'mac'] },
  free_macs: { family: 'bridge', key: ['ifname', 'mac'] },
  held_links: { family: 'bridge', key: ['ifname'] },
} as const satisfies Record<string, Layout>;
export type NftSet = keyof typeof nftSets;

/** The family of the table that has the set. */
export function nftFamily(set: NftSet): NftFamily {
  const layout: Layout = nftSets[set];
  return layout.family ?? 'inet';
}

/** `key` and `value` are spelt as nft does: `tcp`, `10.89.0.0/24`, `8000-8010`, `netloom0`, `original`. */
export interface Element {
  set: NftSet;
  key: string[];
  value?: string[];
  /** an owner's mark, `container/<id>` or `network/<name>`: the element's comment in the kernel. Says whose it is, not what: no part of its identity */
  owner: string | null;
}

export function describeElement({ set, key, value }: Omit<Element, 'owner'>): string {
  return `${set} { ${key.join(' . ')}${value ? ` : ${value.join(' . ')}` : ''} }`;
}

/** What there can be only one of: the set and the key. */
export function elementIdentity({ set, key }: Pick<Element, 'set' | 'key'>): string {
  return describeElement({ set, key });
}

/** The elements that publish a port towards a container's addresses (at most one per family), and count its traffic. */
export function portElements(
  port: PublishedPort,
  targets: Partial<Record<Family, string>>,
  owner: string | null,
): Element[] {
  const elements = publishedFamilies(port).flatMap((family) => {
    const target = targets[family];
    if (target === undefined || isLoopback6(port)) return [];
    const published =
      port.range > 1 && port.hostPort === port.containerPort
        ? [rangeElement(port, family, target)]
        : singleElements(port, family, target);
    return [...published, ...counterKeys(port, family).map(({ set, key }) => ({ set, key }))];
  });
  return [...elements, ...refusedElements(port, targets)].map((element) => ({ ...element, owner }));
}

/** Published there, and unreachable: also where the container has no IPv6, for the port is held all the same. */
function refusedElements(port: PublishedPort, targets: Partial<Record<Family, string>>): Unowned[] {
  if (Object.keys(targets).length === 0) return [];
  if (!isEverywhere(port, 6) && !isLoopback6(port)) return [];
  return port.range > 1
    ? [{ set: 'refused_loopback_range6', key: [port.protocol, hostSpan(port)] }]
    : [{ set: 'refused_loopback6', key: [port.protocol, `${port.hostPort}`] }];
}

type Unowned = Omit<Element, 'owner'>;

const rangeAddress = (port: PublishedPort, family: Family): string =>
  isEverywhere(port, family) ? `${anyAddress[family]}/0` : (port.hostIp as string);

const hostSpan = (port: PublishedPort): string => `${port.hostPort}-${port.hostPort + port.range - 1}`;

/** Same ports on both sides: one element for the whole range. */
function rangeElement(port: PublishedPort, family: Family, target: string): Unowned {
  const key = [port.protocol, rangeAddress(port, family), hostSpan(port)];
  return { set: `published_range${family}`, key, value: [target] };
}

function singleElements(port: PublishedPort, family: Family, target: string): Unowned[] {
  return Array.from({ length: port.range }, (_, offset) => {
    const hostPort = `${port.hostPort + offset}`;
    const value = [target, `${port.containerPort + offset}`];
    return isEverywhere(port, family)
      ? { set: `published_any${family}`, key: [port.protocol, hostPort], value }
      : { set: `published_host${family}`, key: [port.protocol, port.hostIp as string, hostPort], value };
  });
}

export interface TrafficCounter {
  packets: number;
  bytes: number;
}

/** What went through a published port since it was published, whoever asked. */
export interface PortTraffic {
  toContainer: TrafficCounter;
  fromContainer: TrafficCounter;
}

interface CounterKey {
  direction: keyof PortTraffic;
  set: NftSet;
  key: string[];
}

/**
 * The elements that carry the counters of a published port: one per direction and family. They are keyed by what the
 * clients ask for, which no other published port can have; so a range is one element wherever it leads, and two ports that
 * lead to the same port of a container are counted apart.
 */
export function portCounterKeys(port: PublishedPort): CounterKey[] {
  if (isLoopback6(port)) return [];
  return publishedFamilies(port).flatMap((family) => counterKeys(port, family));
}

function counterKeys(port: PublishedPort, family: Family): CounterKey[] {
  return (['toContainer', 'fromContainer'] as const).map((direction) => {
    const start = [direction === 'toContainer' ? 'original' : 'reply', port.protocol];
    if (port.range > 1)
      return { direction, set: `counted_range${family}`, key: [...start, rangeAddress(port, family), hostSpan(port)] };
    return isEverywhere(port, family)
      ? { direction, set: `counted_any${family}`, key: [...start, `${port.hostPort}`] }
      : { direction, set: `counted_host${family}`, key: [...start, port.hostIp as string, `${port.hostPort}`] };
  });
}

/**
 * Adds up a published port's counters. `counterOf` finds one among the listed elements, by `elementIdentity`; what is not
 * there (the container has no address of the family, say) counts nothing.
 */
export function portTraffic(
  port: PublishedPort,
  counterOf: (identity: string) => TrafficCounter | null | undefined,
): PortTraffic {
  const traffic = { toContainer: { packets: 0, bytes: 0 }, fromContainer: { packets: 0, bytes: 0 } };
  for (const { direction, ...element } of portCounterKeys(port)) {
    const counter = counterOf(elementIdentity(element));
    traffic[direction].packets += counter?.packets ?? 0;
    traffic[direction].bytes += counter?.bytes ?? 0;
  }
  return traffic;
}

/** The sets that portTraffic needs listed. */
export const counterSets = (Object.keys(nftSets) as NftSet[]).filter((set) => set.startsWith('counted_'));

/** What the firewall knows of a network. */
export interface NetworkFirewall {
  name: string;
  /** its bridge */
  link: string;
  subnets: readonly string[];
  internal: boolean;
  isolate: Isolation;
  /** other machines may open connections to the addresses of its containers */
  open: boolean;
  /** as which address its containers are seen elsewhere; null: as that of the link that the packet leaves by */
  outbound4: string | null;
  outbound6: string | null;
}

type Guarded = Pick<
  NetworkDefinition,
  'name' | 'driver' | 'network_interface' | 'subnets' | 'internal' | 'options' | 'firewall'
>;

/** `true`: nothing to or from other networks that are isolated too; `strict`: nothing to or from any other network. */
export function networkFirewall(definition: Guarded): NetworkFirewall {
  if (definition.firewall === 'none') return noFirewall(definition);
  const { isolate, inbound, outbound4, outbound6 } = networkSettings(definition);
  return {
    name: definition.name,
    link: definition.network_interface ?? '',
    subnets: definition.subnets.map(({ subnet }) => subnet),
    internal: definition.internal,
    isolate,
    open: inbound === 'open',
    outbound4,
    outbound6,
  };
}

/** Whatever passes its bridge is accepted: what others allow there cannot be allowed where our own rules for links of others drop it. */
function noFirewall({ name, network_interface: link }: Guarded): NetworkFirewall {
  const closed = { internal: false, isolate: 'none', outbound4: null, outbound6: null } as const;
  return { name, link: link ?? '', subnets: [], open: true, ...closed };
}

/** The elements of a whole network: what is one network, what it is kept from, and as whom it is seen elsewhere. */
export function networkElements(firewall: NetworkFirewall): Element[] {
  const owner = ownerMark(networkAddress(firewall.name));
  return [...withinElements(firewall), ...barrierElements(firewall), ...outboundElements(firewall)].map((element) => ({
    ...element,
    owner,
  }));
}

/** Every pair of its subnets are neighbours, and all that stays on its bridge. */
function withinElements({ subnets, link }: NetworkFirewall): Unowned[] {
  const neighbours = subnets.flatMap((from) =>
    subnets
      .filter((to) => familyOf(to) === familyOf(from))
      .map((to): Unowned => ({ set: `same_network${familyOf(from)}`, key: [from, to] })),
  );
  return [...neighbours, { set: 'same_link', key: [link, link] }];
}

function barrierElements({ link, internal, isolate, open }: NetworkFirewall): Unowned[] {
  const sets: NftSet[] = ['network_links'];
  if (isolate !== 'none') sets.push('isolated_links');
  if (isolate === 'strict') sets.push('strict_links');
  if (internal) sets.push('internal_links');
  if (open) sets.push('open_links');
  return sets.map((set) => ({ set, key: [link] }));
}

function outboundElements({ subnets, internal, outbound4, outbound6 }: NetworkFirewall): Unowned[] {
  if (internal) return [];
  const outbound = { 4: outbound4, 6: outbound6 };
  return subnets.flatMap((subnet): Unowned[] => {
    const family = familyOf(subnet);
    const address = outbound[family];
    return address === null
      ? [{ set: `subnets${family}`, key: [subnet] }]
      : [{ set: `outbound${family}`, key: [subnet], value: [address] }];
  });
}

/** The elements that lead port 53 of a network's gateways to where its resolver listens. */
export function resolverElements(network: string, ports: Readonly<Record<string, number>>): Element[] {
  return Object.entries(ports).map(([gateway, port]) => ({
    set: `resolver${familyOf(gateway)}`,
    key: [gateway],
    value: [gateway, `${port}`],
    owner: ownerMark(networkAddress(network)),
  }));
}

/** What the kernel keeps for an element: see NftElement in native/index.d.ts. */
export interface EncodedElement {
  family: NftFamily;
  set: string;
  key: Uint8Array;
  keyEnd: Uint8Array | null;
  intervalEnd: boolean;
  data: Uint8Array | null;
  comment: string | null;
}

/** One element, or two where a plain interval set wants its start and its (exclusive) end apart. */
export function encodeElement(element: Element): EncodedElement[] {
  const layout: Layout = nftSets[element.set];
  const family = layout.family ?? 'inet';
  const plain = { family, set: element.set, keyEnd: null, intervalEnd: false, comment: element.owner };
  const data = layout.value ? concatenate(layout.value, element.value ?? []) : null;
  if (!layout.interval) return [{ ...plain, key: concatenate(layout.key, element.key), data }];
  const ranges = element.key.map((text, index) => fieldRange(layout.key[index] as Field, text));
  const low = concatenate(
    layout.key,
    ranges.map(([from]) => from),
  );
  if (layout.key.length > 1)
    return [
      {
        ...plain,
        key: low,
        keyEnd: concatenate(
          layout.key,
          ranges.map(([, to]) => to),
        ),
        data,
      },
    ];
  return intervalPair(element, layout.key[0] as Field, low).map((part) => ({
    ...plain,
    ...part,
    // the end marker is no element of its own: it has neither value nor owner
    data: part.intervalEnd ? null : data,
    comment: part.intervalEnd ? null : plain.comment,
  }));
}

function intervalPair(element: Element, field: Field, low: Uint8Array): { key: Uint8Array; intervalEnd: boolean }[] {
  const subnet = parseSubnet(element.key[0] as string);
  if (!subnet) throw new TypeError(`${describeElement(element)}: expected a subnet`);
  const end = subnetEnd(subnet);
  const start = { key: low, intervalEnd: false };
  if (end >> BigInt(subnet.family === 4 ? 32 : 128) > 0n) return [start];
  return [start, { key: encodeField(field, bigintToAddress(end, subnet.family)), intervalEnd: true }];
}

/** First and last value of a field that may be a range: a subnet, a port span, or a single value. */
function fieldRange(field: Field, text: string): [string, string] {
  if (field === 'port' && text.includes('-')) return text.split('-') as [string, string];
  const subnet = text.includes('/') ? parseSubnet(text) : null;
  if (!subnet) return [text, text];
  return [bigintToAddress(subnet.base, subnet.family), bigintToAddress(subnetEnd(subnet) - 1n, subnet.family)];
}

/** enum ip_conntrack_dir */
const directions: readonly string[] = ['original', 'reply'];
/** enum of NFPROTO_… */
const familyNumber: Record<string, number> = { ipv4: 2, ipv6: 10 };
const protocolNumber: Record<string, number> = { tcp: 6, udp: 17, sctp: 132 };

function concatenate(fields: readonly Field[], texts: readonly string[]): Uint8Array {
  return Buffer.concat(fields.map((field, index) => encodeField(field, texts[index] as string)));
}

/** Numbers in network byte order. Fields are padded to four bytes; a family, which is never one of several, is not. */
function encodeField(field: Field, text: string): Uint8Array {
  switch (field) {
    case 'direction':
      return Uint8Array.of(directions.indexOf(text), 0, 0, 0);
    case 'proto':
      return Uint8Array.of(protocolNumber[text] as number, 0, 0, 0);
    case 'family':
      return Uint8Array.of(familyNumber[text] as number);
    case 'port':
      return Uint8Array.of(Number(text) >> 8, Number(text) & 0xff, 0, 0);
    case 'address4':
    case 'address6':
      return addressBytes(text);
    case 'ifname': {
      const name = new Uint8Array(16);
      name.set(Buffer.from(text));
      return name;
    }
    case 'mac':
      return Uint8Array.of(...text.split(':').map((byte) => Number.parseInt(byte, 16)), 0, 0);
  }
}

/** Reads an element as the kernel lists it back into its readable form (plain interval sets: starts only, as addresses). */
export function decodeElement(
  set: NftSet,
  encoded: Pick<EncodedElement, 'key' | 'keyEnd' | 'data' | 'comment'>,
): Element {
  const layout: Layout = nftSets[set];
  const from = decodeFields(layout.key, encoded.key);
  const to = encoded.keyEnd ? decodeFields(layout.key, encoded.keyEnd) : from;
  const key = from.map((text, index) => joinRange(layout.key[index] as Field, text, to[index] as string));
  const value = layout.value && encoded.data ? { value: decodeFields(layout.value, encoded.data) } : {};
  return { set, key, ...value, owner: encoded.comment };
}

function joinRange(field: Field, from: string, to: string): string {
  if (from === to) return from;
  if (field === 'port') return `${from}-${to}`;
  const span = addressToBigint(to) - addressToBigint(from) + 1n;
  const width = familyOf(from) === 4 ? 32 : 128;
  return `${from}/${width - (span.toString(2).length - 1)}`;
}

const fieldBytes: Record<Field, number> = {
  direction: 4,
  proto: 4,
  port: 4,
  address4: 4,
  address6: 16,
  ifname: 16,
  family: 1,
  mac: 8,
};

function decodeFields(fields: readonly Field[], bytes: Uint8Array): string[] {
  let offset = 0;
  return fields.map((field) => {
    const part = bytes.subarray(offset, offset + fieldBytes[field]);
    offset += fieldBytes[field];
    return decodeField(field, part);
  });
}

function decodeField(field: Field, part: Uint8Array): string {
  const number = part.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  switch (field) {
    case 'direction':
      return directions[part[0] ?? 0] ?? `${part[0]}`;
    case 'proto':
      return Object.entries(protocolNumber).find(([, code]) => code === part[0])?.[0] ?? `${part[0]}`;
    case 'family':
      return Object.entries(familyNumber).find(([, code]) => code === part[0])?.[0] ?? `${part[0]}`;
    case 'port':
      return `${((part[0] ?? 0) << 8) | (part[1] ?? 0)}`;
    case 'address4':
      return bigintToAddress(number, 4);
    case 'address6':
      return bigintToAddress(number, 6);
    case 'ifname':
      return Buffer.from(part).toString('latin1').replace(/\0+$/, '');
    case 'mac':
      return [...part.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  }
}
