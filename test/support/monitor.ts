import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { untilAnswered } from './daemon.ts';

interface Watched {
  command: string[];
  /** makes the kernel send a message that nothing else causes */
  mark(netns: string | null): void;
  isMark(line: string): boolean;
  /** messages of the kernel or of the program although nothing has changed */
  isNoNews(line: string): boolean;
}

const run = (netns: string | null, command: string[]) => {
  const [file, ...args] = netns === null ? command : ['nsenter', `--net=${netns}`, ...command];
  execFileSync(file as string, args, { stdio: 'ignore' });
};

const routes: Watched = {
  command: ['ip', '-o', 'monitor', 'link', 'address', 'route'],
  mark: (netns) => {
    for (const verb of ['add', 'delete']) run(netns, ['ip', 'address', verb, '127.9.9.9/32', 'dev', 'lo']);
  },
  isMark: (line) => line.includes('127.9.9.9'),
  // A bridge reports each port once more when its forward delay is over, 15 s after the port was added, even without
  // STP. A real change comes with a notice of the link itself as well, with its queueing discipline and group.
  isNoNews: (line) => / mtu \d+ master \S+ state \S+ +\\/.test(line) && !line.startsWith('Deleted'),
};
const firewall: Watched = {
  command: ['nft', 'monitor'],
  mark: (netns) => {
    for (const verb of ['add', 'delete']) run(netns, ['nft', verb, 'table', 'inet', 'mark_of_the_test']);
  },
  isMark: (line) => line.includes('mark_of_the_test'),
  isNoNews: (line) => line.startsWith('#'),
};

/** Watches every change in a namespace (null: this test's), and can prove that there was none. */
export class Monitor {
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];

  private constructor(
    private readonly watched: Watched,
    private readonly netns: string | null,
  ) {
    const [file, ...args] = netns === null ? watched.command : ['nsenter', `--net=${netns}`, ...watched.command];
    this.#process = spawn(file as string, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface({ input: this.#process.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.#lines.push(line),
    );
  }

  static async ofRoutes(netns: string | null): Promise<Monitor> {
    return Monitor.#listening(new Monitor(routes, netns));
  }

  static async ofFirewall(): Promise<Monitor> {
    return Monitor.#listening(new Monitor(firewall, null));
  }

  /** Ends it. Returns all changes between its start and this call. */
  async changes(): Promise<string[]> {
    const before = this.#lines.length;
    this.watched.mark(this.netns);
    await this.#waitForMark(before);
    this.#process.kill();
    return this.#lines.filter((line) => !this.watched.isMark(line) && !this.watched.isNoNews(line));
  }

  static async #listening(monitor: Monitor): Promise<Monitor> {
    await untilAnswered(async () => {
      monitor.watched.mark(monitor.netns);
      if (monitor.#lines.length === 0) throw new Error('it does not listen yet');
    });
    // notices of the first marks are not reported, nor anything before the last of them
    monitor.#lines.length = 0;
    return monitor;
  }

  /** Notices arrive in order: after the mark there are no more notices of what happened before it. */
  async #waitForMark(after: number): Promise<void> {
    await untilAnswered(async () => {
      if (!this.#lines.slice(after).some((line) => this.watched.isMark(line)))
        throw new Error('the mark has not arrived yet');
    });
  }
}
