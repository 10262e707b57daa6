import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ResultPromise } from 'execa';
import { onTestFinished } from 'vitest';
import { connect, type NetloomClient } from '../../src/client.ts';
import { type NftSet, nftFamily, nftSets } from '../../src/core/firewall/nft.ts';
import { linkNames, nftElements } from './fresh-host.ts';

/** How long a daemon may take to serve on a machine that does much else. */
const startWithinMs = 90_000;

const main = createRequire(import.meta.url).resolve('#cli');

/** Ends a daemon with the test, and its nats-server with it: a killed daemon leaves that to its successor. */
export function endWithTest(daemon: ResultPromise): void {
  onTestFinished(async () => {
    daemon.kill('SIGTERM'); // SIGKILL after 5 s
    await daemon;
  });
}

/** The real daemon, as its own process, on a run directory of the test's. */
export class TestDaemon {
  /** beside that of the test */
  environment: NodeJS.ProcessEnv = {};
  #process: ChildProcess | null = null;
  /** its latest output, for the message of a test that fails */
  #said = '';

  constructor(
    readonly directory: string,
    readonly node = 'testnode',
    private readonly flags: string[] = [],
    /** even on a machine with few processors, so that messages between threads are tested, too; null: the default number */
    private readonly workers: number | null = 2,
    /** a command that ends by executing its arguments */
    private readonly wrapper: string[] = [],
    /** the daemon of another build is measured beside ours */
    private readonly program = main,
  ) {}

  get runDirectory(): string {
    return `${this.directory}/run`;
  }

  get netnsDirectory(): string {
    return `${this.runDirectory}/netns`;
  }

  /** Starts the process; does not wait for it. */
  launch(): void {
    const { runDirectory, directory, node } = this;
    const workers = this.workers === null ? [] : ['--workers', `${this.workers}`];
    const places = ['--run-dir', runDirectory, '--state-dir', `${directory}/state`];
    // as a user does, by its first line; but with the name of the test's node
    const line = [...this.wrapper, this.program, 'daemon', '--node', node, ...places, ...workers, ...this.flags];
    const child = spawn(line[0] as string, line.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, ...this.environment },
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#said = `${this.#said}${chunk}`.slice(-8_000);
      });
    this.#process = child;
  }

  /** Returns a client, once the daemon serves. */
  async client(): Promise<NetloomClient> {
    return untilAnswered(async () => {
      this.#mustLive();
      const client = await connect({ runDir: this.runDirectory, node: this.node, timeoutMs: 10_000 });
      try {
        await client.info({ timeoutMs: 500 });
        return client;
      } catch (error) {
        await client.close();
        throw error;
      }
    }, startWithinMs);
  }

  async start(): Promise<NetloomClient> {
    this.launch();
    return this.client();
  }

  /** Sends SIGKILL, as the kernel's out-of-memory killer would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends all its processes, whatever its state: otherwise its nats-server survives for the next daemon. */
  async destroy(): Promise<void> {
    await this.kill();
    for (const line of processesOf(this)) spawnSync('kill', ['-KILL', line.split(' ')[0] as string]);
  }

  /** Sends SIGTERM: an orderly end. Returns the exit code. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** Changes something while the daemon is paused, so that it notices only the complete change. */
  paused(meanwhile: () => void): void {
    this.#process?.kill('SIGSTOP');
    try {
      meanwhile();
    } finally {
      this.#process?.kill('SIGCONT');
    }
  }

  natsPid(): number | null {
    const file = `${this.runDirectory}/nats/nats-server.pid`;
    return existsSync(file) ? Number(readFileSync(file, 'utf8')) : null;
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    return child.exitCode;
  }

  #mustLive(): void {
    if (this.#process && this.#process.exitCode !== null)
      throw new Gone(`the daemon ended with ${this.#process.exitCode}:\n${this.#said}`);
  }
}

class Gone extends Error {}

/** Retries until it works; gives up after a while, or at once when the daemon has ended. */
export async function untilAnswered<T>(attempt: () => Promise<T>, withinMs = 20_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof Gone || Date.now() > deadline) throw error;
      await delay(10);
    }
  }
}

/** IPv4 forwarding stays on once it was switched on, and so does the separation of foreign links. */
const isHostsOwn = (element: string): boolean => /"comment":"host"/.test(element);

/** What netloom has in this host's kernel. */
export interface Inventory {
  namespaces: string[];
  links: string[];
  elements: string[];
  processes: string[];
}

export function inventory(daemon: TestDaemon): Inventory {
  const namespaces = existsSync(daemon.netnsDirectory) ? readdirSync(daemon.netnsDirectory) : [];
  const elements = Object.entries(nftSets).flatMap(([set, layout]) => {
    const kind = 'value' in layout ? 'map' : 'set';
    return nftElements(kind, set, nftFamily(set as NftSet))
      .map((element) => `${set} ${JSON.stringify(element)}`)
      .filter((element) => !isHostsOwn(element));
  });
  return { namespaces, links: linkNames().filter((name) => name !== 'lo'), elements, processes: processesOf(daemon) };
}

export const nothing: Inventory = { namespaces: [], links: [], elements: [], processes: [] };

/** Living processes whose command line contains the run directory. */
export function processesOf(daemon: Pick<TestDaemon, 'directory'>): string[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(daemon.directory)).map((line) => line.trim());
}
