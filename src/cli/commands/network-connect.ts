import { type Command, Option } from 'commander';
import { clientCommand } from '../command.ts';
import { addressOptions, hostInterfaceOption } from '../container-options.ts';
import { forEach, repliesText } from '../each.ts';
import { podmanFailure } from '../failure.ts';
import { asIs, collectList, type GlobalOptions, interfaceNameParser, mustBeOne } from '../options.ts';
import type { Terminal } from '../terminal.ts';

interface ConnectOptions extends GlobalOptions {
  ip?: string[];
  ip6?: string[];
  macAddress?: string;
  interfaceName?: string;
  hostInterfaceName?: string;
  alias?: string[];
}

export function networkConnectCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'connect <network> <container...>',
    examples: [
      'netloom network connect db web',
      'netloom network connect db web cache',
      'netloom network connect --ip 10.89.1.50 --alias frontend --interface-name db0 db web',
    ],
  });
  for (const option of addressOptions()) command.addOption(option);
  command
    .addOption(
      new Option('--interface-name <name>', "the interface's name in the container; default: the next ethN").argParser(
        interfaceNameParser('--interface-name'),
      ),
    )
    .addOption(hostInterfaceOption())
    .addOption(new Option('--alias <name>', 'additional name on the network (repeatable)').argParser(collectList(asIs)))
    .action((network: string, ids: string[], _options, command: Command) => {
      const options: ConnectOptions = command.optsWithGlobals();
      const { ip = [], ip6 = [], macAddress, interfaceName, hostInterfaceName, alias } = options;
      if (ids.length > 1) mustBeOne({ ip, ip6, macAddress, hostInterfaceName });
      const request = {
        network,
        ...(ip.length + ip6.length > 0 && { staticIps: [...ip, ...ip6] }),
        ...(macAddress && { staticMac: macAddress }),
        ...(interfaceName && { interfaceName }),
        ...(hostInterfaceName && { hostInterfaceName }),
        ...(alias && { aliases: alias }),
      };
      return forEach(terminal, options, ids, (client, id) => client.container.connect({ id, ...request }), {
        exitCodeFor: () => podmanFailure,
        show: (replies) => repliesText(replies, ids.length, options),
      });
    });
}
