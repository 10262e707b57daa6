import { ContentError } from '../../core/content-error.ts';
import { functions } from './functions.ts';
import { type Part, partsOf, type Word, wordsOf } from './tokens.ts';

/** Parses a template into a tree. Throws a ContentError with the reason. */

export type Operand =
  | { kind: 'literal'; value: string | number | boolean | null }
  /** fields of the dot, of a variable, or of an expression in parentheses */
  | { kind: 'path'; of: 'dot' | { variable: string } | Pipeline; fields: string[] };

export interface Command {
  /** null: the value of the one operand */
  call: string | null;
  operands: Operand[];
}

export interface Pipeline {
  commands: Command[];
}

export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'print'; pipeline: Pipeline }
  /** `$name := …`, `$name = …` */
  | { kind: 'assign'; name: string; declares: boolean; pipeline: Pipeline }
  | { kind: 'if' | 'with'; pipeline: Pipeline; body: Node[]; otherwise: Node[] }
  /** names of the variables: key and value, the value alone, or none */
  | { kind: 'range'; names: string[]; pipeline: Pipeline; body: Node[]; otherwise: Node[] }
  | { kind: 'break' | 'continue' };

export function parse(template: string): Node[] {
  const parser = new Parser(partsOf(template));
  return parser.template();
}

type Block = { nodes: Node[]; end: string };

class Parser {
  readonly #parts: Part[];

  constructor(parts: Part[]) {
    this.#parts = parts;
  }

  template(): Node[] {
    const { nodes, end } = this.#block();
    if (end !== '') throw new ContentError(`{{${end}}} is not understood: no block is open here`);
    return nodes;
  }

  /** Parses up to `{{end}}`, `{{else…}}` or the end of the template; `end` says which. */
  #block(): Block {
    const nodes: Node[] = [];
    for (let part = this.#parts.shift(); part; part = this.#parts.shift()) {
      if ('text' in part) {
        nodes.push({ kind: 'text', text: part.text });
        continue;
      }
      if (/^(end|else)\b/.test(part.action)) return { nodes, end: part.action };
      nodes.push(this.#action(part.action));
    }
    return { nodes, end: '' };
  }

  #action(action: string): Node {
    const [, keyword, rest = ''] = /^(if|with|range|break|continue|define|template|block)\b(.*)$/s.exec(action) ?? [];
    switch (keyword) {
      case 'if':
      case 'with':
        return this.#branch(keyword, rest.trim());
      case 'range':
        return this.#range(rest.trim());
      case 'break':
      case 'continue':
        return { kind: keyword };
      case undefined:
        return plainAction(action);
      default:
        throw new ContentError(`{{${action}}} is not understood: templates within templates are not supported`);
    }
  }

  #branch(kind: 'if' | 'with', condition: string): Node {
    const pipeline = parsePipeline(condition, kind);
    const { nodes: body, end } = this.#block();
    return { kind, pipeline, body, otherwise: this.#otherwise(kind, end) };
  }

  #range(text: string): Node {
    const [, first, second, rest = text] = /^(\$\w*)\s*(?:,\s*(\$\w*)\s*)?:=(.*)$/s.exec(text) ?? [];
    const names = [first, second].flatMap((name) => name ?? []);
    const pipeline = parsePipeline(rest.trim(), 'range');
    const { nodes: body, end } = this.#block();
    return { kind: 'range', names, pipeline, body, otherwise: this.#otherwise('range', end) };
  }

  /** Parses the part after the first branch: nothing, `{{else}}`, or `{{else if …}}`. */
  #otherwise(opened: string, end: string): Node[] {
    if (end === 'end') return [];
    const [, again, condition = ''] = /^else\s+(if|with)\b(.*)$/s.exec(end) ?? [];
    if (again === 'if' || again === 'with') return [this.#branch(again, condition.trim())];
    if (end !== 'else')
      throw new ContentError(end === '' ? `{{${opened} …}} without {{end}}` : `{{${end}}} is not understood`);
    const { nodes, end: last } = this.#block();
    if (last !== 'end') throw new ContentError(`{{${opened} …}} without {{end}}`);
    return nodes;
  }
}

function plainAction(action: string): Node {
  const [, name, sign, value] = /^(\$\w+)\s*(:?=)(?!=)(.*)$/s.exec(action) ?? [];
  if (name === undefined || value === undefined) return { kind: 'print', pipeline: parsePipeline(action, null) };
  return { kind: 'assign', name, declares: sign === ':=', pipeline: parsePipeline(value.trim(), null) };
}

function parsePipeline(text: string, keyword: string | null): Pipeline {
  const shown = `{{${[keyword, text].filter(Boolean).join(' ')}}}`;
  const words = wordsOf(text);
  const pipeline = takePipeline(words, shown);
  if (words.length > 0) throw notUnderstood(shown);
  return pipeline;
}

const notUnderstood = (shown: string): ContentError =>
  new ContentError(
    `${shown} is not understood; expected {{.Field}}, {{json .Field}}, {{range .Field}}…{{end}} or {{if .Field}}…{{end}}`,
  );

const isMark = (word: Word | undefined, text: string): boolean => word?.kind === 'mark' && word.text === text;

/** Removes a pipeline from the front of the words, up to a closing parenthesis. */
function takePipeline(words: Word[], shown: string): Pipeline {
  const commands = [takeCommand(words, shown)];
  while (isMark(words[0], '|')) {
    words.shift();
    const command = takeCommand(words, shown);
    if (command.call === null) throw notUnderstood(shown);
    commands.push(command);
  }
  return { commands };
}

function takeCommand(words: Word[], shown: string): Command {
  const [first] = words;
  const call = first?.kind === 'name' ? first.text : null;
  if (call !== null) {
    words.shift();
    if (!functions.has(call))
      throw new ContentError(
        `${shown}: there is no function ${call}; known functions: ${[...functions.keys()].join(', ')}`,
      );
  }
  const operands: Operand[] = [];
  while (words.length > 0 && !isMark(words[0], '|') && !isMark(words[0], ')')) operands.push(takeOperand(words, shown));
  if (call === null && operands.length !== 1) throw notUnderstood(shown);
  return { call, operands };
}

function takeOperand(words: Word[], shown: string): Operand {
  const word = words.shift() as Word;
  switch (word.kind) {
    case 'literal':
      return { kind: 'literal', value: word.value };
    case 'field':
      return { kind: 'path', of: 'dot', fields: [word.text, ...takeFields(words)] };
    case 'variable':
      return { kind: 'path', of: { variable: word.text }, fields: takeFields(words) };
    case 'name':
      // a function as an operand, without parentheses
      words.unshift(word);
      throw notUnderstood(shown);
    case 'mark':
      if (word.text === '.') return { kind: 'path', of: 'dot', fields: [] };
      if (word.text !== '(') throw notUnderstood(shown);
  }
  const inside = takePipeline(words, shown);
  if (!isMark(words.shift(), ')')) throw new ContentError(`${shown}: a parenthesis is not closed`);
  return { kind: 'path', of: inside, fields: takeFields(words) };
}

function takeFields(words: Word[]): string[] {
  const fields: string[] = [];
  for (let [next] = words; next?.kind === 'field' && next.glued; [next] = words) {
    fields.push(next.text);
    words.shift();
  }
  return fields;
}
