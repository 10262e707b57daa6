import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import * as native from '#native';
import { type DhcpMessage, decodeMessage, encodeMessage } from '../../src/core/dhcp/message.ts';
import { ipBatch } from './other-host.ts';

/** Far longer than anything takes, even on a busy machine. */
const patienceMs = 20_000;

/** The output of a program, line by line, for a test that waits for a line. */
class Lines {
  readonly all: string[] = [];
  readonly #listeners = new Set<() => void>();

  read(stream: NodeJS.ReadableStream): void {
    createInterface(stream).on('line', (line) => {
      this.all.push(line);
      for (const listener of [...this.#listeners]) listener();
    });
  }

  /** Resolves with the n-th matching line; `after`: lines that are ignored. */
  line(pattern: RegExp, times = 1, after = 0): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const line = this.all.slice(after).filter((one) => pattern.test(one))[times - 1];
        if (line === undefined) return;
        end();
        resolve(line);
      };
      const end = () => {
        clearTimeout(timer);
        this.#listeners.delete(look);
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`never printed (${times} times): ${pattern}; but\n${this.all.join('\n')}`));
      }, patienceMs);
      this.#listeners.add(look);
      look();
    });
  }
}

/** A LAN behind a link of this host, where a DHCP server may be: 192.0.2.1, in a namespace of its own. */
export class DhcpLan {
  readonly netns: string;
  readonly #leases: string;

  constructor(
    directory: string,
    /** this host's link to it; a bridge makes it one of its ports */
    readonly link: string,
  ) {
    this.netns = `${directory}/${link}-server`;
    this.#leases = `${directory}/${link}-leases`;
    native.createNetns(this.netns).socket.close();
    const peer = `link add ${link} type veth peer name srv0 netns ${this.netns}`;
    execFileSync('ip', peer.split(' '));
    ipBatch(null, [`link set ${link} up`]);
    ipBatch(this.netns, [
      'link set lo up',
      'link set srv0 up',
      'address add 192.0.2.1/24 dev srv0',
      'route add default dev srv0',
    ]);
  }

  async dnsmasq(options: readonly string[] = []): Promise<Dnsmasq> {
    return Dnsmasq.start(this.netns, this.#leases, options);
  }

  /** The answers to each message, sent unchanged: invalid ones, too. */
  async scripted(answer: Answering): Promise<ScriptedServer> {
    return ScriptedServer.start(this.netns, answer);
  }

  remove(): void {
    execFileSync('ip', ['link', 'delete', this.link]);
    native.removeNetns(this.netns);
    rmSync(this.#leases, { force: true });
  }
}

async function end(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const ended = once(process, 'exit');
  process.kill('SIGKILL');
  await ended;
}

/** Debian's dnsmasq, without DNS, on that LAN: 192.0.2.100 to 192.0.2.150, for two minutes each, its minimum. */
export class Dnsmasq {
  readonly #lines = new Lines();

  private constructor(
    private readonly process: ChildProcess,
    private readonly leaseFile: string,
  ) {
    this.#lines.read(process.stderr as NodeJS.ReadableStream);
  }

  static async start(netns: string, leaseFile: string, options: readonly string[]): Promise<Dnsmasq> {
    const command = [
      'dnsmasq',
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      '--user=root',
      '--pid-file=',
      '--port=0',
      '--interface=srv0',
      '--bind-interfaces',
      '--dhcp-authoritative',
      '--no-ping',
      '--dhcp-range=192.0.2.100,192.0.2.150,255.255.255.0,2m',
      '--dhcp-option=option:dns-server,192.0.2.53',
      '--domain=lan.example',
      `--dhcp-leasefile=${leaseFile}`,
      '--log-facility=-',
      ...options,
    ];
    const server = spawn('nsenter', [`--net=${netns}`, ...command], { stdio: ['ignore', 'ignore', 'pipe'] });
    const started = new Dnsmasq(server, leaseFile);
    await started.printed(/DHCP, IP range/);
    return started;
  }

  /** Resolves with the n-th line of its log that matches. */
  printed(pattern: RegExp, times = 1): Promise<string> {
    return this.#lines.line(pattern, times);
  }

  /** Returns how many lines match. */
  count(pattern: RegExp): number {
    return this.log.filter((line) => pattern.test(line)).length;
  }

  get log(): string[] {
    return this.#lines.all;
  }

  /** Addresses that it has given. */
  leases(): string[] {
    if (!existsSync(this.leaseFile)) return [];
    const lines = readFileSync(this.leaseFile, 'utf8').split('\n');
    return lines.flatMap((line) => line.split(' ')[2] ?? []).sort();
  }

  stop(): Promise<void> {
    return end(this.process);
  }
}

/** Messages, or bytes that are not a message. */
export type Answering = (message: ReceivedMessage) => readonly (DhcpMessage | Uint8Array)[];

/** Broadcasts arrive at a socket of their own. */
const relay = `
  const { createSocket } = require('node:dgram');
  const listen = (address, how) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    socket.on('message', (message) => console.log(how + ' ' + message.toString('hex')));
    return new Promise((resolve) => socket.bind(67, address, () => resolve(socket)));
  };
  Promise.all([listen('192.0.2.1', 'server'), listen('255.255.255.255', 'broadcast')]).then(([socket]) => {
    socket.setBroadcast(true);
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const [to, hex] = line.split(' ');
      socket.send(Buffer.from(hex, 'hex'), 68, to);
    });
    console.log('ready');
  });`;

export interface ReceivedMessage extends DhcpMessage {
  /** broadcast, and not sent to the server */
  isBroadcast: boolean;
}

/** A server with answers that a test chooses. */
export class ScriptedServer {
  /** the received messages, in order */
  readonly received: ReceivedMessage[] = [];
  readonly #lines = new Lines();

  private constructor(
    private readonly process: ChildProcess,
    private answering: Answering,
  ) {
    this.#lines.read(process.stdout as NodeJS.ReadableStream);
    createInterface(process.stdout as NodeJS.ReadableStream).on('line', (line) => this.#receive(line));
  }

  static async start(netns: string, answering: Answering): Promise<ScriptedServer> {
    const child = spawn('nsenter', [`--net=${netns}`, process.execPath, '-e', relay], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const server = new ScriptedServer(child, answering);
    await server.#lines.line(/^ready$/);
    return server;
  }

  answer(answering: Answering): void {
    this.answering = answering;
  }

  /** Resolves after that many messages. */
  async asked(times: number): Promise<void> {
    await this.#lines.line(/^(server|broadcast) /, times);
  }

  stop(): Promise<void> {
    return end(this.process);
  }

  #receive(line: string): void {
    const [how, hex] = line.split(' ');
    const decoded = hex === undefined ? 'nothing' : decodeMessage(Buffer.from(hex, 'hex'));
    if (typeof decoded === 'string') return;
    const message = { ...decoded, isBroadcast: how === 'broadcast' };
    this.received.push(message);
    for (const answer of this.answering(message)) {
      const bytes = answer instanceof Uint8Array ? answer : encodeMessage(answer);
      const to = message.broadcast ? '255.255.255.255' : message.clientAddress;
      this.process.stdin?.write(`${to} ${Buffer.from(bytes).toString('hex')}\n`);
    }
  }
}
