import { Peers } from '../../support/peer.ts';
import type { PodmanHost } from '../host.ts';
import type { Podman } from '../newer.ts';
import type { Probes, Scenario } from '../outcome.ts';
import {
  families,
  firstPortOf,
  listened,
  type NetworkFamily,
  optionsOf,
  type PortRow,
  portRows,
  portsPerRow,
  type Question,
  questionsOf,
  titleOf,
} from '../port-rows.ts';

/**
 * Whether the container of a row starts, which port of it is reached from where (`host [::1] 8080`: `80`, or `-`), and what is left
 * of its rules when it has gone.
 */
export type RowOutcome = Record<string, string>;

/** A silence takes its full timeout: all are asked at the same time. */
const patienceMs = 3_000;

const reached: Record<NetworkFamily, Probes> = {
  'IPv4-only': {
    '-p 8080:80.outside 10.77.0.1 8080': '80',
    '-p 127.0.0.1:8080:80.host 127.0.0.1 8080': '80',
    '-p 8080:80/udp.outside 10.77.0.1 8080/udp': '80',
  },
  'IPv6-only': {
    '-p 8080:80.outside [fd77::1] 8080': '80',
    '-p [::]:8080:80.outside [fd77::1] 8080': '80',
    '-p [::]:8080:80/udp.host [fd77::1] 8080/udp': '80',
  },
  'dual-stack': {
    '-p 8080:80.outside 10.77.0.1 8080': '80',
    '-p [::]:8080:80.outside [fd77::1] 8080': '80',
    '-p 0.0.0.0:8080:80 -p [::]:8080:81.host 10.77.0.1 8080': '80',
    '-p 0.0.0.0:8080:80 -p [::]:8080:81.host [fd77::1] 8080': '81',
  },
};

/**
 * One container with the mappings of all the rows; where that does not start, and for those that podman itself may refuse or netavark
 * cannot take back, one for each row.
 */
export function publishing(family: NetworkFamily, podman: Podman, rows: readonly PortRow[] = portRows): Scenario {
  const isApart = ({ alone, stuck }: PortRow) =>
    alone || (stuck && podman === '5.4' && family !== 'IPv4-only') || false;
  return {
    title: `published ports of a container on an ${family} network`.replace('an dual', 'a dual'),
    probes: reached[family],
    async run(host) {
      await host.must(`network create ${families[family]} net`);
      const together = rows.filter((row) => !isApart(row));
      const outcome = (await outcomesOf(host, together)) ?? {};
      const apart = Object.keys(outcome).length > 0 ? rows.filter(isApart) : rows;
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
  const outcomes = await answersOf(host, rows).catch(async (error: unknown) => {
    await host.podman('rm -f -t 0 a');
    throw error;
  });
  const left = await rulesLeft(host, rows);
  return Object.fromEntries(
    rows.map((row, index) => [titleOf(row), { starts: 'yes', ...outcomes[index], left: left(row) }]),
  );
}

async function answersOf(host: PodmanHost, rows: readonly PortRow[]): Promise<RowOutcome[]> {
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
    return await Promise.all(
      rows.map(async (row): Promise<RowOutcome> => {
        const questions = questionsOf(row);
        const said = await Promise.all(questions.map((question) => ask(row, question)));
        const cells = questions.map((question, index) => {
          const answer = said[index] as string;
          return [placeOf(question), /^\d+$/.test(answer) ? answer : '-'];
        });
        return Object.fromEntries(cells);
      }),
    );
  } finally {
    await peers.end();
  }
}

/**
 * Removes the container; answers what its host's ruleset still contains about the ports of a row. Where podman fails, it is asked once more,
 * and the rules that netavark could not remove go with their table: the next row has the same addresses.
 */
async function rulesLeft(host: PodmanHost, rows: readonly PortRow[]): Promise<(row: PortRow) => string> {
  const before = await ruleset(host);
  if (rows.length > 1 && !rows.some((row) => names(before, row)))
    throw new Error(`no rule names a published port:\n${before}`);
  const { exitCode } = await host.podman('rm -f -t 0 a');
  const after = await ruleset(host);
  if (exitCode !== 0) {
    await host.podman('rm -f -t 0 a');
    await host.run('nft delete table inet netavark');
  }
  return (row) => (names(after, row) ? 'rules' : 'nothing');
}

function names(rules: string, row: PortRow): boolean {
  const ports = Array.from({ length: portsPerRow }, (_, index) => firstPortOf(row) + index);
  return ports.some((port) => new RegExp(`\\b${port}\\b`).test(rules));
}

const ruleset = (host: PodmanHost): Promise<string> => host.sh('nft list ruleset 2>/dev/null');

const placeOf = ({ from, address, protocol, at }: Question): string =>
  `${from} ${address.includes(':') ? `[${address}]` : address} ${8080 + at}${protocol === 'tcp' ? '' : `/${protocol}`}`;
