import { setTimeout as delay } from 'node:timers/promises';
import type { NetloomClient } from '../client.ts';
import { fault, NetloomError } from '../core/fault.ts';
import { exitCode, exitCodeOf } from './failure.ts';
import type { GlobalOptions } from './options.ts';
import { withClient } from './session.ts';
import { paint, type Terminal } from './terminal.ts';

/** One connection of a command that continues across restarts of the daemon. */
export interface Connection {
  client: NetloomClient;
  /** aborted when the connection is lost */
  lost: AbortSignal;
  /** aborted by Ctrl-C, the usual end of these commands */
  interrupted: AbortSignal;
  /**
   * Reports the first answer: from now on the command waits for a daemon that goes away, and Ctrl-C ends it with exit
   * code 0.
   */
  begun(): void;
}

const betweenTriesMs = 250;

/**
 * Calls `use` until it returns with the connection intact. When the daemon goes away, `use` is called again over a new
 * connection, with the credentials and the port of the next daemon. Throws if the daemon cannot be reached at the
 * beginning.
 */
export async function withLastingClient(
  terminal: Terminal,
  options: GlobalOptions,
  use: (connection: Connection) => Promise<void>,
): Promise<void> {
  const ended = new AbortController();
  const end = () => ended.abort();
  try {
    await serveUntil(ended.signal, () => process.once('SIGINT', end), terminal, options, use);
  } finally {
    process.off('SIGINT', end);
  }
}

async function serveUntil(
  interrupted: AbortSignal,
  takeInterrupts: () => void,
  terminal: Terminal,
  options: GlobalOptions,
  use: (connection: Connection) => Promise<void>,
): Promise<void> {
  const outage = new Outage(terminal, options.json ?? false);
  let isBegun = false;
  const begun = () => {
    if (!isBegun) takeInterrupts();
    isBegun = true;
    outage.end();
  };
  while (!interrupted.aborted) {
    try {
      if (await isServed(options, { begun, interrupted }, use)) return;
      if (!isBegun)
        throw new NetloomError(fault('bus.unreachable', 'the connection was lost before the daemon answered'));
    } catch (error) {
      if (!isBegun || !isAway(error)) throw error;
    }
    outage.begin();
    await delay(betweenTriesMs, undefined, { signal: interrupted }).catch(() => undefined);
  }
}

/** false: the connection was lost meanwhile. */
function isServed(
  options: GlobalOptions,
  session: Pick<Connection, 'begun' | 'interrupted'>,
  use: (connection: Connection) => Promise<void>,
): Promise<boolean> {
  const serve = async (client: NetloomClient) => {
    const lost = new AbortController();
    void client.nc.closed().then(() => lost.abort());
    try {
      await use({ client, lost: lost.signal, ...session });
    } catch (error) {
      // without the connection, any error is a consequence of its loss
      if (!client.nc.isClosed()) throw error;
    }
    return !client.nc.isClosed();
  };
  return withClient(options, serve, { reconnect: false });
}

/** Checks whether an error means that the daemon does not answer, or is starting or ending. */
const isAway = (error: unknown): boolean =>
  error instanceof NetloomError && (error.code === 'worker.lost' || exitCodeOf(error.fault) === exitCode.unreachable);

/** Reports an outage of the daemon once when it begins, and once when it ends. */
class Outage {
  #isOn = false;

  constructor(
    private readonly terminal: Terminal,
    private readonly isSilent: boolean,
  ) {}

  begin(): void {
    if (!this.#isOn) this.#say('the daemon cannot be reached: waiting for it');
    this.#isOn = true;
  }

  end(): void {
    if (this.#isOn) this.#say('the daemon is back');
    this.#isOn = false;
  }

  #say(text: string): void {
    if (!this.isSilent) this.terminal.warn(paint(this.terminal, 'dim', text));
  }
}
