import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { execa, type Options } from 'execa';
import { temporaryDirectory } from './fresh-host.ts';

/**
 * Programs of an unpacked Debian, below its root: mount and process namespaces of their own, in an overlay, so that their
 * changes of /etc and /var are temporary. They run in the network namespace of the thread that calls `run` or `spawn`.
 * Everything ends with the process that opened it.
 */
export class DebianRoot {
  private constructor(
    private readonly directory: { path: string; remove(): void },
    private readonly holder: ChildProcess,
    private readonly pid: number,
  ) {}

  static async open(lower: string): Promise<DebianRoot> {
    const directory = temporaryDirectory();
    const args = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'];
    const holder = spawn('unshare', [...args, 'bash', '-c', rootScript, 'root', directory.path, lower], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: holder.stdout as NonNullable<typeof holder.stdout> });
    const [line] = await Promise.race([once(lines, 'line'), once(holder, 'exit').then(() => ['ended'])]);
    if (line !== 'ready') throw new Error(`no root was made of ${lower}`);
    const pid = Number(execFileSync('pgrep', ['--parent', `${holder.pid}`], { encoding: 'utf8' }).trim());
    return new DebianRoot(directory, holder, pid);
  }

  /** The path of its /run, as seen from here. */
  get runDirectory(): string {
    return `${this.directory.path}/run`;
  }

  /** Returns the standard output; throws with all output when the program fails. */
  async run(file: string, ...args: string[]): Promise<string> {
    const { stdout } = await execa('nsenter', [...this.#within, file, ...args], options);
    return stdout as string;
  }

  /** Runs lines as a shell would, one after another. */
  sh(script: string): Promise<string> {
    return this.run('sh', '-ec', script);
  }

  /** Starts a process that continues; its output is kept for the message of a test that fails. */
  spawn(file: string, ...args: string[]): Running {
    return new Running(
      spawn('nsenter', [...this.#within, file, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  }

  /** A directory for PATH, through which programs of this root are found from outside. */
  offer(...programs: string[]): string {
    const directory = `${this.directory.path}/bin`;
    mkdirSync(directory, { recursive: true });
    for (const name of programs)
      writeFileSync(`${directory}/${name}`, `#!/bin/sh\nexec nsenter ${this.#within.join(' ')} ${name} "$@"\n`, {
        mode: 0o755,
      });
    return directory;
  }

  async close(): Promise<void> {
    const ended = once(this.holder, 'exit');
    this.holder.stdin?.end();
    if (this.holder.exitCode === null) await ended;
    this.directory.remove();
  }

  get #within(): string[] {
    return [
      `--mount=/proc/${this.pid}/ns/mnt`,
      `--pid=/proc/${this.pid}/ns/pid`,
      `--root=/proc/${this.pid}/root`,
      '--wdns=/',
    ];
  }
}

/** Without this machine's python, libraries and buses. */
const options = {
  env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LANG: 'C.UTF-8' },
  extendEnv: false,
  all: true,
} satisfies Options & { env: NodeJS.ProcessEnv };

/** A process within; `nsenter` is its parent. */
export class Running {
  said = '';
  readonly exited: Promise<unknown>;

  constructor(private readonly process: ChildProcess) {
    this.exited = once(process, 'exit');
    for (const stream of [process.stdout, process.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.said = `${this.said}${chunk}`.slice(-8_000);
      });
  }

  /** The ID of the program itself, as seen from here. */
  get pid(): number {
    return Number(execFileSync('pgrep', ['--parent', `${this.process.pid}`], { encoding: 'utf8' }).trim());
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
    // it stops with its child, and would not notice its end
    if (signal === 'SIGCONT') this.process.kill(signal);
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.signal(signal);
    await this.exited;
  }
}

/** $1: a directory, $2: the unpacked Debian */
const rootScript = `
set -e
cd "$1"; mkdir upper root run
mount -t tmpfs tmpfs upper; mkdir upper/data upper/work
mount -t overlay -o "lowerdir=$2,upperdir=upper/data,workdir=upper/work" overlay root
mkdir -p root/proc root/sys root/dev root/run root/tmp
mount -t proc proc root/proc; mount --rbind /sys root/sys; mount --rbind /dev root/dev
mount --rbind run root/run; mkdir -p run/lock run/dbus
cd root; mkdir -p machine; pivot_root . machine; umount -l /machine
echo ready
read -r end || true
`;
