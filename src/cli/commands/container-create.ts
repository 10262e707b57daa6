import type { Command } from 'commander';
import { clientCommand } from '../command.ts';
import { explainingBridge } from '../network-argument.ts';
import type { GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';
import { addWishOptions, readWish, type WishOptions } from '../wish-options.ts';

export function containerCreateCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'create',
    examples: [
      'netloom container create web --network web -p 8080:80',
      'echo \'{"id": "web", "networks": [{"network": "web"}]}\' | netloom container create --file -',
    ],
  });
  addWishOptions(command).action(async (id: string | undefined, _options, command: Command) => {
    const options: WishOptions & GlobalOptions = command.optsWithGlobals();
    const request = await readWish(id, options);
    const reply = await explainingBridge(withClient(options, (client) => client.container.create(request)));
    terminal.print(options.json ? json(reply) : reply.id);
  });
}
