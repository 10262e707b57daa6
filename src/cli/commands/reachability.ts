import type { Command } from 'commander';
import type { NetloomClient } from '../../client.ts';
import { containerAddress } from '../../core/actor-address.ts';
import { resolveContainerId } from '../../core/container/reference.ts';
import { fault, NetloomError } from '../../core/fault.ts';
import type { ForeignFirewalls } from '../../core/firewall/foreign/obstacles.ts';
import type { Origin } from '../../core/reachability.ts';
import type { ContainerView, NetworkView } from '../../core/view.ts';
import { clientCommand } from '../command.ts';
import { idText, noTruncOption, type TableOptions } from '../describe.ts';
import { badInput, type GlobalOptions } from '../options.ts';
import type { Dropped } from '../reachability-text.ts';
import { withClient } from '../session.ts';
import { json, plain, type Terminal } from '../terminal.ts';

interface ReachabilityOptions extends GlobalOptions, TableOptions {
  why?: boolean;
}

export function reachabilityCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'reachability [from] [to]',
    details:
      'Computed from the networks, their options and the rules of other firewalls; nothing is sent. Shows what the network lets through, ' +
      'whether or not a program listens. Rows are clients, columns are servers; "-" means not reachable. "host" is a process on this ' +
      'host; "outside" is another machine that reaches this host and has no route to the subnets of containers. One that has a ' +
      'route through this host also reaches addresses on networks with inbound=open. With one container: all paths to it and from it; ' +
      'with two: all paths between them, each with its reason, name resolution included.',
    examples: [
      'netloom reachability',
      'netloom reachability cli srv',
      'netloom reachability outside srv',
      'netloom reachability --why',
      'netloom reachability --json | jq \'.cells[] | select(.from == "outside" and .reachable)\'',
    ],
  })
    .option('--why', 'one line per path, with the reason')
    .option(...noTruncOption)
    .action((from: string | undefined, to: string | undefined, _options, command: Command) =>
      showReachability(
        terminal,
        [from, to].flatMap((reference) => reference ?? []),
        command.optsWithGlobals(),
      ),
    );
}

/** The current state, as the daemon reports it. */
interface Found {
  networks: NetworkView[];
  containers: ContainerView[];
  firewalls: ForeignFirewalls;
  dropped: Dropped[];
}

async function showReachability(terminal: Terminal, references: string[], options: ReachabilityOptions): Promise<void> {
  mustBeDifferent(references);
  const [found, { reachability }, { nameAnswer }, text] = await Promise.all([
    withClient(options, look),
    import('../../core/reachability.ts'),
    import('../../core/name-answers.ts'),
    import('../reachability-text.ts'),
  ]);
  const { networks, containers } = found;
  const asked = references.map((reference) => originOf(containers, reference));
  const all = reachability(networks, containers, found.firewalls.drops);
  const cells = inOrder(
    asked,
    all.filter(({ from, to }) => isAsked(asked, from, containerAddress(to))),
  );
  const { firewalls, dropped } = asked.length > 0 ? concerning(asked, found) : found;
  const known = { networks, containers, firewalls: firewalls.drops };
  const names =
    asked.length > 0 ? pairsIn(cells).map(([from, to]) => nameAnswer(from, viewOf(containers, to), known)) : [];
  if (options.json) return terminal.print(json({ cells, ...(asked.length > 0 && { names }), firewalls, dropped }));
  const shown = idText(options);
  if (asked.length === 0 && !options.why) return terminal.print(text.matrix(terminal, cells, shown));
  terminal.print(text.reasons(terminal, cells, shown, names));
  if (dropped.length > 0) terminal.print(`\n${text.forgeries(terminal, dropped, shown)}`);
  for (const line of text.firewallLines(firewalls)) terminal.print(plain(line));
}

async function look(client: NetloomClient): Promise<Found> {
  const [{ networks }, { containers }, firewalls] = await Promise.all([
    client.network.list(),
    client.container.list(),
    client.firewalls(),
  ]);
  return { networks, containers, firewalls, dropped: await droppedFrames(client, networks) };
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

/** Requires a container, because paths lead to containers only. */
function mustBeDifferent(references: string[]): void {
  if (references.includes('')) throw badInput('expected a container, host or outside');
  const strangers = references.filter((reference) => reference === 'host' || reference === 'outside');
  if (strangers.length > 1) throw badInput(`${references.join(' ')}: one of them must be a container`);
}

/** Throws container.unknown, container.ambiguous, container.state. */
function originOf(containers: readonly ContainerView[], reference: string): Origin {
  if (reference === 'host' || reference === 'outside') return reference;
  const found = resolveContainerId(containers, reference.replace(/^container\//, ''));
  if (typeof found !== 'string') throw new NetloomError(found);
  const { mode, netns, state } = viewOf(containers, found);
  if (netns === null) throw refused(`container ${found} is ${state}: it has no network now`);
  if (mode === 'host') throw refused(`container ${found} has the network of this host: use host`);
  return containerAddress(found);
}

const refused = (message: string): NetloomError => new NetloomError(fault('container.state', message));

const viewOf = (containers: readonly ContainerView[], wanted: string): ContainerView =>
  containers.find(({ id }) => id === wanted) as ContainerView;

/** Selects paths: without arguments all; with one, those from and to it; with two, those between them. */
function isAsked([one, other]: readonly Origin[], from: Origin, to: Origin): boolean {
  if (one === undefined) return true;
  if (other === undefined) return from === one || to === one;
  return (from === one && to === other) || (from === other && to === one);
}

/** Puts paths from the first argument before paths to it. */
const inOrder = <Cell extends { from: Origin }>([one]: readonly Origin[], cells: readonly Cell[]): Cell[] =>
  one === undefined ? [...cells] : cells.toSorted((a, b) => Number(b.from === one) - Number(a.from === one));

/** Lists the two ends of each path once. */
function pairsIn(cells: readonly { from: Origin; to: string }[]): [from: Origin, to: string][] {
  return [...new Map(cells.map(({ from, to }) => [`${from} ${to}`, [from, to] as [Origin, string]])).values()].filter(
    ([from, to]) => from !== containerAddress(to),
  );
}

/** Selects the firewall drops on the networks of these containers, and the frames that these containers sent. */
function concerning(asked: readonly Origin[], { containers, firewalls, dropped }: Found) {
  const ids = asked.map((origin) => origin.replace(/^container\//, ''));
  const views = containers.filter(({ id }) => asked.includes(containerAddress(id)));
  const networks = new Set(views.flatMap(({ attachments }) => attachments.map(({ network }) => network)));
  const drops = firewalls.drops
    .map((drop) => ({ ...drop, stops: drop.stops.filter(({ network }) => networks.has(network)) }))
    .filter(({ stops }) => stops.length > 0);
  return { firewalls: { ...firewalls, drops }, dropped: dropped.filter(({ from }) => ids.includes(from)) };
}
