import type { Command } from 'commander';
import type { ResponseOf } from '../../client.ts';
import { clientCommand } from '../command.ts';
import { addresses } from '../describe.ts';
import { repliesText } from '../each.ts';
import type { GlobalOptions } from '../options.ts';
import { portText } from '../port-mapping.ts';
import { facts, type Terminal } from '../terminal.ts';
import { addWishOptions, forEachWish, readWishes, type WishOptions } from '../wish-options.ts';

export function containerSetupCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'setup',
    details: 'With only an id (and --start-within), builds what container create stored.',
    examples: [
      'netloom container setup web --network web -p 8080:80',
      'netloom container setup web',
      'netloom container setup web db cache',
      'netloom container setup --file wish.json --json',
    ],
  });
  addWishOptions(command).action(async (ids: string[] = [], _options, command: Command) => {
    const options: WishOptions & GlobalOptions = command.optsWithGlobals();
    const wishes = await readWishes(ids, options);
    await forEachWish(terminal, options, wishes, (client, wish) => client.container.setup(wish), {
      show: (replies) =>
        options.json
          ? repliesText(replies, wishes.length, options)
          : replies.map((reply) => setupFacts(terminal, reply)).join('\n\n'),
    });
  });
}

function setupFacts(terminal: Terminal, { id, netns, status, ports }: ResponseOf<'container.setup'>): string {
  return facts(terminal, [
    ['Container', id],
    ['Namespace', netns.path],
    ['Addresses', addresses(status).join(', ')],
    ['Ports', ports.map(portText).join(', ')],
  ]);
}
