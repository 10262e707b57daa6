import {
  addressBytes,
  addressToBigint,
  bigintToAddress,
  type Family,
  familyOf,
  parseSubnet,
  subnetEnd,
} from './address.ts';
import type { PublishedPort } from './port.ts';

/**
 * The elements of table `inet netloom`: everything in it that changes. The chains and rules are static (native/nft/base.nft).
 * An element is readable plain data here; `encodeElement` gives the bytes that the kernel keeps.
 */
export const nftTable = 'netloom';

type Field = 'proto' | 'address4' | 'address6' | 'port' | 'ifname';
interface Layout {
  key: Field[];
  value?: Field[];
  interval?: boolean;
}

/** The sets and maps that base.nft declares; both must agree. */
export const nftSets = {
  published_any4: { key: ['proto', 'port'], value: ['address4', 'port'] },
  published_any6: { key: ['proto', 'port'], value: ['address6', 'port'] },
  published_host4: { key: ['proto', 'address4', 'port'], value: ['address4', 'port'] },
  published_host6: { key: ['proto', 'address6', 'port'], value: ['address6', 'port'] },
  published_range4: { key: ['proto', 'address4', 'port'], value: ['address4'], interval: true },
  published_range6: { key: ['proto', 'address6', 'port'], value: ['address6'], interval: true },
  subnets4: { key: ['address4'], interval: true },
  subnets6: { key: ['address6'], interval: true },
  same_network4: { key: ['address4', 'address4'], interval: true },
  same_network6: { key: ['address6', 'address6'], interval: true },
  internal_links: { key: ['ifname'] },
} as const satisfies Record<string, Layout>;
export type NftSet = keyof typeof nftSets;

/** `key` and `value` are spelt as nft does: `tcp`, `10.89.0.0/24`, `8000-8010`, `netloom0`. */
export interface Element {
  set: NftSet;
  key: string[];
  value?: string[];
}

export function describeElement({ set, key, value }: Element): string {
  return `${set} { ${key.join(' . ')}${value ? ` : ${value.join(' . ')}` : ''} }`;
}

/** The elements that publish a port towards a container's addresses (at most one per family). */
export function portElements(port: PublishedPort, targets: Partial<Record<Family, string>>): Element[] {
  return ([4, 6] as const).flatMap((family) => {
    const target = targets[family];
    if (target === undefined || (port.hostIp !== null && familyOf(port.hostIp) !== family)) return [];
    return port.range > 1 && port.hostPort === port.containerPort
      ? [rangeElement(port, family, target)]
      : singleElements(port, family, target);
  });
}

const anyAddress = { 4: '0.0.0.0', 6: '::' } as const;

/** Same ports on both sides: one element for the whole range. */
function rangeElement(port: PublishedPort, family: Family, target: string): Element {
  const address = port.hostIp === null || port.hostIp === anyAddress[family] ? `${anyAddress[family]}/0` : port.hostIp;
  const span = `${port.hostPort}-${port.hostPort + port.range - 1}`;
  return { set: `published_range${family}`, key: [port.protocol, address, span], value: [target] };
}

function singleElements(port: PublishedPort, family: Family, target: string): Element[] {
  const everywhere = port.hostIp === null || port.hostIp === anyAddress[family];
  return Array.from({ length: port.range }, (_, offset) => {
    const hostPort = `${port.hostPort + offset}`;
    const value = [target, `${port.containerPort + offset}`];
    return everywhere
      ? { set: `published_any${family}`, key: [port.protocol, hostPort], value }
      : { set: `published_host${family}`, key: [port.protocol, port.hostIp as string, hostPort], value };
  });
}

/** The elements of a whole network: which pairs of its subnets are neighbours, and masquerade for its subnets, or isolation of its bridge when internal. */
export function networkElements(subnets: readonly string[], bridge: string, internal: boolean): Element[] {
  const hairpin = subnets.flatMap((from) =>
    subnets
      .filter((to) => familyOf(to) === familyOf(from))
      .map((to): Element => ({ set: `same_network${familyOf(from)}`, key: [from, to] })),
  );
  const outside: Element[] = internal
    ? [{ set: 'internal_links', key: [bridge] }]
    : subnets.map((subnet) => ({ set: `subnets${familyOf(subnet)}`, key: [subnet] }));
  return [...hairpin, ...outside];
}

/** What the kernel keeps for an element: see NftElement in native/index.d.ts. */
export interface EncodedElement {
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
  const plain = { set: element.set, keyEnd: null, intervalEnd: false, data: null, comment: null };
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
  return intervalPair(element, layout.key[0] as Field, low).map((part) => ({ ...plain, ...part }));
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

const protocolNumber: Record<string, number> = { tcp: 6, udp: 17, sctp: 132 };

function concatenate(fields: readonly Field[], texts: readonly string[]): Uint8Array {
  return Buffer.concat(fields.map((field, index) => encodeField(field, texts[index] as string)));
}

/** Every field is padded to four bytes, numbers in network byte order. */
function encodeField(field: Field, text: string): Uint8Array {
  switch (field) {
    case 'proto':
      return Uint8Array.of(protocolNumber[text] as number, 0, 0, 0);
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
  }
}

/** Reads an element as the kernel lists it back into its readable form (plain interval sets: starts only, as addresses). */
export function decodeElement(set: NftSet, encoded: Pick<EncodedElement, 'key' | 'keyEnd' | 'data'>): Element {
  const layout: Layout = nftSets[set];
  const from = decodeFields(layout.key, encoded.key);
  const to = encoded.keyEnd ? decodeFields(layout.key, encoded.keyEnd) : from;
  const key = from.map((text, index) => joinRange(layout.key[index] as Field, text, to[index] as string));
  return layout.value && encoded.data ? { set, key, value: decodeFields(layout.value, encoded.data) } : { set, key };
}

function joinRange(field: Field, from: string, to: string): string {
  if (from === to) return from;
  if (field === 'port') return `${from}-${to}`;
  const span = addressToBigint(to) - addressToBigint(from) + 1n;
  const width = familyOf(from) === 4 ? 32 : 128;
  return `${from}/${width - (span.toString(2).length - 1)}`;
}

const fieldBytes: Record<Field, number> = { proto: 4, port: 4, address4: 4, address6: 16, ifname: 16 };

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
    case 'proto':
      return Object.entries(protocolNumber).find(([, code]) => code === part[0])?.[0] ?? `${part[0]}`;
    case 'port':
      return `${((part[0] ?? 0) << 8) | (part[1] ?? 0)}`;
    case 'address4':
      return bigintToAddress(number, 4);
    case 'address6':
      return bigintToAddress(number, 6);
    case 'ifname':
      return Buffer.from(part).toString('latin1').replace(/\0+$/, '');
  }
}
