import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import type { NetworkDefinition } from '../core/network.ts';

/** Network definitions as podman keeps them: one file per network, `<name>.json`. */
export class DefinitionStore {
  constructor(private readonly directory: string) {}

  /** Atomic and durable: whoever reads sees the former file or this one, also after a power cut. */
  write(definition: NetworkDefinition): void {
    mkdirSync(this.directory, { recursive: true, mode: 0o755 });
    const path = this.#path(definition.name);
    const temporary = `${this.directory}/.${basename(path)}.${process.pid}`;
    const file = openSync(temporary, 'w', 0o644);
    try {
      writeFileSync(file, `${JSON.stringify(definition, null, 5)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    this.#syncDirectory();
  }

  remove(name: string): void {
    rmSync(this.#path(name), { force: true });
  }

  list(): { definitions: NetworkDefinition[] } {
    if (!existsSync(this.directory)) return { definitions: [] };
    const names = readdirSync(this.directory).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
    return { definitions: names.map((name) => JSON.parse(readFileSync(`${this.directory}/${name}`, 'utf8'))) };
  }

  #path(name: string): string {
    return `${this.directory}/${name}.json`;
  }

  #syncDirectory(): void {
    const directory = openSync(this.directory, 'r');
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  }
}
