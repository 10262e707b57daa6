import type { Command } from 'commander';
import type { NetloomClient } from '../../client.ts';
import type { ContainerStatistics } from '../../core/view.ts';
import { clientCommand } from '../command.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal, table } from '../terminal.ts';

export function statsCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'stats [id...]',
    summary: "show the counters of containers' interfaces, as the containers see them",
    details: 'Without an id: of all containers that have a network now.',
    examples: ['netloom stats', 'netloom stats web db', 'netloom stats web --json'],
  }).action(async (ids: string[], _options, command: Command) => {
    const options: GlobalOptions = command.optsWithGlobals();
    const statistics = await withClient(options, (client) => statisticsOf(client, ids));
    terminal.print(options.json ? json(statistics) : statisticsTable(terminal, statistics));
  });
}

async function statisticsOf(client: NetloomClient, ids: string[]): Promise<ContainerStatistics[]> {
  if (ids.length > 0) return Promise.all(ids.map((id) => client.container.stats({ id })));
  const { containers } = await client.container.list();
  const living = containers.filter(({ netns }) => netns !== null);
  const answers = await Promise.allSettled(living.map(({ id }) => client.container.stats({ id })));
  // who went away between the list and the question is no failure
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}

function statisticsTable(terminal: Terminal, statistics: ContainerStatistics[]): string {
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

/** `0 B`, `1.5 KiB` */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}
