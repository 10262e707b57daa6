import { catalogue } from '../peers/catalogue.ts';
import type { Results } from '../results.ts';
import { crowdTable, edgeTables, startupTable, throughputTable } from './other-tables.ts';
import { pairTables } from './pair-tables.ts';
import { markdownTable, text } from './table.ts';

const begin = '<!-- bench: begin -->';
const end = '<!-- bench: end -->';

export interface Reported extends Results {
  machine: [label: string, value: string][];
  minutes: number;
}

/** Replaces everything between the markers by the results of one run. Throws when the document has no markers. */
export function withFigures(document: string, figures: string): string {
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the document has no ${begin} with an ${end} behind it`);
  return `${document.slice(0, from + begin.length)}\n\n${figures}\n\n${document.slice(to)}`;
}

export function figuresOf({ machine, minutes, neighbours, throughput, crowd, edges, startup }: Reported): string {
  const sections = [
    `## The machine\n\n${markdownTable([text(''), text('')], machine)}\n\nOne run of ${minutes.toFixed(0)} minutes.`,
    neighbours.pairs.length > 0
      ? `## One container with two published ports\n\n![medians by containers present](performance.svg)\n\n${pairTables(neighbours.pairs)}`
      : null,
    neighbours.absent.length > 0 ? `### Not measured\n\n${absentList(neighbours.absent)}` : null,
    throughput &&
      `## Several clients at once\n\nSet-up and teardown of one container after another, by each client.\n\n${throughputTable(throughput)}`,
    crowd && `## Many containers\n\n${crowdTable(crowd)}`,
    startup.length > 0 ? `## Help of the command line\n\n${startupExplained}\n\n${startupTable(startup)}` : null,
    edges.length > 0 ? `## Where the time goes\n\n${edgesExplained}\n\n${edgeTables(edges)}` : null,
  ];
  return sections.filter((section) => section !== null).join('\n\n');
}

const startupExplained = `A process from spawn to exit, in turn with \`node -e 0\`. The ratio is how many times as long netloom takes.`;

const edgesExplained = `Every moment of a command belongs to the innermost piece of work under way then. Means of the half of the calls that took
neither least nor longest, so the parts add up to the whole. \`decide\` is the state machines, \`journal\` the commits of what they decided;
names with dots are kernel steps, several of which go in one batch.`;

const absentList = (absent: Results['neighbours']['absent']): string =>
  absent
    .map(({ peer, reason }) => `- ${catalogue[peer]().name}: ${(reason.split('\n')[0] as string).trim()}`)
    .join('\n');
