import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { forEach } from '../each.ts';
import type { Terminal } from '../terminal.ts';

export function containerRmCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'rm <id...>',
    summary: "take containers' networks down and forget the containers",
    examples: ['netloom container rm web', 'netloom container rm web db'],
  }).action((ids: string[], _options, command: Command) =>
    forEach(terminal, command.optsWithGlobals(), ids, (client, id) => client.container.remove({ id })),
  );
}
