import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { type GlobalOptions, numberParser } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

export function containerStartedCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'started',
    examples: ['netloom container started web 4711'],
  });
  command
    .argument('<id>', 'container id')
    .argument('<pid>', 'PID of the process, as the host sees it', numberParser('pid', 1, 2 ** 31 - 1))
    .action(async (id: string, pid: number, _options, command: Command) => {
      const options: GlobalOptions = command.optsWithGlobals();
      const reply = await withClient(options, (client) => client.container.started({ id, pid }));
      terminal.print(options.json ? json(reply) : reply.id);
    });
}
