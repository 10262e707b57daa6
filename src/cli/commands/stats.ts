import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { NetloomClient } from '../../client.ts';
import { bytesText } from '../../core/bytes.ts';
import { faultOf } from '../../core/fault.ts';
import type { ContainerStatistics } from '../../core/view.ts';
import { clientCommand } from '../command.ts';
import { idText, noTruncOption, type TableOptions } from '../describe.ts';
import { exitCode, exitCodeOf } from '../failure.ts';
import { withLastingClient } from '../lasting-session.ts';
import { badInput, type GlobalOptions } from '../options.ts';
import { portText } from '../port-mapping.ts';
import { withClient } from '../session.ts';
import { json, type Terminal, table } from '../terminal.ts';

interface StatsOptions extends GlobalOptions, TableOptions {
  /** seconds; true: the default */
  watch?: number | true;
}

const usualSeconds = 2;

export function statsCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'stats [id...]',
    details:
      'Without an id: all containers that have a network now. Received and sent are counted from the view of the container. ' +
      'With --watch repeatedly until Ctrl-C, also after a restart of the daemon; then --json prints one line each time.',
    examples: [
      'netloom stats',
      'netloom stats web db',
      'netloom stats --watch',
      'netloom stats --watch=0.5 web',
      'netloom stats web --json',
    ],
  })
    .addOption(
      new Option('--watch [seconds]', `repeat after so many seconds; default ${usualSeconds}`).argParser(parseSeconds),
    )
    .option(...noTruncOption)
    .action(async (ids: string[], _options, command: Command) => {
      const options: StatsOptions = command.optsWithGlobals();
      if (options.watch !== undefined) return watchStatistics(terminal, ids, options);
      const statistics = await withClient(options, (client) => statisticsOf(client, ids));
      terminal.print(options.json ? json(statistics) : statisticsText(terminal, statistics, options));
    });
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || seconds < 0.1 || seconds > 86_400)
    throw badInput(
      `--watch ${text}: expected seconds from 0.1 to 86400 (put ids before it, or use --watch=${usualSeconds})`,
    );
  return seconds;
}

/** Prints statistics until Ctrl-C, the usual end of --watch; waits for a daemon that is restarted. */
async function watchStatistics(terminal: Terminal, ids: string[], options: StatsOptions): Promise<void> {
  const { watch, json: asJson } = options;
  const everyMs = (typeof watch === 'number' ? watch : usualSeconds) * 1000;
  await withLastingClient(terminal, options, async ({ client, lost, interrupted, begun }) => {
    const signal = AbortSignal.any([interrupted, lost]);
    while (!signal.aborted) {
      const statistics = await statisticsOf(client, ids);
      begun();
      terminal.print(
        asJson ? JSON.stringify(statistics) : screen(terminal, statisticsText(terminal, statistics, options)),
      );
      await delay(everyMs, undefined, { signal }).catch(() => undefined);
    }
  });
}

/** Replaces the previous output on a terminal; elsewhere separates outputs by an empty line. */
const screen = ({ colored }: Terminal, text: string): string => (colored ? `\x1b[H\x1b[2J${text}` : `${text}\n`);

async function statisticsOf(client: NetloomClient, ids: string[]): Promise<ContainerStatistics[]> {
  if (ids.length > 0) return Promise.all(ids.map((id) => client.container.stats({ id })));
  const { containers } = await client.container.list();
  const living = containers.filter(({ netns }) => netns !== null);
  const answers = await Promise.all(living.map(({ id }) => client.container.stats({ id }).catch(unlessGone)));
  return answers.flatMap((answer) => answer ?? []);
}

/** Ignores a container that was removed after the list was read, but not a daemon that went away. */
function unlessGone(error: unknown): null {
  if (exitCodeOf(faultOf(error)) === exitCode.unreachable) throw error;
  return null;
}

function statisticsText(terminal: Terminal, counted: ContainerStatistics[], options: TableOptions): string {
  const shown = idText(options);
  const statistics = counted.map((each) => ({ ...each, id: shown(each.id) }));
  const ports = portTable(terminal, statistics);
  return [interfaceTable(terminal, statistics), ...(ports === null ? [] : ['', ports])].join('\n');
}

function interfaceTable(terminal: Terminal, statistics: ContainerStatistics[]): string {
  return table(
    terminal,
    ['ID', 'INTERFACE', 'RECEIVED', 'SENT', 'PACKETS IN', 'PACKETS OUT', 'ERRORS', 'DROPPED'],
    statistics.flatMap(({ id, interfaces }) =>
      Object.entries(interfaces).map(([name, counters]) => [
        id,
        name,
        bytesText(counters.rxBytes),
        bytesText(counters.txBytes),
        counters.rxPackets,
        counters.txPackets,
        counters.rxErrors + counters.txErrors,
        counters.rxDropped + counters.txDropped,
      ]),
    ),
  );
}

/** null: no published ports */
function portTable(terminal: Terminal, statistics: ContainerStatistics[]): string | null {
  const rows = statistics.flatMap(({ id, ports }) =>
    ports.map((port) => [
      id,
      portText(port),
      bytesText(port.toContainer.bytes),
      bytesText(port.fromContainer.bytes),
      port.toContainer.packets,
      port.fromContainer.packets,
    ]),
  );
  if (rows.length === 0) return null;
  return table(terminal, ['ID', 'PORT', 'RECEIVED', 'SENT', 'PACKETS IN', 'PACKETS OUT'], rows);
}
