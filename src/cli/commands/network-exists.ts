import type { Command } from 'commander';
import { NetloomError } from '../../core/fault.ts';
import { clientCommand } from '../command.ts';
import { EndWith } from '../failure.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

export function networkExistsCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'exists <network>',
    examples: ['netloom network exists web || netloom network create web'],
  }).action(async (name: string, _options, command: Command) => {
    const options: GlobalOptions = command.optsWithGlobals();
    const exists = await withClient(options, (client) =>
      client.network.inspect({ name }).then(
        () => true,
        (error) => {
          if (error instanceof NetloomError && error.code === 'network.unknown') return false;
          throw error;
        },
      ),
    );
    if (options.json) terminal.print(json({ exists }));
    if (!exists) throw new EndWith(1);
  });
}
