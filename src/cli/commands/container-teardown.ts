import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { type ExactOptions, exactOption } from '../options.ts';
import type { Terminal } from '../terminal.ts';

export function containerTeardownCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'teardown <container...>',
    summary: "take containers' networks down; the wishes are kept",
    examples: ['netloom container teardown web', 'netloom container teardown web db'],
  })
    .option(...exactOption)
    .action((ids: string[], _options, command: Command) => {
      const options: ExactOptions = command.optsWithGlobals();
      return forEach(terminal, options, ids, (client, id) => client.container.teardown({ id, exact: options.exact }));
    });
}
