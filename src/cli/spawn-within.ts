import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { getSystemErrorMap } from 'node:util';
import type { NameFiles } from '../core/name-files.ts';
import { systemErrorText } from '../core/system-error.ts';
import { notAnImage } from './engine-words.ts';
import { EndWith, podmanFailure } from './failure.ts';
import { signalExitCode } from './signals.ts';

/** The program that becomes the command; native/within/main.cc describes its protocol. */
const helper = join(dirname(createRequire(import.meta.url).resolve('#package.json')), 'native/build/netloom-within');

/** Where and how a command runs. */
export interface Place {
  netnsPath: string;
  /** null: the host's own */
  files: NameFiles | null;
  /** in a session of its own, without this process' stdin, stdout and stderr */
  detached?: boolean;
}

/**
 * A command that waits inside a network namespace, with its own name files, until `begin`. Its process stays the same
 * when it begins. If this process ends before that, so does the command's.
 */
export class HeldCommand {
  readonly process: ChildProcess;
  /** exit code; 128 + n if signal n ended it */
  readonly exited: Promise<number>;
  readonly #file: string;
  readonly #channel: Duplex;
  readonly #lines: AsyncIterator<string>;
  readonly #notSpawned: Promise<never>;

  constructor({ netnsPath, files, detached = false }: Place, command: readonly string[]) {
    this.#file = command[0] as string;
    const own = detached ? 'ignore' : 'inherit';
    const names = files ? 'names' : 'no-names';
    const child = spawn(helper, [netnsPath, names, ...command], { stdio: [own, own, own, 'pipe'], detached });
    this.process = child;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(code ?? signalExitCode(signal as NodeJS.Signals)));
      child.once('error', () => resolve(podmanFailure));
    });
    this.#notSpawned = new Promise((_, reject) =>
      child.once('error', ({ code, message }: NodeJS.ErrnoException) =>
        reject(netloomFailed(`${helper} cannot be started: ${systemErrorText({ code, message })}`)),
      ),
    );
    this.#notSpawned.catch(() => undefined);
    this.#channel = child.stdio[3] as Duplex;
    // errors are ignored: the process has ended, and the end of the channel shows that
    const lines = createInterface({ input: this.#channel });
    for (const end of [this.#channel, lines]) end.on('error', () => undefined);
    this.#lines = lines[Symbol.asyncIterator]();
    if (files) this.#giveNames(files);
  }

  /** undefined: it could not be started */
  get pid(): number | undefined {
    return this.process.pid;
  }

  /** Resolves when everything except the command itself is done. Throws EndWith 125. */
  async ready(): Promise<void> {
    await Promise.race([this.#expect('ready'), this.#notSpawned]);
  }

  /**
   * Starts the command, and resolves when it runs. Throws EndWith: 127 if it does not exist, 126 if it cannot be
   * executed.
   */
  async begin(): Promise<void> {
    this.#channel.write('go\n');
    await this.#expect(null);
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }

  /** Lets the command run on without this process. */
  leave(): void {
    this.#channel.destroy();
    this.process.unref();
  }

  #giveNames({ resolvConf, hosts }: NameFiles): void {
    const contents = [resolvConf, hosts].map((text) => Buffer.from(text));
    this.#channel.write(`names ${contents.map(({ length }) => length).join(' ')}\n`);
    for (const content of contents) this.#channel.write(content);
  }

  /**
   * Awaits the next message, which must be `wanted`; null: the end of the channel, which also comes when a signal ends
   * the process.
   */
  async #expect(wanted: string | null): Promise<void> {
    const line = await this.#lines.next().then(
      ({ value, done }) => (done ? null : value),
      // it ended before it had read everything
      () => null,
    );
    if (line === null || line === wanted) return;
    const [, errno, what = ''] = /^failed (\d+) (.*)$/.exec(line) ?? [];
    await this.exited;
    throw errno === undefined ? netloomFailed(`the command was not started: ${line}`) : this.#failure(+errno, what);
  }

  /** Exit codes 127 and 126 as in shells. */
  #failure(errno: number, what: string): EndWith {
    const [code, message] = getSystemErrorMap().get(-errno) ?? ['', `error ${errno}`];
    const reason = systemErrorText({ code, message });
    if (what !== 'execute') return netloomFailed(`cannot ${what}: ${reason}`);
    return code === 'ENOENT'
      ? new EndWith(127, { code: 'command.missing', message: `${this.#file}: command not found; ${notAnImage}` })
      : new EndWith(126, { code: 'command.unusable', message: `${this.#file}: cannot be executed: ${reason}` });
  }
}

const netloomFailed = (message: string) => new EndWith(podmanFailure, { code: 'command.not-started', message });
