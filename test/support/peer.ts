import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const agent = new URL('../../dist/test/support/peer-agent.js', import.meta.url).pathname;

export type Transport = 'tcp' | 'udp';

export interface Endpoint {
  transport: Transport;
  address: string;
  port: number;
}

export type Ask = { id: number } & (
  | ({ verb: 'serve' } & Endpoint)
  | ({ verb: 'reach'; withinMs: number; keep: string | null } & Endpoint)
  | { verb: 'stream'; stream: string; address: string; port: number; perSecond: number; fresh: boolean }
  | { verb: 'call'; flow: string; address: string; port: number }
  | { verb: 'probe'; flow: string; withinMs: number }
  | { verb: 'endStream'; stream: string }
  | { verb: 'exchange'; conversation: string; text: string; withinMs: number }
);
type Wish = Ask extends infer One ? (One extends Ask ? Omit<One, 'id'> : never) : never;

const patienceMs = 5_000;

/**
 * A process in a network namespace that serves and calls, as containers and hosts do. Its servers answer with its name,
 * the port and the sender: `web:80 sees 192.0.2.2`.
 */
export class Peer {
  readonly #process: ChildProcess;
  readonly #ready: Promise<unknown>;
  readonly #waiting = new Map<number, (text: string) => void>();
  #asked = 0;

  /** null: in the namespace of this test, which plays the host */
  constructor(
    readonly name: string,
    netns: string | null,
  ) {
    const command = [process.execPath, agent, name];
    const [file, ...args] = netns === null ? command : ['nsenter', `--net=${netns}`, ...command];
    this.#process = spawn(file as string, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#process.on('message', ({ id, text }: { id: number; text: string }) => this.#waiting.get(id)?.(text));
    this.#ready = once(this.#process, 'message');
    this.#ready.catch(() => {});
    this.#process.on('exit', () => {
      for (const answer of this.#waiting.values()) answer('ended');
    });
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** Serves on every address of both families by default. Returns `ready`, or the errno. */
  async serve(transport: Transport, port: number, address = '::'): Promise<string> {
    return this.#ask({ verb: 'serve', transport, address, port });
  }

  /** Returns the answer there (`web:80 sees 192.0.2.2`); or the errno; or `silence`. */
  async reach(transport: Transport, address: string, port: number, withinMs = patienceMs): Promise<string> {
    return this.#ask({ verb: 'reach', transport, address, port, withinMs, keep: null });
  }

  /** Does the same over TCP, then over UDP. */
  async reachBoth(address: string, port: number, withinMs = patienceMs): Promise<string[]> {
    return Promise.all((['tcp', 'udp'] as const).map((transport) => this.reach(transport, address, port, withinMs)));
  }

  /** Opens a TCP connection that stays: `exchange` continues it. */
  async converse(conversation: string, address: string, port: number): Promise<string> {
    return this.#ask({ verb: 'reach', transport: 'tcp', address, port, withinMs: patienceMs, keep: conversation });
  }

  /** Returns the answer, which is the same text where all is well; or `silence`. */
  async exchange(conversation: string, text: string): Promise<string> {
    return this.#ask({ verb: 'exchange', conversation, text, withinMs: patienceMs });
  }

  /** Takes a UDP port of its own for datagrams to that address; `probe` sends them from there. */
  async call(flow: string, address: string, port: number): Promise<string> {
    return this.#ask({ verb: 'call', flow, address, port });
  }

  /** Returns the answer to a datagram that is sent now, from the same port as those before: `web:80`, or `silence`. */
  async probe(flow: string, withinMs = 500): Promise<string> {
    return this.#ask({ verb: 'probe', flow, withinMs });
  }

  /**
   * Begins to send so many datagrams a second to a UDP port that answers each. fresh: each from a port of its own, so that
   * each is the first of its flow; else all from one.
   */
  async stream(stream: string, address: string, port: number, perSecond: number, fresh = false): Promise<string> {
    return this.#ask({ verb: 'stream', stream, address, port, perSecond, fresh });
  }

  /** Ends it, and waits a moment for the last answers. */
  async endStream(stream: string): Promise<{ sent: number; lost: number }> {
    return JSON.parse(await this.#ask({ verb: 'endStream', stream }));
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill(signal);
    await exited;
  }

  async #ask(wish: Wish): Promise<string> {
    await this.#ready;
    const id = ++this.#asked;
    if (!this.#process.connected) return 'ended';
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#process.send({ id, ...wish });
    });
  }
}

/** All peers of a test file, so that they end with it. */
export class Peers {
  readonly #peers: Peer[] = [];

  /** Starts one in the namespace at that path; null: in that of this test, which plays the host. */
  in(netns: string | null, name: string): Peer {
    const peer = new Peer(name, netns);
    this.#peers.push(peer);
    return peer;
  }

  async end(): Promise<void> {
    await Promise.all(this.#peers.splice(0).map((peer) => peer.end()));
  }
}
