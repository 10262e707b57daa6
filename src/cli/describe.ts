import { withoutPrefixLength } from '../core/address.ts';
import { shortId } from '../core/container/reference.ts';
import type { TrafficCounter } from '../core/firewall/port-counters.ts';
import type { IpamDriver, NetworkRoute } from '../core/network/definition.ts';
import type { ExplainedSetting } from '../core/plan/interface-settings.ts';
import type { StatusBlock } from '../core/status.ts';
import type { ContainerView, DroppedFrames, NetworkView } from '../core/view.ts';
import { fittingWidths } from './columns.ts';
import { agoText, shortAgoText } from './duration.ts';
import { portText } from './port-mapping.ts';
import { facts, type Terminal, table } from './terminal.ts';

/** Formats containers and networks for people. */

/** `--no-trunc` is podman's. */
export interface TableOptions {
  trunc?: boolean;
}

export const noTruncOption = ['--no-trunc', 'print full ids'] as const;

/** Returns how a table shows an ID. */
export const idText = ({ trunc = true }: TableOptions): ((id: string) => string) => (trunc ? shortId : (id) => id);

/** `running`; `inspect` shows the process, addresses and the rest. */
export function containerTable(terminal: Terminal, containers: ContainerView[], options: TableOptions = {}): string {
  const { trunc: wrap = true } = options;
  const head = ['ID', 'NAME', 'CREATED', 'STATE', 'NETWORKS', 'ADDRESSES', 'PORTS'];
  const rows = containers.map((container) => containerRow(container, options, agoText));
  // times are short on a terminal; without one, programs read them, always in the same form
  const { columns } = terminal;
  const isTooWide = wrap && columns !== undefined && fittingWidths([head, ...rows], columns) !== null;
  const shown = isTooWide ? containers.map((container) => containerRow(container, options, shortAgoText)) : rows;
  return table(terminal, head, shown, { wrap, unbroken: head.indexOf('CREATED') });
}

function containerRow(container: ContainerView, options: TableOptions, ago: (time: string) => string): string[] {
  const shown = idText(options);
  return [
    shown(container.id),
    shown(container.name),
    container.created === undefined ? '' : ago(container.created),
    container.state,
    container.attachments.map(({ network }) => network).join(', '),
    addresses(container.status).join(', '),
    container.ports.map(portText).join(', '),
  ];
}

/** `net.ipv6.conf.eth0.accept_ra=0  the container must not use a neighbour as a router` */
export function settingLines(settings: readonly ExplainedSetting[]): string[] {
  return settings.map(({ key, value, why }) => `${key}=${value}  ${why}`);
}

export function containerFacts(
  terminal: Terminal,
  container: ContainerView,
  dropped: DroppedFrames,
  settings: readonly ExplainedSetting[] = [],
): string {
  const { netns, lastFault, ports, labels } = container;
  return facts(terminal, [
    ['Container', container.id],
    ['Name', container.name],
    ['State', container.state],
    ['Created', container.created],
    ['Mode', container.mode],
    ['Owner', container.owner],
    ['Labels', listOrNothing(pairsOf(labels))],
    ['Process', container.pid],
    ['Exit code', container.exitCode],
    ['Must start by', container.startBy],
    ['Namespace', netns && `${netns.path}${netns.inode === null ? '' : ` (net:[${netns.inode}])`}`],
    ...container.attachments.map(({ network, aliases }): [string, string[]] => [
      `On ${network}`,
      [
        ...interfaceLines(container.status[network]),
        `known as ${aliases.join(', ')}`,
        ...(dropped[network]?.packets ? [droppedText(dropped[network])] : []),
      ],
    ]),
    ...Object.keys(container.status)
      .filter((network) => !container.attachments.some((attachment) => attachment.network === network))
      .map((network): [string, string[]] => [`On ${network}`, interfaceLines(container.status[network])]),
    ['Ports', ports.length > 0 ? ports.map(portText) : null],
    ['Settings', settings.length > 0 ? settingLines(settings) : null],
    ['When it ends', container.removeOnExit ? 'removed' : 'kept'],
    ['Last fault', lastFault && `${lastFault.code}: ${lastFault.message}`],
  ]);
}

/** Frames that a container sent with addresses that are not its own. */
export const droppedText = ({ packets, bytes }: TrafficCounter): string =>
  `dropped: ${packets} frames (${bytes} bytes) with a MAC or address that is not its own`;

/** `eth0  10.89.0.2/24 via 10.89.0.1  02:…`, then `name servers 10.89.0.1, search dns.netloom` */
function interfaceLines(block: StatusBlock | undefined): string[] {
  if (!block) return [];
  const interfaces = Object.entries(block.interfaces).map(([name, { mac_address, subnets }]) => {
    const joined = subnets.map(({ ipnet, gateway }) => (gateway ? `${ipnet} via ${gateway}` : ipnet));
    return [name, joined.join(', ') || 'no address', mac_address].join('  ');
  });
  const { dns_server_ips: servers, dns_search_domains: domains } = block;
  const names = [
    ...(servers.length > 0 ? [`name servers ${servers.join(', ')}`] : []),
    ...(domains.length > 0 ? [`search ${domains.join(' ')}`] : []),
  ];
  return [...interfaces, ...(names.length > 0 ? [names.join('; ')] : [])];
}

/** Addresses without their prefixes, as users type them to reach the container. */
export function addresses(status: Record<string, StatusBlock>): string[] {
  return Object.values(status)
    .flatMap(({ interfaces }) => Object.values(interfaces))
    .flatMap(({ subnets }) => subnets.map(({ ipnet }) => withoutPrefixLength(ipnet)));
}

/** podman's columns, then netloom's own; the last one counts containers. IDs are given as they are shown. */
export function networkTable(terminal: Terminal, networks: NetworkView[], { trunc = true }: TableOptions = {}): string {
  return table(
    terminal,
    ['NETWORK ID', 'NAME', 'DRIVER', 'STATE', 'INTERFACE', 'SUBNETS', 'USED BY'],
    networks.map((network) => [
      network.id,
      network.name,
      network.driver,
      network.internal ? `${network.state}, internal` : network.state,
      network.network_interface ?? network.device?.name ?? null,
      network.subnets.map(({ subnet }) => subnet).join(', '),
      Object.keys(network.leases).length,
    ]),
    { wrap: trunc },
  );
}

export function networkFacts(
  terminal: Terminal,
  network: NetworkView,
  dropped: DroppedFrames,
  settings: readonly ExplainedSetting[] = [],
): string {
  const leases = Object.entries(network.leases).map(([id, held]) =>
    [shortId(id), held.join(', ') || 'no address', ...(dropped[id]?.packets ? [droppedText(dropped[id])] : [])].join(
      '  ',
    ),
  );
  return facts(terminal, [
    ['Network', network.name],
    ['Id', network.id],
    ['State', network.state],
    ['Driver', network.driver],
    ['Interface', linkText(network)],
    ...network.subnets.map(({ subnet, gateway, lease_range: range }): [string, string] => [
      'Subnet',
      `${gateway === null ? subnet : `${subnet} via ${gateway}`}${range ? `, addresses from ${range.start_ip ?? '…'} to ${range.end_ip ?? '…'}` : ''}`,
    ]),
    ['Addresses', ipamTexts[network.ipam_options.driver]],
    ['Routes', listOrNothing(network.routes.map(routeText))],
    ['DNS', dnsText(network)],
    ['Name servers', listOrNothing(network.network_dns_servers)],
    ['Firewall', network.firewall === 'none' ? 'none (set by the engine)' : null],
    ['Internal', network.internal ? 'yes: no external access, inbound or outbound' : 'no'],
    ['Created', network.created],
    ['Options', listOrNothing(pairsOf(network.options))],
    ['Labels', listOrNothing(pairsOf(network.labels))],
    ['Settings', settings.length > 0 ? settingLines(settings) : null],
    ['Containers', leases.length > 0 ? leases : 'none'],
    ['Last fault', network.lastFault && `${network.lastFault.code}: ${network.lastFault.message}`],
  ]);
}

const ipamTexts: Record<IpamDriver, string | null> = {
  'host-local': null,
  dhcp: 'from a DHCP server (ipam driver dhcp)',
  none: 'none (ipam driver none)',
};

function dnsText({ dns_enabled, device }: NetworkView): string {
  const names = device?.names;
  if (!dns_enabled) return 'no';
  if (names?.refused) return `not answered: ${names.refused}`;
  if (names)
    return names.servers.length > 0
      ? `answered at ${names.servers.join(', ')}`
      : 'not answered: no address of this host is on its bridge';
  return 'answers for the names of its containers';
}

/** `netloom0, MTU 1500`; of an automatic parent: `eth0 (leads to the outside), MTU 1500` */
function linkText({ network_interface: named, device }: NetworkView): string | null {
  if (device === null) return named;
  const link = named === null ? `${device.name} (leads to the outside)` : device.name;
  return device.mtuBytes === null ? link : `${link}, MTU ${device.mtuBytes}`;
}

/** `10.21.0.0/24 via 10.89.0.254 metric 120`, `blackhole 10.22.0.0/24` */
function routeText({ destination, gateway, metric, type }: NetworkRoute): string {
  return [
    type === 'unicast' ? '' : `${type} `,
    destination,
    gateway && ` via ${gateway}`,
    metric && ` metric ${metric}`,
  ]
    .filter(Boolean)
    .join('');
}

const pairsOf = (record: Record<string, string>): string[] =>
  Object.entries(record).map(([key, value]) => `${key}=${value}`);

const listOrNothing = (list: string[]) => (list.length > 0 ? list : null);
