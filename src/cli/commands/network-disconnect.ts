import type { Command } from 'commander';
import { NetloomError } from '../../core/fault.ts';
import { clientCommand } from '../command.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

export function networkDisconnectCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'disconnect <network> <container>',
    examples: ['netloom network disconnect db web', 'netloom network disconnect --force db web'],
  })
    .option('-f, --force', 'no failure when the container is not on the network, or is not there at all')
    .action(async (network: string, id: string, _options, command: Command) => {
      const options: GlobalOptions & { force?: boolean } = command.optsWithGlobals();
      try {
        const reply = await withClient(options, (client) => client.container.disconnect({ id, network }));
        if (options.json) terminal.print(json(reply));
      } catch (error) {
        if (!(options.force && isNotConnected(error))) throw error;
      }
    });
}

function isNotConnected(error: unknown): boolean {
  return error instanceof NetloomError && ['container.not-connected', 'container.unknown'].includes(error.code);
}
