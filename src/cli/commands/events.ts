import { type Command, Option } from 'commander';
import type { EventOptions } from '../../client.ts';
import { clientCommand } from '../command.ts';
import { eventLine } from '../event-line.ts';
import { type GlobalOptions, tokenParser } from '../options.ts';
import { withClient } from '../session.ts';
import { parseSince } from '../since.ts';
import { paint, type Terminal } from '../terminal.ts';

interface EventsOptions extends GlobalOptions {
  follow?: boolean;
  since: string;
  container?: string;
  network?: string;
}

export function eventsCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'events',
    summary: 'show what happened, and with --follow what happens',
    details:
      'Reads the event stream, which outlives the daemon. With --json one CloudEvent a line, with its streamSequence: ' +
      'go on after the last one that you have seen by --since <streamSequence + 1>.',
    examples: [
      'netloom events --follow',
      'netloom events --since 2h --network web',
      'netloom events --container web --since all',
      'netloom events --follow --json | jq --unbuffered -r .type',
    ],
  })
    .option('-f, --follow', 'go on with what happens from now on')
    .option('--since <when>', 'a duration (10m), a time (2026-01-31T12:00:00Z), a sequence, or all', '10m')
    .addOption(
      new Option('--container <id>', 'of this container only')
        .argParser(tokenParser('--container', 'id.invalid'))
        .conflicts('network'),
    )
    .option('--network <name>', 'of this network only', tokenParser('--network', 'name.invalid'))
    .action((_options, command: Command) => showEvents(terminal, command.optsWithGlobals()));
}

async function showEvents(terminal: Terminal, options: EventsOptions): Promise<void> {
  const wanted = eventOptions(options);
  await withClient(options, async (client) => {
    let shown = 0;
    for await (const event of client.events(wanted)) {
      terminal.print(options.json ? JSON.stringify(event) : eventLine(terminal, event));
      shown++;
    }
    if (shown === 0 && !options.json)
      terminal.warn(paint(terminal, 'dim', `nothing happened since ${options.since}; try --since all, or --follow`));
  });
}

function eventOptions({ container, network, since, follow = false }: EventsOptions): EventOptions {
  const about = container ? ({ noun: 'container', id: container } as const) : null;
  const aboutNetwork = network ? ({ noun: 'network', id: network } as const) : null;
  return { since: parseSince(since), follow, ...about, ...aboutNetwork };
}
