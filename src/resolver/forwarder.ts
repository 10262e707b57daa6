import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { familyOf } from '../core/address.ts';
import { Frames, frame } from './frames.ts';
import { isAnswerTo, isTruncated, type Query, rcodeOf, rcodes, withId } from './packet.ts';

const dnsPort = 53;
const mostTries = 3;
/** of all that may be under way, for one asker: one container cannot take the way out from the others */
const shareOfOne = 4;

/**
 * Asks servers elsewhere. Each query leaves as it came (EDNS and flags untouched) under a fresh random id, from a
 * socket and port of its own that is connected to the server: an answer from elsewhere cannot get in.
 */
export class Forwarder {
  #underWay = 0;
  readonly #underWayOf = new Map<string, number>();

  constructor(
    private readonly timeoutMs: number,
    private readonly most: number,
  ) {}

  /** The answer with the asker's id; null when there is no server, none answers, or too many queries are under way. */
  async ask(query: Query, servers: readonly string[], asker: string): Promise<Buffer | null> {
    const ofOne = this.#underWayOf.get(asker) ?? 0;
    if (servers.length === 0 || this.#underWay >= this.most || ofOne >= this.most / shareOfOne) return null;
    this.#underWay++;
    this.#underWayOf.set(asker, ofOne + 1);
    try {
      const answer = await this.#askEach(query, servers);
      return answer && withId(answer, query.id);
    } finally {
      this.#underWay--;
      const left = (this.#underWayOf.get(asker) ?? 1) - 1;
      if (left === 0) this.#underWayOf.delete(asker);
      else this.#underWayOf.set(asker, left);
    }
  }

  /** One server is asked twice, of several each in turn; a server that fails gives way to the next, its answer is the last resort. */
  async #askEach(query: Query, servers: readonly string[]): Promise<Buffer | null> {
    const tries = Math.min(mostTries, Math.max(2, servers.length));
    let refusal: Buffer | null = null;
    for (let attempt = 0; attempt < tries; attempt++) {
      const answer = await this.#askOne(query, servers[attempt % servers.length] as string);
      if (answer && !isRefusal(answer)) return answer;
      refusal = answer ?? refusal;
      if (refusal && attempt + 1 >= servers.length) break;
    }
    return refusal;
  }

  async #askOne(query: Query, server: string): Promise<Buffer | null> {
    const id = randomInt(0x10000);
    const message = withId(query.raw, id);
    const answer = await this.#byUdp(query, message, id, server);
    if (!answer || !isTruncated(answer)) return answer;
    return (await this.#byTcp(query, message, id, server)) ?? answer;
  }

  #byUdp(query: Query, message: Buffer, id: number, server: string): Promise<Buffer | null> {
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

  #byTcp(query: Query, message: Buffer, id: number, server: string): Promise<Buffer | null> {
    return new Promise((resolve) => {
      const socket = connect({ host: server, port: dnsPort });
      const frames = new Frames();
      const end = (answer: Buffer | null) => {
        clearTimeout(timer);
        socket.destroy();
        resolve(answer);
      };
      const timer = setTimeout(() => end(null), this.timeoutMs);
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

function isRefusal(answer: Buffer): boolean {
  const rcode = rcodeOf(answer);
  return rcode === rcodes.servFail || rcode === rcodes.refused;
}
