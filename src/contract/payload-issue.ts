import type { z } from 'zod';
import { missing, pathText, valueAt } from '../core/schema-words.ts';

/** Describes an invalid field of a request in the sender's words: `interface name "lo" must be 1 to 15 characters of …`. */

/** Words for fields that users set by a command line or engine option, never by their name in JSON. */
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

function wordsFor(path: readonly PropertyKey[]): string {
  const field = path.findLast((key) => typeof key === 'string') as string | undefined;
  if (field === undefined) return 'the payload';
  if (Object.hasOwn(words, field)) return words[field] as string;
  return path.length > 1 && path[0] === 'ports' ? field : pathText(path);
}

const longestQuote = 80;

function quoted(value: string | number): string {
  const text = String(value);
  return JSON.stringify(text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : value);
}
