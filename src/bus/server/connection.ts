import { hostname } from 'node:os';
import {
  type Authenticator,
  AuthorizationError,
  type ConnectionOptions,
  credsAuthenticator,
  errors,
  type NatsConnection,
  TimeoutError,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { fault, NetloomError } from '../../core/fault.ts';
import { unlessAborted } from '../../threads/unless-aborted.ts';
import { busErrorText } from './bus-error.ts';
import { type Credentials, inboxPrefixOf, openCredentialsFile } from './credentials.ts';
import { surviveLateWrites } from './late-writes.ts';
import { hasIdentity, parseServerUrl } from './server-url.ts';

/** Address of a NATS server, and the client's credentials. */
export interface BusAddress {
  /** `nats://127.0.0.1:4222`; several joined by commas; `tls://` for TLS; with `user:password@` or `token@` */
  url: string;
  user?: string;
  password?: string;
  token?: string;
  /** path of a credentials file: the JSON that a daemon writes, or a `.creds` file of NATS; recognized by its content */
  creds?: string;
  /** `_INBOX.<role>`, for the roles of a daemon's own server; default: that of `creds`, or `_INBOX` */
  inboxPrefix?: string;
  /** the address is not the user's: a daemon wrote it into its credentials file */
  isOfDaemon?: boolean;
}

export interface ConnectOptions extends BusAddress {
  /** shown by the server: `netloom daemon`, `netloom cli` */
  name: string;
  /** true: forever, as a daemon does; false: give up when the connection is lost */
  reconnect?: boolean;
  /** how long to try the first time */
  timeoutMs?: number;
  /** ends the first attempts: it rejects with the signal's reason */
  signal?: AbortSignal;
}

/** Advice for a missing daemon. */
export const startAdvice = 'start it: netloom daemon';

/** An error whose message ends with advice. `plain`: the same without, for callers that give advice of their own. */
export class AdvisedError extends NetloomError {
  constructor(
    readonly plain: NetloomError,
    advice: string,
  ) {
    super({ ...plain.fault, message: `${plain.message}; ${advice}` }, { cause: plain.cause });
  }
}

const reconnectWaitMs = 250;
/** nats.js 3.4.0 keeps waiting for a server that ends during the greeting: short attempts first, then longer ones. */
const firstTryMs = 500;

/** Throws bus.unreachable, bus.unauthorized, and payload.invalid for an invalid URL, or two sources of credentials. */
export async function connectBus(options: ConnectOptions): Promise<NatsConnection> {
  const address = identified(options);
  const deadline = Date.now() + (options.timeoutMs ?? 5000);
  const { signal = new AbortController().signal } = options;
  for (let tryMs = firstTryMs; ; tryMs *= 2) {
    const leftMs = Math.max(1, deadline - Date.now());
    try {
      const connecting = connect({
        ...connectionOptions(address),
        name: options.name,
        timeout: Math.min(tryMs, leftMs),
        reconnect: options.reconnect ?? true,
        maxReconnectAttempts: -1,
        reconnectTimeWait: reconnectWaitMs,
        // The library's stack of the caller costs an Error per request; netloom's faults name the request.
        noAsyncTraces: true,
        // A server that restarts refuses clients for a moment while it reads its users; that must not end this one.
        ignoreAuthErrorAbort: true,
      });
      const connection = await unlessAborted(signal, connecting, (late) => late.close());
      surviveLateWrites(connection);
      return connection;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TimeoutError) || tryMs >= leftMs) throw connectFault(address, error);
    }
  }
}

/** Reads address and credentials from a daemon's credentials file. */
export function roleAddress(credentials: Omit<Credentials, 'node'>): BusAddress {
  const { url, user, password } = credentials;
  const prefix = inboxPrefixOf(credentials);
  return { url, user, password, ...(prefix !== null && { inboxPrefix: prefix }) };
}

/**
 * Refuses a server that accepts clients without credentials, because commanding netloom is root on the host's network:
 * throws bus.open. It is tried, not read from the server's INFO, because with `no_auth_user` that requires credentials
 * and accepts none.
 */
export async function refuseOpenServer(address: BusAddress): Promise<void> {
  const { url } = parseServerUrl(address.url);
  const anonymous = await connect({
    servers: url.split(','),
    name: 'netloom: does this server accept clients without credentials?',
    reconnect: false,
    timeout: 5000,
  }).catch((error: unknown) => error);
  if (anonymous instanceof Error) {
    if (anonymous instanceof AuthorizationError) return;
    throw connectFault({ url }, anonymous);
  }
  await (anonymous as NatsConnection).close();
  throw new NetloomError(
    fault(
      'bus.open',
      `the NATS server at ${url} accepts clients without credentials, so every client could command this host's network: configure users, or allow an open server explicitly`,
    ),
  );
}

/** `host-1.example.org` → `host-1`, spelled so that it can stand in a subject */
export function defaultNodeName(host: string = hostname()): string {
  const name = (host.split('.')[0] ?? '').replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 64);
  return name === '' ? 'localhost' : name;
}

type Identified = BusAddress & { authenticator: Authenticator | null };

/** Reads the credentials from their one source: the fields, the URL, or the credentials file. */
function identified<Address extends BusAddress>(address: Address): Address & Identified {
  const { url, ...inUrl } = parseServerUrl(address.url);
  const { user = inUrl.user, password = inUrl.password, token = inUrl.token } = address;
  mustBeOneIdentity(address);
  const plain = { ...address, url, user, password, token };
  if (address.creds === undefined) return { ...plain, authenticator: authenticatorOf(plain) };
  const file = openCredentialsFile(address.creds);
  if (file.kind === 'nats') return { ...plain, authenticator: natsAuthenticator(file.text, address.creds) };
  const role = roleAddress(file.credentials);
  const inboxPrefix = address.inboxPrefix ?? role.inboxPrefix;
  return { ...plain, user: role.user, inboxPrefix, authenticator: authenticatorOf(role) };
}

/** Refuses two sources of credentials: one of them would be unused, and perhaps the intended one. Throws payload.invalid. */
export function mustBeOneIdentity({ url, user, token, creds }: Partial<BusAddress>): void {
  const answers = [
    ...(creds === undefined ? [] : [`the credentials file ${creds}`]),
    ...(url !== undefined && hasIdentity(url) ? ['the NATS URL'] : []),
    ...(user === undefined ? [] : ['the user']),
    ...(token === undefined ? [] : ['the token']),
  ];
  if (answers.length > 1)
    throw new NetloomError(
      fault('payload.invalid', `${answers.join(' and ')} both have credentials: give one of them`),
    );
}

function connectionOptions({ url, authenticator, inboxPrefix }: Identified): ConnectionOptions {
  return {
    servers: url.split(','),
    ...(authenticator && { authenticator }),
    ...(inboxPrefix && { inboxPrefix }),
  };
}

function authenticatorOf({ user, password, token }: BusAddress): Authenticator | null {
  if (user !== undefined) return usernamePasswordAuthenticator(user, password);
  if (token !== undefined) return tokenAuthenticator(token);
  return null;
}

function natsAuthenticator(text: string, file: string): Authenticator {
  const authenticator = credsAuthenticator(new TextEncoder().encode(text));
  try {
    // checked like a server does, so that a damaged file is not taken for a server that does not answer
    authenticator('nonce');
    return authenticator;
  } catch (error) {
    const damaged = `the credentials in ${file} are damaged: expected a JWT and its NKEY seed, as nsc writes them`;
    throw new NetloomError(fault('bus.unauthorized', damaged), { cause: error });
  }
}

function connectFault({ url, user, creds, isOfDaemon = false }: BusAddress, error: unknown): NetloomError {
  if (error instanceof NetloomError) return error;
  if (error instanceof AuthorizationError || error instanceof errors.UserAuthenticationExpiredError) {
    const file = creds === undefined ? null : `the credentials in ${creds}`;
    const identity = user === undefined ? file : `user ${user}`;
    const why = identity === null ? 'requires credentials' : `refuses ${identity}`;
    return new NetloomError(fault('bus.unauthorized', `the NATS server at ${url} ${why}`), { cause: error });
  }
  const detail = busErrorText(error);
  const plain = new NetloomError(fault('bus.unreachable', `no NATS server answers at ${url}: ${detail}`, { detail }), {
    cause: error,
  });
  return isOfDaemon ? new AdvisedError(plain, `is the daemon running? ${startAdvice}`) : plain;
}
