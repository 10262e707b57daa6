import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { familyOf } from '../core/address.ts';
import { Frames, frame } from './frames.ts';
import { isAnswerTo, isTruncated, type Query, rcodeOf, rcodes, withId } from './packet.ts';
import { dnsPort } from './protocol.ts';
import { type Asker, type Place, Shares } from './share.ts';

const mostTries = 3;

/** A query under way: its wait ends early when it has to give way. */
class Flight implements Place {
  #isOver = false;
  #end: () => void = () => {};

  constructor(readonly asker: Asker) {}

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sets the function that ends the current try. */
  tries(end: () => void): void {
    this.#end = end;
  }

  giveWay(): void {
    this.#isOver = true;
    this.#end();
  }
}

/**
 * Asks servers elsewhere. Each query leaves as it came (EDNS and flags untouched) under a fresh random id, from a
 * new socket and port that is connected to the server: an answer from elsewhere cannot get in.
 */
export class Forwarder {
  readonly #shares: Shares;

  constructor(
    private readonly timeoutMs: number,
    most: number,
  ) {
    this.#shares = new Shares(most);
  }

  /** Returns the answer with the asker's ID; null if there is no server, none answers, or the query had to give way. */
  async ask(query: Query, servers: readonly string[], asker: Asker): Promise<Buffer | null> {
    const flight = new Flight(asker);
    if (servers.length === 0 || !this.#shares.take(flight)) return null;
    try {
      const answer = await this.#askEach(query, servers, flight);
      return answer && withId(answer, query.id);
    } finally {
      this.#shares.giveBack(flight);
    }
  }

  /** Asks a single server twice, several in turn. A failure (SERVFAIL, REFUSED) leads to the next server, and is the last resort as an answer. */
  async #askEach(query: Query, servers: readonly string[], flight: Flight): Promise<Buffer | null> {
    const tries = Math.min(mostTries, Math.max(2, servers.length));
    let refusal: Buffer | null = null;
    for (let attempt = 0; attempt < tries && !flight.isOver; attempt++) {
      const answer = await this.#askOne(query, withNamedZone(servers[attempt % servers.length] as string), flight);
      if (answer && !isRefusal(answer)) return answer;
      refusal = answer ?? refusal;
      if (refusal && attempt + 1 >= servers.length) break;
    }
    return refusal;
  }

  async #askOne(query: Query, server: string, flight: Flight): Promise<Buffer | null> {
    const id = randomInt(0x10000);
    const message = withId(query.raw, id);
    const answer = await this.#byUdp(query, message, id, server, flight);
    if (!answer || !isTruncated(answer) || flight.isOver) return answer;
    return (await this.#byTcp(query, message, id, server, flight)) ?? answer;
  }

  #byUdp(query: Query, message: Buffer, id: number, server: string, flight: Flight): Promise<Buffer | null> {
    return new Promise((resolve) => {
      const socket = createSocket(familyOf(server) === 6 ? 'udp6' : 'udp4');
      let open = true;
      const end = (answer: Buffer | null) => {
        if (!open) return;
        open = false;
        clearTimeout(timer);
        socket.close();
        resolve(answer);
      };
      const timer = setTimeout(() => end(null), this.timeoutMs);
      flight.tries(() => end(null));
      // ECONNREFUSED and the like: the next server, at once
      socket.on('error', () => end(null));
      socket.on('message', (answer) => isAnswerTo(answer, id, query) && end(answer));
      try {
        socket.connect(dnsPort, server, (error?: Error) => {
          if (error) end(null);
          else if (open) socket.send(message, (failed) => failed && end(null));
        });
      } catch {
        end(null);
      }
    });
  }

  #byTcp(query: Query, message: Buffer, id: number, server: string, flight: Flight): Promise<Buffer | null> {
    return new Promise((resolve) => {
      const socket = connect({ host: server, port: dnsPort });
      const frames = new Frames();
      const end = (answer: Buffer | null) => {
        clearTimeout(timer);
        socket.destroy();
        resolve(answer);
      };
      const timer = setTimeout(() => end(null), this.timeoutMs);
      flight.tries(() => end(null));
      socket.on('connect', () => socket.write(frame(message)));
      socket.on('error', () => end(null));
      socket.on('close', () => end(null));
      socket.on('data', (piece) => {
        const answer = frames.push(piece).find((each) => isAnswerTo(each, id, query));
        if (answer) end(answer);
      });
    });
  }
}

/** Replaces a link's number after `%` by its name: Node accepts only the name, resolv.conf both. */
function withNamedZone(server: string): string {
  const [, address, number] = /^(.*)%(\d+)$/.exec(server) ?? [];
  if (address === undefined) return server;
  const links = Object.entries(networkInterfaces());
  const link = links.find(([, addresses]) => addresses?.some((each) => each.scopeid === Number(number)));
  return link ? `${address}%${link[0]}` : server;
}

function isRefusal(answer: Buffer): boolean {
  const rcode = rcodeOf(answer);
  return rcode === rcodes.servFail || rcode === rcodes.refused;
}
