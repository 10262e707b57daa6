import { type FSWatcher, mkdirSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { detachSchema, parsePayload } from '../bus/messages.ts';

export type Detach = (request: z.output<typeof detachSchema>, name: string) => Promise<unknown>;

/**
 * Teardowns that a door was asked for while nobody served: `<run directory>/teardowns/<time>.json`, each what
 * container.detach takes. They are done in the order of their names, when the daemon is back; each file goes when its
 * teardown was answered. One that fails is said and dropped: the container is `failed` then, and a teardown can be asked for again.
 */
export class TeardownQueue {
  readonly #directory: string;
  #watcher: FSWatcher | null = null;
  #working: Promise<void> = Promise.resolve();

  constructor(
    runDirectory: string,
    private readonly detach: Detach,
    private readonly log: Pick<Logger, 'info' | 'warn'>,
  ) {
    this.#directory = join(runDirectory, 'teardowns');
  }

  /** Resolves when all that had been left is done. A door may still have thought that nobody is there: later files are done, too. */
  async start(): Promise<void> {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    this.#watcher = watch(this.#directory, { persistent: false }, () => this.#work());
    await this.#work();
  }

  async stop(): Promise<void> {
    this.#watcher?.close();
    await this.#working;
  }

  /** One look at a time: a file is not done twice. */
  #work(): Promise<void> {
    this.#working = this.#working.then(() => this.#all());
    return this.#working;
  }

  async #all(): Promise<void> {
    const files = readdirSync(this.#directory).filter((file) => file.endsWith('.json'));
    for (const file of files.sort()) await this.#one(file);
  }

  async #one(file: string): Promise<void> {
    const path = join(this.#directory, file);
    try {
      const request = parsePayload(detachSchema, readFileSync(path));
      await this.detach(request, file);
      this.log.info({ container: request.id }, 'a teardown that had been left was done');
    } catch (error) {
      this.log.warn({ file, error }, 'a teardown that had been left could not be done');
    }
    rmSync(path, { force: true });
  }
}
