import { ContentError } from '../core/content-error.ts';
import { type Node, type Pipeline, parse } from './go-template/parse.ts';
import { render } from './go-template/render.ts';
import { badInput } from './options.ts';

/**
 * Go templates, as podman's users write them for --format:
 *
 *   {{.Name}}  {{.A.B}}  {{.}}  {{$}}            a field; its name is Go's, podman's JSON or ours: case and _ do not count
 *   {{json .Subnets}}  {{.Name | upper}}         functions and pipelines
 *   {{index .Labels "team"}}  {{len .Subnets}}
 *   {{(index .Subnets 0).Gateway}}
 *   {{if .Internal}}…{{else if …}}…{{else}}…{{end}}, {{with .A}}…{{end}}
 *   {{range .Subnets}}{{.Subnet}} {{else}}none{{end}}, {{range $name, $value := .Labels}}…{{end}}
 *   {{- and -}}, comments, variables
 *   \t and \n                                    tab and line feed
 *
 * Values other than texts, numbers and booleans are printed as JSON. An unknown field of the root value is an error; an
 * unknown field below it is `<no value>`, because it may be a user's key. Nested templates (define, template, block)
 * are not supported.
 */
export interface GoTemplate {
  render(value: unknown): string;
  /** the last names of the fields, one list per tab-separated column; `table …` makes its headings from them */
  readonly columns: string[];
}

/** Parses a template. Throws payload.invalid, which quotes the template. */
export function parseGoTemplate(text: string): GoTemplate {
  const nodes = refusing(text, () => parse(unescaped(text)));
  return {
    render: (value) => refusing(text, () => render(nodes, value)),
    columns: columnsOf(nodes),
  };
}

/** Decodes `\t` and `\n`, which shells pass unchanged; inside quotes of an action Go decodes them. */
const unescaped = (text: string): string =>
  text.replace(/(\{\{.*?\}\})|\\([tn])/gs, (_all, action, letter) => action ?? (letter === 't' ? '\t' : '\n'));

function refusing<Result>(text: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    throw badInput(`--format ${JSON.stringify(text)}: ${error.message}`);
  }
}

function columnsOf(nodes: readonly Node[]): string[] {
  const columns = [''];
  for (const node of nodes) {
    const [first = '', ...further] = node.kind === 'text' ? node.text.split('\t').map((part) => part.trim()) : [''];
    const name = node.kind === 'text' ? first : nameOf(node);
    columns.push([columns.pop(), name].filter(Boolean).join(' '), ...further);
  }
  return columns;
}

/** Returns the field of a column: the last one that it names. */
function nameOf(node: Exclude<Node, { kind: 'text' }>): string {
  return 'pipeline' in node && node.kind !== 'assign' ? fieldIn(node.pipeline) : '';
}

function fieldIn({ commands }: Pipeline): string {
  const operands = commands.flatMap((command) => command.operands);
  const names = operands.flatMap((operand) => {
    if (operand.kind === 'literal') return [];
    const last = operand.fields.at(-1);
    if (last !== undefined) return [last];
    return typeof operand.of === 'object' && 'commands' in operand.of ? [fieldIn(operand.of)] : [];
  });
  return names.filter(Boolean).at(-1) ?? '';
}
