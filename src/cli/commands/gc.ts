import type { Command } from 'commander';
import type { ResponseOf } from '../../client.ts';
import { clientCommand } from '../command.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal, table } from '../terminal.ts';

type Collected = ResponseOf<'node.gc'>;

export function gcCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'gc',
    summary: 'remove what carries a name of netloom and has no owner',
    details:
      "Namespaces, links and firewall elements whose container or network is not known are removed. What may be of a daemon with another run directory is told, and left alone: a veth that leads to a namespace pinned elsewhere, a bridge with somebody in it, and what else carries their owner's name.",
    examples: ['netloom gc --dry-run', 'netloom gc', 'netloom gc --json'],
  })
    .option('--dry-run', 'tell what there is, and remove nothing')
    .action(async (_options, command: Command) => {
      const options: GlobalOptions & { dryRun?: boolean } = command.optsWithGlobals();
      const { dryRun = false } = options;
      const collected = await withClient(options, (client) => client.request('node.gc', { dryRun }));
      terminal.print(options.json ? json(collected) : report(terminal, collected));
    });
}

function report(terminal: Terminal, { dryRun, leftovers, doubtful, failed }: Collected): string {
  if (leftovers.length + doubtful.length === 0) return 'Nothing is left over.';
  const rows = [
    ...leftovers.map((each) => ({ ...each, what: dryRun ? 'would be removed' : 'removed' })),
    ...doubtful.map((each) => ({ ...each, what: "left alone: it may be another daemon's" })),
  ];
  const lines = table(
    terminal,
    ['KIND', 'NAME', 'OWNER', ''],
    rows.map(({ kind, name, owner, what }) => [kind, name, owner ?? 'not known', what]),
  );
  return [lines, ...failed.map(({ step, errno, detail }) => `not removed: ${step}: ${detail ?? errno}`)].join('\n');
}
