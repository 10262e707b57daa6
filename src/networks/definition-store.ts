import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { ContentError } from '../core/content-error.ts';
import { SystemError } from '../core/fault.ts';
import { parseJson } from '../core/json-text.ts';
import {
  type Definitions,
  damagedText,
  definitionFile,
  isDefinitionFile,
  networkOfFile,
} from '../core/network/check.ts';
import type { NetworkDefinition } from '../core/network/definition.ts';
import { definitionOf, fileOf } from '../core/network/file.ts';
import { kernelName } from '../core/object-names.ts';
import { systemErrorText } from '../core/system-error.ts';
import { makeDirectories } from '../files/make-directories.ts';
import { textOfOrdinaryFile } from '../files/ordinary-file.ts';
import { DirectoryWatch } from './directory-watch.ts';

/** As podman writes it. */
const indent = 5;
/** A file that is written leads to several notices. */
const settleMs = 20;

/**
 * The definitions of networks, one file each, in podman's format and place. It takes no lock: a file is replaced in
 * one go, so a reader sees the former one or this one. Failures are thrown as SystemFaults.
 */
export class DefinitionStore {
  constructor(private readonly directory: string) {}

  list(): Definitions {
    const found: Definitions = { definitions: [], damaged: [] };
    for (const file of this.#files()) {
      const definition = this.#read(file);
      if (definition === null) continue;
      if (typeof definition === 'string') found.damaged.push({ file, reason: definition });
      else found.definitions.push(definition);
    }
    return found;
  }

  has(name: string): boolean {
    return existsSync(`${this.directory}/${definitionFile(name)}`);
  }

  /**
   * Durable when it returns, also after a power cut. EUCLEAN: what is there under that name is damaged, and stays; EEXIST: it is
   * another network's, and nothing was said of a previous one.
   */
  write(definition: NetworkDefinition, previous: NetworkDefinition | null = null): void {
    const file = definitionFile(definition.name);
    orFault(`write ${file}`, () => {
      makeDirectories(this.directory, 0o755);
      const former = this.#read(file);
      if (typeof former === 'string')
        throw new SystemError(`write ${file}`, 'EUCLEAN', damagedText(`${this.directory}/${file}`, former));
      if (former && !previous && !isDeepStrictEqual(former, definition))
        throw new SystemError(`write ${file}`, 'EEXIST', `${this.directory}/${file} is another network's`);
      // a name may be as long as a file's can be
      const temporary = `${this.directory}/.${kernelName(definition.name)}.json.${process.pid}`;
      const json = JSON.stringify(fileOf(definition, former && this.#json(file)), null, indent);
      putDurably(`${this.directory}/${file}`, { temporary, text: `${json}\n` });
      this.#sync();
    });
  }

  remove(name: string): void {
    const file = definitionFile(name);
    orFault(`remove ${file}`, () => {
      if (unlinkIfThere(`${this.directory}/${file}`)) this.#sync();
    });
  }

  /**
   * Calls back some milliseconds after any change in the directory, and after it was removed, replaced or made again. The returned
   * function ends it. Throws inotify.exhausted.
   */
  watch(changed: () => void): () => void {
    makeDirectories(this.directory, 0o755);
    let timer: NodeJS.Timeout | null = null;
    const watch = new DirectoryWatch(this.directory, (file) => {
      if (file?.startsWith('.')) return;
      timer ??= setTimeout(() => {
        timer = null;
        changed();
      }, settleMs).unref();
    });
    return () => {
      watch.close();
      if (timer) clearTimeout(timer);
    };
  }

  #files(): string[] {
    try {
      return readdirSync(this.directory).filter(isDefinitionFile);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  /** null: it is not there; a string: the reason why it is not valid. */
  #read(file: string): NetworkDefinition | string | null {
    try {
      return definitionOf(networkOfFile(file), this.#json(file));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return null;
      return `the file ${code === undefined ? message : `cannot be read: ${systemErrorText({ code, message })}`}`;
    }
  }

  #json(file: string): unknown {
    const text = textOfOrdinaryFile(`${this.directory}/${file}`);
    if (text.trim() === '') throw new ContentError('is empty');
    if (text.startsWith('\ufeff')) throw new ContentError('begins with a byte order mark, which JSON does not have');
    return parseJson(text);
  }

  #sync(): void {
    const directory = openSync(this.directory, 'r');
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  }
}

interface Put {
  /** of the same directory; what is there is replaced */
  temporary: string;
  text: string;
}

/** Replaces a file in one go. Leaves nothing else when it fails. */
function putDurably(path: string, { temporary, text }: Put): void {
  try {
    writeDurably(temporary, text);
    renameSync(temporary, path);
  } catch (error) {
    attemptUnlink(temporary);
    throw error;
  }
}

/** A new file: to open a FIFO that has its name would wait for a reader. */
function writeDurably(path: string, text: string): void {
  unlinkIfThere(path);
  const file = openSync(path, 'wx', 0o644);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Unlike `rmSync`, fails with the errno of unlink(2). Returns false where no such file is. */
function unlinkIfThere(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}

/** Removes a file; the failure that led here counts, not one of this. */
function attemptUnlink(path: string): void {
  try {
    unlinkIfThere(path);
  } catch {
    // the next write removes it
  }
}

function orFault(op: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new SystemError(op, code, message);
  }
}
