import type { Command } from 'commander';
import type { NetloomClient } from '../../client.ts';
import { NetloomError } from '../../core/fault.ts';
import { clientCommand } from '../command.ts';
import { forEach, repliesText } from '../each.ts';
import { podmanFailure } from '../failure.ts';
import type { GlobalOptions } from '../options.ts';
import type { Terminal } from '../terminal.ts';

export function networkDisconnectCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'disconnect <network> <container...>',
    examples: ['netloom network disconnect db web', 'netloom network disconnect --force db web cache'],
  })
    .option('-f, --force', 'succeed if the container is not on the network, or does not exist')
    .action((network: string, ids: string[], _options, command: Command) => {
      const options: GlobalOptions & { force?: boolean } = command.optsWithGlobals();
      return forEach(terminal, options, ids, (client, id) => disconnect(client, network, id, options.force ?? false), {
        exitCodeFor: () => podmanFailure,
        show: (replies) => repliesText(replies, ids.length, options),
      });
    });
}

async function disconnect(client: NetloomClient, network: string, id: string, force: boolean) {
  try {
    return await client.container.disconnect({ id, network });
  } catch (error) {
    if (force && isNotConnected(error)) return null;
    throw error;
  }
}

function isNotConnected(error: unknown): boolean {
  return error instanceof NetloomError && ['container.not-connected', 'container.unknown'].includes(error.code);
}
