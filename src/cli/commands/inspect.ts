import { type Command, Option } from 'commander';
import { clientCommand } from '../command.ts';
import { containerFacts } from '../describe.ts';
import { formatHelp, formatted, templateHelp } from '../format.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

export function inspectCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'inspect <id>',
    details: `With --json and --format also NetworkSettings, as podman's inspect has them. ${templateHelp}`,
    examples: [
      'netloom inspect web',
      "netloom inspect --format '{{.NetworkSettings.IPAddress}}' web",
      "netloom inspect -f '{{range .NetworkSettings.Networks}}{{.MacAddress}} {{end}}' web",
      'netloom inspect web --json | jq .NetworkSettings.Ports',
    ],
  })
    .addOption(new Option('-f, --format <format>', formatHelp))
    .action(async (id: string, _options, command: Command) => {
      const options: GlobalOptions & { format?: string } = command.optsWithGlobals();
      const reply = await withClient(options, (client) => client.container.inspect({ id }));
      const { container, NetworkSettings, settings, dropped } = reply;
      const asPodman = { ...container, NetworkSettings };
      if (options.json) terminal.print(json(reply));
      else if (options.format === 'json') terminal.print(json([asPodman]));
      else if (options.format !== undefined) terminal.print(formatted(terminal, options.format, [asPodman]));
      else terminal.print(containerFacts(terminal, container, dropped, settings));
    });
}
