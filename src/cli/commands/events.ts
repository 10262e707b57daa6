import { type Command, Option } from 'commander';
import type { NetloomClient } from '../../client.ts';
import { fault, NetloomError } from '../../core/fault.ts';
import { servedNamePattern } from '../../core/name.ts';
import { clientCommand } from '../command.ts';
import { noTruncOption, type TableOptions } from '../describe.ts';
import { eventLine } from '../event-line.ts';
import { type About, whoIsMeant } from '../event-subject.ts';
import { badInput, type GlobalOptions, nameParser } from '../options.ts';
import { withClient } from '../session.ts';
import { parseSince } from '../since.ts';
import { paint, plain, type Terminal } from '../terminal.ts';

interface EventsOptions extends GlobalOptions, TableOptions {
  follow?: boolean;
  since: string;
  container?: string;
  network?: string;
}

export function eventsCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'events',
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
      new Option('--container <container>', 'of this one only: its id, its name, or the beginning of its id').conflicts(
        'network',
      ),
    )
    .option('--network <name>', 'of this network only', nameParser('--network', 'name.invalid'))
    .option(...noTruncOption)
    .action((_options, command: Command) => showEvents(terminal, command.optsWithGlobals()));
}

async function showEvents(terminal: Terminal, options: EventsOptions): Promise<void> {
  const since = parseSince(options.since);
  const asked = aboutOf(options);
  await withClient(options, async (client) => {
    let shown = 0;
    const about = asked && (await meant(terminal, client, asked, options));
    for await (const event of client.events({ since, follow: options.follow ?? false, ...about })) {
      terminal.print(options.json ? JSON.stringify(event) : eventLine(terminal, event, options));
      shown++;
    }
    if (shown === 0 && !options.json)
      terminal.warn(paint(terminal, 'dim', `nothing happened since ${options.since}; try --since all, or --follow`));
  });
}

function aboutOf({ container, network }: EventsOptions): About | null {
  if (container) return { noun: 'container', id: container };
  return network ? { noun: 'network', id: network } : null;
}

/** Who follows may be waiting for somebody to come. */
async function meant(
  terminal: Terminal,
  client: NetloomClient,
  asked: About,
  { follow = false, json = false }: EventsOptions,
): Promise<About> {
  const found = await whoIsMeant(client, asked);
  const { noun, id } = asked;
  const note = (text: string) => json || terminal.warn(paint(terminal, 'dim', plain(text)));
  if (found !== null) {
    if (found !== id) note(`these are of ${noun} ${found}`);
    return { ...asked, id: found };
  }
  // a container that is gone has left its id in the events, and not its name
  if (!follow)
    throw new NetloomError(
      fault(`${noun}.unknown`, `no ${noun} ${id}, and no event of one${noun === 'container' ? ' with that id' : ''}`),
    );
  if (!servedNamePattern.test(id))
    throw badInput(`--${noun} ${id}: nobody of that name is there, and it can be no id`, 'id.invalid');
  note(`there is no ${noun} ${id} yet: waiting for one with that id`);
  return asked;
}
