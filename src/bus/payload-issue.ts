import type { z } from 'zod';

/** What is wrong with a field of a request, in the words of its sender: `interface name "lo" must be 1 to 15 characters of …`. */

/** Fields that people say by an option of a command line or of an engine, and never by their name in JSON. */
const words: Record<string, string> = {
  interfaceName: 'interface name',
  hostInterfaceName: 'host interface name',
  network_interface: 'interface name',
  staticIps: 'address',
  staticMac: 'MAC address',
  aliases: 'alias',
  hostIp: 'host address',
  hostPort: 'host port',
  containerPort: 'container port',
  range: 'number of ports',
  dnsServers: 'name server',
  network: 'network name',
};

const missing = 'is missing';

export function issueText(issue: z.core.$ZodIssue, payload: unknown): string {
  const { path, message } = issue;
  const place = wordsFor(path);
  const value = valueAt(payload, path);
  if (message === missing) return `${place} ${message}`;
  if (!message.startsWith('must ')) return `${place}: ${message}`;
  return typeof value === 'string' || typeof value === 'number'
    ? `${place} ${quoted(value)} ${message}`
    : `${place} ${message}`;
}

/** `ports[0].hostPort` */
export function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text === '' ? 'the payload' : text.replace(/^\./, '');
}

function wordsFor(path: readonly PropertyKey[]): string {
  const field = path.findLast((key) => typeof key === 'string') as string | undefined;
  if (field === undefined) return 'the payload';
  if (Object.hasOwn(words, field)) return words[field] as string;
  return path.length > 1 && path[0] === 'ports' ? field : pathText(path);
}

function valueAt(payload: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    payload,
  );
}

const longestQuote = 80;

function quoted(value: string | number): string {
  const text = String(value);
  return JSON.stringify(text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : value);
}

const articles: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** For what a schema has no words of its own. */
export const plainIssue: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? missing : `must be ${articles[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return sizeText('at least', issue.origin, issue.minimum);
    case 'too_big':
      return sizeText('at most', issue.origin, issue.maximum);
    default:
      return undefined;
  }
};

function sizeText(bound: string, origin: string, size: number | bigint): string {
  if (origin === 'string') return `must have ${bound} ${size} ${size === 1 ? 'character' : 'characters'}`;
  if (origin === 'array') return `must have ${bound} ${size} ${size === 1 ? 'entry' : 'entries'}`;
  return `must be ${bound} ${size}`;
}
