import { ContentError } from '../../core/content-error.ts';

/** Functions for templates: Go's, and those that podman adds. They throw a ContentError with the reason. */

export type TemplateFunction = (...values: unknown[]) => unknown;

/** Checks whether a value is true by Go's rules. */
export function isTrue(value: unknown): boolean {
  if (value === null || value === undefined) return false;
  return typeof value === 'object' ? Object.keys(value).length > 0 : Boolean(value);
}

/** Formats a value: objects and lists as JSON. */
export function textOf(value: unknown): string {
  if (value === undefined) return '<no value>';
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : `${value ?? ''}`;
}

export const functions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['json', (value) => JSON.stringify(value ?? null)],
  ['len', (value) => lengthOf(value)],
  ['index', (value, ...keys) => keys.reduce((found, key) => entryOf(found, key), value)],
  ['slice', (value, first = 0, last) => slice(value, Number(first), last)],
  ['not', (value) => !isTrue(value)],
  ['and', (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1)],
  ['or', (...values) => values.find(isTrue) ?? values.at(-1)],
  ['eq', (value, ...others) => others.some((other) => isSame(value, other))],
  ['ne', (value, other) => !isSame(value, other)],
  ['lt', (value, other) => order(value, other) < 0],
  ['le', (value, other) => order(value, other) <= 0],
  ['gt', (value, other) => order(value, other) > 0],
  ['ge', (value, other) => order(value, other) >= 0],
  ['print', (...values) => values.map(textOf).join('')],
  ['println', (...values) => `${values.map(textOf).join(' ')}\n`],
  ['printf', (format, ...values) => printf(textOf(format), values)],
  ['lower', (text) => textOf(text).toLowerCase()],
  ['upper', (text) => textOf(text).toUpperCase()],
  ['title', (text) => textOf(text).replace(/\b\p{L}/gu, (letter) => letter.toUpperCase())],
  ['join', (list, separator) => listOf(list, 'join').map(textOf).join(textOf(separator))],
  ['split', (text, separator) => textOf(text).split(textOf(separator))],
  ['truncate', (text, length) => textOf(text).slice(0, Math.max(0, Number(length)))],
  ['pad', (text, before, after) => `${spaces(before)}${textOf(text)}${spaces(after)}`],
]);

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'object') return Object.keys(value ?? {}).length;
  throw new ContentError(`len: ${textOf(value)} has no length`);
}

function listOf(value: unknown, name: string): unknown[] {
  if (value === null || value === undefined) return [];
  if (typeof value === 'object') return Object.values(value);
  throw new ContentError(`${name}: ${textOf(value)} is not a list`);
}

/** Returns an entry of a list by number, or of a map by key. A missing key of a map of texts yields an empty text. */
function entryOf(value: unknown, key: unknown): unknown {
  if (typeof value !== 'object' || value === null)
    throw new ContentError(`index ${JSON.stringify(key)}: the value has no entries`);
  if (!Array.isArray(value)) {
    const map = value as Record<string, unknown>;
    if (Object.hasOwn(map, String(key))) return map[String(key)];
    return Object.values(map).every((entry) => typeof entry === 'string') ? '' : undefined;
  }
  const found = Number.isInteger(key) ? value[key as number] : undefined;
  if (found === undefined)
    throw new ContentError(`index: ${JSON.stringify(key)} is out of range, there are ${value.length}`);
  return found;
}

function slice(value: unknown, first: number, last: unknown): unknown {
  const end = last === undefined ? undefined : Number(last);
  if (typeof value === 'string' || Array.isArray(value)) return value.slice(first, end);
  throw new ContentError(`slice: ${textOf(value)} is not a list or a text`);
}

const isSame = (value: unknown, other: unknown): boolean =>
  typeof value === 'object' || typeof other === 'object' ? textOf(value) === textOf(other) : value === other;

function order(value: unknown, other: unknown): number {
  if (typeof value === 'number' && typeof other === 'number') return value - other;
  if (typeof value === 'string' && typeof other === 'string') return value < other ? -1 : Number(value > other);
  throw new ContentError(`${textOf(value)} and ${textOf(other)} cannot be compared`);
}

/** `%-10s`, `%5d`, `%q`, `%.3s`, `%05d` */
const directive = /%(?:(%)|([-0]?)(\d*)(?:\.(\d+))?([a-zA-Z]))/g;

/** Maximum width, as in Go. */
const mostWidth = 1_000_000;

/** Maximum number of digits after the point. */
const mostDigits = 100;

function printf(format: string, values: unknown[]): string {
  const rest = [...values];
  return format.replace(directive, (_all, percent, flag, width, precision, verb) => {
    if (percent) return '%';
    if (rest.length === 0) throw new ContentError(`printf ${JSON.stringify(format)}: there are too few values`);
    const text = formatted(verb, rest.shift(), precision);
    const length = within('printf', width, mostWidth);
    if (flag === '-') return text.padEnd(length);
    return text.padStart(length, flag === '0' ? '0' : ' ');
  });
}

function formatted(verb: string, value: unknown, precision: string | undefined): string {
  switch (verb) {
    case 's':
    case 'v':
      return precision === undefined ? textOf(value) : textOf(value).slice(0, Number(precision));
    case 'd':
    case 't':
      return textOf(value);
    case 'q':
      return JSON.stringify(textOf(value));
    case 'f':
      return Number(value).toFixed(within('printf', precision ?? 6, mostDigits));
    case 'x':
    case 'X': {
      const text = typeof value === 'number' ? value.toString(16) : Buffer.from(textOf(value)).toString('hex');
      return verb === 'X' ? text.toUpperCase() : text;
    }
    default:
      throw new ContentError(`printf: %${verb} is not supported`);
  }
}

const spaces = (count: unknown): string => ' '.repeat(within('pad', Number(count) || 0, mostWidth));

/** Returns a number that JavaScript's own functions accept. */
function within(call: string, number: unknown, most: number): number {
  if (Number(number) >= 0 && Number(number) <= most) return Number(number);
  throw new ContentError(`${call}: ${number} is not from 0 to ${most}`);
}
