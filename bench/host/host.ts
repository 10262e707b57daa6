import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Question, Verb, Verbs } from './protocol.ts';

const program = fileURLToPath(new URL('./main.js', import.meta.url));

/** Any failure of a host process. */
export class HostError extends Error {
  constructor(
    readonly host: string,
    reason: string,
  ) {
    super(reason);
  }
}

interface Waiter {
  resolve(output: never): void;
  reject(error: Error): void;
}

const namespaces = ['--net', '--mount', '--propagation', 'private', '--pid', '--mount-proc', '--fork', '--kill-child'];

/**
 * A process that stands for a host. It is the first process of its own namespaces (network, mounts, processes), so
 * everything that it starts or makes ends with it. It ends when its parent ends for whatever reason, so nothing is
 * left behind and nothing needs to be cleaned up.
 */
export class Host {
  readonly #process = spawn('unshare', [...namespaces, process.execPath, program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  readonly #waiting = new Map<number, Waiter>();
  #questions = 0;

  constructor(readonly name: string) {
    this.#process.on('message', (answer: Answer) => this.#heard(answer));
    this.#process.on('exit', (code) => this.#ended(code));
  }

  ask<V extends Verb>(verb: V, input: Verbs[V][0]): Promise<Verbs[V][1]> {
    const id = ++this.#questions;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.send({ id, verb, input } satisfies Question);
    });
  }

  /** Everything of it ends with it. */
  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.disconnect();
    await exited;
  }

  #heard(answer: Answer): void {
    const waiter = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiter?.reject(new HostError(this.name, answer.error));
    else waiter?.resolve(answer.output as never);
  }

  #ended(code: number | null): void {
    for (const { reject } of this.#waiting.values())
      reject(new HostError(this.name, `its host process ended with ${code}`));
    this.#waiting.clear();
  }
}
