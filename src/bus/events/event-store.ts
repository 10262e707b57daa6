import { readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { orStorageFull } from '../../files/free-space.ts';
import { identityOf } from '../../files/identity.ts';
import { makeDirectories } from '../../files/make-directories.ts';

/** The directory in which the own nats-server keeps its streams. */
export class EventStore {
  #identity: string | null = null;

  constructor(readonly directory: string) {}

  /** Makes it where it is missing: before each start of the server. Throws storage.full. */
  prepare(): void {
    orStorageFull(this.directory, () => makeDirectories(this.directory, 0o700));
    this.#identity = identityOf(this.directory);
  }

  /** Checks whether it was removed or replaced since: the server then writes to unreachable files. */
  isLost(): boolean {
    try {
      return identityOf(this.directory) !== this.#identity;
    } catch {
      return false; // a failing disk is no evidence
    }
  }

  /** Renames it, and removes the one that was renamed before, which may be large. Returns its new path; null: it was missing. */
  moveAway(): string | null {
    const parent = dirname(this.directory);
    const prefix = `${basename(this.directory)}.stuck-`;
    const kept = join(parent, `${prefix}${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
    try {
      for (const name of readdirSync(parent).filter((name) => name.startsWith(prefix)))
        rmSync(join(parent, name), { recursive: true, force: true });
      renameSync(this.directory, kept);
      return kept;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }
}
