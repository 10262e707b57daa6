import { badInput, filled } from './options.ts';
import { parseTime } from './since.ts';

/** podman's --filter: `<name>=<value>`, checked before the daemon is asked. */

export interface Filter {
  name: string;
  value: string;
}

export type FilterTest<View> = (view: View) => boolean;

/** Makes a test from a filter's value, by the filter's name. Throws payload.invalid. */
export type FilterTests<View> = Readonly<Record<string, (value: string) => FilterTest<View>>>;

/** Several filters of one of these names must all match; of any other name, one must match. Each name must match. */
const everyOne = new Set(['label', 'label!', 'until', 'since', 'before']);

export class Filters<View> {
  constructor(
    private readonly tests: FilterTests<View>,
    /** names and values, for help and error messages */
    readonly help: string,
  ) {}

  /** Throws payload.invalid. */
  parse = (text: string): Filter => {
    const [, name, value] = /^([a-z]+!?)=(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined)
      throw badInput(`--filter ${filled(text)}: expected <name>=<value>; known filters: ${this.help}`);
    this.#test({ name, value }); // an invalid value throws here
    return { name, value };
  };

  match(view: View, filters: readonly Filter[]): boolean {
    const names = [...new Set(filters.map(({ name }) => name))];
    return names.every((wanted) => {
      const outcomes = filters.filter(({ name }) => name === wanted).map((filter) => this.#test(filter)(view));
      return everyOne.has(wanted) ? outcomes.every(Boolean) : outcomes.some(Boolean);
    });
  }

  #test({ name, value }: Filter): FilterTest<View> {
    const make = Object.hasOwn(this.tests, name) ? this.tests[name] : undefined;
    if (!make) throw badInput(`--filter ${name}=${value}: there is no such filter; known filters: ${this.help}`);
    return make(value);
  }
}

/** Parses a part of a name, or a regular expression. */
export function patternOf(filter: string, value: string): RegExp {
  try {
    return new RegExp(value);
  } catch {
    throw badInput(`--filter ${filter}=${value}: ${JSON.stringify(value)} is not a valid regular expression`);
  }
}

/** `key` or `key=value` */
export function labelTest(value: string): FilterTest<Readonly<Record<string, string>>> {
  const at = value.indexOf('=');
  const [key, wanted] = at === -1 ? [value, null] : [value.slice(0, at), value.slice(at + 1)];
  if (key === '') throw badInput(`--filter label=${value}: expected label=<key> or label=<key>=<value>`);
  return (labels) => Object.hasOwn(labels, key) && (wanted === null || labels[key] === wanted);
}

/** Parses a duration before now (24h), or a time, as a date or in seconds. */
export function timeOf(filter: string, value: string): number {
  const time = /^\d{1,11}$/.test(value) ? new Date(Number(value) * 1000) : parseTime(value, Date.now());
  if (time) return time.getTime();
  throw badInput(`--filter ${filter}=${value}: expected how long ago (24h), or a time, as a date or in seconds`);
}

export function flagOf(filter: string, value: string): boolean {
  if (value !== 'true' && value !== 'false') throw badInput(`--filter ${filter}=${value}: expected true or false`);
  return value === 'true';
}

/** Filters for everything that has labels. */
export const labelFilters = {
  label: (value: string) => {
    const has = labelTest(value);
    return ({ labels }: { labels: Readonly<Record<string, string>> }) => has(labels);
  },
  'label!': (value: string) => {
    const has = labelTest(value);
    return ({ labels }: { labels: Readonly<Record<string, string>> }) => !has(labels);
  },
};
