import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { forEach } from '../each.ts';
import type { Terminal } from '../terminal.ts';

export function containerTeardownCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'teardown <id...>',
    summary: "take containers' networks down; the wishes are kept",
    examples: ['netloom container teardown web', 'netloom container teardown web db'],
  }).action((ids: string[], _options, command: Command) =>
    forEach(terminal, command.optsWithGlobals(), ids, (client, id) => client.container.teardown({ id })),
  );
}
