import { type Command, Option } from 'commander';
import { resolveContainerId } from '../../core/container/reference.ts';
import { NetloomError } from '../../core/fault.ts';
import type { ContainerView } from '../../core/view.ts';
import { clientCommand } from '../command.ts';
import { containerFilters, upStates } from '../container-filters.ts';
import { addresses, containerTable, idText, noTruncOption, type TableOptions } from '../describe.ts';
import { agoText } from '../duration.ts';
import type { Filter } from '../filters.ts';
import { formatHelp, formatParser, formatted, templateHelp, withoutHead } from '../format.ts';
import { collect, type GlobalOptions, numberParser } from '../options.ts';
import { portText } from '../port-mapping.ts';
import { withClient } from '../session.ts';
import { json, plain, type Terminal } from '../terminal.ts';

interface ListOptions extends GlobalOptions, TableOptions {
  all?: boolean;
  filter?: Filter[];
  format?: string;
  last?: number;
  latest?: boolean;
  noheading?: boolean;
  quiet?: boolean;
}

export function psCommand(parent: Command, terminal: Terminal): void {
  addListOptions(
    clientCommand(parent, {
      usage: 'ps',
      details: listDetails,
      examples: [
        'netloom ps',
        'netloom ps --all --filter network=web',
        "netloom ps -a --filter status=failed --format '{{.ID}} {{.Created}}'",
        'netloom container rm $(netloom ps -qa --filter status=exited)',
        "netloom ps --json | jq -r '.containers[].id'",
      ],
    }),
    terminal,
  );
}

export const listDetails =
  `Shows containers that are ${upStates.slice(0, -1).join(', ')} or ${upStates.at(-1)}; with --all those that are created, ` +
  'failed or exited, too. Filters with one name are alternatives; those with different names, and labels, must all match. ' +
  `Template fields: .ID, .Names, .State, .Status, .Created, .RunningFor, .CreatedAt, .Networks, .Addresses, .Ports, .Pid, .Labels. ${templateHelp}`;

/** Adds the options of podman ps. */
export function addListOptions(command: Command, terminal: Terminal): void {
  command
    .addOption(new Option('-a, --all', 'also those that are not up'))
    .addOption(
      new Option('-f, --filter <filter>', `only those: ${containerFilters.help}`).argParser(
        collect(containerFilters.parse),
      ),
    )
    .addOption(new Option('--format <format>', formatHelp).argParser(formatParser))
    .addOption(
      new Option('-n, --last <n>', 'the n that were created last, whatever their state').argParser(
        numberParser('--last', 1, 2 ** 31 - 1),
      ),
    )
    .addOption(new Option('-l, --latest', 'the same as --last 1').conflicts('last'))
    .addOption(new Option('--noheading', 'print no header'))
    .option(...noTruncOption)
    .addOption(new Option('-q, --quiet', 'ids only'))
    .action(async (_options, command: Command) => {
      const options: ListOptions = command.optsWithGlobals();
      const reply = await withClient(options, (client) => client.container.list());
      const containers = selected(reply.containers, options);
      if (options.json) return terminal.print(json({ ...reply, containers }));
      const text = listText(terminal, containers, options);
      if (text !== '') terminal.print(text);
    });
}

/** Selects containers as podman does: filters by state, --last and --latest consider all containers, as with --all. */
export function selected(
  containers: readonly ContainerView[],
  { all = false, filter = [], latest = false, last = latest ? 1 : undefined }: ListOptions,
): ContainerView[] {
  const filters = filter.map((each) => withTime(containers, each));
  const isAll = all || last !== undefined || filters.some(({ name }) => name === 'status' || name === 'exited');
  const found = containers.filter(
    (container) => (isAll || upStates.includes(container.state)) && containerFilters.match(container, filters),
  );
  if (last === undefined) return found;
  const newest = found.toSorted((one, other) => timeOf(other) - timeOf(one)).slice(0, last);
  return found.filter((container) => newest.includes(container));
}

const timeOf = ({ created }: ContainerView): number => (created === undefined ? 0 : Date.parse(created));

/**
 * Replaces the container that since or before names by its creation time. Throws container.unknown,
 * container.ambiguous.
 */
function withTime(containers: readonly ContainerView[], filter: Filter): Filter {
  if (filter.name !== 'since' && filter.name !== 'before') return filter;
  const found = resolveContainerId(containers, filter.value);
  if (typeof found !== 'string') throw new NetloomError(found);
  return { ...filter, value: containers.find(({ id }) => id === found)?.created ?? '' };
}

function listText(terminal: Terminal, containers: ContainerView[], options: ListOptions): string {
  const { format, noheading = false, quiet = false, trunc = true } = options;
  if (format === 'json') return json(containers);
  const shown = containers.map((container) => ({ ...container, ...podmanFields(container, trunc) }));
  if (format !== undefined) return formatted(terminal, format, shown, { heads, heading: !noheading });
  if (quiet) return shown.map(({ ID }) => plain(ID)).join('\n');
  const text = containerTable(terminal, containers, options);
  return noheading ? withoutHead(text) : text;
}

/** podman's column headings. */
const heads = { ID: 'CONTAINER ID', RUNNINGFOR: 'CREATED', CREATEDAT: 'CREATED AT' };

/** Returns the fields of podman ps templates, as texts. */
function podmanFields(container: ContainerView, trunc: boolean) {
  const { id, name, state, created, attachments, ports, status, pid, labels } = container;
  const ago = created === undefined ? '' : agoText(created);
  return {
    ID: idText({ trunc })(id),
    Names: name,
    Name: name,
    State: state,
    Status: state,
    Created: ago,
    RunningFor: ago,
    CreatedAt: created ?? '',
    Networks: attachments.map(({ network }) => network).join(','),
    Addresses: addresses(status).join(','),
    Ports: ports.map(portText).join(', '),
    Pid: pid ?? 0,
    Labels: labels,
  };
}
