import { subjectToken } from '../../contract/subjects.ts';
import { fault, NetloomError } from '../../core/fault.ts';
import {
  AdvisedError,
  type BusAddress,
  defaultNodeName,
  mustBeOneIdentity,
  roleAddress,
  startAdvice,
} from './connection.ts';
import {
  type Credentials,
  type CredentialsFile,
  credentialsFile,
  defaultRunDir,
  openCredentialsFile,
  readCredentials,
} from './credentials.ts';
import { hasIdentity, parseServerUrl } from './server-url.ts';

/** Explicit options of a bus. The rest is in the environment, and in the files of a daemon. */
export interface Wanted extends Partial<Omit<BusAddress, 'isOfDaemon'>> {
  /** default: NETLOOM_NODE, the credentials file's node, this host's name */
  node?: string;
  /** run directory of the daemon, with its credentials; default: NETLOOM_RUN_DIR, /run/netloom */
  runDir?: string;
}

export type Environment = Record<string, string | undefined>;

/**
 * Finds the server, the credentials and the node. Options come first, then the environment, then the file that this
 * host's daemon wrote for its admin; that file is read only without another source of address or credentials. An explicit
 * source is used, or an error names it. Throws payload.invalid, name.invalid, bus.unauthorized, bus.unreachable.
 */
export function discover(wanted: Wanted, environment: Environment): BusAddress & { node: string } {
  const said = saidAddress(wanted, environment);
  const named = said.creds === undefined ? null : openCredentialsFile(said.creds);
  if (said.url !== undefined)
    return { ...said, url: said.url, node: nodeOf(wanted, environment, credentialsIn(named)) };
  if (named?.kind === 'nats') throw invalid(`${said.creds} has credentials and no server: give a NATS URL too`);
  if (said.user !== undefined || said.token !== undefined)
    throw invalid('a user or a token needs a server: give a NATS URL too');
  const credentials = credentialsIn(named) ?? credentialsOfDaemon(wanted, environment);
  const { inboxPrefix } = said;
  const address = { ...roleAddress(credentials), isOfDaemon: true, ...(inboxPrefix !== undefined && { inboxPrefix }) };
  return { ...address, node: nodeOf(wanted, environment, credentials) };
}

/** Finds a daemon's external server; null when neither options nor environment name one. Throws as discover() does. */
export function outsideServer(wanted: Pick<Wanted, 'url' | 'creds'>, environment: Environment): BusAddress | null {
  const { url, creds } = saidAddress(wanted, environment);
  if (url === undefined && wanted.creds !== undefined)
    throw invalid(`${wanted.creds} is for a NATS server of yours: give its URL, too`);
  if (url === undefined) return null;
  if (creds !== undefined) openCredentialsFile(creds);
  return { url, creds };
}

/** Credentials have one source: those of the environment count only when the options have none. */
function saidAddress({ url, user, password, token, creds, inboxPrefix }: Wanted, environment: Environment) {
  mustSay('the NATS URL', url);
  mustSay('the name of the credentials file', creds);
  mustSay('the user', user);
  mustSay('the token', token);
  if (password !== undefined && user === undefined) throw invalid('a password needs a user');
  const ofEnvironment = environment.NATS_URL || undefined;
  const byOptions =
    [user, token, creds].some((field) => field !== undefined) || (url !== undefined && hasIdentity(url));
  const said: Partial<BusAddress> = byOptions
    ? { url: url ?? (ofEnvironment && parseServerUrl(ofEnvironment).url), user, password, token, creds, inboxPrefix }
    : { url: url ?? ofEnvironment, creds: environment.NETLOOM_CREDS, inboxPrefix };
  // an empty one is a mistake of a script: other credentials could give it more rights
  mustSay('NETLOOM_CREDS', said.creds);
  mustBeOneIdentity(said);
  return said;
}

function mustSay(what: string, text: string | undefined): void {
  if (text === '') throw invalid(`${what} must not be empty: give a value, or leave it out`);
}

function nodeOf({ node }: Wanted, environment: Environment, credentials: Credentials | null): string {
  const name = node ?? (environment.NETLOOM_NODE || credentials?.node || defaultNodeName());
  if (subjectToken.test(name)) return name;
  throw new NetloomError(
    fault('name.invalid', `${JSON.stringify(name)} is not a name of a node: expected 1 to 64 of A-Z a-z 0-9 _ -`),
  );
}

const credentialsIn = (file: CredentialsFile | null): Credentials | null =>
  file?.kind === 'daemon' ? file.credentials : null;

function credentialsOfDaemon({ runDir }: Wanted, environment: Environment): Credentials {
  mustSay('the run directory', runDir);
  const file = credentialsFile(runDir ?? (environment.NETLOOM_RUN_DIR || defaultRunDir), 'admin');
  const credentials = readCredentials(file);
  if (credentials) return credentials;
  throw new AdvisedError(
    new NetloomError(fault('bus.unreachable', `no daemon is running here (there are no credentials in ${file})`)),
    `${startAdvice}, or give a NATS URL`,
  );
}

const invalid = (message: string) => new NetloomError(fault('payload.invalid', message));
