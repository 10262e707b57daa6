import { type Command, Option } from 'commander';
import type { NetworkView } from '../../core/view.ts';
import { clientCommand } from '../command.ts';
import { networkTable } from '../describe.ts';
import type { Filter } from '../filters.ts';
import { formatHelp, formatParser, formatted, templateHelp, withoutHead } from '../format.ts';
import { networkFilters } from '../network-filters.ts';
import { collect, type GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, plain, type Terminal } from '../terminal.ts';

interface ListOptions extends GlobalOptions {
  filter?: Filter[];
  format?: string;
  noheading?: boolean;
  quiet?: boolean;
  trunc?: boolean;
}

export function networkLsCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'ls',
    details: `Filters with one name are alternatives; those with different names, and labels, must all match. ${templateHelp}`,
    examples: [
      'netloom network ls',
      'netloom network ls -q --filter dangling=true',
      "netloom network ls --filter label=team --format 'table {{.Name}}\\t{{.Driver}}\\t{{.NetworkInterface}}'",
      "netloom network ls --json | jq -r '.networks[].name'",
    ],
  })
    .addOption(
      new Option('-f, --filter <filter>', `only those: ${networkFilters.help}`).argParser(
        collect(networkFilters.parse),
      ),
    )
    .addOption(new Option('--format <format>', formatHelp).argParser(formatParser))
    .addOption(new Option('-n, --noheading', 'print no header'))
    .addOption(new Option('--no-trunc', 'print full ids'))
    .addOption(new Option('-q, --quiet', 'names only'))
    .action(async (_options, command: Command) => {
      const options: ListOptions = command.optsWithGlobals();
      const reply = await withClient(options, (client) => client.network.list());
      const networks = reply.networks.filter((network) => networkFilters.match(network, options.filter ?? []));
      if (options.json) return terminal.print(json({ ...reply, networks }));
      for (const { file, reason } of reply.damaged) terminal.warn(plain(`${file} is left out: ${reason}`));
      const text = listText(terminal, networks, options);
      if (text !== '') terminal.print(text);
    });
}

function listText(
  terminal: Terminal,
  networks: NetworkView[],
  { format, noheading, quiet, trunc }: ListOptions,
): string {
  if (quiet) return networks.map(({ name }) => plain(name)).join('\n');
  if (format === 'json') return json(networks);
  const shown = networks.map((network) => ({ ...network, id: trunc ? network.id.slice(0, 12) : network.id }));
  if (format !== undefined) return formatted(terminal, format, shown, { heads, heading: !noheading });
  const text = networkTable(terminal, shown, { trunc });
  return noheading ? withoutHead(text) : text;
}

/** podman's column headings. */
const heads = { ID: 'NETWORK ID' };
