import { addressBytes } from '../address.ts';

/**
 * DHCPv4 on the wire: RFC 2131, options by RFC 2132, long ones by RFC 3396. Every message is parsed or refused with a reason;
 * nothing that a server sends makes this throw.
 */

export const messageTypes = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  acknowledge: 5,
  refuse: 6,
  release: 7,
} as const;
export type MessageType = keyof typeof messageTypes;

/** Codes of the options that netloom knows. */
export const optionCodes = {
  subnetMask: 1,
  routers: 3,
  nameServers: 6,
  hostName: 12,
  domainName: 15,
  requestedAddress: 50,
  leaseSeconds: 51,
  overload: 52,
  messageType: 53,
  server: 54,
  requestedOptions: 55,
  message: 56,
  mostBytes: 57,
  renewalSeconds: 58,
  rebindingSeconds: 59,
  clientId: 61,
  searchDomains: 119,
  classlessRoutes: 121,
} as const;

export type Options = ReadonlyMap<number, Uint8Array>;

export interface DhcpMessage {
  type: MessageType;
  /** request: from client to server */
  direction: 'request' | 'reply';
  /** transaction ID that matches answers to requests: 32 bits */
  transaction: number;
  /** since the client began */
  seconds: number;
  /** the answer is sent to all hosts, because the client has no address yet */
  broadcast: boolean;
  /** the client's current address; `0.0.0.0`: none */
  clientAddress: string;
  /** the address that the server gives */
  yourAddress: string;
  macAddress: string;
  /** without the message type */
  options: Options;
}

/** Largest message of a server: an Ethernet frame carries no more. */
export const mostMessageBytes = 1472;
/** Smallest message that BOOTP relays accept. */
const leastMessageBytes = 300;
const mostOptions = 128;
/** Largest option, whatever the number of its parts. */
const mostOptionBytes = 1024;

const optionsStart = 240;
const cookie = 0x63825363;
const [pad, end] = [0, 255];
/** places that option 52 lends to options */
const places = { file: { flag: 1, start: 108, end: 236 }, serverName: { flag: 2, start: 44, end: 108 } } as const;

export function encodeMessage(message: DhcpMessage): Uint8Array {
  const typed = new Map([
    [optionCodes.messageType as number, Uint8Array.of(messageTypes[message.type])],
    ...message.options,
  ]);
  const options = [...typed].flatMap(([code, value]) => encodeOption(code, value));
  const bytes = new Uint8Array(Math.max(leastMessageBytes, optionsStart + options.length + 1));
  const view = new DataView(bytes.buffer);
  bytes.set([message.direction === 'request' ? 1 : 2, 1, 6]);
  view.setUint32(4, message.transaction);
  view.setUint16(8, Math.min(message.seconds, 0xffff));
  view.setUint16(10, message.broadcast ? 0x8000 : 0);
  bytes.set(addressBytes(message.clientAddress), 12);
  bytes.set(addressBytes(message.yourAddress), 16);
  bytes.set(macBytes(message.macAddress), 28);
  view.setUint32(236, cookie);
  bytes.set([...options, end], optionsStart);
  return bytes;
}

/** RFC 3396: encodes an option; one that does not fit into 255 bytes is split into parts. */
function encodeOption(code: number, value: Uint8Array): number[] {
  const parts: number[] = [];
  for (let start = 0; start === 0 || start < value.length; start += 255) {
    const part = value.subarray(start, start + 255);
    parts.push(code, part.length, ...part);
  }
  return parts;
}

/** Decodes a message. A string gives the reason why it is invalid. */
export function decodeMessage(bytes: Uint8Array): DhcpMessage | string {
  if (bytes.length < optionsStart) return `it has ${bytes.length} bytes; the minimum is ${optionsStart}`;
  if (bytes.length > mostMessageBytes) return `it has ${bytes.length} bytes; the maximum is ${mostMessageBytes}`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [operation, hardware, hardwareBytes] = bytes;
  if (operation !== 1 && operation !== 2) return `its operation is ${operation}`;
  if (hardware !== 1 || hardwareBytes !== 6) return 'it is not for Ethernet';
  if (view.getUint32(236) !== cookie) return 'it is a BOOTP message, without options';
  const options = decodeOptions(bytes);
  if (typeof options === 'string') return options;
  const type = typeOf(options.get(optionCodes.messageType));
  if (type === null) return 'its message type is missing (option 53)';
  const others = new Map(
    [...options].filter(([code]) => code !== optionCodes.messageType && code !== optionCodes.overload),
  );
  return {
    type,
    direction: operation === 1 ? 'request' : 'reply',
    transaction: view.getUint32(4),
    seconds: view.getUint16(8),
    broadcast: (view.getUint16(10) & 0x8000) !== 0,
    clientAddress: addressAt(bytes, 12),
    yourAddress: addressAt(bytes, 16),
    macAddress: macText(bytes.subarray(28, 34)),
    options: others,
  };
}

function typeOf(value: Uint8Array | undefined): MessageType | null {
  if (value?.length !== 1) return null;
  const found = Object.entries(messageTypes).find(([, number]) => number === value[0]);
  return (found?.[0] as MessageType | undefined) ?? null;
}

/** Decodes the options behind the header, then those in the fields that option 52 lends, joined in that order (RFC 3396). */
function decodeOptions(bytes: Uint8Array): Options | string {
  const collected: Collected = { options: new Map(), count: 0 };
  const refusal = collect(collected, bytes.subarray(optionsStart));
  if (refusal) return refusal;
  const overload = collected.options.get(optionCodes.overload) ?? [0];
  const [flags = 0] = overload;
  if (overload.length !== 1 || flags > 3) return 'option 52 is malformed';
  for (const { flag, start, end } of [places.file, places.serverName]) {
    const failed = (flags & flag) !== 0 ? collect(collected, bytes.subarray(start, end)) : null;
    if (failed) return failed;
  }
  return new Map([...collected.options].map(([code, value]) => [code, Uint8Array.from(value)]));
}

interface Collected {
  options: Map<number, number[]>;
  count: number;
}

function collect(collected: Collected, bytes: Uint8Array): string | null {
  for (let at = 0; at < bytes.length; ) {
    const code = bytes[at++] as number;
    if (code === pad) continue;
    if (code === end) return null;
    const length = bytes[at++];
    if (length === undefined || at + length > bytes.length) return `option ${code} goes beyond the end`;
    if (++collected.count > mostOptions) return `it has more than ${mostOptions} options`;
    const value = [...(collected.options.get(code) ?? []), ...bytes.subarray(at, at + length)];
    if (value.length > mostOptionBytes) return `option ${code} has more than ${mostOptionBytes} bytes`;
    collected.options.set(code, value);
    at += length;
  }
  return null;
}

const addressAt = (bytes: Uint8Array, at: number): string => [...bytes.subarray(at, at + 4)].join('.');

export const addressText = (bytes: Uint8Array): string => addressAt(bytes, 0);

export const macBytes = (text: string): Uint8Array =>
  Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16));

export const macText = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
