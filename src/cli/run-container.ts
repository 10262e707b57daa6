import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type CallOptions, type NetloomClient, NetloomError, type ResponseOf } from '../client.ts';
import type { ContainerRequest } from '../core/container/request.ts';
import type { NameFiles } from '../core/name-files.ts';
import { addresses } from './describe.ts';
import { EndWith, exitCode, exitCodeOf, faultText } from './failure.ts';
import { type NameOptions, nameFilesFor } from './name-files.ts';
import { defaultTimeoutMs, type GlobalOptions } from './options.ts';
import { portText } from './port-mapping.ts';
import { withClient } from './session.ts';
import { SignalRelay, signalExitCode } from './signals.ts';
import { HeldCommand } from './spawn-within.ts';
import { paint, plain, type Terminal } from './terminal.ts';

const betweenTriesMs = 250;
/** A daemon that dies before it answers loses the request; with the same message ID it can safely be sent again. */
const answerWithinMs = 2_000;
/** How long the container may exist without a command. It takes far less unless this process dies. */
const startWithinMs = 60_000;
/** How long a command waits for a daemon that went away after the set-up; then it begins unwatched. */
const heldMs = 5_000;

export interface RunOptions extends GlobalOptions, NameOptions {
  /** starts the command and does not wait for its end */
  detach?: boolean;
}

/**
 * Runs a command in a fresh container network and returns its exit code. The command begins after the daemon has begun
 * to watch its process, so the daemon publishes all its events. No connection is open while it runs, so the daemon may
 * be restarted.
 */
export async function runContainer(
  terminal: Terminal,
  options: RunOptions,
  request: ContainerRequest,
  command: string[],
): Promise<number> {
  const signals = new SignalRelay();
  try {
    const { network, files } = await setUp(terminal, options, request);
    const run = { terminal, options, network, files, command, signals };
    return await (options.detach ? runDetached(run) : runAttached(run));
  } finally {
    signals.close();
  }
}

type Network = ResponseOf<'container.setup'>;

interface Run {
  terminal: Terminal;
  options: RunOptions;
  network: Network;
  files: NameFiles | null;
  command: string[];
  signals: SignalRelay;
}

/**
 * Creates and sets up in one command with a deadline for the start, so nothing is left if netloom run dies before it
 * reports a start.
 */
async function setUp(
  terminal: Terminal,
  options: RunOptions,
  request: ContainerRequest,
): Promise<{ network: Network; files: NameFiles | null }> {
  const wish = { ...request, isNew: true, removeOnExit: true, startWithinMs };
  const { network, files, problem } = await answered(options, async (client, said) => {
    try {
      const network = await client.container.setup(wish, said);
      return { network, ...(await nameFilesFor(client, request, network.status, options)) };
    } catch (error) {
      const isOurs = !isPassing(error) && !isFault(error, 'container.exists');
      if (isOurs) await client.container.remove({ id: request.id, exact: true }).catch(() => undefined);
      throw error; // the first failure is reported
    }
  });
  if (process.stderr.isTTY && !options.detach) terminal.warn(paint(terminal, 'dim', greeting(network)));
  if (problem) terminal.warn(`netloom: ${problem}`);
  return { network, files };
}

/**
 * Sends a command and returns its answer. The client repeats it if the connection is lost; this function repeats it if
 * a worker of the daemon dies.
 */
async function answered<Answer>(
  options: GlobalOptions,
  ask: (client: NetloomClient, said: CallOptions) => Promise<Answer>,
): Promise<Answer> {
  const timeoutMs = options.timeout ?? defaultTimeoutMs;
  const said = { msgId: randomUUID(), timeoutMs };
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await withClient(options, (client) => ask(client, said));
    } catch (error) {
      if (!isFault(error, 'worker.lost') || Date.now() > deadline) throw error;
    }
    await delay(betweenTriesMs);
  }
}

async function runAttached(run: Run): Promise<number> {
  const { options, network, signals } = run;
  const watch: Watch = { isHeard: false };
  let held: HeldCommand | null = null;
  try {
    held = hold(run);
    signals.relayTo(held.process);
    return await untilItEnds(options, network.id, held, watch);
  } finally {
    await forget(options, network.id, held).catch((error) =>
      leaveBehind(run.terminal, network.id, watch.isHeard, error),
    );
  }
}

/** The daemon cleans up after the command, so the command begins only if the daemon watches it. */
async function runDetached(run: Run): Promise<number> {
  const { terminal, options, network } = run;
  let held: HeldCommand | null = null;
  try {
    held = hold(run);
    await held.ready();
    const missed = await reportStart(options, network.id, held, { reportsExit: false }, AbortSignal.timeout(heldMs));
    if (missed !== null) throw missed;
    await held.begin();
    held.leave();
  } catch (error) {
    held?.kill();
    await forget(options, network.id, held).catch(() => undefined); // the first failure is reported
    throw error;
  }
  terminal.print(network.id);
  return exitCode.ok;
}

function hold({ options, network, files, command, signals }: Run): HeldCommand {
  if (signals.early) throw new EndWith(signalExitCode(signals.early));
  return new HeldCommand({ netnsPath: network.netns.path, files, detached: options.detach ?? false }, command);
}

/** Whether the daemon has received the report of the process, and watches it. */
interface Watch {
  isHeard: boolean;
}

/**
 * Runs the command to its end, and reports its start. Kills the command if that fails, because its network is not
 * reliable then.
 */
async function untilItEnds(options: GlobalOptions, id: string, held: HeldCommand, watch: Watch): Promise<number> {
  const ended = new AbortController();
  held.exited.then(() => ended.abort());
  try {
    await held.ready();
    const report = reportStart(options, id, held, { reportsExit: true }, ended.signal).then((missed) => {
      watch.isHeard = missed === null;
    });
    await Promise.race([report, delay(heldMs, undefined, { signal: ended.signal }).catch(() => undefined)]);
    await held.begin();
    return await Promise.race([held.exited, report.then(() => held.exited)]);
  } catch (error) {
    held.kill();
    throw error;
  } finally {
    ended.abort();
  }
}

/**
 * Reports the start until the daemon accepts it, the process ends, or `enough` aborts. Returns null, or why it was not
 * accepted.
 */
async function reportStart(
  options: GlobalOptions,
  id: string,
  { pid }: HeldCommand,
  { reportsExit }: { reportsExit: boolean },
  enough: AbortSignal,
): Promise<unknown> {
  const request = { id, exact: true, pid: pid as number, reportsExit };
  const said = { msgId: randomUUID(), timeoutMs: answerWithinMs };
  for (;;) {
    try {
      await withClient(options, (client) => client.container.started(request, said));
      return null;
    } catch (error) {
      if (enough.aborted || isFault(error, 'process.gone')) return error;
      if (!isPassing(error)) throw error;
    }
    await delay(betweenTriesMs, undefined, { signal: enough }).catch(() => undefined);
  }
}

/**
 * Reports the end and removes the container. The daemon does the same for a process that it watches; the order does not
 * matter.
 */
async function forget(options: GlobalOptions, id: string, held: HeldCommand | null): Promise<void> {
  const exitCode = await held?.exited;
  try {
    await withClient({ timeout: 5 * answerWithinMs, ...options }, async (client) => {
      // if this fails, so does the removal, which reports why
      if (held?.pid !== undefined && exitCode !== undefined)
        await client.container.exited({ id, exact: true, pid: held.pid, exitCode }).catch(() => undefined);
      await client.container.remove({ id, exact: true, force: true });
    });
  } catch (error) {
    if (!isFault(error, 'container.unknown')) throw error;
  }
}

function isFault(error: unknown, code: string): boolean {
  return error instanceof NetloomError && error.code === code;
}

/** Checks whether an error is temporary: the daemon is away. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof NetloomError)) return false;
  return error.code === 'worker.lost' || exitCodeOf(error.fault) === exitCode.unreachable;
}

/** Only warns: the command has ended, and its exit code is returned. */
function leaveBehind(terminal: Terminal, id: string, watched: boolean, error: unknown): void {
  if (!(error instanceof NetloomError)) throw error;
  terminal.warn(faultText(error.fault));
  terminal.warn(
    watched
      ? `  the network of container ${id} will be taken down as soon as its daemon serves again`
      : `  the network of container ${id} stays; to remove it: netloom container rm ${id}`,
  );
}

/** Formats the addresses and ports of the container. */
export function greeting({ id, status, ports }: Pick<Network, 'id' | 'status' | 'ports'>): string {
  return plain([id, addresses(status).join(', '), ports.map(portText).join(', ')].filter(Boolean).join('  '));
}
