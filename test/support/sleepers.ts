import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

type Living = ChildProcess & { pid: number };

/** Processes as an engine starts them: each lives until it is killed, or until the end of the test. */
export class Sleepers {
  readonly #children: ChildProcess[] = [];

  /** `netns`: the namespace that it enters first; it has entered it when this resolves. */
  async start(netns?: string): Promise<Living> {
    const command = ['sh', '-c', 'echo there; exec sleep 60'];
    const [file = '', ...args] = netns ? ['nsenter', `--net=${netns}`, ...command] : command;
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#children.push(child);
    await once(createInterface({ input: child.stdout as Readable }), 'line');
    return child as unknown as Living;
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
