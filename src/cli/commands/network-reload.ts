import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { podmanFailure } from '../failure.ts';
import { badInput, type GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';

export function networkReloadCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'reload [container...]',
    details: 'Interfaces, addresses, routes and published ports. Established connections continue.',
    examples: ['netloom network reload web', 'netloom network reload --all'],
  })
    .option('-a, --all', 'all containers that are up and on a network')
    .action(async (containers: string[], _options, command: Command) => {
      const options: GlobalOptions & { all?: boolean } = command.optsWithGlobals();
      if ((options.all ?? false) === containers.length > 0)
        throw badInput(
          options.all ? '--all: cannot be used with containers' : 'which container? expected ids or --all',
        );
      const ids = options.all ? await connected(options) : containers;
      await forEach(terminal, options, ids, (client, id) => client.container.reload({ id }), {
        exitCodeFor: () => podmanFailure,
      });
    });
}

async function connected(options: GlobalOptions): Promise<string[]> {
  const { containers } = await withClient(options, (client) => client.container.list());
  return containers.filter(({ netns, attachments }) => netns !== null && attachments.length > 0).map(({ id }) => id);
}
