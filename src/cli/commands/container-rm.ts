import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { type ExactOptions, exactOption } from '../options.ts';
import type { Terminal } from '../terminal.ts';

export function containerRmCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'rm <container...>',
    summary: "take containers' networks down and forget the containers",
    examples: ['netloom container rm web', 'netloom container rm web db'],
  })
    .option(...exactOption)
    .action((ids: string[], _options, command: Command) => {
      const options: ExactOptions = command.optsWithGlobals();
      return forEach(terminal, options, ids, (client, id) => client.container.remove({ id, exact: options.exact }));
    });
}
