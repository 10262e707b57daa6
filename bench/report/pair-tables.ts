import { catalogue, type PeerKey } from '../peers/catalogue.ts';
import type { PairResult } from '../scenarios/pairs.ts';
import type { Summary } from '../statistics.ts';
import { figure, markdownTable, number, ratio, text } from './table.ts';

type What = 'setup' | 'teardown';

const titles: Record<What, string> = { setup: 'Set-up', teardown: 'Teardown' };

/** Peers that are nearer to the kernel than netloom: there the ratio is netloom's time as a multiple of theirs. */
const below: readonly PeerKey[] = ['floor'];
const anotherBuild: readonly PeerKey[] = ['netloom-beside'];
const unguarded: readonly PeerKey[] = ['netloom-spoofing'];

/** Sections in Markdown: netloom beside the floor, netloom beside the others, and the door beside those that it replaces. */
export function pairTables(pairs: readonly PairResult[]): string {
  const ours = pairs.filter(({ one }) => one === 'netloom');
  const sections = (['setup', 'teardown'] as const).flatMap((what) => [
    section(
      `### ${titles[what]} beside the kernel's floor`,
      'The ratio is how many times as long netloom takes.',
      ours.filter(({ other }) => below.includes(other)),
      what,
      (one, other) => ratio(one.p50Ms, other.p50Ms),
    ),
    section(
      `### ${titles[what]} beside others`,
      'The ratio is how many times as long the other takes.',
      ours.filter(({ other }) => !below.includes(other) && ![...anotherBuild, ...unguarded].includes(other)),
      what,
      (one, other) => ratio(other.p50Ms, one.p50Ms),
    ),
    section(
      `### ${titles[what]} beside another build of netloom`,
      'The ratio is how many times as long this build takes.',
      ours.filter(({ other }) => anotherBuild.includes(other)),
      what,
      (one, other) => ratio(one.p50Ms, other.p50Ms),
    ),
    section(
      `### ${titles[what]} through the netavark door`,
      'Both are processes, from spawn to exit. The ratio is how many times as long the real one takes.',
      pairs.filter(({ one }) => one === 'door'),
      what,
      (one, other) => ratio(other.p50Ms, one.p50Ms),
    ),
  ]);
  return [...sections, guardsTable(pairs)].filter((each) => each !== null).join('\n\n');
}

const guardsExplained = `Settings are those of the interfaces inside (router advertisements, duplicate address detection, reverse path): the
kernel's price, the floor with them less the floor without. What holds a veth to its addresses is elements of a table: netloom less netloom
with \`spoofing=allow\`. The share is that of both in a set-up by netloom.`;

/** The additional cost of a set-up since its interfaces are guarded. */
function guardsTable(pairs: readonly PairResult[]): string | null {
  const columns = [number('present'), number('settings µs'), number('elements µs'), number('both'), number('rounds')];
  const rows = pairs
    .filter(({ other }) => other === 'netloom-spoofing')
    .flatMap(({ present, setup: held }) => {
      const floors = pairs.find((pair) => pair.other === 'floor-bare' && pair.present === present)?.setup;
      if (!floors) return [];
      const settingsMs = floors.one.p50Ms - floors.other.p50Ms;
      const elementsMs = held.one.p50Ms - held.other.p50Ms;
      const part = (settingsMs + elementsMs) / held.one.p50Ms;
      const share = part > 0 ? `${(100 * part).toFixed(1)} %` : 'within the noise';
      return [[String(present), micros(settingsMs), micros(elementsMs), share, String(held.one.count)]];
    });
  if (rows.length === 0) return null;
  return `### What guards an interface, within a set-up\n\n${guardsExplained}\n\n${markdownTable(columns, rows)}`;
}

const micros = (ms: number): string => (1_000 * ms).toFixed(0);

function section(
  title: string,
  explanation: string,
  pairs: readonly PairResult[],
  what: What,
  ratioOf: (one: Summary, other: Summary) => string,
): string | null {
  const [first] = pairs;
  if (!first) return null;
  const ours = first.one === 'door' ? 'door' : 'netloom';
  const columns = [
    number('present'),
    text('beside'),
    number('ratio'),
    number(`${ours} p50 ms`),
    number(`${ours} p99 ms`),
    number('other p50 ms'),
    number('other p99 ms'),
    number('rounds'),
  ];
  const rows = pairs.map(({ present, other: key, [what]: { one, other } }) => [
    String(present),
    catalogue[key]().name,
    ratioOf(one, other),
    ...[one.p50Ms, one.p99Ms, other.p50Ms, other.p99Ms].map(figure),
    String(one.count),
  ]);
  return `${title}\n\n${explanation}\n\n${markdownTable(columns, rows)}`;
}
