import type { Crowd, Phase } from '../scenarios/crowd.ts';
import type { CommandEdges } from '../scenarios/edges.ts';
import type { Startup } from '../scenarios/startup.ts';
import type { Throughput } from '../scenarios/throughput.ts';
import { figure, markdownTable, number, ratio, text } from './table.ts';

export function throughputTable(results: readonly Throughput[]): string {
  const columns = [number('clients'), number('containers per second')];
  return markdownTable(
    columns,
    results.map(({ clients, perSecond }) => [String(clients), figure(perSecond)]),
  );
}

export function crowdTable(crowd: Crowd): string {
  const processor = ({ seconds, daemonCpuSeconds, natsCpuSeconds }: Phase) =>
    `daemon ${percent(daemonCpuSeconds / seconds)}, nats-server ${percent(natsCpuSeconds / seconds)} of one processor`;
  const phases: string[][] = [
    ['all up', `${figure(crowd.up.seconds)} s`, processor(crowd.up)],
    [
      'memory when the last is up',
      `${figure(crowd.residentMiB)} MiB`,
      `daemon; nats-server ${figure(crowd.natsResidentMiB)} MiB`,
    ],
    ['memory at rest, with all of them', `${figure(crowd.restingMiB)} MiB`, 'daemon'],
    ['at rest', `${figure(crowd.idle.seconds)} s`, processor(crowd.idle)],
    ...crowd.restarts.map(({ how, servingAfterMs, settledAfterMs }) => [
      `daemon starts again after a ${how}`,
      `${figure(servingAfterMs)} ms`,
      `to its first answer; after ${figure(settledAfterMs)} ms it has looked at every container and rests`,
    ]),
    ['all down and forgotten', `${figure(crowd.down.seconds)} s`, processor(crowd.down)],
  ];
  const title = `${crowd.containers.toLocaleString('en-US')} containers, ${crowd.networks} networks with DNS`;
  return markdownTable([text(title), number(''), text('')], phases);
}

export function startupTable(results: readonly Startup[]): string {
  const times = ['p50 ms', 'p99 ms', '`node -e 0` p50 ms', '`node -e 0` p99 ms'];
  return markdownTable(
    [text('command'), ...['ratio', ...times, 'rounds'].map(number)],
    results.map(({ command, ours, bare }) => [
      `\`${command}\``,
      ratio(ours.p50Ms, bare.p50Ms),
      ...[ours.p50Ms, ours.p99Ms, bare.p50Ms, bare.p99Ms].map(figure),
      String(ours.count),
    ]),
  );
}

/** One table per command: where its time goes, with each number of containers present beside the others. */
export function edgeTables(edges: readonly CommandEdges[]): string {
  const commands = [...new Set(edges.map(({ command }) => command))];
  return commands
    .map((command) =>
      edgeTable(
        command,
        edges.filter((each) => each.command === command),
      ),
    )
    .join('\n\n');
}

function edgeTable(command: string, measured: readonly CommandEdges[]): string {
  const names = [...new Set(measured.flatMap(({ parts }) => parts.map(({ name }) => name)))];
  const columns = [
    text(`\`${command}\``),
    ...measured.flatMap(({ present }) => [number(`${present} present: µs`), number('share'), text('')]),
  ];
  const cells = (ms: number, totalMs: number) => [
    figure(ms * 1_000),
    percent(ms / totalMs),
    '█'.repeat(Math.round((ms / totalMs) * barLength)),
  ];
  const rows = names.map((name) => [
    name,
    ...measured.flatMap(({ ms, parts }) => cells(parts.find((part) => part.name === name)?.ms ?? 0, ms)),
  ]);
  const totals = ['**from the call to its answer**', ...measured.flatMap(({ ms }) => cells(ms, ms))];
  return markdownTable(columns, [...rows, totals]);
}

const barLength = 20;

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
