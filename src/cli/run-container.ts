import { type NetloomClient, NetloomError, type ResponseOf } from '../client.ts';
import type { ContainerRequest } from '../core/container.ts';
import { addresses } from './describe.ts';
import { EndWith, faultText } from './failure.ts';
import type { GlobalOptions } from './options.ts';
import { portText } from './port-mapping.ts';
import { withClient } from './session.ts';
import { SignalRelay, signalExitCode } from './signals.ts';
import { type RunningCommand, spawnWithin } from './spawn-within.ts';
import { paint, plain, type Terminal } from './terminal.ts';

/**
 * Runs a command in a fresh container network and answers its exit code. While it runs there is no connection to the
 * bus: the daemon may come and go, and watches the process by itself.
 */
export async function runContainer(
  terminal: Terminal,
  options: GlobalOptions,
  request: ContainerRequest,
  command: string[],
): Promise<number> {
  const signals = new SignalRelay();
  try {
    const running = await withClient(options, (client) => start(client, terminal, request, command, signals));
    const exitCode = await running.exited;
    await withClient(options, (client) => forget(client, request.id)).catch((error) =>
      leaveToDaemon(terminal, request.id, error),
    );
    return exitCode;
  } finally {
    signals.close();
  }
}

/** Create, then set up: an id that is taken is refused, where set-up alone would tell of the other's network. */
async function start(
  client: NetloomClient,
  terminal: Terminal,
  request: ContainerRequest,
  command: string[],
  signals: SignalRelay,
): Promise<RunningCommand> {
  const { id } = request;
  await client.container.create({ ...request, removeOnExit: true });
  let running: RunningCommand | null = null;
  try {
    const network = await client.container.setup({ id });
    if (signals.early) throw new EndWith(signalExitCode(signals.early));
    greet(terminal, network);
    running = await spawnWithin(network.netns.path, command);
    signals.relayTo(running.process);
    if (signals.early) running.process.kill(signals.early);
    await client.container.started({ id, pid: running.pid }).catch(unless('process.gone'));
    return running;
  } catch (error) {
    running?.process.kill('SIGKILL');
    await running?.exited;
    await forget(client, id).catch((later) => leaveToDaemon(terminal, id, later));
    throw error;
  }
}

/** The daemon does the same at the end of the process; who is first does not matter. */
async function forget(client: NetloomClient, id: string): Promise<void> {
  await client.container.remove({ id }).catch(unless('container.unknown'));
}

function unless(code: string): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof NetloomError && error.code === code)) throw error;
  };
}

/** The command has ended, and its exit code is what counts. */
function leaveToDaemon(terminal: Terminal, id: string, error: unknown): void {
  if (!(error instanceof NetloomError)) throw error;
  terminal.warn(faultText(error.fault));
  terminal.warn(`  the network of container ${id} is taken down as soon as its daemon serves again`);
}

/** For a person at a terminal: where the container is reached. */
function greet(terminal: Terminal, { id, status, ports }: ResponseOf<'container.setup'>): void {
  if (!process.stderr.isTTY) return;
  const line = [id, addresses(status).join(', '), ports.map(portText).join(', ')].filter(Boolean).join('  ');
  terminal.warn(paint(terminal, 'dim', plain(line)));
}
