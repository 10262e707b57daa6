import { randomBytes } from 'node:crypto';
import { type Command, Option } from 'commander';
import type { ContainerRequest } from '../core/container/request.ts';
import { servedNamePattern } from '../core/name-rules.ts';
import type { PortMapping } from '../core/port.ts';
import {
  type Attachment,
  addressParser,
  defaultArgument,
  macParser,
  type NetworkArgument,
  networkSpelling,
  parseNetworkArgument,
  withDefaultNetwork,
} from './network-argument.ts';
import {
  asIs,
  badInput,
  collect,
  collectAll,
  collectLabels,
  collectList,
  interfaceNameParser,
  nameParser,
  newNameParser,
} from './options.ts';
import { parsePortMappings, portSpelling } from './port-mapping.ts';

/** Options that describe a container's network; run, create, setup and plan have the same ones. */
export interface ContainerOptions {
  id?: string;
  name?: string;
  pod?: string;
  mode?: string;
  network?: NetworkArgument[];
  ip?: string[];
  ip6?: string[];
  macAddress?: string;
  interfaceName?: string;
  hostInterfaceName?: string;
  networkAlias?: string[];
  dns?: string[];
  publish?: PortMapping[];
  label?: Record<string, string>;
}

/** Owner of containers that this command line creates. */
export const cliOwner = 'cli';

const heading = 'Network options:';

export function addContainerOptions(command: Command): Command {
  const options = [
    new Option('--net, --network <network>', `network to join (repeatable): ${networkSpelling}`).argParser(
      collect(parseNetworkArgument),
    ),
    new Option(
      '-p, --publish <port>',
      `publish a port (repeatable): ${portSpelling}, ranges such as 8000-8010:8000-8010`,
    ).argParser(collectAll(parsePortMappings)),
    new Option('--name <name>', 'container name (default: the id)').argParser(newNameParser('--name')),
    new Option('--pod <name>', "name of the container's pod; networks use it as the container's name"),
    new Option('--mode <mode>', 'bridge (default), none, host, ns:<path>, container:<id>: the same as --network'),
    ...addressOptions(),
    new Option(
      '--interface, --interface-name <name>',
      "the interface's name in the container (default: eth0)",
    ).argParser(interfaceNameParser('--interface-name')),
    hostInterfaceOption(),
    new Option('--alias, --network-alias <name>', 'additional name, on every network (repeatable)').argParser(
      collectList(asIs),
    ),
    new Option('--dns <address>', 'name server for names that do not belong to containers (repeatable)').argParser(
      collectList(addressParser('--dns', null)),
    ),
    new Option('-l, --label <key=value>', 'label of the container (repeatable)').argParser(collectLabels),
  ];
  for (const option of options) command.addOption(option.helpGroup(heading));
  return command;
}

/** Options for a container's place on one network. */
export function addressOptions(): Option[] {
  return [
    new Option('--ip <address>', 'static address on the network (repeatable)').argParser(
      collect(addressParser('--ip', null)),
    ),
    new Option('--ip6 <address>', 'static IPv6 address on the network (repeatable)').argParser(
      collect(addressParser('--ip6', 6)),
    ),
    new Option('--mac, --mac-address <address>', 'MAC address on the network').argParser(macParser('--mac-address')),
  ];
}

export function hostInterfaceOption(): Option {
  return new Option('--host-interface-name <name>', "name of the veth's host end; default: generated").argParser(
    interfaceNameParser('--host-interface-name'),
  );
}

export function idOption(): Option {
  return new Option('--id <id>', 'container id (default: the name if it is a valid id, else a random one)')
    .argParser(nameParser('--id', 'id.invalid'))
    .helpGroup(heading);
}

/** Contains only options that were given: a set-up with only the ID refers to the stored wish. */
export function containerRequest(options: ContainerOptions): ContainerRequest {
  const { name, pod, dns, publish, label } = options;
  const mode = modeOf(options);
  const networks = attachments(options);
  return withDefaultNetwork({
    id: options.id ?? idFor(name),
    ...(name !== undefined && { name }),
    ...(pod !== undefined && { pod }),
    ...(mode !== undefined && { mode }),
    ...(networks && { networks }),
    ...(dns && { dnsServers: dns }),
    ...(publish && { ports: publish }),
    ...(label && { labels: label }),
  });
}

/** Without a network and a mode, the container is on the default network, as with podman. */
export function onDefaultNetwork<Options extends ContainerOptions>(options: Options): Options {
  const isNamed = options.network !== undefined || options.mode !== undefined;
  return isNamed ? options : { ...options, network: [defaultArgument()] };
}

/** Checks whether the request has only the ID, and no wish. */
export function hasOnlyId(options: ContainerOptions): boolean {
  const { name, pod, network, mode, publish, dns, label, networkAlias } = options;
  const { ip, ip6, macAddress, interfaceName, hostInterfaceName } = options;
  const wished = [name, pod, network, mode, publish, dns, label, networkAlias];
  return [...wished, ip, ip6, macAddress, interfaceName, hostInterfaceName].every((value) => value === undefined);
}

/** Uses the name as the ID if it is a valid ID: `netloom run --name web …`, then `netloom inspect web`. */
export function idFor(name: string | undefined): string {
  return name !== undefined && servedNamePattern.test(name) ? name : randomBytes(6).toString('hex');
}

/** The mode may be given once, by --mode or --network; a mode without networks cannot be combined with networks. */
function modeOf({ mode, network = [] }: ContainerOptions): string | undefined {
  const modes = network.flatMap((argument) => ('mode' in argument ? argument.mode : []));
  const [said] = modes;
  if (said === undefined) return mode;
  if (network.length > 1) throw badInput(`--network ${said}: cannot be used with another --network`);
  if (mode !== undefined && mode !== said) throw badInput(`--network ${said}: cannot be used with --mode ${mode}`);
  return said;
}

/**
 * --ip, --ip6, --mac-address, --interface-name and --host-interface-name need one network; --network-alias is for all.
 */
function attachments(options: ContainerOptions): Attachment[] | null {
  const { network, ip = [], ip6 = [], macAddress, interfaceName, hostInterfaceName, networkAlias = [] } = options;
  const networks = network?.flatMap((argument) => ('mode' in argument ? [] : argument.networks));
  const named = networks && networks.length > 0 ? networks : null;
  const ofOne = saidOf({
    ip: options.ip,
    ip6: options.ip6,
    'mac-address': macAddress,
    'interface-name': interfaceName,
    'host-interface-name': hostInterfaceName,
  });
  const said = [...ofOne, ...saidOf({ 'network-alias': options.networkAlias })];
  if (said.length === 0) return named;
  if (!named) throw badInput(`${said.join(', ')}: needs a --network`);
  if (named.length > 1 && ofOne.length > 0)
    throw badInput(`${ofOne.join(', ')}: give it to one of the networks, as --network <name>:ip=…,mac=…`);
  return named.map((attachment) => ({
    ...attachment,
    ...(ip.length + ip6.length > 0 && { staticIps: [...(attachment.staticIps ?? []), ...ip, ...ip6] }),
    ...(macAddress && { staticMac: macAddress }),
    ...(interfaceName && { interfaceName }),
    ...(hostInterfaceName && { hostInterfaceName }),
    ...(networkAlias.length > 0 && { aliases: [...(attachment.aliases ?? []), ...networkAlias] }),
  }));
}

function saidOf(options: Record<string, unknown>): string[] {
  return Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`]));
}
