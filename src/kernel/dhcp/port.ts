import * as native from '#native';
import { type DhcpMessage, decodeMessage, encodeMessage } from '../../core/dhcp/message.ts';
import { SystemError } from '../../core/fault.ts';
import type { DhcpPlace } from '../../core/steps/dhcp.ts';

/** Answers to one question that are read: a server that sends endlessly must not keep the worker busy. */
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

/** The port of DHCP clients, on the link of one container, while something is asked. */
export class DhcpPort {
  readonly #socket: native.DhcpSocket;
  #watch: native.Watch | null = null;

  /** Hears answers to that transaction only. Throws SystemError, ENOENT also where the namespace is another by now. */
  constructor(
    private readonly place: DhcpPlace,
    transaction: number,
  ) {
    const { netns, inode, link } = place;
    if (inode !== null && native.netnsIdentity(netns)?.inode !== inode)
      throw new SystemError('open DHCP socket', 'ENOENT', `${netns} is not there any more`);
    this.#socket = native.openDhcpSocket(netns, link, transaction);
  }

  /** What is sent to this client; `unreadable` tells why something cannot be read. */
  hear(heard: (one: Heard) => void, unreadable: (why: string) => void): void {
    let count = 0;
    this.#watch = native.watchDhcp(this.#socket, (datagrams) => {
      for (const { payload, sourceMac } of datagrams) {
        // whoever was heard may have closed this
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
