import { createRequire } from 'node:module';
import type { Table, TableConstructorOptions } from 'cli-table3';
import { fittingWidths, inPieces, widthOfAll, wrappedLines } from './columns.ts';

const require = createRequire(import.meta.url);

/** Output of a command: answers go to stdout, everything else to stderr. */
export interface Terminal {
  /** prints a line on stdout */
  print(text: string): void;
  /** prints a line on stderr */
  warn(text: string): void;
  /** whether stdout is a terminal with colours */
  readonly colored: boolean;
  /** width of stdout; absent: it is not a terminal, and text is wrapped at 80 columns */
  readonly columns?: number | undefined;
  /** shows progress on stderr, in place of the previous line; absent: stderr is not a terminal */
  readonly progress?: ((text: string | null) => void) | undefined;
}

export const processTerminal: Terminal = {
  print: (text) => void process.stdout.write(`${text}\n`),
  warn: (text) => void process.stderr.write(`${text}\n`),
  get colored() {
    return wantsColors(process.stdout, process.env);
  },
  get columns() {
    return process.stdout.isTTY ? process.stdout.columns : undefined;
  },
  get progress() {
    return process.stderr.isTTY && process.env.TERM !== 'dumb' ? showProgress : undefined;
  },
};

/** Width at which text is wrapped when the terminal's width is not known. */
export const usualColumns = 80;

/** A line of stderr that is rewritten in place. */
function showProgress(text: string | null): void {
  process.stderr.write(`\r\x1b[K${text ?? ''}`);
}

/** Colours only on a terminal, and not with NO_COLOR (https://no-color.org). */
export function wantsColors(stream: { isTTY?: boolean }, environment: Record<string, string | undefined>): boolean {
  return stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';
}

const escapes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;
export type Style = keyof typeof escapes;

export function paint(terminal: Pick<Terminal, 'colored'>, style: Style, text: string): string {
  return terminal.colored && text !== '' ? `\x1b[${escapes[style]}m${text}\x1b[0m` : text;
}

/** Names come from users: their control characters must not reach a terminal. */
export function plain(text: unknown): string {
  return String(text).replace(/\p{Cc}/gu, '\u{fffd}');
}

export interface TableStyle {
  /** false: every row is one line, however long; default true */
  wrap?: boolean;
  /** index of a column whose cells stay on one line */
  unbroken?: number;
}

/**
 * Formats a table with two spaces between columns and without lines: it is readable, and `awk '{print $1}'` works.
 * Cells are wrapped at words if the table is wider than the terminal.
 */
export function table(terminal: Terminal, head: string[], rows: unknown[][], style: TableStyle = {}): string {
  const { cells, widths } = fitted(
    terminal,
    head,
    rows.map((row) => row.map((cell) => plain(cell ?? ''))),
    style,
  );
  // loaded here, so that `--help` does not wait for it
  const CliTable = require('cli-table3') as new (options: TableConstructorOptions) => Table;
  const columns = new CliTable({
    chars: Object.fromEntries(lines.map((name) => [name, ''])),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    ...(widths && { colWidths: widths.map((width) => width + 2), wordWrap: true }),
  });
  columns.push(head.map((text) => paint(terminal, 'bold', text)));
  for (const row of cells) columns.push(row);
  return trimLines(columns.toString());
}

/** Long words are broken only on a terminal, so that scripts find them whole. */
function fitted({ columns }: Terminal, head: string[], cells: string[][], { wrap = true, unbroken }: TableStyle) {
  if (!wrap) return { cells, widths: null };
  const width = columns ?? usualColumns;
  const widths = fittingWidths([head, ...cells], width, unbroken);
  if (columns === undefined || widths === null || widthOfAll(widths) <= width) return { cells, widths };
  return piecesWithin(head, cells, width);
}

/** Length of a generated ID, which is not broken. */
const leastPiece = 12;

/** Breaks the longest words, into pieces as long as the width allows. */
function piecesWithin(head: string[], cells: string[][], width: number) {
  for (let most = width; ; most--) {
    const pieces = cells.map((row) => row.map((cell) => inPieces(cell, most)));
    const widths = fittingWidths([head, ...pieces], width);
    if (widths === null || most <= leastPiece || widthOfAll(widths) <= width) return { cells: pieces, widths };
  }
}

const lines = [
  ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
  ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
];

/** Formats `Name   web`, one per line; a list continues below its first entry, and empty values are left out. */
export function facts(terminal: Terminal, entries: [name: string, value: unknown][]): string {
  const known = entries.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const width = Math.max(...known.map(([name]) => name.length)) + 2;
  return known
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((text, index) => {
        const label = (index === 0 ? name : '').padEnd(width);
        return `${paint(terminal, 'bold', label)}${hanging(terminal, plain(text), width)}`;
      }),
    )
    .join('\n');
}

/** Indents a text, and wraps it at the terminal's width below its beginning; does not wrap if the width is unknown. */
export function hanging({ columns }: Terminal, text: string, indent: number): string {
  if (columns === undefined) return text;
  return wrappedLines(text, Math.max(usualColumns / 4, columns - indent)).join(`\n${' '.repeat(indent)}`);
}

export function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

function trimLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
