import { type Command, Option } from 'commander';
import type { NetloomClient, StreamedEvent } from '../../client.ts';
import { fault, NetloomError } from '../../core/fault.ts';
import { servedNamePattern } from '../../core/name-rules.ts';
import { clientCommand } from '../command.ts';
import { noTruncOption, type TableOptions } from '../describe.ts';
import { aboutOf, eventFilters, subscriptionOf, typeFilter } from '../event-filters.ts';
import { eventLine, eventText } from '../event-line.ts';
import { type About, findSubject } from '../event-subject.ts';
import type { Filter } from '../filters.ts';
import { lineFormatParser, templateHelp } from '../format.ts';
import { type Connection, withLastingClient } from '../lasting-session.ts';
import { badInput, collect, filledParser, type GlobalOptions, nameParser } from '../options.ts';
import { withClient } from '../session.ts';
import { parseSince, parseUntil, whenHelp, whenOrAllHelp } from '../since.ts';
import { paint, plain, type Terminal } from '../terminal.ts';

interface EventsOptions extends GlobalOptions, TableOptions {
  follow?: boolean;
  since?: string;
  until?: string;
  container?: string;
  network?: string;
  filter?: Filter[];
  type?: Filter[];
  format?: string;
}

export function eventsCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'events',
    details:
      'Reads the event stream, which outlives the daemon; --follow continues after a restart of the daemon. ' +
      'A time without a zone is local time. With --json one CloudEvent ' +
      'per line, with its streamsequence: continue after the last event that you have seen with --since <streamsequence + 1>. ' +
      `Filters with one name are alternatives; different ones must all match. Template fields: .Time, .Type, .Status, .ID, .Attributes. ${templateHelp}`,
    examples: [
      'netloom events --follow',
      'netloom events --since 2h --until 1h --network web',
      'netloom events --container web --since all',
      'netloom events --type container --filter event=failed --filter event=exited',
      "netloom events --follow --format '{{.Time}} {{.ID}} {{.Status}}'",
      'netloom events --follow --json | jq --unbuffered -r .type',
    ],
  })
    .option('-f, --follow', 'continue with new events')
    .option('--since <when>', `first event: ${whenOrAllHelp} (default: 10m; with --until: all)`)
    .option('--until <when>', `last event: ${whenHelp}`)
    .addOption(
      new Option('--container <container>', 'only this container: its id, its name, or the beginning of its id')
        .argParser(filledParser('--container'))
        .conflicts('network'),
    )
    .option('--network <name>', 'only this network', nameParser('--network', 'name.invalid'))
    .addOption(
      new Option('--filter <filter>', `only those: ${eventFilters.help}`).argParser(collect(eventFilters.parse)),
    )
    .addOption(new Option('--type <kind>', 'container, network or node').argParser(collect(typeFilter)))
    .addOption(
      new Option('--format <format>', "json, or a Go template such as '{{.ID}} {{.Status}}'").argParser(
        lineFormatParser,
      ),
    )
    .option(...noTruncOption)
    .action((_options, command: Command) => showEvents(terminal, command.optsWithGlobals()));
}

/** Where events begin and end. */
interface Span {
  since: Date | number | 'all';
  until: Date | number | null;
}

async function showEvents(terminal: Terminal, options: EventsOptions): Promise<void> {
  const span = spanOf(options);
  const asked = filtersOf(options);
  const show = (event: StreamedEvent) => terminal.print(textOf(terminal, event, options));
  if (options.follow) return followEvents(terminal, options, { span, asked, show });
  const shown = await withClient(options, async (client) => {
    const filters = await meant(terminal, client, asked, options);
    let count = 0;
    for await (const event of client.events({ since: span.since, follow: false, ...subscriptionOf(filters) })) {
      if (isAfter(event, span.until) || !eventFilters.match(event, filters)) continue;
      show(event);
      count++;
    }
    return count;
  });
  if (shown === 0 && !options.json && options.format === undefined)
    note(terminal, options, noneText(options, span, asked));
}

/** Reports which part of the stream was read, and how to see more of it. */
function noneText(options: EventsOptions, { since, until }: Span, asked: readonly Filter[]): string {
  const what = asked.length > 0 ? 'no matching events' : 'no events';
  const from = since === 'all' ? '' : ` since ${sinceOf(options)}`;
  const to = until === null ? '' : ` until ${options.until}`;
  const more = [...(since === 'all' ? [] : ['--since all']), ...(until === null ? ['--follow'] : [])];
  return `${what}${from}${to}${more.length > 0 ? `; try ${more.join(' or ')}` : ''}`;
}

interface Followed {
  span: Span;
  asked: Filter[];
  show(event: StreamedEvent): void;
}

/**
 * Follows events. The position in the stream is kept across connections, so a restart of the daemon neither repeats nor
 * loses events.
 */
async function followEvents(
  terminal: Terminal,
  options: EventsOptions,
  { span, asked, show }: Followed,
): Promise<void> {
  const end = endAt(span.until);
  let filters: Filter[] | null = null;
  let { since } = span;
  let stream: string | undefined;
  const onReplaced = () => note(terminal, options, 'the event store was replaced: its events follow from the first');
  await withLastingClient(terminal, options, async ({ client, lost, interrupted, begun }: Connection) => {
    filters ??= await meant(terminal, client, asked, options);
    const signal = AbortSignal.any([lost, interrupted, end]);
    const feed = client.events({ since, stream, follow: true, signal, onReplaced, ...subscriptionOf(filters) });
    await feed.ready;
    stream = feed.stream ?? undefined;
    begun();
    for await (const event of feed) {
      if (typeof span.until === 'number' && isAfter(event, span.until)) return;
      since = event.streamSequence + 1;
      stream = feed.stream ?? undefined;
      if (!isAfter(event, span.until) && eventFilters.match(event, filters)) show(event);
      if (event.streamSequence === span.until) return;
    }
  });
}

function spanOf(options: EventsOptions): Span {
  const [from, to] = [sinceOf(options), options.until];
  const [since, until] = [parseSince(from), to === undefined ? null : parseUntil(to)];
  if (options.follow && until instanceof Date && until.getTime() <= Date.now())
    throw badInput(`--until ${to}: is in the past, so there is nothing to follow; leave out --follow`);
  if (until !== null && typeof since === typeof until && since > until)
    throw badInput(`--until ${to}: is before --since ${from}`);
  return { since, until };
}

/** With --until alone, events begin with the oldest one: the time may be long ago. */
const sinceOf = ({ since, until }: EventsOptions): string => since ?? (until === undefined ? '10m' : 'all');

function isAfter({ time, streamSequence }: StreamedEvent, until: Span['until']): boolean {
  if (until === null) return false;
  return typeof until === 'number' ? streamSequence > until : Date.parse(time) > until.getTime();
}

/** the limit of setTimeout */
const longestTimerMs = 2 ** 31 - 1;

function endAt(until: Span['until']): AbortSignal {
  if (!(until instanceof Date)) return new AbortController().signal;
  const leftMs = Math.max(0, until.getTime() - Date.now());
  return leftMs > longestTimerMs ? new AbortController().signal : AbortSignal.timeout(leftMs);
}

function filtersOf({ filter = [], type = [], container, network }: EventsOptions): Filter[] {
  return [
    ...filter,
    ...type,
    ...(container === undefined ? [] : [{ name: 'container', value: container }]),
    ...(network === undefined ? [] : [{ name: 'network', value: network }]),
  ];
}

function textOf(terminal: Terminal, event: StreamedEvent, options: EventsOptions): string {
  const format = options.json ? 'json' : options.format;
  return format === undefined ? eventLine(terminal, event, options) : eventText(terminal, event, format, options);
}

/** Replaces names by IDs, which are in the stream. */
async function meant(
  terminal: Terminal,
  client: NetloomClient,
  filters: readonly Filter[],
  options: EventsOptions,
): Promise<Filter[]> {
  const found: Filter[] = [];
  for (const filter of filters) {
    const about = aboutOf(filter);
    found.push(about ? { ...filter, value: await idOf(terminal, client, about, options) } : filter);
  }
  return found;
}

/** Finds the ID of a subject, which with --follow may be created later. */
async function idOf(terminal: Terminal, client: NetloomClient, asked: About, options: EventsOptions): Promise<string> {
  const found = await findSubject(client, asked);
  const { noun, id } = asked;
  if (found !== null) {
    if (found !== id) note(terminal, options, `showing events of ${noun} ${found}`);
    return found;
  }
  // events of a removed container have its ID, not its name
  if (!options.follow)
    throw new NetloomError(
      fault(
        `${noun}.unknown`,
        `no ${noun} ${id}, and no events of a ${noun} with that ${noun === 'container' ? 'id' : 'name'}`,
      ),
    );
  if (!servedNamePattern.test(id))
    throw badInput(`--${noun} ${id}: no container has that name, and it is not a valid id`, 'id.invalid');
  note(terminal, options, `there is no ${noun} ${id} yet: waiting for one with that id`);
  return id;
}

function note(terminal: Terminal, { json = false }: EventsOptions, text: string): void {
  if (!json) terminal.warn(paint(terminal, 'dim', plain(text)));
}
