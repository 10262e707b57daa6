import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { temporaryDirectory } from '../support/fresh-host.ts';

/** What a door has sent on one connection. */
export interface Received {
  text: string;
  /** null until it is complete */
  request: { connect: Record<string, unknown>; inbox: string; subject: string; payload: string } | null;
}

/** Answers one connection; the data of the door are appended to `heard`. */
export type Script = (socket: Socket, received: Received) => Promise<void> | void;

export const info = (more: Record<string, unknown> = {}) =>
  `INFO ${JSON.stringify({ server_id: 'S', headers: true, max_payload: 4_194_304, ...more })}\r\n`;

/** `MSG`, or `HMSG` when there are headers (`NATS/1.0…`, without the empty line at their end). */
export function message(inbox: string, body: string, headers?: string): string {
  const bytes = Buffer.byteLength(body);
  if (headers === undefined) return `MSG ${inbox} 1 ${bytes}\r\n${body}\r\n`;
  const head = `${headers}\r\n\r\n`;
  return `HMSG ${inbox} 1 ${head.length} ${head.length + bytes}\r\n${head}${body}\r\n`;
}

/** A server that answers as a test requires, beside a run directory whose credentials lead to it. */
export class ScriptedServer {
  readonly received: Received[] = [];
  readonly #directory = temporaryDirectory();
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));
  script: Script = () => {};

  static async open(host = '127.0.0.1'): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    server.#server.listen(0, host);
    await once(server.#server, 'listening');
    server.writeCredentials({});
    return server;
  }

  get runDirectory(): string {
    return this.#directory.path;
  }

  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return family === 'IPv6' ? `nats://[${address}]:${port}` : `nats://${address}:${port}`;
  }

  writeCredentials(other: Record<string, unknown>): void {
    const credentials = { url: this.url, user: 'operator', password: 'a"b\\c', node: 'here', ...other };
    mkdirSync(`${this.runDirectory}/credentials`, { recursive: true });
    writeFileSync(`${this.runDirectory}/credentials/operator.json`, JSON.stringify(credentials));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
    this.#directory.remove();
  }

  #serve(socket: Socket): void {
    const received: Received = { text: '', request: null };
    this.received.push(received);
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.setEncoding('utf8');
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received.text += chunk;
      received.request ??= requestIn(received.text);
      if (received.request) socket.emit('request');
    });
    void this.script(socket, received);
  }
}

function requestIn(text: string): Received['request'] {
  const found = /^CONNECT (.*)\r\nSUB (\S+) 1\r\nPUB (\S+) (\S+) (\d+)\r\n/.exec(text);
  if (!found) return null;
  const [head, connect, inbox = '', subject = '', replyTo, bytes] = found;
  const rest = Buffer.from(text.slice(head.length));
  if (rest.length < Number(bytes) + 2 || replyTo !== inbox) return null;
  const payload = rest.subarray(0, Number(bytes)).toString();
  return { connect: JSON.parse(connect as string), inbox, subject, payload };
}
