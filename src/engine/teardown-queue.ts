import { type FSWatcher, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { detachSchema } from '../contract/container-requests.ts';
import { parsePayload } from '../contract/payload.ts';
import { type Fault, faultOf, faultStatus, NetloomError } from '../core/fault.ts';
import { isStorageFull } from '../files/free-space.ts';
import { makeDirectories } from '../files/make-directories.ts';
import { readOrdinaryFile } from '../files/ordinary-file.ts';
import { watchPath } from '../files/watch-path.ts';
import type { StoredTeardowns } from './door-calls.ts';

/** How soon one is tried again for which there was no room. */
const lookAgainMs = 1_000;

export type Detach = (request: z.output<typeof detachSchema>, name: string) => Promise<unknown>;

/**
 * Teardowns that a door received while no daemon ran, and those of set-ups whose answer it did not get:
 * `<run directory>/teardowns/<time>.json`, each a request of container.detach. The next daemon, or the one that was
 * silent, carries them out in the order of their names; each file is removed when its teardown was answered. A failed one is logged and dropped: the container is `failed` then, and a teardown can be asked for
 * again. One that could not be sent stays for the next daemon.
 */
export class TeardownQueue implements StoredTeardowns {
  readonly #directory: string;
  #watcher: FSWatcher | null = null;
  #working: Promise<void> = Promise.resolve();
  /** containers of teardowns that stay, and why */
  readonly #staying = new Map<string, Fault>();
  #stopped = false;

  constructor(
    runDirectory: string,
    private readonly detach: Detach,
    private readonly log: Pick<Logger, 'info' | 'warn'>,
  ) {
    this.#directory = join(runDirectory, 'teardowns');
  }

  /** Resolves when all stored teardowns are done. A door may still have found no daemon: later files are carried out, too. */
  async start(): Promise<void> {
    makeDirectories(this.#directory, 0o700);
    this.#watcher = watchPath(this.#directory, () => this.#work());
    // the next daemon reads stored and new files again
    this.#watcher.on('error', (error) => this.log.warn({ error }, 'teardowns that are left are not seen any more'));
    await this.#work();
  }

  async done(id: string): Promise<void> {
    await this.#work();
    const why = this.#staying.get(id);
    if (why) throw new NetloomError(why);
  }

  /** What is left from now on is the next daemon's; what is under way is answered, or stays for it, too. */
  stop(): void {
    this.#stopped = true;
    this.#watcher?.close();
  }

  /** One look at a time: a file is not done twice. */
  #work(): Promise<void> {
    this.#working = this.#working.then(() => this.#all());
    return this.#working;
  }

  async #all(): Promise<void> {
    this.#staying.clear();
    for (const file of this.#files()) if (!this.#stopped) await this.#one(file);
  }

  /** Never fails, whatever happens to the directory: networks are served without it. */
  #files(): string[] {
    try {
      const entries = readdirSync(this.#directory, { withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.json'));
      return files.map(({ name }) => name).sort();
    } catch (error) {
      this.log.warn({ error }, 'teardowns that were left could not be read');
      return [];
    }
  }

  async #one(file: string): Promise<void> {
    const path = join(this.#directory, file);
    let container: string | null = null;
    try {
      const request = parsePayload(detachSchema, readOrdinaryFile(path));
      container = request.id;
      await this.detach(request, file);
      this.log.info({ container }, 'a teardown that had been left was done');
    } catch (error) {
      const why = faultOf(error);
      const stays = isForLater(why);
      this.log.warn({ file, error, stays }, 'a teardown that had been left could not be done');
      if (isStorageFull(error)) setTimeout(() => this.#work(), lookAgainMs).unref();
      if (stays && container !== null) this.#staying.set(container, why);
      if (stays) return;
    }
    this.#forget(path);
  }

  /** One that stays is done again by the next daemon, which does no harm. */
  #forget(path: string): void {
    try {
      rmSync(path, { force: true });
    } catch (error) {
      this.log.warn({ path, error }, 'a teardown that was done could not be removed');
    }
  }
}

/** It was not tried: the daemon is on its way out, or the worker was, or there was no room to keep it. */
const isForLater = ({ code }: Fault): boolean =>
  faultStatus[code] === 503 || code === 'worker.lost' || code === 'storage.full';
