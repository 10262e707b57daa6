import type { Command } from 'commander';
import type { ResponseOf } from '../../client.ts';
import { clientCommand } from '../command.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal, table } from '../terminal.ts';

type GcResult = ResponseOf<'node.gc'>;

export function gcCommand(parent: Command, terminal: Terminal): void {
  clientCommand(parent, {
    usage: 'gc',
    details:
      'Removes namespaces, links and firewall elements of containers and networks that this daemon does not know. ' +
      "It cannot always tell another daemon's objects from leftovers. It lists without removing: a veth into a namespace that is pinned elsewhere, a bridge with foreign links in it, and all other objects of the same owners. " +
      'But it removes the bridge and firewall elements of an idle network of another daemon; that daemon, if it runs, restores them. Where several daemons run, use --dry-run first. ' +
      'With --unstarted it also removes containers that an engine set up and never started, unless a process is running in their namespaces.',
    examples: ['netloom gc --dry-run', 'netloom gc', 'netloom gc --unstarted --dry-run'],
  })
    .option('--unstarted', 'also containers that were set up and never started')
    .option('--dry-run', 'only list, remove nothing')
    .action(async (_options, command: Command) => {
      const options: GlobalOptions & { dryRun?: boolean; unstarted?: boolean } = command.optsWithGlobals();
      const { dryRun = false, unstarted = false } = options;
      const result = await withClient(options, (client) => client.request('node.gc', { dryRun, unstarted }));
      terminal.print(options.json ? json(result) : report(terminal, result));
    });
}

function report(terminal: Terminal, { dryRun, leftovers, doubtful, unstarted, failed }: GcResult): string {
  const notRemoved = failed.map(({ step, errno, detail }) => `not removed: ${step}: ${detail ?? errno}`);
  if (leftovers.length + doubtful.length + unstarted.length === 0)
    return notRemoved.length > 0 ? notRemoved.join('\n') : 'Nothing is left over.';
  const what = dryRun ? 'would be removed' : 'removed';
  const rows = [
    ...unstarted.map(({ name, owner }) => ({ kind: 'container', name, owner, what: `never started: ${what}` })),
    ...leftovers.map((each) => ({ ...each, what })),
    ...doubtful.map((each) => ({ ...each, what: "left alone: it may be another daemon's" })),
  ];
  const lines = table(
    terminal,
    ['KIND', 'NAME', 'OWNER', 'ACTION'],
    rows.map(({ kind, name, owner, what }) => [kind, name, owner ?? 'not known', what]),
  );
  return [lines, ...notRemoved].join('\n');
}
