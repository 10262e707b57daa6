import { type Command, Option } from 'commander';
import { clientCommand } from '../command.ts';
import { addressOptions, hostInterfaceOption } from '../container-options.ts';
import { asIs, collectList, type GlobalOptions, interfaceNameParser } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

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
    usage: 'connect <network> <container>',
    examples: [
      'netloom network connect db web',
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
    .addOption(new Option('--alias <name>', 'a further name on the network').argParser(collectList(asIs)))
    .action(async (network: string, id: string, _options, command: Command) => {
      const options: ConnectOptions = command.optsWithGlobals();
      const { ip = [], ip6 = [], macAddress, interfaceName, hostInterfaceName, alias } = options;
      const request = {
        id,
        network,
        ...(ip.length + ip6.length > 0 && { staticIps: [...ip, ...ip6] }),
        ...(macAddress && { staticMac: macAddress }),
        ...(interfaceName && { interfaceName }),
        ...(hostInterfaceName && { hostInterfaceName }),
        ...(alias && { aliases: alias }),
      };
      const reply = await withClient(options, (client) => client.container.connect(request));
      if (options.json) terminal.print(json(reply));
    });
}
