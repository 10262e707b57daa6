import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { openUdpSocket } from '#native';
import { familyOf } from '../core/address.ts';
import { type Fault, NetloomError } from '../core/fault.ts';
import { Frames, frame } from './frames.ts';
import { fitUdp, type Query } from './packet.ts';
import { holderOf } from './port-holders.ts';
import { refused, resolverFault } from './protocol.ts';

/**
 * Receive buffer for some 5,000 unread questions (the kernel counts 768 bytes for one, and doubles this). The default of 212,992
 * holds 277, which a busy machine loses within a tenth of a second.
 */
const receiveBytes = 2 << 20;
/** maximum number of the kernel's picks: a port must be free for UDP and TCP */
const mostPicks = 16;
const idleMs = 10_000;
const mostConnections = 256;
/** of one source address */
const mostOfOne = 32;
/** queries of one connection that wait for answers; more are read when these are answered */
const mostWaiting = 64;
/** bytes that a connection may leave unread before it is cut */
const mostUnread = 1 << 20;

/** Answers a message from this source, or not; `query` limits the size of an answer by UDP. */
export type Answerer = (raw: Buffer, source: string) => Promise<{ reply: Buffer; query: Query | null } | null>;

/** One port of one address, UDP and TCP. */
export class Listener {
  /** by source, oldest first */
  readonly #connections = new Map<string, Set<Socket>>();

  private constructor(
    readonly address: string,
    readonly port: number,
    private readonly udp: UdpSocket,
    private readonly tcp: Server,
    private readonly answer: Answerer,
    private readonly admits: (source: string) => boolean,
  ) {}

  /**
   * Opens the first free port of these; 0: any. Rejects with the kernel's error for the last one, and leaves nothing open:
   * EADDRINUSE, EADDRNOTAVAIL, EACCES.
   */
  static async open(
    address: string,
    ports: readonly number[],
    answer: Answerer,
    admits: (source: string) => boolean,
  ): Promise<Listener> {
    let refusal: Fault | null = null;
    for (const port of ports.flatMap((each) => (each === 0 ? Array<number>(mostPicks).fill(0) : each))) {
      try {
        return await Listener.#openAt(address, port, answer, admits);
      } catch (error) {
        refusal = explained(error, address, port);
        if (refusal.errno !== 'EADDRINUSE') break;
      }
    }
    throw new NetloomError(refusal as Fault);
  }

  static async #openAt(address: string, port: number, ...how: [Answerer, (source: string) => boolean]) {
    const udp = udpSocket(address, port);
    const tcp = createServer();
    const listener = new Listener(address, udp.address().port, udp, tcp, ...how);
    try {
      const ipv6Only = familyOf(address) === 6;
      tcp.listen({ host: address, port: listener.port, ipv6Only, exclusive: true });
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
    for (const sockets of this.#connections.values()) for (const socket of sockets) socket.destroy();
  }

  #start(): void {
    this.udp.on('message', (raw, from) => void this.#onDatagram(raw, from));
    // a socket still serves after an error; the client repeats a question whose answer was not sent
    this.udp.on('error', () => {});
    this.tcp.on('error', () => {});
    this.tcp.on('connection', (socket) => this.#onConnection(socket));
  }

  async #onDatagram(raw: Buffer, { address, port }: RemoteInfo): Promise<void> {
    const answer = await this.answer(raw, address);
    if (!answer) return;
    try {
      this.udp.send(fitUdp(answer.query, answer.reply), port, address, () => {});
    } catch {
      // closed meanwhile, or port 0: there is no receiver
    }
  }

  #onConnection(socket: Socket): void {
    const source = socket.remoteAddress ?? '';
    socket.on('error', () => socket.destroy());
    if (!this.admits(source) || !this.#makeRoomFor(source)) {
      socket.destroy();
      return;
    }
    const ofOne = this.#connections.get(source) ?? new Set();
    this.#connections.set(source, ofOne.add(socket));
    socket.on('close', () => this.#forget(source, socket));
    socket.setTimeout(idleMs, () => socket.destroy());
    this.#converse(socket, source);
  }

  /** Makes room at the limit: closes the oldest connection of the source with the most, for a source with fewer. */
  #makeRoomFor(source: string): boolean {
    const ofOne = this.#connections.get(source)?.size ?? 0;
    if (ofOne >= mostOfOne) return false;
    const all = [...this.#connections];
    if (all.reduce((sum, [, { size }]) => sum + size, 0) < mostConnections) return true;
    const [greediest, sockets] = all.reduce((most, each) => (each[1].size > most[1].size ? each : most));
    const [oldest] = sockets;
    if (!oldest || sockets.size <= ofOne) return false;
    this.#forget(greediest, oldest);
    oldest.destroy();
    return true;
  }

  #forget(source: string, socket: Socket): void {
    const sockets = this.#connections.get(source);
    sockets?.delete(socket);
    if (sockets?.size === 0) this.#connections.delete(source);
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

function udpSocket(address: string, port: number): UdpSocket {
  const fd = openUdpSocket(address, port, receiveBytes);
  const six = familyOf(address) === 6;
  const udp = createSocket({ type: six ? 'udp6' : 'udp4', ipv6Only: six });
  try {
    // listens at once, because it is bound already
    return udp.bind({ fd });
  } catch (error) {
    udp.close();
    closeSync(fd);
    throw error;
  }
}

/** Describes a taken port with the program that has it, if that is visible. */
function explained(error: unknown, address: string, port: number): Fault {
  const { errno = 'EIO' } = resolverFault('resolver.listen', error);
  const holder = errno === 'EADDRINUSE' && port !== 0 ? holderOf(address, port) : null;
  const detail = `bind ${errno} ${address}:${port}`;
  return refused('resolver.listen', errno, holder === null ? detail : `${detail}: ${holder} has it`);
}
