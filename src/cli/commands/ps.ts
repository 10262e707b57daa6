import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { containerTable, noTruncOption, type TableOptions } from '../describe.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

export function psCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'ps',
    examples: ['netloom ps', "netloom ps --json | jq -r '.containers[].id'"],
  })
    .option(...noTruncOption)
    .action((_options, command: Command) => listContainers(terminal, command.optsWithGlobals()));
}

export async function listContainers(terminal: Terminal, options: GlobalOptions & TableOptions): Promise<void> {
  const reply = await withClient(options, (client) => client.container.list());
  terminal.print(options.json ? json(reply) : containerTable(terminal, reply.containers, options));
}
