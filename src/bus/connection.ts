import { readFileSync } from 'node:fs';
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
import { fault, NetloomError } from '../core/fault.ts';
import { surviveLateWrites } from './late-writes.ts';
import { inboxPrefix } from './subjects.ts';

/** Where a NATS server is and who we are to it. */
export interface BusAddress {
  /** `nats://127.0.0.1:4222`; several joined by commas; `tls://` for TLS */
  url: string;
  user?: string;
  password?: string;
  token?: string;
  /** path of a `.creds` file */
  creds?: string;
  /** `_INBOX.<role>`, for the roles of a daemon's own server; default `_INBOX` */
  inboxPrefix?: string;
}

export interface ConnectOptions extends BusAddress {
  /** shown by the server: `netloom daemon`, `netloom cli` */
  name: string;
  /** true: for ever, as a daemon does; false: give up when the connection is lost */
  reconnect?: boolean;
  /** how long to try the first time */
  timeoutMs?: number;
}

const reconnectWaitMs = 250;
/** nats.js 3.4.0 goes on waiting for a server that ends while it greets us: short tries first, then longer ones. */
const firstTryMs = 500;

/** Throws bus.unreachable, bus.unauthorized. */
export async function connectBus(options: ConnectOptions): Promise<NatsConnection> {
  const address = withoutUserInfo(options);
  const deadline = Date.now() + (options.timeoutMs ?? 5000);
  for (let tryMs = firstTryMs; ; tryMs *= 2) {
    const leftMs = Math.max(1, deadline - Date.now());
    try {
      const connection = await connect({
        ...connectionOptions(address),
        name: options.name,
        timeout: Math.min(tryMs, leftMs),
        reconnect: options.reconnect ?? true,
        maxReconnectAttempts: -1,
        reconnectTimeWait: reconnectWaitMs,
        // The library's stack of who asked costs an Error per request; our faults say what was asked.
        noAsyncTraces: true,
        // A server that restarts refuses us for a moment while it reads its users; that must not end us.
        ignoreAuthErrorAbort: true,
      });
      surviveLateWrites(connection);
      return connection;
    } catch (error) {
      if (!(error instanceof TimeoutError) || tryMs >= leftMs) throw connectFault(address, error);
    }
  }
}

/** The roles of a daemon's own server hear replies below their own inbox only. */
export function roleAddress(credentials: { url: string; user: string; password: string }): BusAddress {
  const { url, user, password } = credentials;
  return { url, user, password, inboxPrefix: inboxPrefix(user) };
}

/**
 * Commanding netloom is root on the host's network, so a server that lets anybody in is refused: throws bus.open. It is
 * tried, not read from the server's INFO, for `no_auth_user` says that credentials are required and takes none.
 */
export async function refuseOpenServer(address: BusAddress): Promise<void> {
  const { url } = withoutUserInfo(address);
  const anonymous = await connect({
    servers: url.split(','),
    name: 'netloom: does this server let anybody in?',
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
      `the NATS server at ${url} lets anybody in without credentials, and who may speak there commands this host's network: give it users, or allow an open server explicitly`,
    ),
  );
}

/** `host-1.example.org` → `host-1`, spelled so that it can stand in a subject */
export function defaultNodeName(host: string = hostname()): string {
  const name = (host.split('.')[0] ?? '').replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 64);
  return name === '' ? 'localhost' : name;
}

/** `nats://user:password@host` is common; the client library wants the three apart. */
function withoutUserInfo<Address extends BusAddress>(address: Address): Address {
  let { user, password, token } = address;
  const urls = address.url.split(',').map((text) => {
    const full = text.includes('://') ? text.trim() : `nats://${text.trim()}`;
    const url = URL.canParse(full) ? new URL(full) : null;
    if (!url || (url.username === '' && url.password === '')) return text.trim();
    if (url.password === '') token ??= decodeURIComponent(url.username);
    else [user, password] = [user ?? decodeURIComponent(url.username), password ?? decodeURIComponent(url.password)];
    return `${url.protocol}//${url.host}`;
  });
  return { ...address, url: urls.join(','), user, password, token };
}

function connectionOptions(address: BusAddress): ConnectionOptions {
  const authenticator = authenticatorOf(address);
  return {
    servers: address.url.split(','),
    ...(authenticator && { authenticator }),
    ...(address.inboxPrefix && { inboxPrefix: address.inboxPrefix }),
  };
}

function authenticatorOf({ creds, user, password, token }: BusAddress): Authenticator | null {
  if (creds !== undefined) return credsAuthenticator(readCreds(creds));
  if (user !== undefined) return usernamePasswordAuthenticator(user, password);
  if (token !== undefined) return tokenAuthenticator(token);
  return null;
}

function readCreds(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new NetloomError(
      fault('bus.unauthorized', `the credentials file ${file} cannot be read: ${(error as Error).message}`),
      { cause: error },
    );
  }
}

function connectFault({ url, user }: BusAddress, error: unknown): NetloomError {
  if (error instanceof NetloomError) return error;
  if (error instanceof AuthorizationError || error instanceof errors.UserAuthenticationExpiredError) {
    const who = user === undefined ? 'us' : `user ${user}`;
    return new NetloomError(fault('bus.unauthorized', `the NATS server at ${url} refuses ${who}`), { cause: error });
  }
  const detail = reason(error);
  return new NetloomError(fault('bus.unreachable', `no NATS server answers at ${url}: ${detail}`, { detail }), {
    cause: error,
  });
}

function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
