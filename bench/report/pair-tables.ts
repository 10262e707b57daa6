import { catalogue, type PeerKey } from '../peers/catalogue.ts';
import type { PairResult } from '../scenarios/pairs.ts';
import type { Summary } from '../statistics.ts';
import { figure, markdownTable, number, ratio, text } from './table.ts';

type What = 'setup' | 'teardown';

const titles: Record<What, string> = { setup: 'Set-up', teardown: 'Teardown' };

/** What is nearer to the kernel than we are: there the ratio is how many times as long we take. */
const below: readonly PeerKey[] = ['floor'];
const anotherBuild: readonly PeerKey[] = ['netloom-beside'];

/** Sections in Markdown: ours beside the floor, ours beside the others, and the door beside those in whose place it stands. */
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
      ours.filter(({ other }) => !below.includes(other) && !anotherBuild.includes(other)),
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
  return sections.filter((each) => each !== null).join('\n\n');
}

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
