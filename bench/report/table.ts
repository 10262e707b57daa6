export interface Column {
  title: string;
  align: 'left' | 'right';
}

export const text = (title: string): Column => ({ title, align: 'left' });
export const number = (title: string): Column => ({ title, align: 'right' });

/** A table in Markdown. Throws RangeError when a row has another number of cells than there are columns. */
export function markdownTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const odd = rows.find((row) => row.length !== columns.length);
  if (odd) throw new RangeError(`a row of ${odd.length} cells in a table of ${columns.length} columns`);
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = columns.map(({ align }) => (align === 'right' ? '---:' : '---'));
  return [line(columns.map(({ title }) => title)), line(rule), ...rows.map(line)].join('\n');
}

/** Two or three significant digits: `0.12`, `12.3`, `1,234`. */
export function figure(value: number): string {
  const decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** `12.3 ×` */
export const ratio = (one: number, other: number): string => `${figure(one / other)} ×`;
