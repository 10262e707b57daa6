import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { containerFacts } from '../describe.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

export function inspectCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'inspect <id>',
    summary: 'show all of one container',
    examples: ['netloom inspect web', 'netloom inspect web --json | jq .container.status'],
  }).action(async (id: string, _options, command: Command) => {
    const options: GlobalOptions = command.optsWithGlobals();
    const reply = await withClient(options, (client) => client.container.inspect({ id }));
    terminal.print(options.json ? json(reply) : containerFacts(terminal, reply.container));
  });
}
