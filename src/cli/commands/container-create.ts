import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { repliesText } from '../each.ts';
import type { GlobalOptions } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { addWishOptions, forEachWish, readWishes, type WishOptions } from '../wish-options.ts';

export function containerCreateCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'create',
    details:
      'The wish is what container setup builds: networks, addresses, ports, names. Without --network it joins the default network, ' +
      'as with podman; --network none is loopback only.',
    examples: [
      'netloom container create web --network web -p 8080:80',
      'echo \'{"id": "web", "networks": [{"network": "web"}]}\' | netloom container create --file -',
    ],
  });
  addWishOptions(command).action(async (ids: string[] = [], _options, command: Command) => {
    const options: WishOptions & GlobalOptions = command.optsWithGlobals();
    const wishes = await readWishes(ids, options, false);
    await forEachWish(terminal, options, wishes, (client, wish) => client.container.create(wish), {
      show: (replies) =>
        options.json ? repliesText(replies, wishes.length, options) : replies.map((reply) => reply.id).join('\n'),
    });
  });
}
