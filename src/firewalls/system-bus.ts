import { existsSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';

/** Where the system bus listens; null where none does. A bus by TCP is not a system bus. */
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

/** What a call came to: a refusal is the service's own word, and no answer within the time is a failure. */
export type Outcome = { output: unknown } | { refused: string } | { silent: true };

/** What we use of the library. Its own types leave out the client, and what messages are made of. */
interface Library {
  createClient(options: { stream: Socket }): {
    connection: NodeJS.EventEmitter;
    invoke(
      call: MethodCall & { flags?: number },
      answer: (refused: { name: string; message: string } | null, output?: unknown) => void,
    ): void;
  };
}

/** A call never starts the service. */
const noAutoStart = 0x2;
const bus = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' };

/** One connection to the system bus. The library is loaded with the first one. */
export class SystemBus {
  private constructor(
    private readonly socket: Socket,
    private readonly client: ReturnType<Library['createClient']>,
    onSignal: (signal: Signal) => void,
  ) {
    client.connection.on('message', (message: Signal & { type: number }) => {
      if (message.type === signalType) onSignal(message);
    });
    // open calls are rejected by `close`, which follows
    client.connection.on('error', () => socket.destroy());
  }

  /** Rejects when the bus does not let us in. */
  static async connect(path: string, listeners: { signal(signal: Signal): void; lost(): void }): Promise<SystemBus> {
    const { createClient } = (await import('@homebridge/dbus-native')) as unknown as Library;
    const socket = createConnection(path);
    socket.unref();
    const opened = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('close', () => reject(new Error(`the system bus at ${path} closed the connection`)));
    });
    const system = new SystemBus(socket, createClient({ stream: socket }), listeners.signal);
    await opened;
    socket.once('close', listeners.lost);
    return system;
  }

  /** Asks for signals that match a rule, as in the D-Bus specification. */
  listen(rule: string, timeoutMs: number): Promise<Outcome> {
    return this.call({ ...bus, member: 'AddMatch', signature: 's', body: [rule] }, timeoutMs);
  }

  owner(name: string, timeoutMs: number): Promise<Outcome> {
    return this.call({ ...bus, member: 'GetNameOwner', signature: 's', body: [name] }, timeoutMs);
  }

  /** Never rejects. `late`: called when the answer comes after all. */
  call(call: MethodCall, timeoutMs: number, late: () => void = () => {}): Promise<Outcome> {
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

  close(): void {
    this.socket.removeAllListeners('close');
    this.socket.destroy();
  }
}

const signalType = 4;
