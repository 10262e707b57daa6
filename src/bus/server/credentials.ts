import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Role } from '../../contract/command.ts';
import { inboxPrefix, subjectToken } from '../../contract/subjects.ts';
import { fault, NetloomError } from '../../core/fault.ts';
import { systemErrorText } from '../../core/system-error.ts';
import { orStorageFull } from '../../files/free-space.ts';
import { makeDirectories } from '../../files/make-directories.ts';
import { textOfOrdinaryFile } from '../../files/ordinary-file.ts';
import { textOfOwnFile } from '../../files/ownership.ts';

/** The content of `<runDir>/credentials/<role>.json`: everything that a client needs to reach the daemon's own server. */
export interface Credentials {
  url: string;
  user: string;
  password: string;
  /** inbox below which the role gets its replies; older daemons' files have none, and it is `_INBOX.<user>` */
  inboxPrefix?: string;
  node: string;
}

/** A credentials file: a daemon's has credentials, address and node; a `.creds` file of NATS has credentials. */
export type CredentialsFile = { kind: 'daemon'; credentials: Credentials } | { kind: 'nats'; text: string };

export const defaultRunDir = '/run/netloom';

export function credentialsFile(runDir: string, role: Role): string {
  return join(runDir, 'credentials', `${role}.json`);
}

/** Reads a daemon's own file. null when it is missing, or not a credentials file. Throws bus.unauthorized, also when other users could write it. */
export function readCredentials(file: string): Credentials | null {
  try {
    return parseCredentials(textOfOwnFile(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(file, error);
  }
}

/** Reads a file given by the user, whatever its extension: its content determines its kind. Throws bus.unauthorized. */
export function openCredentialsFile(file: string): CredentialsFile {
  let text: string;
  try {
    text = textOfOrdinaryFile(file);
  } catch (error) {
    throw unreadable(file, error);
  }
  if (natsCredentials.test(text)) return { kind: 'nats', text };
  const credentials = parseCredentials(text);
  if (!credentials)
    throw new NetloomError(
      fault(
        'bus.unauthorized',
        `${file} is not a credentials file: expected JSON with url, user, password and node, as a daemon writes it, or a .creds file of NATS`,
      ),
    );
  return { kind: 'daemon', credentials };
}

/** The output of `nsc generate creds`. */
const natsCredentials = /-+BEGIN NATS USER JWT-+\s.+-+BEGIN USER NKEY SEED-+\s/s;

function unreadable(file: string, error: unknown): NetloomError {
  const { code, message } = error as NodeJS.ErrnoException;
  const advice = code === 'EACCES' ? '; use sudo, or name a file that you may read (--creds, NETLOOM_CREDS)' : '';
  const reason = code === undefined ? message : `cannot be read: ${systemErrorText({ code, message })}${advice}`;
  return new NetloomError(fault('bus.unauthorized', `the credentials file ${file} ${reason}`), { cause: error });
}

function parseCredentials(text: string): Credentials | null {
  try {
    const value = JSON.parse(text) as Partial<Credentials> | null;
    if (!value || ![value.url, value.user, value.password, value.node].every(isText)) return null;
    const { inboxPrefix: prefix } = value;
    return prefix === undefined || (isText(prefix) && inboxSubject.test(prefix)) ? (value as Credentials) : null;
  } catch {
    return null;
  }
}

const isText = (field: unknown): field is string => typeof field === 'string';

/** Tokens of a subject, without wildcards. */
const inboxSubject = /^[^\s.*>]+(\.[^\s.*>]+)*$/;

/** Where replies to these credentials arrive; null: wherever the server lets a client listen by default. */
export function inboxPrefixOf({ user, inboxPrefix: prefix }: Pick<Credentials, 'user' | 'inboxPrefix'>): string | null {
  return prefix ?? (subjectToken.test(user) ? inboxPrefix(user) : null);
}

export function writeCredentials(file: string, credentials: Credentials): void {
  writePrivate(file, `${JSON.stringify(credentials, null, 2)}\n`);
}

/** Writes atomically, readable only by the owner, in a directory that only the owner may enter. Throws storage.full. */
export function writePrivate(file: string, text: string): void {
  const directory = dirname(file);
  const draft = `${file}.${process.pid}.new`;
  orStorageFull(directory, () => {
    makeDirectories(directory, 0o700);
    chmodSync(directory, 0o700);
    // a new file, also when one of that name exists
    rmSync(draft, { force: true });
    try {
      writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
      renameSync(draft, file);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    }
  });
}
