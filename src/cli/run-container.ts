import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { NetloomError, type ResponseOf } from '../client.ts';
import type { ContainerRequest } from '../core/container.ts';
import { addresses } from './describe.ts';
import { EndWith, exitCode, exitCodeOf, faultText } from './failure.ts';
import type { GlobalOptions } from './options.ts';
import { portText } from './port-mapping.ts';
import { withClient } from './session.ts';
import { SignalRelay, signalExitCode } from './signals.ts';
import { type RunningCommand, spawnWithin } from './spawn-within.ts';
import { paint, plain, type Terminal } from './terminal.ts';

const betweenTriesMs = 250;
/** A daemon that dies with our word in its hands gives no answer; under the same id it is safely said again. */
const answerWithinMs = 2_000;

/**
 * Runs a command in a fresh container network and answers its exit code. No connection is open when it is spawned, nor
 * while it runs: the daemon may come and go, and watches the process by itself.
 */
export async function runContainer(
  terminal: Terminal,
  options: GlobalOptions,
  request: ContainerRequest,
  command: string[],
): Promise<number> {
  const signals = new SignalRelay();
  try {
    const network = await setUp(options, request);
    return await runWithin(network, { terminal, options, command, signals, greeting: greeting(request, network) });
  } finally {
    signals.close();
  }
}

interface Run {
  terminal: Terminal;
  options: GlobalOptions;
  command: string[];
  signals: SignalRelay;
  /** for a person at a terminal */
  greeting: string;
}

async function runWithin(
  network: ResponseOf<'container.setup'>,
  { terminal, options, command, signals, greeting }: Run,
): Promise<number> {
  let watched = false;
  let ended: Ended | null = null;
  try {
    if (signals.early) throw new EndWith(signalExitCode(signals.early));
    if (process.stderr.isTTY) terminal.warn(paint(terminal, 'dim', greeting));
    const running = await spawnWithin(network.netns.path, command);
    signals.relayTo(running.process);
    const exitCode = await untilItEnds(running, async (end) => {
      await tellStarted(options, network.id, running.pid, end);
      watched = true;
    });
    ended = { pid: running.pid, exitCode };
    return exitCode;
  } finally {
    await forget(options, network.id, ended).catch((error) => leaveBehind(terminal, network.id, watched, error));
  }
}

/** Create, then set up: an id that is taken is refused, where set-up alone would tell of the other's network. */
async function setUp(options: GlobalOptions, request: ContainerRequest): Promise<ResponseOf<'container.setup'>> {
  const { id } = request;
  return withClient(options, async (client) => {
    await client.container.create({ ...request, removeOnExit: true });
    try {
      return await client.container.setup({ id });
    } catch (error) {
      await client.container.remove({ id, exact: true }).catch(() => undefined); // the first failure is the one to tell
      throw error;
    }
  });
}

/** What is done meanwhile must not fail: the command is killed then, for its network cannot be relied on. */
async function untilItEnds(
  { process: command, exited }: RunningCommand,
  meanwhile: (ended: AbortSignal) => Promise<void>,
): Promise<number> {
  const ended = new AbortController();
  try {
    return await Promise.race([exited, meanwhile(ended.signal).then(() => exited)]);
  } catch (error) {
    command.kill('SIGKILL');
    await exited;
    throw error;
  } finally {
    ended.abort();
  }
}

/** Says it until it is heard, or the command has ended. */
async function tellStarted(options: GlobalOptions, id: string, pid: number, ended: AbortSignal): Promise<void> {
  const said = { msgId: randomUUID(), timeoutMs: answerWithinMs };
  while (!ended.aborted) {
    try {
      await withClient(options, (client) =>
        client.container.started({ id, exact: true, pid, reportsExit: true }, said),
      );
      return;
    } catch (error) {
      if (ended.aborted || isFault(error, 'process.gone')) return;
      if (!isPassing(error)) throw error;
    }
    await delay(betweenTriesMs, undefined, { signal: ended }).catch(() => undefined);
  }
}

interface Ended {
  pid: number;
  exitCode: number;
}

/** The daemon does the same at the end of the process; who is first does not matter. */
async function forget(options: GlobalOptions, id: string, ended: Ended | null): Promise<void> {
  try {
    await withClient({ timeout: 5 * answerWithinMs, ...options }, async (client) => {
      // what is wrong with it is the removal's to say
      if (ended) await client.container.exited({ id, exact: true, ...ended }).catch(() => undefined);
      await client.container.remove({ id, exact: true, force: true });
    });
  } catch (error) {
    if (!isFault(error, 'container.unknown')) throw error;
  }
}

function isFault(error: unknown, code: string): boolean {
  return error instanceof NetloomError && error.code === code;
}

/** The daemon is away, and comes again. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof NetloomError)) return false;
  return error.code === 'worker.lost' || exitCodeOf(error.fault) === exitCode.unreachable;
}

/** The command has ended, and its exit code is what counts. */
function leaveBehind(terminal: Terminal, id: string, watched: boolean, error: unknown): void {
  if (!(error instanceof NetloomError)) throw error;
  terminal.warn(faultText(error.fault));
  terminal.warn(
    watched
      ? `  the network of container ${id} is taken down as soon as its daemon serves again`
      : `  the network of container ${id} stays until: netloom container rm ${id}`,
  );
}

/** Where the container is reached; and that it is not, where somebody may have expected podman's default. */
export function greeting(
  { mode, networks }: Pick<ContainerRequest, 'mode' | 'networks'>,
  { id, status, ports }: Pick<ResponseOf<'container.setup'>, 'id' | 'status' | 'ports'>,
): string {
  const alone = !mode && !networks?.length && 'on no network, with loopback only: --network <name> joins one';
  return plain([id, addresses(status).join(', '), ports.map(portText).join(', '), alone].filter(Boolean).join('  '));
}
