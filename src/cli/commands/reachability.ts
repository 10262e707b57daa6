import type { Command } from 'commander';
import type { NetloomClient } from '../../client.ts';
import { dropText, type ForeignFirewalls, stopsText } from '../../core/firewall/obstacles.ts';
import type { TrafficCounter } from '../../core/nft.ts';
import { hostPortText, type Origin, type ReachabilityCell, reachability } from '../../core/reachability.ts';
import type { NetworkView } from '../../core/view.ts';
import { clientCommand } from '../command.ts';
import { idText, noTruncOption, type TableOptions } from '../describe.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, plain, type Terminal, table } from '../terminal.ts';

interface ReachabilityOptions extends GlobalOptions, TableOptions {
  why?: boolean;
}

export function reachabilityCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'reachability',
    details:
      'Read off the networks, their options and the rules of other firewalls, nothing is sent: what the network lets through, ' +
      'whether or not anybody listens. A row for who asks, a column for who is asked; "-" is not at all. "host" is a process on this ' +
      'host; "outside" is another machine that reaches this host and has no route to the subnets of containers. One that has a ' +
      'route through this host also reaches addresses on networks with inbound=open.',
    examples: [
      'netloom reachability',
      'netloom reachability --why',
      'netloom reachability --json | jq \'.cells[] | select(.from == "outside" and .reachable)\'',
    ],
  })
    .option('--why', 'one line for each way, with the reason')
    .option(...noTruncOption)
    .action(async (_options, command: Command) => {
      const options: ReachabilityOptions = command.optsWithGlobals();
      const { cells, firewalls, dropped } = await withClient(options, async (client) => {
        const [{ networks }, { containers }, firewalls] = await Promise.all([
          client.network.list(),
          client.container.list(),
          client.firewalls(),
        ]);
        const dropped = await droppedFrames(client, networks);
        return { cells: reachability(networks, containers, firewalls.drops), firewalls, dropped };
      });
      if (options.json) return terminal.print(json({ cells, firewalls, dropped }));
      const shown = idText(options);
      if (!options.why) return terminal.print(matrix(terminal, cells, shown));
      terminal.print(reasons(terminal, cells, shown));
      if (dropped.length > 0) terminal.print(`\n${forgeries(terminal, dropped, shown)}`);
      for (const line of firewallLines(firewalls)) terminal.print(plain(line));
    });
}

/** Also what no cell is about: the way outside, and questions to the resolver. */
function firewallLines({ drops, unread }: ForeignFirewalls): string[] {
  const told = drops.flatMap((drop) => [
    '',
    `${dropText(drop)}:`,
    `  ${stopsText(drop)}`,
    ...drop.remedy.map((command) => `  → ${command}`),
  ]);
  return [...told, ...unread.flatMap((line) => ['', line])];
}

/** What containers sent with addresses that are not theirs, and bridges dropped. */
interface Dropped extends TrafficCounter {
  from: string;
  network: string;
}

async function droppedFrames(client: NetloomClient, networks: NetworkView[]): Promise<Dropped[]> {
  const inspected = await Promise.all(
    networks.filter(({ driver }) => driver === 'bridge').map(({ name }) => client.network.inspect({ name })),
  );
  return inspected.flatMap(({ network, dropped }) =>
    Object.entries(dropped)
      .filter(([, { packets }]) => packets > 0)
      .map(([id, counter]) => ({ from: id, network: network.name, ...counter })),
  );
}

function forgeries(terminal: Terminal, dropped: Dropped[], shown: Shown): string {
  return table(
    terminal,
    ['FROM', 'ON', 'FRAMES', 'BYTES', 'NOT TAKEN, FOR'],
    dropped.map(({ from, network, packets, bytes }) => [
      shown(from),
      network,
      `${packets}`,
      `${bytes}`,
      'another MAC or address than its own',
    ]),
  );
}

/** How an id is shown. */
type Shown = (id: string) => string;

/** `IPv4 IPv6 8080/tcp` where these are the ways that lead there. */
function matrix(terminal: Terminal, cells: ReachabilityCell[], shown: Shown): string {
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

function reasons(terminal: Terminal, cells: ReachabilityCell[], shown: Shown): string {
  return table(
    terminal,
    ['FROM', 'TO', 'BY', 'FAMILY', 'REACHES', 'WHY'],
    cells.map((cell) => [
      originText(cell.from, shown),
      shown(cell.to),
      cell.by === 'address' ? 'address' : cell.port ? `port ${hostPortText(cell.port)}` : 'port',
      `IPv${cell.family}`,
      cell.reachable ? 'yes' : 'no',
      cell.reason,
    ]),
  );
}

/** Containers by their id alone, unless that could be mistaken. */
function originText(origin: Origin, shown: Shown): string {
  const id = origin.replace(/^container\//, '');
  return id === 'host' || id === 'outside' ? origin : shown(id);
}

const distinct = <Value>(values: Value[]): Value[] => [...new Set(values)];
