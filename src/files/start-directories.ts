import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { fault, NetloomError } from '../core/fault.ts';
import { isSystemError, systemErrorText } from '../core/system-error.ts';
import { orStorageFull } from './free-space.ts';
import { makeDirectories } from './make-directories.ts';
import { makeOwnDirectory } from './ownership.ts';

export interface StartDirectories {
  runDirectory: string;
  stateDirectory: string;
  netnsDirectory: string;
  networksDirectory: string;
  /** the daemon runs its own nats-server */
  hasOwnServer: boolean;
}

/**
 * Makes the directories that a start needs, but for the run directory, before anything is started. Throws payload.invalid,
 * directory.unsafe, storage.full.
 */
export function makeStartDirectories(directories: StartDirectories): void {
  const { runDirectory, stateDirectory, netnsDirectory, networksDirectory, hasOwnServer } = directories;
  orUnusable(stateDirectory, () => makeOwnDirectory(stateDirectory));
  const secret = [
    ...['journal', 'teardowns'].map((name) => join(runDirectory, name)),
    ...(hasOwnServer ? ['credentials', 'nats'].map((name) => join(runDirectory, name)) : []),
    ...(hasOwnServer ? [join(stateDirectory, 'jetstream')] : []),
  ];
  for (const path of secret) orUnusable(path, () => makeDirectories(path, 0o700));
  for (const path of [netnsDirectory, networksDirectory]) orUnusable(path, () => makeDirectories(path, 0o755));
}

/** Checks, before they are made, whether a daemon has used one of these directories before, even if its journal is gone. */
export const hasFormerLife = ({
  runDirectory,
  stateDirectory,
}: Pick<StartDirectories, 'runDirectory' | 'stateDirectory'>): boolean =>
  existsSync(join(runDirectory, 'teardowns')) || existsSync(join(stateDirectory, 'jetstream'));

/** What mkdir(2) answers where this name cannot be that of a directory. */
const unusable: ReadonlySet<unknown> = new Set(
  ['EACCES', 'EEXIST', 'EINVAL', 'ELOOP', 'ENAMETOOLONG', 'ENOENT', 'ENOTDIR', 'EPERM', 'EROFS'], //
);

/** Does what makes this directory. Throws payload.invalid where it cannot be one, storage.full, and what else `make` does. */
export function orUnusable(path: string, make: () => void): void {
  try {
    orStorageFull(path, make);
  } catch (error) {
    if (!isSystemError(error) || !unusable.has(error.code)) throw error;
    const at = typeof error.path === 'string' ? error.path : path;
    throw new NetloomError(fault('payload.invalid', inTheWay(at) ?? failure(path, at, error)), { cause: error });
  }
}

/** What there is in place of a directory, in words; null: nothing that can be seen. */
function inTheWay(path: string): string | null {
  const stats = statsOf(path);
  if (stats === null || stats.isDirectory()) return null;
  const leadsNowhere = stats.isSymbolicLink() && !existsSync(path);
  const what = leadsNowhere ? 'is a link that leads nowhere' : 'is not a directory';
  return `${path} ${what}: remove it, or choose another directory`;
}

function statsOf(path: string) {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

function failure(path: string, at: string, { code, message }: { code?: unknown; message: string }): string {
  const where = at === path ? '' : `${at}: `;
  return `the directory ${path} cannot be made or written: ${where}${systemErrorText({ code, message })}; choose another directory`;
}
