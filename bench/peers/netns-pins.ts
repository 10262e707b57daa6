import { mkdirSync } from 'node:fs';
import * as native from '#native';

/** The namespaces that an engine makes before it asks a network tool to configure them. Their creation is not measured. */
export class NetnsPins {
  constructor(private readonly directory: string) {
    mkdirSync(directory, { recursive: true });
  }

  pathOf(index: number): string {
    return `${this.directory}/bench${index}`;
  }

  make(index: number): string {
    const path = this.pathOf(index);
    native.createNetns(path).socket.close();
    return path;
  }

  remove(index: number): void {
    native.removeNetns(this.pathOf(index));
  }
}
