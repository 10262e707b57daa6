import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { forEach } from '../each.ts';
import type { Terminal } from '../terminal.ts';

export function networkRmCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'rm <name...>',
    summary: 'remove networks that no container uses',
    examples: ['netloom network rm web', 'netloom network rm web db'],
  }).action((names: string[], _options, command: Command) =>
    forEach(terminal, command.optsWithGlobals(), names, (client, name) => client.network.remove({ name })),
  );
}
