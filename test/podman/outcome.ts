import type { PodmanHost } from './host.ts';

/** What came of a scenario: plain data, comparable between two hosts. */
export type Outcome = { [key: string]: unknown };

export interface Scenario {
  /** as docs/podman.md names it */
  title: string;
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

/** What is another one each time, by what it is. A MAC address of ours (`02:77:…`) was asked for, and stays. */
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
