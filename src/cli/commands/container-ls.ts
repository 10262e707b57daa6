import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import type { Terminal } from '../terminal.ts';
import { addListOptions, listDetails } from './ps.ts';

export function containerLsCommand(parent: Command, terminal: Terminal): void {
  addListOptions(
    clientCommand(parent, {
      usage: 'ls',
      details: listDetails,
      examples: ['netloom container ls', 'netloom container ls --all --json | jq .containers'],
    }),
    terminal,
  );
}
