import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a directory, and those above it that are missing. Throws what mkdir(2) does: below /proc, where the kernel answers ENOENT
 * although the parent is there, Node's `mkdirSync` with `recursive` tries for ever.
 */
export function makeDirectories(path: string, mode: number): void {
  if (isDirectory(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectories(parent, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // another process or thread may have made it meanwhile
    if (!isDirectory(path)) throw error;
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // mkdir reports the problem
  }
}
