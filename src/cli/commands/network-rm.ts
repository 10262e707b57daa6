import { type Command, Option } from 'commander';
import { clientCommand } from '../command.ts';
import { forEach } from '../each.ts';
import { removalExitCode } from '../failure.ts';
import { type GlobalOptions, numberParser } from '../options.ts';
import type { Terminal } from '../terminal.ts';

export function networkRmCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'rm <network...>',
    details: 'Exits with 1 if the network does not exist, with 2 if containers use it.',
    examples: ['netloom network rm web', 'netloom network rm --force web db'],
  })
    .option('-f, --force', 'disconnect the containers that use them; the containers stay')
    .addOption(
      new Option(
        '-t, --time <seconds>',
        "podman's timeout for stopping containers; ignored, because none is stopped",
      ).argParser(numberParser('--time', 0, 2 ** 31 - 1)),
    )
    .action((names: string[], _options, command: Command) => {
      const options: GlobalOptions & { force?: boolean } = command.optsWithGlobals();
      const force = options.force ?? false;
      return forEach(
        terminal,
        options,
        names,
        (client, name) => client.network.remove({ name, ...(force && { force }) }),
        { exitCodeFor: removalExitCode },
      );
    });
}
