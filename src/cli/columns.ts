/** Computes the widths of a table's columns, so that it fits its output. */

/** Characters of other scripts may take two places. */
export const widthOf = (text: string): number => text.replace(/[^ -~¡-ÿ…–→]/g, '  ').length;

interface Extent {
  /** width of its widest cell */
  natural: number;
  /** width of its longest word, which is not broken */
  least: number;
}

const gap = 2;

/**
 * Computes the widths of the columns, without the gaps between them. Columns are as wide as their cells if all fit into
 * `width`; otherwise the widest ones shrink, down to their longest words, so a table of long words may still be too
 * wide. null: no column has to be wrapped. `unbroken`: index of a column whose cells stay on one line.
 */
export function fittingWidths(
  rows: readonly (readonly string[])[],
  width: number,
  unbroken: number | null = null,
): number[] | null {
  const extents = extentsOf(rows, unbroken);
  const widths = extents.map(({ natural }) => natural);
  let excess = widthOfAll(widths) - width;
  if (excess <= 0) return null;
  for (; excess > 0; excess--) {
    const widest = widestAbove(
      widths,
      extents.map(({ least }) => least),
    );
    if (widest === null) break;
    widths[widest] = (widths[widest] as number) - 1;
  }
  return widths;
}

function extentsOf(rows: readonly (readonly string[])[], unbroken: number | null): Extent[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length: columns }, (_, index) => {
    const cells = rows.map((row) => row[index] ?? '');
    const words = index === unbroken ? cells : cells.flatMap((cell) => cell.split(/\s+/));
    return { natural: Math.max(...cells.map(widthOf)), least: Math.max(1, ...words.map(widthOf)) };
  });
}

/** Returns the index of the widest column that can still shrink; null: none can. */
function widestAbove(widths: readonly number[], least: readonly number[]): number | null {
  let found: number | null = null;
  for (const [index, width] of widths.entries())
    if (width > (least[index] as number) && (found === null || width > (widths[found] as number))) found = index;
  return found;
}

/** Returns the width of a table with these column widths and the gaps between them. */
export const widthOfAll = (widths: readonly number[]): number => sum(widths) + gap * (widths.length - 1);

/** Breaks longer words into pieces, so that they can be wrapped. */
export function inPieces(cell: string, most: number): string {
  return cell.replaceAll(/\S+/g, (word) =>
    widthOf(word) <= most ? word : [...(word.match(new RegExp(`.{1,${most}}`, 'gu')) ?? [])].join(' '),
  );
}

/**
 * Wraps a text at words into lines of at most `width`; the first begins after `used` columns. Keeps words, and gaps in
 * a line.
 */
export function wrappedLines(text: string, width: number, used = 0): string[] {
  const lines: string[] = [];
  let line: string | null = null;
  let room = width - used;
  for (const word of text.split(' ')) {
    if (line === null) line = word;
    else if (widthOf(line) + 1 + widthOf(word) <= room) line += ` ${word}`;
    else {
      lines.push(line.trimEnd());
      room = width;
      // a line does not begin with a gap
      line = word === '' ? null : word;
    }
  }
  return line === null ? lines : [...lines, line];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
