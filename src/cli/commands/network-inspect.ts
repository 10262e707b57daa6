import { type Command, Option } from 'commander';
import type { ResponseOf } from '../../client.ts';
import { clientCommand } from '../command.ts';
import { networkFacts } from '../describe.ts';
import { forEach } from '../each.ts';
import { podmanFailure } from '../failure.ts';
import { formatHelp, formatParser, formatted, templateHelp } from '../format.ts';
import type { GlobalOptions } from '../options.ts';
import { json, type Terminal } from '../terminal.ts';

interface InspectOptions extends GlobalOptions {
  format?: string;
}

type Inspected = ResponseOf<'network.inspect'>;

export function networkInspectCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'inspect <network...>',
    details: `Takes names, ids, or the beginning of an id. --format facts is for people. ${templateHelp}`,
    examples: [
      'netloom network inspect web',
      'netloom network inspect web --format facts',
      "netloom network inspect -f '{{range .Subnets}}{{.Gateway}} {{end}}' web db",
      'netloom network inspect web --json | jq .network.leases',
    ],
  })
    .addOption(new Option('-f, --format <format>', `facts, ${formatHelp}`).argParser(formatParser))
    .action((names: string[], _options, command: Command) => {
      const options: InspectOptions = command.optsWithGlobals();
      return forEach(terminal, options, names, (client, name) => client.network.inspect({ name }), {
        exitCodeFor: () => podmanFailure,
        show: (replies) => inspectText(terminal, replies, names.length, options),
      });
    });
}

function inspectText(
  terminal: Terminal,
  replies: Inspected[],
  asked: number,
  { format, json: asJson }: InspectOptions,
): string {
  if (asJson) return asked > 1 ? json(replies) : replies.map(json).join('');
  const networks = replies.map(({ network }) => network);
  if (format === undefined || format === 'json') return JSON.stringify(networks, null, 5);
  if (format === 'facts')
    return replies
      .map(({ network, dropped, settings }) => networkFacts(terminal, network, dropped, settings))
      .join('\n\n');
  return formatted(terminal, format, networks);
}
