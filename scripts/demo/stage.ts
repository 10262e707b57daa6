import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as native from '#native';
import { type NftSet, nftFamily, nftSets, nftTable } from '../../src/core/firewall/nft.ts';

export const netloom = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const script = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url));

/** A child process that writes lines. */
export interface Actor {
  process: ChildProcess;
  lines: AsyncIterator<string>;
  /** exit code, or the signal's name */
  ended: Promise<number | string>;
}

/** All that a host can be left with. */
export type Inventory = Record<'namespaces' | 'links' | 'nft elements' | 'processes', string[]>;

/**
 * A host for the demo alone: this thread, and with it every child and connection, is in its own network namespace,
 * and the daemon's directories are temporary.
 */
export class Stage {
  readonly node = 'stage';
  readonly #directory = mkdtempSync(join(tmpdir(), 'netloom-demo-'));
  readonly runDirectory = join(this.#directory, 'run');
  readonly #logFile = join(this.#directory, 'stderr.log');
  readonly #log = openSync(this.#logFile, 'a');
  readonly #namespaces: Set<number>;

  constructor() {
    native.enterFreshNetns();
    this.#namespaces = new Set([native.currentNetnsIdentity().inode]);
  }

  /** Resolves when it serves. */
  async daemon(): Promise<Actor> {
    const daemon = this.#spawn([netloom, 'daemon']);
    await this.#firstLine(daemon, 'the daemon');
    return daemon;
  }

  /** Runs a script of the demo in a container; resolves when it prints that it is ready. */
  async container(name: string, scriptName: string, options: string[]): Promise<Actor> {
    const run = [netloom, 'run', '--name', name, ...options, '--', process.execPath, script(scriptName)];
    const container = this.#spawn(run);
    await this.#firstLine(container, `container ${name}`);
    this.#noticeNamespaces();
    return container;
  }

  /** One command of the CLI; answers what it prints. */
  async cli(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [netloom, ...args], { env: this.#environment() });
    return stdout;
  }

  inventory(): Inventory {
    return {
      namespaces: this.#pins().map((path) => basename(path)),
      links: this.#links(),
      'nft elements': elements(),
      processes: this.#processes().map(({ pid, name }) => `${name} (${pid})`),
    };
  }

  /** The last output of the daemon and the containers on stderr. */
  lastWords(): string {
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-8).join('\n');
  }

  /** Ends whatever an unlucky demo has left. */
  strike(): void {
    this.#noticeNamespaces();
    for (const { pid } of this.#processes()) kill(pid);
    for (const path of this.#pins()) native.removeNetns(path);
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }

  #spawn(args: string[]): Actor {
    const child = spawn(process.execPath, args, { env: this.#environment(), stdio: ['pipe', 'pipe', this.#log] });
    const lines: Interface = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    const ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
    return { process: child, lines: lines[Symbol.asyncIterator](), ended };
  }

  async #firstLine({ lines, ended }: Actor, who: string): Promise<void> {
    const { done } = await lines.next();
    if (done) throw new Error(`${who} ended before it was ready (${await ended})`);
  }

  #environment(): NodeJS.ProcessEnv {
    const { NATS_URL, NETLOOM_CREDS, NETLOOM_NETNS_DIR, ...environment } = process.env;
    return {
      ...environment,
      NETLOOM_NODE: this.node,
      NETLOOM_RUN_DIR: this.runDirectory,
      NETLOOM_STATE_DIR: join(this.#directory, 'state'),
      NETLOOM_NATS_PORT: '4222',
      // keeps the machine's firewalld out of the demo
      DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${join(this.#directory, 'no-bus')}`,
    };
  }

  #pins(): string[] {
    const directory = join(this.runDirectory, 'netns');
    return existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
  }

  /** A process in one of them belongs to the demo, also when its pin is gone. */
  #noticeNamespaces(): void {
    for (const path of this.#pins()) {
      const identity = native.netnsIdentity(path);
      if (identity) this.#namespaces.add(identity.inode);
    }
  }

  #links(): string[] {
    const socket = native.openRouteSocket(null);
    const names = native.listLinks(socket).map(({ name }) => name);
    socket.close();
    return names;
  }

  /** Every process but this one that lives in the stage's namespace or in one of its containers. */
  #processes(): { pid: number; name: string }[] {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid && this.#namespaces.has(netnsOf(pid)))
      .map((pid) => ({ pid, name: readFileSync(`/proc/${pid}/comm`, 'utf8').trim() }));
  }
}

function netnsOf(pid: number): number {
  try {
    return statSync(`/proc/${pid}/ns/net`).ino;
  } catch {
    return 0; // it ended meanwhile, or has ended and waits to be reaped
  }
}

/** Those of containers and networks, in all sets and maps of our tables. */
function elements(): string[] {
  const socket = native.openNftSocket();
  try {
    if (!native.listTables(socket).includes(nftTable)) return [];
    return (Object.keys(nftSets) as NftSet[]).flatMap((set) =>
      native
        .listElements(socket, nftTable, set, nftFamily(set))
        .filter(({ comment }) => comment !== null && /^(container|network)\//.test(comment))
        .map(() => set),
    );
  } finally {
    socket.close();
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended by itself
  }
}
