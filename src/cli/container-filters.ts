import { type ContainerState, type ContainerView, containerStates } from '../core/view.ts';
import { Filters, labelFilters, patternOf, timeOf } from './filters.ts';
import { badInput } from './options.ts';

/** States that `ps` shows without --all: containers whose network exists. */
export const upStates: readonly ContainerState[] = ['configured', 'running', 'degraded'];

/**
 * podman's filters of containers:
 *
 *   id=<beginning or regular expression>  name=<part or regular expression>  status=<state>  network=<name>
 *   label=<key>[=<value>]  label!=…       exited=<exit code>
 *   until=<how long ago, or a time>: created before it
 *   since=<container>  before=<container>: created after it, before it; the value is that container's creation time
 */
export const containerFilters = new Filters<ContainerView>(
  {
    id: (value) => {
      const pattern = patternOf('id', value);
      return ({ id }) => id.startsWith(value) || pattern.test(id);
    },
    name: (value) => {
      const pattern = patternOf('name', value);
      return ({ name }) => pattern.test(name);
    },
    status: (value) => {
      if (!containerStates.some((state) => state === value))
        throw badInput(`--filter status=${value}: expected one of ${containerStates.join(', ')}`);
      return ({ state }) => state === value;
    },
    network:
      (value) =>
      ({ attachments }) =>
        attachments.some(({ network }) => network === value),
    exited: (value) => {
      if (!/^\d{1,3}$/.test(value)) throw badInput(`--filter exited=${value}: expected an exit code`);
      return ({ state, exitCode }) => state === 'exited' && exitCode === Number(value);
    },
    ...labelFilters,
    until: (value) => {
      const before = timeOf('until', value);
      return ({ created }) => created !== undefined && Date.parse(created) < before;
    },
    since:
      (value) =>
      ({ created }) =>
        created !== undefined && Date.parse(created) > Date.parse(value),
    before:
      (value) =>
      ({ created }) =>
        created !== undefined && Date.parse(created) < Date.parse(value),
  },
  'id=…, name=…, status=…, network=…, label=key[=value], label!=…, exited=…, until=…, since=<container>, before=<container>',
);
