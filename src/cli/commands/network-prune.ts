import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import type { NetloomClient } from '../../client.ts';
import { clientCommand } from '../command.ts';
import type { Filter } from '../filters.ts';
import { networkFilters } from '../network-filters.ts';
import { collect, type GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, plain, type Terminal } from '../terminal.ts';

interface PruneOptions extends GlobalOptions {
  force?: boolean;
  filter?: Filter[];
}

export function networkPruneCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'prune',
    examples: ['netloom network prune', 'netloom network prune --force --filter label=team=web --filter until=24h'],
  })
    .option('-f, --force', 'do not ask for confirmation')
    .addOption(
      new Option('--filter <filter>', `only those: ${networkFilters.help}`).argParser(collect(networkFilters.parse)),
    )
    .action(async (_options, command: Command) => {
      const options: PruneOptions = command.optsWithGlobals();
      if (!options.force && !(await isSure(terminal))) return;
      const reply = await withClient(options, (client) => prune(client, options.filter));
      if (options.json) terminal.print(json(reply));
      else if (reply.removed.length > 0) terminal.print(reply.removed.map(plain).join('\n'));
    });
}

async function prune(client: NetloomClient, filters: Filter[] | undefined): Promise<{ removed: string[] }> {
  if (!filters) return client.network.prune({});
  const { networks } = await client.network.list();
  const names = networks.filter((network) => networkFilters.match(network, filters)).map(({ name }) => name);
  return names.length > 0 ? client.network.prune({ names }) : { removed: [] };
}

/** Asks for confirmation. Everything except yes means no, including the end of stdin. */
async function isSure(terminal: Terminal): Promise<boolean> {
  terminal.warn('WARNING! This will remove all networks not used by at least one container.');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  const answer = await Promise.race([lines.question('Are you sure you want to continue? [y/N] '), ended]);
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}
