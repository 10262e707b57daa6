import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import dns from 'dns-packet';
import type { ResolverEntry, ResolverNetwork } from '../../src/resolver/protocol.ts';

/** Real askers and real servers around a resolver, on addresses of loopback. */

export function ownAddresses(...addresses: string[]): void {
  for (const address of addresses) {
    const six = address.includes(':');
    const flags = six ? ['nodad'] : [];
    execFileSync('ip', ['addr', 'add', `${address}/${six ? 128 : 32}`, 'dev', 'lo', ...flags]);
  }
}

export function network(name: string, third: number, more: Partial<ResolverNetwork> = {}): ResolverNetwork {
  return {
    name,
    listen: [`10.89.${third}.1`],
    subnets: [`10.89.${third}.0/24`],
    searchDomain: 'dns.netloom',
    servers: ['127.0.0.2'],
    forward: true,
    ...more,
  };
}

export function entry(
  on: string,
  container: string,
  addresses: string[],
  more: Partial<ResolverEntry> = {},
): ResolverEntry {
  return { network: on, container, names: [container], addresses, servers: [], ...more };
}

export interface Asked {
  from: string;
  at: string;
  type?: string;
  /** EDNS payload size; without EDNS by default */
  edns?: number;
  id?: number;
}

export function query(name: string, { type = 'A', edns, id = 0x1234 }: Partial<Asked>): Buffer {
  const opt: dns.OptAnswer = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: edns ?? 0,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: dns.DNSSEC_OK,
    flag_do: true,
    options: [],
  };
  return dns.encode({
    type: 'query',
    id,
    flags: dns.RECURSION_DESIRED,
    questions: [{ name, type: type as dns.RecordType, class: 'IN' }],
    additionals: edns === undefined ? [] : [opt],
  });
}

/** Returns the reply's bytes, or null after `waitMs`. */
export async function exchange(raw: Buffer, { from, at }: Asked, waitMs = 3000): Promise<Buffer | null> {
  const socket = createSocket(from.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, from);
  await once(socket, 'listening');
  socket.send(raw, 53, at);
  try {
    const [reply] = await once(socket, 'message', { signal: AbortSignal.timeout(waitMs) });
    return reply as Buffer;
  } catch {
    return null;
  } finally {
    socket.close();
  }
}

export async function ask(name: string, asked: Asked): Promise<Answered> {
  const reply = await exchange(query(name, asked), asked);
  if (!reply) throw new Error(`no answer to ${name}`);
  return answered(reply);
}

export interface Answered {
  rcode: string;
  aa: boolean;
  tc: boolean;
  ra: boolean;
  data: string[];
  packet: dns.DecodedPacket;
}

export function answered(reply: Buffer): Answered {
  const packet = dns.decode(reply);
  const data = (packet.answers ?? []).map((answer) => String((answer as dns.StringAnswer).data));
  const { rcode } = packet as dns.DecodedPacket & { rcode: string };
  return { rcode, aa: packet.flag_aa, tc: packet.flag_tc, ra: packet.flag_ra, data, packet };
}

/** Sends all on one connection at once; returns the replies in their order of arrival. */
export async function askByTcp(names: string[], { from, at, ...more }: Asked): Promise<Answered[]> {
  const socket = connect({ host: at, port: 53, localAddress: from });
  await once(socket, 'connect');
  for (const [index, name] of names.entries()) {
    const raw = query(name, { ...more, id: index });
    socket.write(Buffer.concat([Buffer.from([raw.length >> 8, raw.length & 255]), raw]));
  }
  const answers: Answered[] = [];
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of socket) {
    rest = Buffer.concat([rest, piece as Buffer]);
    for (; rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0); rest = rest.subarray(2 + rest.readUInt16BE(0)))
      answers.push(answered(rest.subarray(2, 2 + rest.readUInt16BE(0))));
    if (answers.length === names.length) break;
  }
  socket.destroy();
  return answers;
}

/** An upstream server: answers A with 192.0.2.1, TXT with 3,000 bytes (UDP: truncated), nothing for `silent.…`. */
export class Upstream {
  readonly queries: { raw: Buffer; port: number; tcp: boolean }[] = [];
  private constructor(
    private readonly udp: Socket,
    private readonly tcp: Server,
  ) {}

  static async start(address: string): Promise<Upstream> {
    const udp = createSocket('udp4');
    const tcp = createServer();
    const upstream = new Upstream(udp, tcp);
    udp.on('message', (raw, { port, address: to }) => {
      const reply = upstream.#answer(raw, port, false);
      if (reply) udp.send(reply, port, to);
    });
    tcp.on('connection', (socket) => {
      socket.on('error', () => {});
      socket.on('data', (raw) => {
        const reply = upstream.#answer(raw.subarray(2), 0, true);
        if (reply) socket.write(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply]));
      });
    });
    udp.bind(53, address);
    tcp.listen(53, address);
    await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
    return upstream;
  }

  stop(): void {
    this.udp.close();
    this.tcp.close();
  }

  #answer(raw: Buffer, port: number, tcp: boolean): Buffer | null {
    this.queries.push({ raw, port, tcp });
    const { id, questions = [] } = dns.decode(raw);
    const [question] = questions;
    if (!question || question.name.startsWith('silent.')) return null;
    const head = { type: 'response', id, questions } as const;
    const ra = dns.RECURSION_AVAILABLE;
    if (question.type !== 'TXT')
      return dns.encode({
        ...head,
        flags: ra,
        answers: [{ name: question.name, type: 'A', ttl: 9, data: '192.0.2.1' }],
      });
    if (!tcp) return dns.encode({ ...head, flags: ra | dns.TRUNCATED_RESPONSE });
    const data = Array.from({ length: 15 }, () => 'x'.repeat(200));
    return dns.encode({ ...head, flags: ra, answers: [{ name: question.name, type: 'TXT', ttl: 9, data }] });
  }
}
