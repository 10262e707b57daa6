import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { exactOption, forceDetails, forceOption, type RemovalOptions } from '../options.ts';
import type { Terminal } from '../terminal.ts';

export function containerTeardownCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'teardown <container...>',
    details: forceDetails,
    examples: ['netloom container teardown web', 'netloom container teardown --force web db'],
  })
    .option(...forceOption)
    .option(...exactOption)
    .action((ids: string[], _options, command: Command) => {
      const options: RemovalOptions = command.optsWithGlobals();
      const { exact, force } = options;
      return forEach(terminal, options, ids, (client, id) => client.container.teardown({ id, exact, force }));
    });
}
