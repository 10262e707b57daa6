import type { PodmanHost } from './host.ts';

/** The outcome of a scenario: plain data, comparable between two hosts. */
export type Outcome = { [key: string]: unknown };

/** What an outcome must have at its paths, as `deviations` names them: the value, or a pattern of its text. */
export type Probes = Readonly<Record<string, unknown>>;

export interface Scenario {
  /** as docs/podman.md names it */
  title: string;
  /** What netloom must show. Without it, two hosts on which nothing works would be equal. */
  probes: Probes;
  run(host: PodmanHost): Promise<Outcome>;
}

/** Where two outcomes differ: `inspect.NetworkSettings.Networks.web.Gateway`; undefined: only the other one has it. */
export interface Deviation {
  path: string;
  netavark: unknown;
  netloom: unknown;
}

export function deviations(netavark: unknown, netloom: unknown, path = ''): Deviation[] {
  if (!isObject(netavark) || !isObject(netloom))
    return JSON.stringify(netavark) === JSON.stringify(netloom) ? [] : [{ path, netavark, netloom }];
  const keys = [...new Set([...Object.keys(netavark), ...Object.keys(netloom)])].sort();
  return keys.flatMap((key) => deviations(netavark[key], netloom[key], path === '' ? key : `${path}.${key}`));
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Returns the probes that the outcome does not show, with its values there. */
export function unshown(probes: Probes, outcome: Outcome): Record<string, unknown> {
  const failed = Object.entries(probes).filter(([path, expected]) => !shows(valueAt(outcome, path), expected));
  return Object.fromEntries(failed.map(([path]) => [path, valueAt(outcome, path) ?? null]));
}

/** Paths are matched whole: keys of an outcome (addresses, mappings) contain dots themselves. */
function valueAt(value: unknown, path: string): unknown {
  if (path === '') return value;
  if (!isObject(value)) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (path !== key && !path.startsWith(`${key}.`)) continue;
    const found = valueAt(inner, path.slice(key.length + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

function shows(found: unknown, expected: unknown): boolean {
  if (expected instanceof RegExp) return typeof found === 'string' && expected.test(found);
  return JSON.stringify(found) === JSON.stringify(expected);
}

/** Values that differ each time, by what they are. A MAC address of ours (`02:77:…`) was requested, and stays. */
const volatile: [pattern: RegExp, name: string][] = [
  [/netns-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<namespace>'],
  [/\b[0-9a-f]{64}\b/g, '<id>'],
  [/\b[0-9a-f]{12}\b/g, '<short id>'],
  [/\b(?!02:77:)[0-9a-f]{2}(:[0-9a-f]{2}){5}\b/g, '<mac>'],
  [/\bfe80::[0-9a-f:]+/g, '<link-local>'],
  [/\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)/g, '<time>'],
  [/\/tmp\/netloom-\w+/g, '<directory>'],
];

export function normalised<Value>(value: Value): Value {
  let text = JSON.stringify(value) ?? 'null';
  for (const [pattern, name] of volatile) text = text.replace(pattern, name);
  return JSON.parse(text) as Value;
}
