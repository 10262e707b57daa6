import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { SystemFault } from '#native';
import { SystemError } from '../../core/fault.ts';
import { makeDirectories } from '../../files/make-directories.ts';
import { textOfOrdinaryFile } from '../../files/ordinary-file.ts';

/** Errors of a directory that does not accept files. */
const takesNoFiles = new Set(['EROFS', 'EACCES', 'EPERM', 'EEXIST', 'ENOTDIR', 'ENOENT', 'ELOOP']);

/**
 * Settings of bridges as files for systemd-sysctl and `sysctl --system`, which apply all files each time they run. The files live
 * as long as the kernel's state, below /run, so nothing is synced to disk. Throws failures as SystemFaults.
 */
export class SettingsFiles {
  constructor(private readonly directory: string) {}

  /** Makes the directory and tries it once. Throws the kernel's error. */
  static tryDirectory(directory: string): void {
    makeDirectories(directory, 0o755);
    // systemd-sysctl does not read files with such a name
    const trial = `${directory}/.netloom-${process.pid}`;
    writeFileSync(trial, '');
    rmSync(trial);
  }

  /**
   * Writes the file; returns whether it was missing or different. A directory that accepts no files is not a fault: the settings are
   * in force without it, and netloom restores what another program changes. `netloom doctor` reports it.
   */
  write(link: string, text: string): boolean {
    if (this.#read(link) === text) return false;
    try {
      this.#replace(link, text);
      return true;
    } catch (error) {
      if (takesNoFiles.has((error as SystemFault).errno)) return false;
      throw error;
    }
  }

  #replace(link: string, text: string): void {
    this.#orFault('write', link, () => {
      makeDirectories(this.directory, 0o755);
      // separate names: two networks on two workers write at the same time
      const temporary = `${this.#path(link)}.new`;
      rmSync(temporary, { force: true });
      writeFileSync(temporary, text, { mode: 0o644, flag: 'wx' });
      renameSync(temporary, this.#path(link));
    });
  }

  remove(link: string): void {
    this.#orFault('remove', link, () => {
      try {
        rmSync(this.#path(link), { force: true });
      } catch (error) {
        // a file left in a directory that became read-only names a bridge that is gone: systemd-sysctl skips it
        if (!takesNoFiles.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
    });
  }

  #read(link: string): string | null {
    try {
      return textOfOrdinaryFile(this.#path(link));
    } catch {
      return null;
    }
  }

  #path(link: string): string {
    return `${this.directory}/10-netloom-${link}.conf`;
  }

  #orFault(verb: string, link: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      const { code = 'EIO', message } = error as NodeJS.ErrnoException;
      throw new SystemError(`${verb} settings file`, code, `${this.#path(link)}: ${message}`);
    }
  }
}
