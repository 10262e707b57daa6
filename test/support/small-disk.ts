import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { freeBytesOf } from '../../src/files/free-space.ts';
import { temporaryDirectory } from './fresh-host.ts';

export type FileSystem = 'tmpfs' | 'ext4';

/** A file system of some MiB for one test, which fills it and makes room on it. */
export class SmallDisk {
  readonly #directory = temporaryDirectory();
  readonly #image = `${this.path}.image`;
  readonly #ballast = `${this.path}/ballast`;

  constructor(fileSystem: FileSystem, sizeMiB: number) {
    if (fileSystem === 'ext4') {
      writeFileSync(this.#image, '');
      truncateSync(this.#image, sizeMiB * 2 ** 20);
      execFileSync('mkfs.ext4', ['-q', this.#image]);
      execFileSync('mount', ['-o', 'loop', this.#image, this.path]);
    } else {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', this.path]);
    }
  }

  get path(): string {
    return this.#directory.path;
  }

  /** To the last byte. */
  fill(): void {
    const file = openSync(this.#ballast, 'a');
    try {
      for (let bytes = 2 ** 20; bytes >= 1; bytes = Math.floor(bytes / 2)) writeUntilFull(file, bytes);
    } finally {
      closeSync(file);
    }
  }

  makeRoom(): void {
    rmSync(this.#ballast, { force: true });
  }

  freeBytes(): number {
    return freeBytesOf(this.path);
  }

  remove(): void {
    execFileSync('umount', ['--lazy', this.path]);
    this.#directory.remove();
    rmSync(this.#image, { force: true });
  }
}

function writeUntilFull(file: number, bytes: number): void {
  const chunk = Buffer.alloc(bytes);
  try {
    while (writeSync(file, chunk) === bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
