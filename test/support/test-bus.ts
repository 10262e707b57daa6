import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, type Server, type Socket } from 'node:net';

/** A message of D-Bus, as the library has it. */
interface Message {
  serial: number;
  type: number;
  member: string;
}

interface Reply {
  signature?: string;
  body?: unknown[];
  errorName?: string;
}

const require = createRequire(import.meta.url);
const { marshall, unmarshalMessages } = require('@homebridge/dbus-native/lib/message') as {
  marshall(message: object): Buffer;
  unmarshalMessages(stream: Socket, received: (message: Message) => void): void;
};
const readLine = require('@homebridge/dbus-native/lib/readline') as (
  stream: Socket,
  received: (line: Buffer) => void,
) => void;

const [methodReturn, error, signal] = [2, 3, 4];

/** A faulty system bus that no real one can imitate: it treats a connection as a test requires. */
export class TestBus {
  /** one for each accepted connection, in order; resolved when it has ended */
  readonly ended: Promise<unknown>[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #serial = 0;

  private constructor(serve: (socket: Socket, bus: TestBus) => void) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      this.ended.push(new Promise((resolve) => socket.once('close', resolve)));
      socket.once('close', () => this.#sockets.delete(socket));
      serve(socket, this);
      this.#server.emit('served');
    });
  }

  static async listen(path: string, serve: (socket: Socket, bus: TestBus) => void): Promise<TestBus> {
    const bus = new TestBus(serve);
    await once(bus.#server.listen(path), 'listening');
    return bus;
  }

  /** Authenticates a connection, and answers its calls; null: not at all. */
  static answering(reply: (member: string) => Promise<Reply | null> | Reply | null) {
    return (socket: Socket, bus: TestBus) =>
      admit(socket, () => {
        unmarshalMessages(socket, async ({ serial: replySerial, member }) => {
          const answer = await reply(member);
          if (answer) bus.#send(socket, { type: answer.errorName ? error : methodReturn, replySerial, ...answer });
        });
        // of what came with the line before, there is no other signal
        setImmediate(() => socket.emit('readable'));
      });
  }

  /** Resolves after so many accepted connections. */
  async taken(connections: number): Promise<void> {
    while (this.ended.length < connections) await once(this.#server, 'served');
  }

  /** Sends to all connected clients. */
  signal(message: { path: string; interface: string; member: string; signature?: string; body?: unknown[] }): void {
    for (const socket of this.#sockets) this.#send(socket, { type: signal, ...message });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #send(socket: Socket, message: object): void {
    this.#serial += 1;
    if (socket.writable) socket.write(marshall({ serial: this.#serial, ...message }));
  }
}

/** Behaves as the bus does that knows its client by the socket. */
export function admit(socket: Socket, admitted: () => void): void {
  readLine(socket, () => {
    socket.write('OK 0123456789abcdef0123456789abcdef\r\n');
    readLine(socket, admitted);
  });
}
