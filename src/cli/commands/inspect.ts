import { type Command, Option } from 'commander';
import type { ResponseOf } from '../../client.ts';
import { clientCommand } from '../command.ts';
import { containerFacts } from '../describe.ts';
import { forEach } from '../each.ts';
import { formatHelp, formatParser, formatted, templateHelp } from '../format.ts';
import type { GlobalOptions } from '../options.ts';
import { json, type Terminal } from '../terminal.ts';

interface InspectOptions extends GlobalOptions {
  format?: string;
}

type Inspected = ResponseOf<'container.inspect'>;

export function inspectCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'inspect <container...>',
    details: `With --json and --format also NetworkSettings, as podman's inspect has them. ${templateHelp}`,
    examples: [
      'netloom inspect web',
      'netloom inspect web db --format json',
      "netloom inspect --format '{{.NetworkSettings.IPAddress}}' web",
      "netloom inspect -f '{{range .NetworkSettings.Networks}}{{.MacAddress}} {{end}}' web",
      'netloom inspect web --json | jq .NetworkSettings.Ports',
    ],
  })
    .addOption(new Option('-f, --format <format>', formatHelp).argParser(formatParser))
    .action((ids: string[], _options, command: Command) => {
      const options: InspectOptions = command.optsWithGlobals();
      return forEach(terminal, options, ids, (client, id) => client.container.inspect({ id }), {
        show: (replies) => inspectText(terminal, replies, ids.length, options),
      });
    });
}

function inspectText(terminal: Terminal, replies: Inspected[], asked: number, options: InspectOptions): string {
  const { format, json: asJson } = options;
  if (asJson) return asked > 1 ? json(replies) : replies.map(json).join('');
  const asPodman = replies.map(({ container, NetworkSettings }) => ({ ...container, NetworkSettings }));
  if (format === 'json') return json(asPodman);
  if (format !== undefined) return formatted(terminal, format, asPodman);
  return replies
    .map(({ container, settings, dropped }) => containerFacts(terminal, container, dropped, settings))
    .join('\n\n');
}
