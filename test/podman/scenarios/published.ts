import { Peers } from '../../support/peer.ts';
import type { PodmanHost } from '../host.ts';
import type { Scenario } from '../outcome.ts';
import {
  families,
  firstPortOf,
  listened,
  type NetworkFamily,
  optionsOf,
  type PortRow,
  portRows,
  type Question,
  questionsOf,
  titleOf,
} from '../port-rows.ts';

/** Whether the container of a row starts, and which port of it is reached from where: `host [::1] 8080`: `80`, or `-`. */
export type RowOutcome = Record<string, string>;

/** A silence is known at the end of it: all is asked at the same time. */
const patienceMs = 3_000;

/**
 * One container with the mappings of all the rows; where that does not start, and for those that podman itself may refuse, one for
 * each row.
 */
export function publishing(family: NetworkFamily, rows: readonly PortRow[] = portRows): Scenario {
  return {
    title: `published ports of a container on an ${family} network`.replace('an dual', 'a dual'),
    async run(host) {
      await host.must(`network create ${families[family]} net`);
      const together = rows.filter(({ alone }) => !alone);
      const outcome = (await outcomesOf(host, together)) ?? {};
      const apart = Object.keys(outcome).length > 0 ? rows.filter(({ alone }) => alone) : rows;
      for (const row of apart)
        Object.assign(outcome, (await outcomesOf(host, [row])) ?? { [titleOf(row)]: { starts: 'no' } });
      return outcome;
    },
  };
}

/** null: the container does not start. */
async function outcomesOf(host: PodmanHost, rows: readonly PortRow[]): Promise<Record<string, RowOutcome> | null> {
  const { exitCode, stderr } = await host.tryStart('a', `--network net ${rows.map(optionsOf).join(' ')}`, 'sleep 600');
  if (exitCode !== 0) {
    if (process.env.PODMAN_OUTCOMES) console.log(host.engine, rows.map(titleOf).join(', '), stderr);
    await host.podman('rm -f -t 0 a');
    return null;
  }
  const peers = new Peers();
  try {
    const container = peers.in(await host.netnsOf('a'), 'a');
    const askers = { host: peers.in(host.netns, 'host'), outside: peers.in(host.outsideNetns, 'outside') };
    await Promise.all(listened.flatMap((port) => [container.serve('tcp', port), container.serve('udp', port)]));
    const ask = async (row: PortRow, { from, address, protocol, at }: Question) =>
      (await askers[from].reach(protocol, address, firstPortOf(row) + at, patienceMs)).replace(
        /^a:(\d+) sees .*$/,
        '$1',
      );
    const outcomes = await Promise.all(
      rows.map(async (row): Promise<[string, RowOutcome]> => {
        const questions = questionsOf(row);
        const said = await Promise.all(questions.map((question) => ask(row, question)));
        const reached = said.map((text) => (/^\d+$/.test(text) ? (row.contradictory ? 'some' : text) : '-'));
        const cells = questions.map((question, index) => [placeOf(question), reached[index] as string]);
        return [titleOf(row), { starts: 'yes', ...Object.fromEntries(cells) }];
      }),
    );
    return Object.fromEntries(outcomes);
  } finally {
    await peers.end();
    await host.must('rm -f -t 0 a');
  }
}

const placeOf = ({ from, address, protocol, at }: Question): string =>
  `${from} ${address.includes(':') ? `[${address}]` : address} ${8080 + at}${protocol === 'tcp' ? '' : `/${protocol}`}`;
