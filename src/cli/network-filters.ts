import type { NetworkView } from '../core/view.ts';
import { Filters, flagOf, labelFilters, patternOf, timeOf } from './filters.ts';

/**
 * podman's filters of networks:
 *
 *   name=<part or regular expression>  id=<beginning>  driver=<driver>  label=<key>[=<value>]  label!=…
 *   until=<how long ago, or a time>    dangling=true|false (no container uses it)
 */
export const networkFilters = new Filters<NetworkView>(
  {
    name: (value) => {
      const pattern = patternOf('name', value);
      return ({ name }) => pattern.test(name);
    },
    id:
      (value) =>
      ({ id }) =>
        id.startsWith(value),
    driver:
      (value) =>
      ({ driver }) =>
        driver === value,
    ...labelFilters,
    until: (value) => {
      const before = timeOf('until', value);
      return ({ created }) => Date.parse(created) < before;
    },
    dangling: (value) => {
      const wanted = flagOf('dangling', value);
      return ({ leases }) => (Object.keys(leases).length === 0) === wanted;
    },
  },
  'name=…, id=…, driver=…, label=key[=value], label!=…, until=…, dangling=true|false',
);
