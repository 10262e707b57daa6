import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fault, NetloomError } from '../../core/fault.ts';
import { textOfOrdinaryFile } from '../../files/ordinary-file.ts';
import { unlessAborted } from '../../threads/unless-aborted.ts';
import type { BusLog } from './log.ts';

const readyWithinMs = 10_000;
/** A server that writes to a full disk does not end at SIGTERM; acknowledged messages are in its store all the same. */
const termWithinMs = 1_000;
const betweenTriesMs = 5;

/** One run of nats-server, from spawn to exit. */
export interface ServerProcess {
  pid: number;
  exited: Promise<string>;
  /** SIGTERM, and SIGKILL after a second */
  stop(): Promise<void>;
  /** ends it at once */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface Launch {
  binary: string;
  configFile: string;
  port: number;
  /** as in the configuration: distinguishes this server from another one on the same port */
  serverName: string;
  log: BusLog;
  /** ends the start, and the server with it */
  signal?: AbortSignal;
}

/** Resolves when the server accepts connections; throws bus.unreachable with the server's last log lines, and the signal's reason. */
export async function launchServer(launch: Launch): Promise<ServerProcess> {
  const { binary, configFile, port, serverName, log, signal = new AbortController().signal } = launch;
  signal.throwIfAborted();
  // A session of its own: Ctrl-C at a terminal reaches the daemon only, which needs its bus until it has drained.
  const child = spawn(binary, ['-c', configFile], { cwd: '/', detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  let isUp = false;
  const lastWords = forwardLog(child, log, () => isUp);
  const exited = exitOf(child);
  const stop = async () => {
    const soon = setTimeout(() => child.kill('SIGKILL'), termWithinMs);
    child.kill('SIGTERM');
    await exited;
    clearTimeout(soon);
  };
  const giveUp = new AbortController();
  const failed = exited.then((how) => {
    giveUp.abort();
    return `it ended with ${how}: ${lastWords() || 'it said nothing'}`;
  });
  const outcome = Promise.race([failed, answersAs(serverName, port, giveUp.signal)]);
  const failure = await unlessAborted(signal, outcome).catch(async (reason: unknown) => {
    giveUp.abort();
    await stop();
    throw reason;
  });
  isUp = failure === null;
  if (failure === null) return { pid: child.pid as number, exited, stop, signal: (signal) => child.kill(signal) };
  await stop();
  throw new NetloomError(
    fault(
      'bus.unreachable',
      `nats-server does not serve 127.0.0.1:${port}: ${failure} (--nats-port chooses another port, --nats-url a server that runs already)`,
      { detail: lastWords() },
    ),
  );
}

/** How it ended: `exit status 1`, `SIGKILL`, or why it could not be started. */
function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit status ${code}`));
  });
}

/**
 * The warning about plain passwords in netloom's configuration: they are random, for one host, and in a file of root's. With
 * bcrypt instead each connection would wait for a deliberately slow hash, and some clients connect for every call.
 */
const knownWarning = 'Plaintext passwords detected';

/**
 * Reads the server's log through a pipe. A side effect is wanted: when the daemon was killed, the next line that the
 * server would write ends it (Go dies of SIGPIPE on stderr), so that a daemon that is never restarted does not leave a
 * server for long.
 */
function forwardLog(child: ChildProcess, log: BusLog, isUp: () => boolean): () => string {
  const last: string[] = [];
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream });
  lines.on('line', (line) => {
    const text = line.replace(/^\[\d+\] \S+ \S+ /, '');
    if (text.includes(knownWarning)) return;
    last.push(text);
    if (last.length > 3) last.shift();
    // the reason of a failed start is in the fault
    if (text.startsWith('[FTL]') && !isUp()) return;
    if (!/^\[(INF|DBG|TRC)\]/.test(text)) log.warn({ server: text }, 'nats-server says');
  });
  return () =>
    last
      .filter((text) => !text.startsWith('[INF]'))
      .map(reasonIn)
      .join('; ') ||
    (last.at(-1) ?? '');
}

/** The messages of a server that cannot start, without their prefixes. */
const reasonIn = (text: string): string =>
  /^\[FTL\] Error listening on port.* address already in use/.test(text)
    ? 'the port is in use by another program'
    : text.replace(/^\[[A-Z]{3}\] /, '');

/** Returns null when the server of that name answers, else a description of what answers. */
async function answersAs(serverName: string, port: number, signal: AbortSignal): Promise<string | null> {
  let found = 'nothing answers';
  for (const deadline = Date.now() + readyWithinMs; Date.now() < deadline && !signal.aborted; ) {
    found = await serverNameAt(port);
    if (found === serverName) return null;
    await delay(betweenTriesMs);
  }
  return found;
}

/** A NATS server introduces itself with one line: `INFO {"server_name": …}`. Without that, what happens instead. */
function serverNameAt(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port, timeout: 1000 });
    const lines = createInterface({ input: socket });
    const done = (found: string) => {
      resolve(found);
      lines.close();
      socket.destroy();
    };
    socket.once('error', ({ message }) => done(message));
    socket.once('timeout', () => done('it accepts connections but sends nothing'));
    lines.once('line', (line) => done(nameIn(line)));
    lines.once('close', () => done('it closes connections'));
    lines.on('error', () => undefined);
  });
}

function nameIn(line: string): string {
  try {
    return (JSON.parse(line.replace(/^INFO /, '')) as { server_name?: string }).server_name ?? '';
  } catch {
    return 'a program that is not a NATS server answers';
  }
}

/**
 * Ends a server that outlived its daemon. It is not adopted: a child process reports its end, a foreign process would have
 * to be watched in another way, and would keep the users and limits of the former configuration. The price is that
 * clients connect once more, within milliseconds; the stream is on disk.
 */
export async function endOrphan(pidFile: string, configFile: string, log: BusLog): Promise<void> {
  const pid = orphanPid(pidFile, configFile);
  if (pid === null) return;
  log.warn({ pid }, 'a nats-server of a former daemon is still there; it is ended');
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return; // it ended by itself
    }
    // Not a child process, so there is no exit event.
    for (const deadline = Date.now() + termWithinMs; Date.now() < deadline; await delay(betweenTriesMs))
      if (!runsWith(pid, configFile)) return threadsEnded(pid);
  }
}

/** A process that ends loses its command line before its sockets: the port is free when none of its threads runs. */
async function threadsEnded(pid: number): Promise<void> {
  for (const deadline = Date.now() + termWithinMs; Date.now() < deadline && hasThreads(pid); )
    await delay(betweenTriesMs);
}

function hasThreads(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).some((thread) => isRunning(`/proc/${pid}/task/${thread}/stat`));
  } catch {
    return false;
  }
}

function isRunning(statFile: string): boolean {
  try {
    const stat = readFileSync(statFile, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** Finds the PID of a server that outlived its daemon and has this port; null: no such server, or it cannot be seen. */
export function orphanAt(port: number, { pidFile, configFile }: ServerFiles): number | null {
  try {
    const { port: configured } = JSON.parse(textOfOrdinaryFile(configFile)) as { port?: number };
    return configured === port ? orphanPid(pidFile, configFile) : null;
  } catch {
    return null;
  }
}

/** Where a daemon's own server has its configuration, and writes its process id. */
export interface ServerFiles {
  pidFile: string;
  configFile: string;
}

export const serverFiles = (runDir: string): ServerFiles => ({
  configFile: join(runDir, 'nats', 'nats-server.conf'),
  pidFile: join(runDir, 'nats', 'nats-server.pid'),
});

/** Reads the PID file; the PID counts if that process is a server with this configuration: PIDs are reused. */
function orphanPid(pidFile: string, configFile: string): number | null {
  let text: string;
  try {
    text = textOfOrdinaryFile(pidFile);
  } catch {
    return null;
  }
  const pid = Number.parseInt(text, 10);
  return pid > 1 && runsWith(pid, configFile) ? pid : null;
}

/** A process that is gone, or a zombie, has no command line. */
function runsWith(pid: number, configFile: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(configFile);
  } catch {
    return false;
  }
}

/** Finds nats-server: Debian puts it into /usr/sbin, which a user's PATH does not contain. Throws bus.unreachable with the package to install. */
export function findServerBinary(path: string = process.env.PATH ?? ''): string {
  for (const directory of [...path.split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/local/bin']) {
    const file = join(directory || '.', 'nats-server');
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not here
    }
  }
  throw new NetloomError(
    fault('bus.unreachable', 'nats-server is not installed (apt install nats-server), and no NATS URL is given'),
  );
}
