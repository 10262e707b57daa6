import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export type Living = ChildProcess & { pid: number };

/**
 * Starts a process that does nothing; `within` is the command that starts it, as `unshare --net`, whose work is done when this
 * resolves. It ends with its input, so with this process at the latest.
 */
export async function startSleeper(within: readonly string[] = []): Promise<Living> {
  const [file = '', ...args] = [...within, 'sh', '-c', 'echo there; exec cat'];
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  await once(createInterface({ input: child.stdout }), 'line');
  return child as Living;
}

/** Processes as an engine starts them: each lives until it is killed, or until the end of the test. */
export class Sleepers {
  readonly #children: ChildProcess[] = [];

  /** `netns`: the namespace that it enters first; it has entered it when this resolves. */
  async start(netns?: string): Promise<Living> {
    const child = await startSleeper(netns ? ['nsenter', `--net=${netns}`] : []);
    this.#children.push(child);
    return child;
  }

  async endAll(): Promise<void> {
    for (const child of this.#children.splice(0)) await killed(child);
  }
}

/** Resolves when it has ended. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
