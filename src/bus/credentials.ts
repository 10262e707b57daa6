import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { orStorageFull } from '../storage/room.ts';
import type { Role } from './commands.ts';

/** What is in `<runDir>/credentials/<role>.json`: all that a client needs to reach the daemon's own server. */
export interface Credentials {
  url: string;
  user: string;
  password: string;
  node: string;
}

export const defaultRunDir = '/run/netloom';

export function credentialsFile(runDir: string, role: Role): string {
  return join(runDir, 'credentials', `${role}.json`);
}

/** null when there is no such file, or it is no credentials file */
export function readCredentials(file: string): Credentials | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return parseCredentials(text);
}

function parseCredentials(text: string): Credentials | null {
  try {
    const value = JSON.parse(text) as Partial<Credentials> | null;
    const complete = [value?.url, value?.user, value?.password, value?.node].every(
      (field) => typeof field === 'string',
    );
    return complete ? (value as Credentials) : null;
  } catch {
    return null;
  }
}

export function writeCredentials(file: string, credentials: Credentials): void {
  writePrivate(file, `${JSON.stringify(credentials, null, 2)}\n`);
}

/** Whole or not at all, readable by the owner only, in a directory that only the owner may enter. Throws storage.full. */
export function writePrivate(file: string, text: string): void {
  const directory = dirname(file);
  const draft = `${file}.${process.pid}.new`;
  orStorageFull(directory, () => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o700);
    try {
      writeFileSync(draft, text, { mode: 0o600 });
      renameSync(draft, file);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    }
  });
}
