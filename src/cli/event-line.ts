import type { StreamedEvent } from '../bus/events/event-feed.ts';
import type { CloudEvent } from '../contract/cloud-event.ts';
import type { Fault } from '../core/fault.ts';
import type { NetworkDefinition } from '../core/network/definition.ts';
import type { SettingDrift } from '../core/plan/interface-settings.ts';
import type { ShownPort } from '../core/port.ts';
import type { StatusBlock } from '../core/status.ts';
import type { WayOut } from '../core/way-out.ts';
import { widthOf, wrappedLines } from './columns.ts';
import { addresses, idText, type TableOptions } from './describe.ts';
import { kindOf } from './event-filters.ts';
import { formatted } from './format.ts';
import { portText } from './port-mapping.ts';
import { paint, plain, type Style, type Terminal } from './terminal.ts';

/** What facts carry, as far as a line shows it. It comes from the wire, so nothing is relied on. */
interface Details {
  mode?: string;
  networks?: string[];
  definition?: NetworkDefinition;
  network?: string;
  names?: string[];
  interfaceName?: string;
  addresses?: string[];
  steps?: string[];
  settings?: SettingDrift[];
  /** what of the host it is about */
  what?: string;
  /** what the way out was, and is */
  before?: WayOut;
  families?: number[];
  tookMs?: number;
  netns?: { path: string } | string;
  status?: Record<string, StatusBlock>;
  ports?: ShownPort[];
  bridge?: string;
  pid?: number;
  exitCode?: number | null;
  fault?: Fault;
  file?: string;
  reason?: string;
  container?: string;
  /** events for which there was no place */
  count?: number;
  /** until when it has the addresses; null: for ever */
  expiresAt?: string | null;
}

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
    details: plain(detailsOf(event.data as Details, shown)),
    style: styles[fact] ?? 'cyan',
  };
}

/** One line: time, subject, event, and the few details that matter. */
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

/** At a terminal: beside what happened as far as there is room, then below it. */
function detailLines(details: string, columns: number, used: number): string[] {
  const lines = wrappedLines(details, columns - detailIndent, used - detailIndent);
  const [first = ''] = lines;
  return used + widthOf(first) <= columns ? lines : ['', ...wrappedLines(details, columns - detailIndent)];
}

/** P8: as CloudEvents have it, an attribute beside those of the standard is lower-case. */
export function cloudEventOf({ streamSequence, ...event }: StreamedEvent): CloudEvent & { streamsequence: number } {
  return { ...event, streamsequence: streamSequence };
}

/** One event by --format: as JSON, or by a template with podman's names. */
export function eventText(terminal: Terminal, event: StreamedEvent, format: string, options: TableOptions): string {
  const cloudEvent = cloudEventOf(event);
  if (format === 'json') return JSON.stringify(cloudEvent);
  const { noun, fact } = kindOf(event);
  const names = { Type: noun, Status: fact, Action: fact, ID: idText(options)(event.subject), Name: event.subject };
  const times = { Time: event.time, TimeNano: `${Date.parse(event.time)}000000` };
  return formatted(terminal, format, [{ ...cloudEvent, ...names, ...times, Attributes: event.data }]);
}

const styles: Record<string, Style> = {
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
  leased: 'green',
  'lease-renewed': 'green',
  'lease-unrenewed': 'yellow',
  'lease-lost': 'red',
  removed: 'magenta',
  failed: 'red',
  lost: 'red',
};

/** For drift without steps and settings: the value that was found, and the present one. */
const whatTexts = new Map<string, (data: Details & Partial<WayOut>) => string>([
  ['resolver', () => 'resolver ended and was restarted'],
  [
    'uplink',
    ({ before, link, hostIp, mtuBytes }) =>
      `uplink ${before ? `was ${wayText(before)}, ` : ''}is ${wayText({ link, hostIp, mtuBytes })}`,
  ],
]);

/** `eth0 192.0.2.9 MTU 1500` */
function wayText({ link, hostIp, mtuBytes }: Partial<WayOut>): string {
  return [link ?? 'no route to the outside', hostIp, mtuBytes && `MTU ${mtuBytes}`].filter(Boolean).join(' ');
}

function detailsOf(data: Details, shown: (id: string) => string): string {
  try {
    const known = [
      data.what && (whatTexts.get(data.what)?.(data) ?? data.what),
      data.families?.map((family) => `IPv${family}`).join(', '),
      data.mode,
      data.networks?.join(', '),
      data.network,
      data.names?.map((name) => JSON.stringify(name)).join(', '),
      data.interfaceName,
      data.addresses?.join(', '),
      data.definition?.subnets.map(({ subnet }) => subnet).join(', '),
      (data.status && addresses(data.status).join(', ')) || namespaceOf(data.netns),
      data.ports?.map(portText).join(', '),
      data.bridge,
      data.steps?.join(', '),
      data.settings?.map(({ key, found, wanted }) => `${key} was ${found}, is ${wanted}`).join(', '),
      data.tookMs !== undefined && `${Math.round(data.tookMs * 10) / 10} ms`,
      data.pid && `pid ${data.pid}`,
      typeof data.exitCode === 'number' && `exit code ${data.exitCode}`,
      data.container && shown(data.container),
      data.file,
      data.count && `${data.count} events`,
      data.reason,
      data.expiresAt && `until ${data.expiresAt}`,
      data.fault && `${data.fault.code}: ${data.fault.message}`,
    ]
      .filter(Boolean)
      .join('  ');
    // what no words are known for is not hidden
    return known === '' && Object.keys(data).length > 0 ? JSON.stringify(data) : known;
  } catch {
    return JSON.stringify(data); // from another version: shown as it is
  }
}

const namespaceOf = (netns: Details['netns']) => (typeof netns === 'object' ? netns?.path : netns);

/** `2026-01-31 12:00:00.123`, in the time of the reader */
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
