import { addressBytes } from '../address.ts';
import { type DhcpMessage, type MessageType, macBytes, mostMessageBytes, optionCodes } from './message.ts';

/** What a client sends. */

/** Who asks: the same for every message of one lease. */
export interface DhcpClient {
  macAddress: string;
  /** what servers may show it as */
  hostName: string | null;
}

export type DhcpQuestion =
  /** any server: an address, please; that one, if it can be; `avoid`: the server whose offer counts only where no other comes */
  | { kind: 'discover'; address: string | null; avoid: string | null }
  /** one server: what it offered */
  | { kind: 'request'; address: string; server: string }
  /** the server that gave it: to keep it */
  | { kind: 'renew'; address: string; server: string; serverMac: string }
  /** any server: to keep it */
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
    // who has an address is reached by it
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

/** Nobody answers it. */
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

/** By its MAC address, which is the same for the same container on the same network. */
function identity({ macAddress, hostName }: DhcpClient): [number, Uint8Array][] {
  const id: [number, Uint8Array] = [optionCodes.clientId, Uint8Array.of(1, ...macBytes(macAddress))];
  const name = hostName === null ? null : hostLabel(hostName);
  return name ? [id, [optionCodes.hostName, new TextEncoder().encode(name)]] : [id];
}

const addressOption = (code: number, address: string | null): Iterable<[number, Uint8Array]> =>
  address === null ? [] : [[code, addressBytes(address)]];

/** The first label of a host name. RFC 1123: what none can have becomes a hyphen; "" where nothing is left. */
export const hostLabel = (name: string): string =>
  (name.split('.')[0] as string)
    .replaceAll(/[^A-Za-z0-9-]/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);
