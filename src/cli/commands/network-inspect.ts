import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { networkFacts } from '../describe.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

export function networkInspectCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'inspect <name>',
    summary: 'show all of one network',
    examples: ['netloom network inspect web', 'netloom network inspect web --json | jq .network.leases'],
  }).action(async (name: string, _options, command: Command) => {
    const options: GlobalOptions = command.optsWithGlobals();
    const reply = await withClient(options, (client) => client.network.inspect({ name }));
    terminal.print(options.json ? json(reply) : networkFacts(terminal, reply.network));
  });
}
