import { addressBytes, addressToBigint, bigintToAddress, familyOf, parseSubnet, subnetEnd } from '../address.ts';
import { describeElement, type Element, type Field, type Layout, type NftFamily, type NftSet, nftSets } from './nft.ts';

/** Elements as the kernel stores them. */

/** The kernel's form of an element: see NftElement in native/index.d.ts. */
export interface EncodedElement {
  family: NftFamily;
  set: string;
  key: Uint8Array;
  keyEnd: Uint8Array | null;
  intervalEnd: boolean;
  data: Uint8Array | null;
  comment: string | null;
}

/** Encodes one element, or two if a plain interval set needs its start and its (exclusive) end apart. */
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
    // the end marker has neither value nor owner: it only ends the element
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

/** Returns the first and last value of a field that may be a range: a subnet, a port span, or a single value. */
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

/** Encodes numbers in network byte order. Fields are padded to four bytes, except a family, which is never one of several. */
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

/** Decodes an element that the kernel lists into its readable form (plain interval sets: starts only, as addresses). */
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
