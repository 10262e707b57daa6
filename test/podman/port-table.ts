import type { Engine } from './host.ts';
import type { Outcome } from './outcome.ts';
import type { RowOutcome } from './scenarios/published.ts';

const columns = [
  'host 127.0.0.1',
  'host 10.77.0.1',
  'host [::1]',
  'host [fd77::1]',
  'outside 10.77.0.1',
  'outside [fd77::1]',
];

/** By network family and engine, as Markdown: which port of the container is reached, the two engines side by side where they differ. */
export function portTable(podman: string, seen: Record<string, Partial<Record<Engine, Outcome>>>): string {
  const lines = Object.entries(seen).flatMap(([family, { netavark = {}, netloom = {} }]) =>
    Object.keys({ ...netavark, ...netloom }).map((title) => {
      const [its, ours] = [netavark, netloom].map((outcome) => (outcome[title] ?? {}) as RowOutcome);
      const cells = ['starts', ...columns, 'left'].map((column) => beside(cell(its, column), cell(ours, column)));
      return `| ${[family, `\`${title}\``, ...cells].join(' | ')} |`;
    }),
  );
  const head = ['network', 'mappings', 'starts', ...columns, 'left'];
  return [
    `podman (${podman}): ${lines.length} rows; a cell with two values is netavark's, then netloom's`,
    `| ${head.join(' | ')} |`,
    `|${' --- |'.repeat(head.length)}`,
    ...lines,
  ].join('\n');
}

/** `80`; of several host ports `8000, 8002, -`. */
function cell(outcome: RowOutcome | undefined, column: string): string {
  const places = Object.entries(outcome ?? {}).filter(([place]) => place === column || place.startsWith(`${column} `));
  return places.map(([, reached]) => reached).join(', ');
}

const beside = (its: string, ours: string): string => (its === ours ? its : `**${its || '?'} / ${ours || '?'}**`);
