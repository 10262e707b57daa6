import { type Command, type CommanderError, Option } from 'commander';
import type { NetloomClient } from '../../client.ts';
import { bigintToAddress, parseSubnet, subnetEnd } from '../../core/address.ts';
import { NetloomError } from '../../core/fault.ts';
import { nameRefusal } from '../../core/name-rules.ts';
import type { NetworkRoute } from '../../core/network/definition.ts';
import { type NetworkDriver, networkDrivers, optionNames } from '../../core/network/options.ts';
import type { NetworkRequest } from '../../core/network/request.ts';
import { clientCommand } from '../command.ts';
import { addressParser } from '../network-argument.ts';
import { asIs, badInput, collect, collectList, collectPairs, type GlobalOptions } from '../options.ts';
import { withClient } from '../session.ts';
import { json, type Terminal } from '../terminal.ts';

const routeTypes = ['blackhole', 'unreachable', 'prohibit'] as const;

interface NetworkOptions {
  driver?: string;
  subnet?: string[];
  gateway?: string[];
  ipRange?: string[];
  ipv6?: boolean;
  internal?: boolean;
  disableDns?: boolean;
  dns?: string[];
  route?: NetworkRoute[];
  interfaceName?: string;
  ipamDriver?: string;
  opt?: Record<string, string>;
  label?: Record<string, string>;
  ignore?: boolean;
}

export function networkCreateCommand(parent: Command, terminal: Terminal): void {
  const command = clientCommand(parent, {
    usage: 'create',
    details:
      'The first --gateway and --ip-range belong to the first --subnet, and so on. Default name: the first free one of ' +
      'netloom1, netloom2, …',
    examples: [
      'netloom network create web',
      'netloom network create web --ipv6',
      'netloom network create web --subnet 10.7.0.0/24 --gateway 10.7.0.254 --ip-range 10.7.0.128/25',
      'netloom network create db --internal -o mtu=9000 --label team=storage',
      'netloom network create lan --driver macvlan -o parent=eth0 --subnet 192.0.2.0/24',
      'netloom network create lan --driver macvlan -o parent=eth0 --ipam-driver dhcp',
    ],
  });
  for (const option of definitionOptions()) command.addOption(option);
  command.exitOverride(refuseDashedName);
  command
    .argument('[name]', 'network name', newName)
    .action(async (name: string | undefined, _options, command: Command) => {
      const options: NetworkOptions & GlobalOptions = command.optsWithGlobals();
      const request = networkRequest(name ?? '', options);
      const reply = await withClient(options, (client) => create(client, request, options.ignore ?? false));
      terminal.print(options.json ? json(reply) : reply.definition.name);
    });
}

/** N13: checks the name without the daemon, also with --ignore. */
function newName(text: string): string {
  const refusal = nameRefusal(text);
  if (refusal !== null) throw badInput(`name ${refusal}`, 'name.invalid');
  return text;
}

/** Reports that `-x`, which may be intended as a name, is not a valid name. */
function refuseDashedName(error: CommanderError): never {
  const [, name] = error.code === 'commander.unknownOption' ? (/'(-[^-'].*)'/.exec(error.message) ?? []) : [];
  if (name === undefined) throw error;
  throw badInput(`unknown option ${name}; as a name ${nameRefusal(name)}`, 'name.invalid');
}

function definitionOptions(): Option[] {
  return [
    new Option('-d, --driver <driver>', 'bridge (default), macvlan, ipvlan'),
    new Option('--subnet <cidr>', 'subnet of the network (repeatable); default: a free one').argParser(
      collectList(asIs),
    ),
    new Option('--gateway <address>', 'default: the first address of the subnet').argParser(collectList(asIs)),
    new Option('--ip-range <range>', 'automatic addresses only from here: <cidr> or <first>-<last>').argParser(
      collectList(asIs),
    ),
    new Option('--ipv6', 'add a free IPv6 subnet if none is given'),
    new Option('--internal', 'no external access, inbound or outbound'),
    new Option('--disable-dns', 'do not resolve the names of its containers'),
    new Option('--dns <address>', 'name server for names that do not belong to containers (repeatable)').argParser(
      collectList(addressParser('--dns', null)),
    ),
    new Option(
      '--route <destination,gateway[,metric]>',
      `a route for its containers; in place of the gateway also ${routeTypes.join(', ')}`,
    ).argParser(collect(parseRoute)),
    new Option('--interface-name <name>', 'name of the bridge or the parent; default: the first free netloomN'),
    new Option('--ipam-driver <driver>', 'host-local (default), dhcp, none'),
    new Option(
      '-o, --opt <key=value>',
      `option of the driver (docs/networks.md), e.g. mtu=1400; ${networkDrivers.map(optionsOf).join('; ')}`,
    ).argParser(collectPairs('--opt')),
    new Option('--label <key=value>', 'label of the network (repeatable)').argParser(collectPairs('--label')),
    new Option('--ignore', 'succeed if a network of that name exists'),
  ];
}

const optionsOf = (driver: NetworkDriver): string => `${driver}: ${optionNames(driver).join(', ')}`;

async function create(client: NetloomClient, request: NetworkRequest, ignore: boolean) {
  const wish = request.name === '' ? { ...request, name: await freeName(client) } : request;
  try {
    return await client.network.create(wish);
  } catch (error) {
    if (!(ignore && error instanceof NetloomError && error.code === 'network.exists')) throw error;
    return { definition: (await client.network.inspect({ name: wish.name })).network };
  }
}

async function freeName(client: NetloomClient): Promise<string> {
  const { networks } = await client.network.list();
  const taken = new Set(networks.map(({ name }) => name));
  for (let index = 1; ; index++) if (!taken.has(`netloom${index}`)) return `netloom${index}`;
}

export function networkRequest(name: string, options: NetworkOptions): NetworkRequest {
  const { driver, ipv6, internal, disableDns, dns, route, interfaceName, ipamDriver, opt, label } = options;
  const subnets = subnetsOf(options);
  return {
    name,
    ...(driver !== undefined && { driver }),
    ...(subnets && { subnets }),
    ...(ipv6 && { ipv6_enabled: true }),
    ...(internal && { internal: true }),
    ...(disableDns && { dns_enabled: false }),
    ...(dns && { network_dns_servers: dns }),
    ...(route && { routes: route }),
    ...(interfaceName && { network_interface: interfaceName }),
    ...(ipamDriver !== undefined && { ipam_options: { driver: ipamDriver } }),
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

/** Parses `10.7.0.128/25`, as in podman, or `10.7.0.10-10.7.0.99`, where either end may be missing. */
function leaseRange(text: string): { start_ip: string | null; end_ip: string | null } {
  const subnet = parseSubnet(text);
  if (subnet) {
    const last = subnetEnd(subnet) - 1n;
    const first = last === subnet.base ? subnet.base : subnet.base + 1n;
    return { start_ip: bigintToAddress(first, subnet.family), end_ip: bigintToAddress(last, subnet.family) };
  }
  const [first = '', last, ...tooMany] = text.split('-');
  if (last === undefined || tooMany.length > 0 || (first === '' && last === ''))
    throw badInput(
      `--ip-range ${text}: expected <cidr> or <first>-<last>, e.g. 10.7.0.10-10.7.0.99`,
      'address.invalid',
    );
  return { start_ip: first || null, end_ip: last || null };
}

/** Parses `10.21.0.0/24,10.19.12.250,120`; `blackhole`, `unreachable` or `prohibit` may replace the gateway. */
export function parseRoute(text: string): NetworkRoute {
  const refuse = (reason: string) =>
    badInput(
      `--route ${text}: ${reason}; expected <destination>,<gateway>[,<metric>], or for the gateway ${routeTypes.join(', ')}`,
    );
  const [destination = '', via = '', metric, ...tooMany] = text.split(',');
  if (!parseSubnet(destination)) throw refuse(`${JSON.stringify(destination)} is not a subnet`);
  if (metric !== undefined && !/^\d{1,9}$/.test(metric)) throw refuse(`${JSON.stringify(metric)} is not a metric`);
  if (via === '' || tooMany.length > 0) throw refuse(via === '' ? 'the gateway is missing' : 'too many values');
  const type = routeTypes.find((name) => name === via) ?? 'unicast';
  return {
    destination,
    gateway: type === 'unicast' ? addressParser(`--route ${text}: gateway`, null)(via) : null,
    metric: metric === undefined ? null : Number(metric),
    type,
  };
}
