import { accessSync, constants, type FSWatcher, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fault, NetloomError } from '../core/fault.ts';
import { isNoRoom, storageFull } from '../files/free-space.ts';
import { identityOf } from '../files/identity.ts';
import { textOfOrdinaryFile } from '../files/ordinary-file.ts';
import { makeOwnDirectory } from '../files/ownership.ts';
import { orUnusable } from '../files/start-directories.ts';
import { watchPath } from '../files/watch-path.ts';
import { startTicksOf } from './processes/process-start.ts';

/** A run directory while a daemon has it. */
export interface RunDirectory {
  /**
   * Resolves with directory.lost when the directory was removed, moved or replaced, or another daemon has taken it: clients and
   * doors no longer find this daemon. Never rejects.
   */
  readonly lost: Promise<NetloomError>;
  release(): void;
}

/**
 * Takes the run directory for one daemon: its journal has one reader of its inboxes. Throws node.running, node.unprivileged,
 * directory.unsafe, payload.invalid, storage.full, inotify.exhausted.
 */
export function takeRunDirectory(directory: string): RunDirectory {
  makeDirectory(directory);
  const path = `${directory}/daemon.pid`;
  const owner = livingOwner(path);
  if (owner !== null)
    throw new NetloomError(fault('node.running', `a daemon runs on ${directory} already (process ${owner})`));
  rmSync(path, { force: true });
  try {
    writeFileSync(path, ownLine(), { flag: 'wx', mode: 0o644 });
  } catch (error) {
    // a partial file would count as another daemon's
    if (isNoRoom(error, directory)) rmSync(path, { force: true });
    if (isNoRoom(error, directory))
      throw storageFull(`no daemon can start on ${directory}: its file system is full`, error);
    throw new NetloomError(fault('node.running', `another daemon is starting on ${directory}`), { cause: error });
  }
  try {
    return new HeldDirectory(directory, path);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

const ownLine = (): string => `${process.pid} ${startTicksOf(process.pid)}\n`;

class HeldDirectory implements RunDirectory {
  readonly lost: Promise<NetloomError>;
  readonly #identity: string | null;
  readonly #watchers: FSWatcher[] = [];
  #tell: (lost: NetloomError) => void = () => {};

  constructor(
    private readonly directory: string,
    private readonly pidFile: string,
  ) {
    this.lost = new Promise((resolve) => {
      this.#tell = resolve;
    });
    this.#identity = identityOf(directory);
    // Not the directory itself: the journal is written all the time. Removing the directory removes its pid file or its name in the parent.
    this.#watch(pidFile, () => this.#look());
    this.#watch(dirname(directory), (changed) => {
      if (changed === null || changed === basename(directory)) this.#look();
    });
    // the directory may have gone in between
    this.#look();
  }

  release(): void {
    this.#unwatch();
    // it may belong to another daemon by now
    if (this.#isOurs()) rmSync(this.pidFile, { force: true });
  }

  #watch(path: string, changed: (name: string | null) => void): void {
    try {
      this.#watchers.push(watchPath(path, changed).on('error', () => this.#look()));
    } catch (error) {
      this.#unwatch();
      throw error;
    }
  }

  #look(): void {
    if (this.#isOurs()) return;
    this.#unwatch();
    this.#tell(
      new NetloomError(
        fault(
          'directory.lost',
          `the run directory ${this.directory} was removed or replaced, so the daemon cannot be reached any more: it ends, and networks stay; start it again`,
        ),
      ),
    );
  }

  #isOurs(): boolean {
    return identityOf(this.directory) === this.#identity && textAt(this.pidFile) === ownLine();
  }

  #unwatch(): void {
    for (const watcher of this.#watchers) watcher.close();
  }
}

function makeDirectory(directory: string): void {
  try {
    orUnusable(directory, () => {
      makeOwnDirectory(directory);
      accessSync(directory, constants.W_OK);
    });
  } catch (error) {
    const why = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code;
    if (process.geteuid?.() === 0 || (why !== 'EACCES' && why !== 'EPERM')) throw error;
    throw new NetloomError(
      fault('node.unprivileged', `the run directory ${directory} cannot be written (${why}): the daemon needs root`),
      { cause: error },
    );
  }
}

/** Returns the pid in the file if that process, not another with the same pid, still lives. */
function livingOwner(path: string): number | null {
  const [pid, ticks] = (textAt(path) ?? '').trim().split(' ').map(Number);
  return pid !== undefined && pid !== process.pid && startTicksOf(pid) === ticks ? pid : null;
}

/** Reads a file; null: missing, or not a file. */
function textAt(path: string): string | null {
  try {
    return textOfOrdinaryFile(path);
  } catch {
    return null;
  }
}
