import { type Command, Option } from 'commander';
import { clientCommand } from '../command.ts';
import { addressParser } from '../network-argument.ts';
import { badInput, collectList, collectPairs, type GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

interface UpdateOptions extends GlobalOptions {
  dnsAdd?: string[];
  dnsDrop?: string[];
  opt?: Record<string, string>;
}

export function networkUpdateCommand(parent: Command, terminal: Terminal): void {
  const list = (option: string) => collectList(addressParser(option, null));
  clientCommand(parent, {
    usage: 'update <network>',
    examples: [
      'netloom network update web --dns-add 9.9.9.9,2620:fe::fe',
      'netloom network update web --dns-drop 9.9.9.9 --dns-add 1.1.1.1',
      'netloom network update vpn --opt inbound=open',
    ],
  })
    .addOption(new Option('--dns-add <address>', 'name server to add (repeatable)').argParser(list('--dns-add')))
    .addOption(new Option('--dns-drop <address>', 'name server to remove (repeatable)').argParser(list('--dns-drop')))
    .addOption(
      new Option('-o, --opt <key=value>', 'inbound=guarded|open, spoofing=guarded|allow').argParser(
        collectPairs('--opt'),
      ),
    )
    .action(async (name: string, _options, command: Command) => {
      const options: UpdateOptions = command.optsWithGlobals();
      const { dnsAdd, dnsDrop, opt } = options;
      if (!dnsAdd && !dnsDrop && !opt) throw badInput('nothing to change: expected --dns-add, --dns-drop or --opt');
      const request = {
        name,
        ...(dnsAdd && { addDnsServers: dnsAdd }),
        ...(dnsDrop && { removeDnsServers: dnsDrop }),
        ...(opt && { options: opt }),
      };
      const reply = await withClient(options, (client) => client.network.update(request));
      if (options.json) terminal.print(json(reply));
    });
}
