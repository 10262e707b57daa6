import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Peer } from './peer.ts';
import { built, isExecutable } from './programs.ts';

const program = built('bench/floor');

/**
 * The kernel's own price: a C program that does the same work as raw netlink messages in one process, and takes the time
 * itself.
 */
export class FloorPeer implements Peer {
  readonly name: string;
  #process: ChildProcess | null = null;
  #lines: AsyncIterator<string> | null = null;

  /** settings: those of the container's interfaces; without them they have the kernel's defaults */
  constructor(private readonly settings = true) {
    this.name = settings ? 'floor' : 'floor without settings';
  }

  missing(): string | null {
    return isExecutable(program) ? null : `${program} (npm run bench builds it)`;
  }

  async open(): Promise<void> {
    this.#process = spawn(program, this.settings ? [] : ['--without-settings'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const input = this.#process.stdout as NodeJS.ReadableStream;
    this.#lines = createInterface({ input })[Symbol.asyncIterator]();
    const ready = await this.#line();
    if (ready !== 'ready') throw new Error(`floor: ${ready}`);
  }

  setup(index: number): Promise<number> {
    return this.#ask(`setup ${index}`);
  }

  teardown(index: number): Promise<number> {
    return this.#ask(`teardown ${index}`);
  }

  async #ask(command: string): Promise<number> {
    this.#process?.stdin?.write(`${command}\n`);
    const line = await this.#line();
    const tookMs = Number(line);
    if (!Number.isFinite(tookMs)) throw new Error(`floor: ${command}: ${line}`);
    return tookMs;
  }

  async #line(): Promise<string> {
    const next = await this.#lines?.next();
    if (!next || next.done) throw new Error('floor: it has ended');
    return next.value;
  }
}
