import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { familyOf } from '../core/address.ts';
import { Frames, frame } from './frames.ts';
import { fitUdp, type Query } from './packet.ts';

const dnsPort = 53;
const idleMs = 10_000;
const mostConnections = 256;
/** of one source address */
const mostOfOne = 32;
/** queries of one connection that wait for answers; more are read when these are answered */
const mostWaiting = 64;
/** bytes that a connection may leave unread before it is cut */
const mostUnread = 1 << 20;

/** What to answer to a message from this source, if anything; `query` tells what an answer by UDP must fit. */
export type Answerer = (raw: Buffer, source: string) => Promise<{ reply: Buffer; query: Query | null } | null>;

/** Port 53 of one address, UDP and TCP. */
export class Listener {
  readonly #connections = new Map<Socket, string>();

  private constructor(
    readonly address: string,
    private readonly udp: UdpSocket,
    private readonly tcp: Server,
    private readonly answer: Answerer,
    private readonly admits: (source: string) => boolean,
  ) {}

  /** Rejects with the kernel's error, and nothing left open: EADDRINUSE, EADDRNOTAVAIL, EACCES. */
  static async open(address: string, answer: Answerer, admits: (source: string) => boolean): Promise<Listener> {
    const six = familyOf(address) === 6;
    const udp = createSocket({ type: six ? 'udp6' : 'udp4', ipv6Only: six });
    const tcp = createServer();
    const listener = new Listener(address, udp, tcp, answer, admits);
    try {
      udp.bind({ address, port: dnsPort, exclusive: true });
      await once(udp, 'listening');
      tcp.listen({ host: address, port: dnsPort, ipv6Only: six, exclusive: true });
      await once(tcp, 'listening');
    } catch (error) {
      listener.close();
      throw error;
    }
    listener.#start();
    return listener;
  }

  close(): void {
    this.udp.close();
    this.tcp.close();
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #start(): void {
    this.udp.on('message', (raw, from) => void this.#onDatagram(raw, from));
    // a socket that had an error still serves; what it could not send is asked again
    this.udp.on('error', () => {});
    this.tcp.on('error', () => {});
    this.tcp.maxConnections = mostConnections;
    this.tcp.on('connection', (socket) => this.#onConnection(socket));
  }

  async #onDatagram(raw: Buffer, { address, port }: RemoteInfo): Promise<void> {
    const answer = await this.answer(raw, address);
    if (!answer) return;
    try {
      this.udp.send(fitUdp(answer.query, answer.reply), port, address, () => {});
    } catch {
      // closed meanwhile, or port 0: nobody is there to be told
    }
  }

  #onConnection(socket: Socket): void {
    const source = socket.remoteAddress ?? '';
    const ofOne = [...this.#connections.values()].filter((each) => each === source).length;
    socket.on('error', () => socket.destroy());
    if (!this.admits(source) || ofOne >= mostOfOne) {
      socket.destroy();
      return;
    }
    this.#connections.set(socket, source);
    socket.on('close', () => this.#connections.delete(socket));
    socket.setTimeout(idleMs, () => socket.destroy());
    this.#converse(socket, source);
  }

  #converse(socket: Socket, source: string): void {
    const frames = new Frames();
    let waiting = 0;
    socket.on('data', (piece) => {
      for (const raw of frames.push(piece)) {
        if (++waiting >= mostWaiting) socket.pause();
        void this.answer(raw, source).then((answer) => {
          if (--waiting < mostWaiting) socket.resume();
          if (answer && socket.writable) socket.write(frame(answer.reply));
          if (socket.writableLength > mostUnread) socket.destroy();
        });
      }
    });
  }
}
