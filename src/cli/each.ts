import type { NetloomClient } from '../client.ts';
import { type Fault, faultOf } from '../core/fault.ts';
import { EndWith, exitCodeOf, reportFailure } from './failure.ts';
import type { GlobalOptions } from './options.ts';
import { withClient } from './session.ts';
import { json, type Terminal } from './terminal.ts';

/**
 * The same wish for several names, in order. One that is refused does not keep the others: each refusal is told, and
 * the first decides the exit code.
 */
export async function forEach<Reply>(
  terminal: Terminal,
  options: GlobalOptions,
  names: string[],
  wish: (client: NetloomClient, name: string) => Promise<Reply>,
  exitCodeFor: (fault: Fault) => number = exitCodeOf,
): Promise<void> {
  const replies: Reply[] = [];
  const failures: number[] = [];
  await withClient(options, async (client) => {
    for (const name of names) {
      try {
        replies.push(await wish(client, name));
        if (!options.json) terminal.print(name);
      } catch (error) {
        reportFailure(terminal, error, options.json ?? false);
        failures.push(exitCodeFor(faultOf(error)));
      }
    }
  });
  if (options.json) terminal.print(json(replies));
  if (failures[0] !== undefined) throw new EndWith(failures[0]);
}
