import type { CloudEvent, EventOptions } from '../client.ts';
import { factNames } from '../contract/name-tables.ts';
import type { About } from './event-subject.ts';
import { type Filter, Filters } from './filters.ts';
import { badInput } from './options.ts';

/** `container` and `configured`, of `dev.netloom.container.configured`. */
export function kindOf({ type }: CloudEvent): { noun: string; fact: string } {
  const [, noun = '', fact = ''] = /^dev\.netloom\.([^.]+)\.(.+)$/.exec(type) ?? [];
  return { noun, fact };
}

const nouns = ['container', 'network', 'node'];

const about =
  (noun: string) =>
  (id: string) =>
  (event: CloudEvent): boolean =>
    event.subject === id && kindOf(event).noun === noun;

/**
 * podman's filters of events:
 *
 *   type=container|network|node  event=<fact>  container=<id, name, or beginning of an id>  network=<name>
 */
export const eventFilters = new Filters<CloudEvent>(
  {
    type: (value) => {
      if (!nouns.includes(value)) throw badInput(`--filter type=${value}: expected ${nouns.join(', ')}`);
      return (event) => kindOf(event).noun === value;
    },
    event: (value) => {
      if (!factNames.some((fact) => fact === value))
        throw badInput(`--filter event=${value}: expected one of ${factNames.join(', ')}`);
      return (event) => kindOf(event).fact === value;
    },
    container: about('container'),
    network: about('network'),
  },
  'type=container|network|node, event=…, container=…, network=…',
);

/** Throws payload.invalid. */
export function typeFilter(value: string): Filter {
  if (!nouns.includes(value)) throw badInput(`--type ${value}: expected ${nouns.join(', ')}`);
  return { name: 'type', value };
}

/** Returns the subject that a filter names; null: it filters by something else. */
export function aboutOf({ name, value }: Filter): About | null {
  return name === 'container' || name === 'network' ? { noun: name, id: value } : null;
}

/** Narrows what the server sends: only events of this subject, or of this kind. */
export function subscriptionOf(filters: readonly Filter[]): Pick<EventOptions, 'noun' | 'id'> {
  const subjects = filters.flatMap((filter) => aboutOf(filter) ?? []);
  const [only, ...others] = subjects;
  if (only && others.length === 0) return only;
  const types = filters.filter(({ name }) => name === 'type').map(({ value }) => value as About['noun'] | 'node');
  return types.length === 1 && types[0] !== undefined ? { noun: types[0] } : {};
}
