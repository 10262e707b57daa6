import { ContentError } from '../../core/content-error.ts';

/** Splits a template into text and actions, and an action into words. Throws a ContentError with the reason. */

export type Part = { text: string } | { action: string };

/** Splits a template. `{{- ` and ` -}}` remove the white space before and after; comments are left out. */
export function partsOf(template: string): Part[] {
  const parts: Part[] = [];
  let rest = template;
  for (;;) {
    const start = rest.indexOf('{{');
    if (start === -1) return withText(parts, rest);
    const [whole, inside] = actionAt(rest.slice(start));
    const [, before = '', action = '', after = ''] = /^(-(?=\s|$))?(.*?)((?<=\s|^)-)?$/s.exec(inside) ?? [];
    withText(parts, before ? rest.slice(0, start).trimEnd() : rest.slice(0, start));
    if (!/^\s*\/\*.*\*\/\s*$/s.test(action)) parts.push({ action: action.trim() });
    rest = rest.slice(start + whole.length);
    if (after) rest = rest.trimStart();
  }
}

function withText(parts: Part[], text: string): Part[] {
  if (text !== '') parts.push({ text });
  return parts;
}

/** An action ends at `}}`, except inside quotes. */
const action =
  /^\{\{((?:\s*-?\s*\/\*.*?\*\/\s*-?)|(?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)*'|(?!\}\})[^"'`])*)\}\}/s;

function actionAt(text: string): [whole: string, inside: string] {
  const [whole, inside] = action.exec(text) ?? [];
  if (whole === undefined || inside === undefined) throw new ContentError(`${beginning(text)} is not closed by }}`);
  return [whole, inside];
}

const beginning = (text: string): string => (text.length > 20 ? `${text.slice(0, 20)}…` : text);

/** `glued`: no space before it, so that `(index .A 0).B` is one operand. */
export type Word = { glued: boolean } & (
  | { kind: 'literal'; value: string | number | boolean | null }
  | { kind: 'field' | 'variable' | 'name' | 'mark'; text: string }
);

const shapes: readonly (readonly [RegExp, (text: string) => Word extends infer W ? Omit<W, 'glued'> : never])[] = [
  [/"(?:[^"\\\n]|\\.)*"/y, (text) => ({ kind: 'literal', value: unquoted(text) })],
  [/`[^`]*`/y, (text) => ({ kind: 'literal', value: text.slice(1, -1) })],
  [/'(?:[^'\\\n]|\\.)+'/y, (text) => ({ kind: 'literal', value: text.slice(1, -1).codePointAt(0) ?? 0 })],
  [/[+-]?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?)\b/y, (text) => ({ kind: 'literal', value: Number(text) })],
  [/\.[A-Za-z0-9_][A-Za-z0-9_-]*/y, (text) => ({ kind: 'field', text: text.slice(1) })],
  [/\$[A-Za-z0-9_]*/y, (text) => ({ kind: 'variable', text })],
  [
    /(?:true|false|nil)\b/y,
    (text) => ({ kind: 'literal', value: { true: true, false: false, nil: null }[text] ?? null }),
  ],
  [/[A-Za-z_][A-Za-z0-9_]*/y, (text) => ({ kind: 'name', text })],
  [/:=|[.()|,=]/y, (text) => ({ kind: 'mark', text })],
];

export function wordsOf(action: string): Word[] {
  const words: Word[] = [];
  let at = 0;
  let glued = false;
  while (at < action.length) {
    const space = /\s+/y;
    space.lastIndex = at;
    if (space.test(action)) {
      at = space.lastIndex;
      glued = false;
      continue;
    }
    const [word, end] = wordAt(action, at);
    words.push({ ...word, glued } as Word);
    at = end;
    glued = true;
  }
  return words;
}

function wordAt(action: string, at: number): [word: object, end: number] {
  for (const [shape, make] of shapes) {
    shape.lastIndex = at;
    const text = shape.exec(action)?.[0];
    if (text !== undefined) return [make(text), at + text.length];
  }
  throw new ContentError(`{{${action}}}: ${JSON.stringify(action.slice(at, at + 10))} is not understood`);
}

/** Decodes a quoted text: the escapes of Go that occur in templates are also JSON's. */
function unquoted(text: string): string {
  try {
    return JSON.parse(text.replaceAll('\t', '\\t').replaceAll('\n', '\\n')) as string;
  } catch {
    throw new ContentError(`${text} is not a valid string`);
  }
}
