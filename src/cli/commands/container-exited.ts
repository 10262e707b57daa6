import type { Command } from 'commander';
import { mostPid } from '../../core/process-id.ts';
import { clientCommand } from '../command.ts';
import { type GlobalOptions, numberParser } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

export function containerExitedCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'exited',
    details: 'For a container whose start was reported with --reports-exit, within 2 s of the end of its process.',
    examples: ['netloom container exited web 4711 0', 'netloom container exited web 4711 137'],
  });
  command
    .argument('<id>', 'id of the container')
    .argument('<pid>', 'PID of the process, as the host sees it', numberParser('pid', 1, mostPid))
    .argument('<code>', 'exit code; 128 + n if signal n ended the process', numberParser('code', 0, 255))
    .action(async (id: string, pid: number, exitCode: number, _options, command: Command) => {
      const options: GlobalOptions = command.optsWithGlobals();
      const reply = await withClient(options, (client) => client.container.exited({ id, pid, exitCode }));
      terminal.print(options.json ? json(reply) : reply.id);
    });
}
