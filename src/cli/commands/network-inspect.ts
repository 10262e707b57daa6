import { type Command, Option } from 'commander';
import type { ResponseOf } from '../../client.ts';
import { clientCommand } from '../command.ts';
import { networkFacts } from '../describe.ts';
import { EndWith, podmanFailure, reportFailure } from '../failure.ts';
import { formatHelp, formatted, templateHelp } from '../format.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

interface InspectOptions extends GlobalOptions {
  format?: string;
}

type Inspected = ResponseOf<'network.inspect'>;

export function networkInspectCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'inspect <network...>',
    details: `Networks are named by name, id, or the beginning of an id. --format facts is for people's eyes. ${templateHelp}`,
    examples: [
      'netloom network inspect web',
      'netloom network inspect web --format facts',
      "netloom network inspect -f '{{range .Subnets}}{{.Gateway}} {{end}}' web db",
      'netloom network inspect web --json | jq .network.leases',
    ],
  })
    .addOption(new Option('-f, --format <format>', `facts, ${formatHelp}`))
    .action(async (names: string[], _options, command: Command) => {
      const options: InspectOptions = command.optsWithGlobals();
      const { replies, failures } = await inspectAll(terminal, options, names);
      const text = inspectText(terminal, replies, names.length, options);
      if (text !== '') terminal.print(text);
      if (failures[0] !== undefined) throw new EndWith(failures[0]);
    });
}

/** One that is unknown does not keep the others; each refusal is told. */
async function inspectAll(terminal: Terminal, options: InspectOptions, names: string[]) {
  const replies: Inspected[] = [];
  const failures: number[] = [];
  await withClient(options, async (client) => {
    for (const name of names)
      try {
        replies.push(await client.network.inspect({ name }));
      } catch (error) {
        reportFailure(terminal, error, options.json ?? false);
        failures.push(podmanFailure);
      }
  });
  return { replies, failures };
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
