import type { StreamedEvent } from '../bus/events/event-feed.ts';
import type { CloudEvent } from '../contract/cloud-event.ts';
import type { FactName } from '../contract/name-tables.ts';
import { widthOf, wrappedLines } from './columns.ts';
import { idText, type TableOptions } from './describe.ts';
import { detailsOf } from './event-details.ts';
import { kindOf } from './event-filters.ts';
import { formatted } from './format.ts';
import { paint, plain, type Style, type Terminal } from './terminal.ts';

export interface EventParts {
  time: Date;
  /** `container/web` */
  source: string;
  /** `configured` */
  fact: string;
  /** `10.89.0.2  8080->80/tcp` */
  details: string;
  style: Style;
}

export function eventParts(event: CloudEvent, options: TableOptions = {}): EventParts {
  const shown = idText(options);
  const { noun, fact } = kindOf(event);
  return {
    time: new Date(event.time),
    source: plain(`${noun}/${shown(event.subject)}`),
    fact: plain(fact),
    details: plain(detailsOf(event, shown)),
    style: styleOf.get(fact) ?? 'cyan',
  };
}

/** Formats an event as one line: time, subject, event, and the most important details. */
export function eventLine(terminal: Terminal, event: CloudEvent, options: TableOptions = {}): string {
  const { time, source, fact, details, style } = eventParts(event, options);
  const head = [localTime(time), source.padEnd(24), fact.padEnd(12)];
  const used = head.join('  ').length + 2;
  const shownDetails = terminal.columns === undefined ? [details] : detailLines(details, terminal.columns, used);
  return [
    paint(terminal, 'dim', localTime(time)),
    source.padEnd(24),
    paint(terminal, style, fact.padEnd(12)),
    shownDetails.join(`\n${' '.repeat(detailIndent)}`),
  ]
    .join('  ')
    .trimEnd();
}

const detailIndent = 4;

/** On a terminal: details stand beside the event as far as there is room, then below it. */
function detailLines(details: string, columns: number, used: number): string[] {
  const lines = wrappedLines(details, columns - detailIndent, used - detailIndent);
  const [first = ''] = lines;
  return used + widthOf(first) <= columns ? lines : ['', ...wrappedLines(details, columns - detailIndent)];
}

/** P8: CloudEvents requires lower-case names for attributes beyond the standard ones. */
export function cloudEventOf({ streamSequence, ...event }: StreamedEvent): CloudEvent & { streamsequence: number } {
  return { ...event, streamsequence: streamSequence };
}

/** Formats an event by --format: as JSON, or by a template with podman's names. */
export function eventText(terminal: Terminal, event: StreamedEvent, format: string, options: TableOptions): string {
  const cloudEvent = cloudEventOf(event);
  if (format === 'json') return JSON.stringify(cloudEvent);
  const { noun, fact } = kindOf(event);
  const names = { Type: noun, Status: fact, Action: fact, ID: idText(options)(event.subject), Name: event.subject };
  const times = { Time: event.time, TimeNano: `${Date.parse(event.time)}000000` };
  return formatted(terminal, format, [{ ...cloudEvent, ...names, ...times, Attributes: event.data }]);
}

const styles: Partial<Record<FactName, Style>> = {
  created: 'blue',
  configured: 'green',
  running: 'green',
  adopted: 'green',
  serving: 'green',
  connected: 'green',
  published: 'green',
  'drift-healed': 'green',
  'drift-detected': 'yellow',
  degraded: 'red',
  exited: 'yellow',
  abandoned: 'yellow',
  overdue: 'yellow',
  'tearing-down': 'yellow',
  'torn-down': 'yellow',
  'port-unreachable': 'yellow',
  'definition-damaged': 'yellow',
  'names-left-out': 'yellow',
  'events-left-out': 'red',
  'journal-rebuilt': 'red',
  leased: 'green',
  'lease-renewed': 'green',
  'lease-unrenewed': 'yellow',
  'lease-lost': 'red',
  removed: 'magenta',
  failed: 'red',
  lost: 'red',
};
const styleOf = new Map<string, Style>(Object.entries(styles));

/** `2026-01-31 12:00:00.123`, in local time */
function localTime(time: Date): string {
  const two = (value: number, width = 2) => String(value).padStart(width, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${clock(time)}`;
}

/** `12:00:00.123` */
export function clock(time: Date): string {
  const two = (value: number, width = 2) => String(value).padStart(width, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${two(time.getMilliseconds(), 3)}`;
}
