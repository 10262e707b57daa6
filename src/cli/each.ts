import type { NetloomClient } from '../client.ts';
import { type Fault, faultOf, NetloomError } from '../core/fault.ts';
import { EndWith, exitCode, exitCodeOf, reportFailure } from './failure.ts';
import type { GlobalOptions } from './options.ts';
import { withClient } from './session.ts';
import { json, plain, type Terminal } from './terminal.ts';

export interface EachOptions<Reply> {
  /** default: the exit code of the fault */
  exitCodeFor?: (fault: Fault) => number;
  /** prints all replies at the end; default: each name as soon as it is done, or with --json the replies */
  show?: (replies: Reply[]) => string;
}

/**
 * Carries out the same command for several names, in order and over one connection. After a refusal it continues with
 * the next name: each refusal is reported, and the first one decides the exit code. If the daemon cannot be reached,
 * the remaining names are not tried, because each would take the whole timeout.
 */
export async function forEach<Reply>(
  terminal: Terminal,
  options: GlobalOptions,
  names: string[],
  wish: (client: NetloomClient, name: string) => Promise<Reply>,
  { exitCodeFor = exitCodeOf, show }: EachOptions<Reply> = {},
): Promise<void> {
  const replies: Reply[] = [];
  const failures: number[] = [];
  const progress = new Progress(terminal, names.length);
  await withClient(options, async (client) => {
    for (const [index, name] of names.entries()) {
      progress.begin(name);
      try {
        replies.push(await wish(client, name));
        if (!options.json && !show) progress.aside(() => terminal.print(name));
      } catch (error) {
        const isLast = exitCodeOf(faultOf(error)) === exitCode.unreachable;
        const left = isLast ? names.length - index - 1 : 0;
        progress.aside(() => reportFailure(terminal, withUntried(error, left), options.json ?? false));
        failures.push(exitCodeFor(faultOf(error)));
        if (isLast) break;
      }
    }
  }).finally(() => progress.end());
  const text = show ? show(replies) : options.json ? json(replies) : '';
  if (text !== '') terminal.print(text);
  if (failures[0] !== undefined) throw new EndWith(failures[0]);
}

function withUntried(error: unknown, count: number): unknown {
  if (count === 0) return error;
  const why = faultOf(error);
  return new NetloomError({ ...why, message: `${why.message}; ${count} more not tried` }, { cause: error });
}

/** With --json only: prints the reply, or several as a list; a command that was not needed has none. */
export function repliesText<Reply>(replies: (Reply | null)[], asked: number, options: GlobalOptions): string {
  if (!options.json) return '';
  const said = replies.filter((reply) => reply !== null);
  return asked > 1 ? json(said) : said.map(json).join('');
}

/** `12 of 200: web`, on a terminal. */
class Progress {
  #done = 0;

  constructor(
    private readonly terminal: Terminal,
    private readonly all: number,
  ) {}

  begin(name: string): void {
    this.#done++;
    if (this.all > 1) this.terminal.progress?.(`${this.#done} of ${this.all}: ${plain(name)}`);
  }

  /** Other lines are printed above it. */
  aside(say: () => void): void {
    this.end();
    say();
  }

  end(): void {
    if (this.all > 1) this.terminal.progress?.(null);
  }
}
