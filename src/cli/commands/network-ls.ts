import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { networkTable } from '../describe.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

export function networkLsCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'ls',
    summary: 'list the networks of this node',
    examples: ['netloom network ls', "netloom network ls --json | jq -r '.networks[].name'"],
  }).action(async (_options, command: Command) => {
    const options: GlobalOptions = command.optsWithGlobals();
    const reply = await withClient(options, (client) => client.network.list());
    terminal.print(options.json ? json(reply) : networkTable(terminal, reply.networks));
  });
}
