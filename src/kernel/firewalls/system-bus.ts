import { existsSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';

/** Returns the socket of the system bus, or null without one. A bus over TCP is not a system bus. */
export function systemBusPath(environment: NodeJS.ProcessEnv = process.env): string | null {
  const address = environment.DBUS_SYSTEM_BUS_ADDRESS ?? 'unix:path=/run/dbus/system_bus_socket';
  for (const one of address.split(';')) {
    const [, kind, value] = /^unix:(?:.*,)?(path|abstract)=([^,]+)/.exec(one) ?? [];
    if (kind === 'abstract') return `\0${value}`;
    if (value !== undefined && existsSync(value)) return value;
  }
  return null;
}

export interface MethodCall {
  destination: string;
  path: string;
  interface: string;
  member: string;
  signature?: string;
  body?: unknown[];
}

export interface Signal {
  sender: string;
  interface: string;
  member: string;
  body?: unknown[];
}

/** Outcome of a call: the output, the service's refusal, or no answer in time. */
export type Outcome = { output: unknown } | { refused: string } | { silent: true };

/** Types of the library that netloom uses: its own types lack the client and the parts of messages. */
declare module '@homebridge/dbus-native' {
  function createClient(options: { stream: Socket; authMethods: string[] }): Client;
}

interface Client {
  connection: NodeJS.EventEmitter;
  invoke(
    call: MethodCall & { flags?: number },
    answer: (refused: { name: string; message: string } | null, output?: unknown) => void,
  ): void;
}

interface Listeners {
  signal(signal: Signal): void;
  /** the connection from `connect` ended, but not by `close` */
  lost(): void;
}

/** Failure of a bus that listens and does not answer. */
export const silence = 'it does not answer within the time';

/** Errors of a write to a closed connection; which one occurs is a matter of timing. */
const closings = ['EPIPE', 'ECONNRESET'];

/** Message flag: the call does not start the service. */
const noAutoStart = 0x2;
const bus = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' };

/** A connection to the system bus. The first one loads the library. */
export class SystemBus {
  /** why the connection ended, if an error gave a reason */
  #reason: string | null = null;

  private constructor(
    private readonly path: string,
    private readonly socket: Socket,
    private readonly client: Client,
    private readonly listeners: Listeners,
  ) {
    client.connection.on('message', (message: Signal & { type: number }) => {
      if (message.type === signalType) listeners.signal(message);
    });
    // the `close` event, which follows, answers open calls
    client.connection.on('error', (error: NodeJS.ErrnoException) =>
      this.#end(closings.includes(error.code ?? '') ? undefined : error.message),
    );
  }

  /** Rejects if the bus does not accept the client in time. A listening socket does not mean that a bus answers. */
  static async connect(path: string, listeners: Listeners, timeoutMs: number): Promise<SystemBus> {
    const untilMs = performance.now() + timeoutMs;
    const { createClient } = await import('@homebridge/dbus-native');
    const socket = createConnection(path);
    socket.unref();
    // a bus on this host identifies the client by the socket; the library fails on some answers to its other methods
    const client = createClient({ stream: socket, authMethods: ['EXTERNAL'] });
    const system = new SystemBus(path, socket, client, listeners);
    await system.#admitted(untilMs - performance.now());
    return system;
  }

  #admitted(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#end(silence), timeoutMs);
      const refused = () => {
        clearTimeout(timer);
        reject(this.failure());
      };
      this.socket.once('close', refused);
      this.client.connection.once('connect', () => {
        clearTimeout(timer);
        this.socket.off('close', refused);
        this.socket.once('close', this.listeners.lost);
        resolve();
      });
    });
  }

  /** Checks whether calls go to the bus; otherwise they are answered at once. */
  get isOpen(): boolean {
    return this.socket.readyState === 'open';
  }

  /** Returns why the bus does not serve netloom. */
  failure(reason = this.#reason ?? 'it closes the connection'): Error {
    return new Error(`the system bus at ${this.path} does not serve us: ${reason}`);
  }

  /** Subscribes to signals that match a rule of the D-Bus specification. */
  listen(rule: string, timeoutMs: number): Promise<Outcome> {
    return this.call({ ...bus, member: 'AddMatch', signature: 's', body: [rule] }, timeoutMs);
  }

  owner(name: string, timeoutMs: number): Promise<Outcome> {
    return this.call({ ...bus, member: 'GetNameOwner', signature: 's', body: [name] }, timeoutMs);
  }

  /** Calls a method. Never rejects. Calls `late` if the answer comes after the timeout. */
  call(call: MethodCall, timeoutMs: number, late: () => void = () => {}): Promise<Outcome> {
    // its `close` event may have passed already
    if (!this.isOpen) return Promise.resolve({ silent: true });
    return new Promise((resolve) => {
      const settle = (outcome: Outcome) => {
        clearTimeout(timer);
        this.socket.off('close', closed);
        resolve(outcome);
      };
      const closed = () => settle({ silent: true });
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        settle({ silent: true });
      }, timeoutMs);
      this.socket.once('close', closed);
      this.client.invoke({ ...call, flags: noAutoStart }, (refused, output) => {
        if (isLate) late();
        else settle(refused ? { refused: refused.message || refused.name } : { output });
      });
    });
  }

  /** Closes the connection and answers open calls at once. */
  close(): void {
    this.socket.off('close', this.listeners.lost);
    this.socket.destroy();
  }

  #end(reason?: string): void {
    this.#reason ??= reason ?? null;
    this.socket.destroy();
  }
}

const signalType = 4;
