import type { Command } from 'commander';
import { mostPid } from '../../core/process-id.ts';
import { clientCommand } from '../command.ts';
import { type GlobalOptions, numberParser } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

export function containerStartedCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'started',
    examples: ['netloom container started web 4711', 'netloom container started --reports-exit web 4711'],
  });
  command
    .argument('<id>', 'container id')
    .argument('<pid>', 'PID of the process, as the host sees it', numberParser('pid', 1, mostPid))
    .option('--reports-exit', 'the exit code follows with netloom container exited')
    .action(async (id: string, pid: number, _options, command: Command) => {
      const options: GlobalOptions & { reportsExit?: boolean } = command.optsWithGlobals();
      const { reportsExit } = options;
      const reply = await withClient(options, (client) => client.container.started({ id, pid, reportsExit }));
      terminal.print(options.json ? json(reply) : reply.id);
    });
}
