import { actorName } from '../core/actor-address.ts';
import { dropText, type ForeignFirewalls, stopsText } from '../core/firewall/foreign/obstacles.ts';
import type { TrafficCounter } from '../core/firewall/port-counters.ts';
import type { NameAnswer } from '../core/name-answers.ts';
import { hostPortText, type Origin, type ReachabilityCell } from '../core/reachability.ts';
import { type Terminal, table } from './terminal.ts';

/** Formats as text which containers reach each other. */

/** Frames with foreign addresses that bridges dropped. */
export interface Dropped extends TrafficCounter {
  from: string;
  network: string;
}

/** Returns how an ID is shown. */
export type Shown = (id: string) => string;

/**
 * Lists what foreign firewalls drop, including traffic that no cell covers: to the outside, and queries to the
 * resolver.
 */
export function firewallLines({ drops, unread }: ForeignFirewalls): string[] {
  const dropLines = drops.flatMap((drop) => [
    '',
    `${dropText(drop)}:`,
    `  ${stopsText(drop)}`,
    ...drop.remedy.map((command) => `  → ${command}`),
  ]);
  return [...dropLines, ...unread.flatMap((line) => ['', line])];
}

export function forgeries(terminal: Terminal, dropped: Dropped[], shown: Shown): string {
  return table(
    terminal,
    ['FROM', 'ON', 'FRAMES', 'BYTES', 'DROPPED BECAUSE'],
    dropped.map(({ from, network, packets, bytes }) => [
      shown(from),
      network,
      `${packets}`,
      `${bytes}`,
      'the MAC or IP address is not its own',
    ]),
  );
}

/** Formats the paths from each row to each column: `IPv4 IPv6 8080/tcp`. */
export function matrix(terminal: Terminal, cells: ReachabilityCell[], shown: Shown): string {
  const targets = distinct(cells.map(({ to }) => to));
  const rows = distinct(cells.map(({ from }) => from)).map((from) => [
    originText(from, shown),
    ...targets.map((to) => waysText(cells.filter((cell) => cell.from === from && cell.to === to))),
  ]);
  return table(terminal, ['FROM', ...targets.map(shown)], rows);
}

function waysText(cells: ReachabilityCell[]): string {
  const open = cells.filter(({ reachable }) => reachable);
  const ways = (['address', 'port'] as const).flatMap((by) => open.filter((cell) => cell.by === by).map(wayText));
  return distinct(ways).join(' ') || '-';
}

function wayText({ by, family, port }: ReachabilityCell): string {
  return by === 'address' || !port ? `IPv${family}` : hostPortText(port);
}

/** Formats one line for each path; names come last. */
export function reasons(
  terminal: Terminal,
  cells: readonly ReachabilityCell[],
  shown: Shown,
  names: readonly NameAnswer[] = [],
): string {
  const ways = cells.map((cell) => [
    originText(cell.from, shown),
    shown(cell.to),
    cell.by === 'address' ? 'address' : cell.port ? `port ${hostPortText(cell.port)}` : 'port',
    `IPv${cell.family}`,
    cell.reachable ? 'yes' : 'no',
    cell.reason,
  ]);
  const answers = names.map((answer) => [
    originText(answer.from, shown),
    shown(answer.to),
    'name',
    '',
    answer.answered ? 'yes' : 'no',
    answer.answered ? `${answer.names.map(shown).join(', ')}: ${answer.reason}` : answer.reason,
  ]);
  return table(terminal, ['FROM', 'TO', 'BY', 'FAMILY', 'REACHES', 'WHY'], [...ways, ...answers]);
}

/** Shows containers by their ID alone, unless it is ambiguous. */
function originText(origin: Origin, shown: Shown): string {
  if (origin === 'host' || origin === 'outside') return origin;
  const id = actorName(origin);
  return id === 'host' || id === 'outside' ? origin : shown(id);
}

const distinct = <Value>(values: Value[]): Value[] => [...new Set(values)];
