import { randomBytes, randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Role } from '../../contract/command.ts';
import { inboxPrefix } from '../../contract/subjects.ts';
import { foreignHand } from '../../files/ownership.ts';
import { Supervisor } from '../../threads/supervisor.ts';
import { EventStore } from '../events/event-store.ts';
import { type Credentials, credentialsFile, readCredentials, writeCredentials, writePrivate } from './credentials.ts';
import { type BusLog, silent } from './log.ts';
import { permissionsOf, roles } from './roles.ts';
import { endOrphan, findServerBinary, launchServer, type ServerProcess, serverFiles } from './server-process.ts';

export interface ServerOptions {
  node: string;
  /** `nats/` and `credentials/` go here */
  runDir: string;
  /** `jetstream/` goes here */
  stateDir: string;
  /** on 127.0.0.1, default 4222; 0: the port of the former run, else any free one */
  port?: number;
  /** limit of all streams on disk, default 1 GiB */
  maxStoreBytes?: number;
  log?: BusLog;
  /** called before each run, once the store's directory is there; what it throws keeps the server from running */
  keepStore?: () => void;
  /** ends the start: it rejects with the signal's reason */
  signal?: AbortSignal;
}

export interface ManagedServer {
  readonly url: string;
  /** the daemon's own */
  readonly credentials: Credentials;
  /** PID of the current process; null between two runs */
  pid(): number | null;
  /** Checks whether the directory of its store has been removed or replaced since its start. */
  isStoreLost(): boolean;
  /** Kills it and starts it again; with a fresh store, the former one is kept beside it. Does nothing while none runs. */
  replace(how: { withFreshStore: boolean }): void;
  stop(): Promise<void>;
}

const defaultPort = 4222;
/** More than the daemon accepts (contract/payload.ts), so a payload that is too large is refused by the daemon. */
const maxPayloadBytes = 4 * 1024 * 1024;

/**
 * Starts Debian's nats-server for this daemon: loopback only, credentials always, one user per role. Until stop() it is
 * restarted whenever it ends. One daemon per run directory and per state directory: the caller holds their locks.
 */
export async function startServer(options: ServerOptions): Promise<ManagedServer> {
  const { node, runDir, stateDir, log = silent, keepStore, signal } = options;
  const binary = findServerBinary();
  const { configFile, pidFile } = serverFiles(runDir);
  const store = new EventStore(join(stateDir, 'jetstream'));
  await endOrphan(pidFile, configFile, log);
  signal?.throwIfAborted();

  const former = roles.map((role) => ({ role, kept: keptCredentials(credentialsFile(runDir, role), log) }));
  const port = (options.port ?? defaultPort) || (await freePort(portIn(former[0]?.kept ?? null)));
  const url = `nats://127.0.0.1:${port}`;
  const users = former.map(({ role, kept }) => ({ role, credentials: credentialsOf(role, { kept, url, node }) }));
  const serverName = `netloom-${node}-${randomBytes(4).toString('hex')}`;
  const maxStoreBytes = options.maxStoreBytes ?? 2 ** 30;
  const storeDir = store.directory;
  writePrivate(configFile, configuration({ port, serverName, pidFile, storeDir, maxStoreBytes, users }));

  const launch = (signal?: AbortSignal) => {
    store.prepare();
    keepStore?.();
    return launchServer({ binary, configFile, port, serverName, log, signal });
  };
  const first = await launch(signal);
  try {
    for (const { role, credentials } of users) writeCredentials(credentialsFile(runDir, role), credentials);
  } catch (error) {
    // its pipe would keep this process alive
    await first.stop();
    throw error;
  }
  log.info({ pid: first.pid, url }, 'nats-server is running');
  return new SupervisedServer(first, { launch, store, credentials: users[0]?.credentials as Credentials, log });
}

/** Reads the passwords of the former run; null: no such file, or other users know or chose them. Throws bus.unauthorized for an unreadable file. */
function keptCredentials(file: string, log: BusLog): Credentials | null {
  const stranger = foreignHand(file);
  if (stranger === null) return readCredentials(file);
  log.warn({ file, reason: stranger }, 'the password in a file that others could write is replaced');
  return null;
}

const portIn = (kept: Credentials | null): number => (kept ? Number(new URL(kept.url).port) : 0);

interface Former {
  kept: Credentials | null;
  url: string;
  node: string;
}

/** Passwords live as long as the run directory: clients that kept them continue. */
function credentialsOf(role: Role, { kept, url, node }: Former): Credentials {
  const password = kept?.password ?? randomBytes(24).toString('base64url');
  return { url, user: role, password, inboxPrefix: inboxPrefix(role), node };
}

interface Configuration {
  port: number;
  serverName: string;
  pidFile: string;
  storeDir: string;
  maxStoreBytes: number;
  users: { role: Role; credentials: Credentials }[];
}

/** Formats JSON: nats-server reads it as well as its own syntax, and JSON quotes any path or name. */
function configuration({ port, serverName, pidFile, storeDir, maxStoreBytes, users }: Configuration): string {
  const config = {
    server_name: serverName,
    host: '127.0.0.1',
    port,
    pid_file: pidFile,
    max_payload: maxPayloadBytes,
    jetstream: { store_dir: storeDir, max_memory_store: 64 * 1024 * 1024, max_file_store: maxStoreBytes },
    authorization: {
      users: users.map(({ role, credentials: { user, password, node } }) => {
        const permissions = permissionsOf(role, node);
        return { user, password, ...(permissions && { permissions }) };
      }),
    },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

interface Supervision {
  launch: (signal: AbortSignal) => Promise<ServerProcess>;
  store: EventStore;
  credentials: Credentials;
  log: BusLog;
}

/** Keeps one server running until it is stopped. */
class SupervisedServer implements ManagedServer {
  readonly url: string;
  readonly credentials: Credentials;
  readonly #server: Supervisor<ServerProcess, string>;
  readonly #store: EventStore;
  readonly #log: BusLog;
  readonly #atExit = () => this.#server.current?.signal('SIGTERM');
  #withFreshStore = false;

  constructor(first: ServerProcess, { launch, store, credentials, log }: Supervision) {
    this.url = credentials.url;
    this.credentials = credentials;
    this.#store = store;
    this.#log = log;
    this.#server = new Supervisor(first, {
      begin: (signal) => {
        if (this.#withFreshStore) this.#moveStoreAway();
        return launch(signal);
      },
      lost: (how, { pid }) => log.error({ pid, how }, 'nats-server ended by itself'),
      restarted: ({ pid }) => log.info({ pid }, 'nats-server was started again'),
      failed: (error) => log.error({ error }, 'nats-server cannot be started; trying again'),
    });
    process.once('exit', this.#atExit);
    this.#server.keep();
  }

  pid(): number | null {
    return this.#server.current?.pid ?? null;
  }

  isStoreLost(): boolean {
    return this.#store.isLost();
  }

  replace({ withFreshStore }: { withFreshStore: boolean }): void {
    const server = this.#server.current;
    if (server === null) return;
    this.#withFreshStore = withFreshStore;
    server.signal('SIGKILL');
  }

  async stop(): Promise<void> {
    process.removeListener('exit', this.#atExit);
    await this.#server.stop();
  }

  /** Tries once, with any result: a server on the former store is better than none. */
  #moveStoreAway(): void {
    this.#withFreshStore = false;
    try {
      const kept = this.#store.moveAway();
      this.#log.error({ kept }, 'the event stream begins anew: its store took no event after several starts');
    } catch (error) {
      this.#log.error({ error }, 'the store of the event stream could not be moved away; it is used as it is');
    }
  }
}

/**
 * The requested port if it is free, else any below the range from which outgoing connections get theirs (32768 up): a
 * client that tries again while the server is away could otherwise be given that very port, connect to itself, and
 * keep it from the server forever.
 */
async function freePort(wished: number): Promise<number> {
  for (let port = wished || anyPort(); ; port = anyPort()) if (await isFree(port)) return port;
}

const anyPort = (): number => randomInt(20_000, 32_768);

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
