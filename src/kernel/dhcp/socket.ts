import * as native from '#native';
import { type DhcpMessage, decodeMessage, encodeMessage } from '../../core/dhcp/message.ts';
import { SystemError } from '../../core/fault.ts';
import type { DhcpPlace } from '../../core/steps/dhcp.ts';

/** Maximum number of answers read per question: a server that sends endlessly must not keep the worker busy. */
const mostDatagrams = 100;

export interface Heard {
  message: DhcpMessage;
  serverMac: string;
}

export interface Way {
  source: string;
  destination: string;
  destinationMac: string;
}

export const toEverybody = (source: string): Way => ({
  source,
  destination: '255.255.255.255',
  destinationMac: 'ff:ff:ff:ff:ff:ff',
});

/** Socket of a DHCP client on the link of one container, open while a question is being asked. */
export class DhcpClientSocket {
  readonly #socket: native.DhcpSocket;
  #watch: native.Watch | null = null;

  /** Receives answers to that transaction only. Throws SystemError; ENOENT also if the path now has another namespace. */
  constructor(
    private readonly place: DhcpPlace,
    transaction: number,
  ) {
    const { netns, inode, link } = place;
    if (inode !== null && native.netnsIdentity(netns)?.inode !== inode)
      throw new SystemError('open DHCP socket', 'ENOENT', `${netns} is not there any more`);
    this.#socket = native.openDhcpSocket(netns, link, transaction);
  }

  /** Passes messages for this client to `heard`, and reasons for unreadable ones to `unreadable`. */
  hear(heard: (one: Heard) => void, unreadable: (why: string) => void): void {
    let count = 0;
    this.#watch = native.watchDhcp(this.#socket, (datagrams) => {
      for (const { payload, sourceMac } of datagrams) {
        // the listener may have closed this socket
        if (!this.#watch) return;
        if (++count > mostDatagrams) return this.#deafen();
        const message = decodeMessage(payload);
        if (typeof message === 'string') unreadable(message);
        else if (message.direction === 'reply' && message.macAddress === this.place.macAddress)
          heard({ message, serverMac: sourceMac });
      }
    });
    this.#watch.unref();
  }

  /** Throws SystemError. */
  send(message: DhcpMessage, way: Way): void {
    native.sendDhcp(this.#socket, { ...way, payload: encodeMessage(message) });
  }

  close(): void {
    this.#deafen();
    this.#socket.close();
  }

  #deafen(): void {
    this.#watch?.close();
    this.#watch = null;
  }
}
