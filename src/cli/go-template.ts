import { badInput } from './options.ts';

/**
 * The part of Go's templates that podman's users write for --format:
 *
 *   {{.Name}}  {{.Subnets}}  {{.A.B}}  {{.}}     a field; its name is Go's, podman's JSON or ours: case and _ do not count
 *   {{json .Subnets}}                            the same as JSON
 *   {{range .Subnets}}{{.Subnet}} {{end}}        for each of a list, or of the values of a map
 *   \t and \n                                    tab and line feed
 *
 * What is neither text, number nor boolean is printed as JSON. A field that nothing has is an error, one that is not in a
 * map of the user's own words is `<no value>`.
 */
export interface GoTemplate {
  render(value: unknown): string;
  /** the last names of the fields, one list per tab-separated column: what `table …` makes its head from */
  readonly columns: string[];
}

type Node =
  | { kind: 'text'; text: string }
  | { kind: 'field'; path: string[]; asJson: boolean }
  | { kind: 'range'; path: string[]; body: Node[] };

/** Throws payload.invalid, with the template in quotes. */
export function parseGoTemplate(text: string): GoTemplate {
  const tokens = tokensOf(text.replaceAll('\\t', '\t').replaceAll('\\n', '\n'));
  const refuse = (reason: string) => badInput(`--format ${JSON.stringify(text)}: ${reason}`);
  const nodes = parseNodes(tokens, refuse, false);
  return {
    render: (value) => renderNodes(nodes, value, refuse),
    columns: columnsOf(nodes),
  };
}

type Refuse = (reason: string) => Error;
type Token = { text: string } | { action: string };

function tokensOf(text: string): Token[] {
  return text
    .split(/(\{\{.*?\}\})/s)
    .filter((part) => part !== '')
    .map((part) =>
      part.startsWith('{{') && part.endsWith('}}') ? { action: part.slice(2, -2).trim() } : { text: part },
    );
}

/** Takes from the front of the tokens; within a range up to its end. */
function parseNodes(tokens: Token[], refuse: Refuse, within: boolean): Node[] {
  const nodes: Node[] = [];
  for (let token = tokens.shift(); token; token = tokens.shift()) {
    if ('text' in token) {
      nodes.push({ kind: 'text', text: token.text });
      continue;
    }
    if (token.action === 'end' && within) return nodes;
    nodes.push(parseAction(token.action, tokens, refuse));
  }
  if (within) throw refuse('{{range …}} without {{end}}');
  return nodes;
}

function parseAction(action: string, tokens: Token[], refuse: Refuse): Node {
  const [, verb, dotted] = /^(?:(json|range)\s+)?(\.|(?:\.[A-Za-z0-9_-]+)+)$/.exec(action) ?? [];
  if (dotted === undefined)
    throw refuse(`{{${action}}} is not understood; expected {{.Field}}, {{json .Field}} or {{range .Field}}…{{end}}`);
  const path = dotted.split('.').filter((name) => name !== '');
  if (verb === 'range') return { kind: 'range', path, body: parseNodes(tokens, refuse, true) };
  return { kind: 'field', path, asJson: verb === 'json' };
}

function renderNodes(nodes: readonly Node[], value: unknown, refuse: Refuse): string {
  return nodes.map((node) => renderNode(node, value, refuse)).join('');
}

function renderNode(node: Node, value: unknown, refuse: Refuse): string {
  if (node.kind === 'text') return node.text;
  const found = fieldOf(value, node.path, refuse);
  if (node.kind === 'field') return node.asJson ? JSON.stringify(found ?? null) : textOf(found);
  if (found === null || found === undefined) return '';
  if (typeof found !== 'object') throw refuse(`.${node.path.join('.')} is nothing to go through`);
  return Object.values(found)
    .map((entry) => renderNodes(node.body, entry, refuse))
    .join('');
}

function textOf(value: unknown): string {
  if (value === undefined) return '<no value>';
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : `${value ?? ''}`;
}

/** The first name must be there: it is of our own making. Those below may be keys of a user's map. */
function fieldOf(value: unknown, path: readonly string[], refuse: Refuse): unknown {
  let found = value;
  for (const [depth, name] of path.entries()) {
    if (typeof found !== 'object' || found === null) return undefined;
    const key = Object.hasOwn(found, name)
      ? name
      : Object.keys(found).find((other) => plainOf(other) === plainOf(name));
    if (key === undefined && depth === 0)
      throw refuse(`there is no field .${name}; there are ${Object.keys(found).map(goName).join(', ')}`);
    found = key === undefined ? undefined : (found as Record<string, unknown>)[key];
  }
  return found;
}

/** `NetworkInterface`, `network_interface` and `networkInterface` are the same. */
const plainOf = (name: string): string => name.replaceAll('_', '').toLowerCase();

function goName(key: string): string {
  return `.${key
    .split('_')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('')}`;
}

function columnsOf(nodes: readonly Node[]): string[] {
  const columns = [''];
  for (const node of nodes) {
    const [first = '', ...further] = node.kind === 'text' ? node.text.split('\t').map((part) => part.trim()) : [''];
    const name = node.kind === 'text' ? first : (node.path.at(-1) ?? '');
    columns.push([columns.pop(), name].filter(Boolean).join(' '), ...further);
  }
  return columns;
}
