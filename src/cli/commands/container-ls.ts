import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { noTruncOption } from '../describe.ts';
import type { Terminal } from '../terminal.ts';
import { listContainers } from './ps.ts';

export function containerLsCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'ls',
    examples: ['netloom container ls', 'netloom container ls --json | jq .containers'],
  })
    .option(...noTruncOption)
    .action((_options, command: Command) => listContainers(terminal, command.optsWithGlobals()));
}
