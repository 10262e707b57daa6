import type { NetworkView } from '../core/view.ts';
import { badInput } from './options.ts';
import { parseTime } from './since.ts';

/**
 * podman's --filter of networks. Several of one name are alternatives, but every label counts; different names must all
 * agree.
 *
 *   name=<part or regular expression>  id=<beginning>  driver=<driver>  label=<key>[=<value>]  label!=…
 *   until=<how long ago, or a time>    dangling=true|false (no container uses it)
 */

export const filterHelp = 'name=…, id=…, driver=…, label=key[=value], label!=…, until=…, dangling=true|false';

export interface NetworkFilter {
  name: string;
  value: string;
}

/** Throws payload.invalid. */
export function parseFilter(text: string): NetworkFilter {
  const [, name, value] = /^(label!|[a-z]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw badInput(`--filter ${text}: expected <name>=<value>; there are ${filterHelp}`);
  if (!Object.hasOwn(tests, name))
    throw badInput(`--filter ${text}: there is no filter ${name}; there are ${filterHelp}`);
  tests[name as keyof typeof tests](value); // what is wrong with the value is wrong now
  return { name, value };
}

type Test = (network: NetworkView) => boolean;

const tests = {
  name: (value: string): Test => {
    const pattern = patternOf(value);
    return ({ name }) => pattern.test(name);
  },
  id:
    (value: string): Test =>
    ({ id }) =>
      id.startsWith(value),
  driver:
    (value: string): Test =>
    ({ driver }) =>
      driver === value,
  label: labelTest,
  'label!': (value: string): Test => {
    const has = labelTest(value);
    return (network) => !has(network);
  },
  until: (value: string): Test => {
    const before = timeOf(value);
    return ({ created }) => Date.parse(created) < before;
  },
  dangling: (value: string): Test => {
    if (value !== 'true' && value !== 'false') throw badInput(`--filter dangling=${value}: expected true or false`);
    return ({ leases }) => (Object.keys(leases).length === 0) === (value === 'true');
  },
};

function patternOf(value: string): RegExp {
  try {
    return new RegExp(value);
  } catch (error) {
    throw badInput(`--filter name=${value}: ${(error as Error).message}`);
  }
}

function labelTest(value: string): Test {
  const at = value.indexOf('=');
  const [key, wanted] = at === -1 ? [value, null] : [value.slice(0, at), value.slice(at + 1)];
  return ({ labels }) => Object.hasOwn(labels, key) && (wanted === null || labels[key] === wanted);
}

function timeOf(value: string): number {
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const time = parseTime(value, Date.now());
  if (time) return time.getTime();
  throw badInput(`--filter until=${value}: expected how long ago (24h), or a time, as a date or in seconds`);
}

const everyOne = new Set(['label', 'label!']);

export function matchesFilters(network: NetworkView, filters: readonly NetworkFilter[]): boolean {
  const names = [...new Set(filters.map(({ name }) => name))];
  return names.every((wanted) => {
    const outcomes = filters
      .filter(({ name }) => name === wanted)
      .map(({ name, value }) => tests[name as keyof typeof tests](value)(network));
    return everyOne.has(wanted) ? outcomes.every(Boolean) : outcomes.some(Boolean);
  });
}
