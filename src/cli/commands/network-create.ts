import type { Command } from 'commander';
import type { NetworkRequest } from '../../core/network.ts';
import { clientCommand } from '../command.ts';
import { asIs, badInput, collect, collectPairs, type GlobalOptions, tokenParser } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

interface NetworkOptions {
  subnet?: string[];
  gateway?: string[];
  ipRange?: string[];
  ipv6?: boolean;
  internal?: boolean;
  interfaceName?: string;
  opt?: Record<string, string>;
  label?: Record<string, string>;
}

export function networkCreateCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'create',
    summary: 'define a network; its bridge is made when the first container joins',
    details: 'The first --gateway and --ip-range belong to the first --subnet, and so on.',
    examples: [
      'netloom network create web',
      'netloom network create web --ipv6',
      'netloom network create web --subnet 10.7.0.0/24 --gateway 10.7.0.254 --ip-range 10.7.0.10-10.7.0.99',
      'netloom network create db --internal --opt mtu=9000 --label team=storage',
    ],
  });
  command
    .argument('<name>', 'of the network', tokenParser('name', 'name.invalid'))
    .option('--subnet <cidr>', 'default: a free one; once for IPv4, once for IPv6', collect(asIs))
    .option('--gateway <address>', 'default: the first address of the subnet', collect(asIs))
    .option('--ip-range <first-last>', 'give automatic addresses from here only', collect(asIs))
    .option('--ipv6', 'add a free IPv6 subnet when none is given')
    .option('--internal', 'no way out and none in')
    .option('--interface-name <name>', 'of the bridge; default: the first free netloomN')
    .option('--opt <key=value>', 'mtu=<bytes>', collectPairs('--opt'))
    .option('--label <key=value>', 'a word of your own', collectPairs('--label'))
    .action(async (name: string, _options, command: Command) => {
      const options: NetworkOptions & GlobalOptions = command.optsWithGlobals();
      const request = networkRequest(name, options);
      const reply = await withClient(options, (client) => client.network.create(request));
      terminal.print(options.json ? json(reply) : reply.definition.name);
    });
}

export function networkRequest(name: string, options: NetworkOptions): NetworkRequest {
  const { ipv6, internal, interfaceName, opt, label } = options;
  const subnets = subnetsOf(options);
  return {
    name,
    ...(subnets && { subnets }),
    ...(ipv6 && { ipv6_enabled: true }),
    ...(internal && { internal: true }),
    ...(interfaceName && { network_interface: interfaceName }),
    ...(opt && { options: opt }),
    ...(label && { labels: label }),
  };
}

function subnetsOf({ subnet, gateway = [], ipRange = [] }: NetworkOptions): NetworkRequest['subnets'] {
  const [gateways, ranges] = [gateway.length, ipRange.length];
  const subnets = subnet?.length ?? 0;
  if (gateways > subnets || ranges > subnets)
    throw badInput(`each ${gateways > subnets ? '--gateway' : '--ip-range'} needs a --subnet`);
  return subnet?.map((cidr, index) => ({
    subnet: cidr,
    ...(index < gateways && { gateway: gateway[index] }),
    ...(index < ranges && { lease_range: leaseRange(ipRange[index] as string) }),
  }));
}

/** `10.7.0.10-10.7.0.99`; either end may be missing. */
function leaseRange(text: string): { start_ip: string | null; end_ip: string | null } {
  const [first = '', last, ...tooMany] = text.split('-');
  if (last === undefined || tooMany.length > 0 || (first === '' && last === ''))
    throw badInput(`--ip-range ${text}: expected <first>-<last>, e.g. 10.7.0.10-10.7.0.99`, 'address.invalid');
  return { start_ip: first || null, end_ip: last || null };
}
