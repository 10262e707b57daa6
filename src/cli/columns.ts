/** How wide the columns of a table are, so that it fits where it is read. */

/** Characters of other scripts may take two places. */
export const widthOf = (text: string): number => text.replace(/[^ -~¡-ÿ…–→]/g, '  ').length;

interface Extent {
  /** of its widest cell */
  natural: number;
  /** of its longest word, which stays whole */
  least: number;
}

const gap = 2;

/**
 * Widths of the columns, without the gaps between them: as wide as their cells while all fit into `width`, else the widest give
 * way, down to their longest words. null: no column has to be wrapped. A table of long words may still be too wide.
 */
export function fittingWidths(rows: readonly (readonly string[])[], width: number): number[] | null {
  const extents = extentsOf(rows);
  const widths = extents.map(({ natural }) => natural);
  let excess = sum(widths) + gap * (widths.length - 1) - width;
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

function extentsOf(rows: readonly (readonly string[])[]): Extent[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length: columns }, (_, index) => {
    const cells = rows.map((row) => row[index] ?? '');
    const words = cells.flatMap((cell) => cell.split(/\s+/));
    return { natural: Math.max(...cells.map(widthOf)), least: Math.max(1, ...words.map(widthOf)) };
  });
}

/** Index of the widest column that may still be narrower; null: none may. */
function widestAbove(widths: readonly number[], least: readonly number[]): number | null {
  let found: number | null = null;
  for (const [index, width] of widths.entries())
    if (width > (least[index] as number) && (found === null || width > (widths[found] as number))) found = index;
  return found;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
