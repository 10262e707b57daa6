import { addressBytes } from '../address.ts';
import { type DhcpMessage, type MessageType, macBytes, mostMessageBytes, optionCodes } from './message.ts';

/** Messages of a DHCP client. */

/** The client: the same for every message of one lease. */
export interface DhcpClient {
  macAddress: string;
  /** name that servers may show for it */
  hostName: string | null;
}

export type DhcpQuestion =
  /** to any server: requests an address, if possible that one; `avoid`: the server whose offer counts only if no other comes */
  | { kind: 'discover'; address: string | null; avoid: string | null }
  /** to one server: accepts its offer */
  | { kind: 'request'; address: string; server: string }
  /** to the server that gave the address: asks to keep it */
  | { kind: 'renew'; address: string; server: string; serverMac: string }
  /** to any server: asks to keep the address */
  | { kind: 'rebind'; address: string };

const wanted = [
  optionCodes.subnetMask,
  // RFC 3442: before the routers
  optionCodes.classlessRoutes,
  optionCodes.routers,
  optionCodes.nameServers,
  optionCodes.domainName,
  optionCodes.searchDomains,
  optionCodes.renewalSeconds,
  optionCodes.rebindingSeconds,
];

interface Sending {
  transaction: number;
  /** since the first message of the transaction */
  seconds: number;
}

export function questionMessage(
  client: DhcpClient,
  question: DhcpQuestion,
  { transaction, seconds }: Sending,
): DhcpMessage {
  const holds = question.kind === 'renew' || question.kind === 'rebind';
  const asks = holds ? null : question.address;
  return {
    ...message(client, question.kind === 'discover' ? 'discover' : 'request', transaction),
    seconds,
    // a client that has an address is reached by it
    broadcast: !holds,
    clientAddress: holds ? question.address : '0.0.0.0',
    options: new Map([
      ...identity(client),
      ...addressOption(optionCodes.requestedAddress, asks),
      ...addressOption(optionCodes.server, question.kind === 'request' ? question.server : null),
      [optionCodes.requestedOptions, Uint8Array.from(wanted)],
      [optionCodes.mostBytes, Uint8Array.of(mostMessageBytes >> 8, mostMessageBytes & 0xff)],
    ]),
  };
}

/** Returns a DHCPRELEASE; servers do not answer it. */
export function releaseMessage(
  client: DhcpClient,
  { address, server }: { address: string; server: string },
  transaction: number,
): DhcpMessage {
  return {
    ...message(client, 'release', transaction),
    clientAddress: address,
    options: new Map([...identity(client), ...addressOption(optionCodes.server, server)]),
  };
}

const message = ({ macAddress }: DhcpClient, type: MessageType, transaction: number): DhcpMessage => ({
  type,
  direction: 'request',
  transaction,
  seconds: 0,
  broadcast: false,
  clientAddress: '0.0.0.0',
  yourAddress: '0.0.0.0',
  macAddress,
  options: new Map(),
});

/** Identifies the client by its MAC address, which is the same for the same container on the same network. */
function identity({ macAddress, hostName }: DhcpClient): [number, Uint8Array][] {
  const id: [number, Uint8Array] = [optionCodes.clientId, Uint8Array.of(1, ...macBytes(macAddress))];
  const name = hostName === null ? null : hostLabel(hostName);
  return name ? [id, [optionCodes.hostName, new TextEncoder().encode(name)]] : [id];
}

const addressOption = (code: number, address: string | null): Iterable<[number, Uint8Array]> =>
  address === null ? [] : [[code, addressBytes(address)]];

/** Returns the first label of a host name. RFC 1123: invalid characters become hyphens; "" if nothing is left. */
export const hostLabel = (name: string): string =>
  (name.split('.')[0] as string)
    .replaceAll(/[^A-Za-z0-9-]/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);
