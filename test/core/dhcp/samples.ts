import { addressBytes } from '../../../src/core/address.ts';
import { type DhcpMessage, type MessageType, optionCodes } from '../../../src/core/dhcp/message.ts';

/** Messages of servers. */

export const client = { macAddress: '02:00:00:00:00:07', hostName: 'web' };

export const addresses = (...texts: string[]): Uint8Array =>
  Uint8Array.from(texts.flatMap((text) => [...addressBytes(text)]));
export const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** Encodes seconds as four bytes. */
export function secondsBytes(seconds: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, seconds);
  return bytes;
}

/** A lease of 120 s with all required options. */
export const plain: [number, Uint8Array][] = [
  [optionCodes.server, addresses('192.0.2.1')],
  [optionCodes.subnetMask, addresses('255.255.255.0')],
  [optionCodes.leaseSeconds, secondsBytes(120)],
];

/** `null`: without that option. */
export function reply(
  more: [number, Uint8Array | null][] = [],
  type: MessageType = 'acknowledge',
  yourAddress = '192.0.2.7',
): DhcpMessage {
  const options = new Map<number, Uint8Array>(plain);
  for (const [code, value] of more) {
    if (value === null) options.delete(code);
    else options.set(code, value);
  }
  return {
    type,
    direction: 'reply',
    transaction: 0xfeedf00d,
    seconds: 0,
    broadcast: true,
    clientAddress: '0.0.0.0',
    yourAddress,
    macAddress: client.macAddress,
    options,
  };
}
