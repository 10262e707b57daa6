import type { z } from 'zod';
import { either } from './network/options.ts';

/** Problems of a field, in words that follow its name or its value: `must be a whole number`. */

export const missing = 'is missing';

const jsonKinds: Readonly<Record<string, string>> = {
  string: 'text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object in braces',
  record: 'an object in braces',
};

const tomlKinds = { ...jsonKinds, object: 'a table', record: 'a table' };

/** Describes issues that a schema has no message for. */
export const jsonWords: z.core.$ZodErrorMap = (issue) => wordsOf(issue, jsonKinds);
export const tomlWords: z.core.$ZodErrorMap = (issue) => wordsOf(issue, tomlKinds);

function wordsOf(issue: z.core.$ZodRawIssue, kinds: Readonly<Record<string, string>>): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? missing : `must be ${kinds[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return issue.input === undefined ? missing : `must be ${either(issue.values.map(String))}`;
    case 'too_small':
      return sizeText('at least', issue.origin, issue.minimum);
    case 'too_big':
      return sizeText('at most', issue.origin, issue.maximum);
    default:
      return undefined;
  }
}

function sizeText(bound: string, origin: string, size: number | bigint): string {
  if (origin === 'string') return `must have ${bound} ${size} ${size === 1 ? 'character' : 'characters'}`;
  if (origin === 'array') return `must have ${bound} ${size} ${size === 1 ? 'entry' : 'entries'}`;
  return `must be ${bound} ${size}`;
}

/** Formats a path: `ports[0].hostPort`; empty: the whole value. */
export function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text.replace(/^\./, '');
}

/** Returns what is at that path of a value; undefined: nothing. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (within, key) =>
      typeof within === 'object' && within !== null ? (within as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );
}
