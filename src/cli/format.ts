import { type GoTemplate, parseGoTemplate } from './go-template.ts';
import { badInput } from './options.ts';
import { plain, type Terminal, table } from './terminal.ts';

/** podman's --format: `json`, a template for each entry, or `table` and a template with tabs between its columns. */

export const formatHelp = "json, or a Go template such as '{{.Name}}' or 'table {{.ID}}\\t{{.Name}}'";

/** Checks a template before the daemon is asked. Throws payload.invalid. */
export function formatParser(text: string): string {
  templateOf(text);
  return text;
}

/** The same for a command that prints each value as soon as it arrives, so that a table is impossible. */
export function lineFormatParser(text: string): string {
  if (templateOf(text).isTable)
    throw badInput(`--format ${JSON.stringify(text)}: this command prints line by line, so it cannot print a table`);
  return text;
}

/** Help text of commands with --format. */
export const templateHelp =
  'Templates are Go\'s: {{.Field}}, {{.A.B}}, {{json .Field}}, {{index .Map "key"}}, {{len .List}}, {{if}}, {{with}}, ' +
  '{{range}}, variables and pipelines. A field may be written as in Go (.NetworkInterface) or as in the JSON ' +
  '(.network_interface).';

export interface FormatOptions {
  /** column headings that differ from their field's name in capitals */
  heads?: Readonly<Record<string, string>>;
  heading?: boolean;
}

export function formatted(
  terminal: Terminal,
  format: string,
  values: readonly unknown[],
  { heads = {}, heading = true }: FormatOptions = {},
): string {
  const { isTable, template } = templateOf(format);
  const lines = values.map((value) => template.render(value));
  if (!isTable)
    return lines
      .map((line) =>
        line
          .split(/(?<=[\n\t])|(?=[\n\t])/)
          .map(cleaned)
          .join(''),
      )
      .join('\n');
  const head = template.columns.map((name) => heads[name.toUpperCase()] ?? name.toUpperCase());
  const rows = lines.map((line) => line.split('\t'));
  return heading ? table(terminal, head, rows) : withoutHead(table(terminal, head, rows));
}

function templateOf(format: string): { isTable: boolean; template: GoTemplate } {
  const [, ofTable] = /^table\s+(.*)$/s.exec(format) ?? [];
  return { isTable: ofTable !== undefined, template: parseGoTemplate(ofTable ?? format) };
}

/** Names come from users and are made printable; tabs and line feeds of the template are kept. */
const cleaned = (part: string): string => (/^[\n\t]$/.test(part) ? part : plain(part));

export function withoutHead(text: string): string {
  return text.split('\n').slice(1).join('\n');
}
