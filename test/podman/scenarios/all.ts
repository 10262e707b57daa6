import type { Podman } from '../newer.ts';
import type { Scenario } from '../outcome.ts';
import { families, type NetworkFamily, type PortRow, portRows } from '../port-rows.ts';
import { basics } from './basics.ts';
import { changes } from './changes.ts';
import { creates } from './creates.ts';
import { dhcp } from './dhcp.ts';
import { failures } from './failures.ts';
import { networks } from './networks.ts';
import { newLinks, newWords } from './newer.ts';
import { noFirewall } from './no-firewall.ts';
import { ports } from './ports.ts';
import { publishing } from './published.ts';

export const scenariosHere: readonly Scenario[] = [...basics, ...changes, ...networks, ...ports, ...failures];

const repeated = [
  'the default network, with a published port',
  'podman network create, with all that it can say',
  'containers find each other by name and alias',
  'podman network connect and disconnect of a running container',
  'two networks from the start, each with its address, alias and interface name',
  'IPv4 and IPv6',
  'a macvlan that has its parent for itself',
];

/** With later podmans: what differs there, and what only they can do. */
export const scenariosOfNewer: readonly Scenario[] = [
  ...scenariosHere.filter(({ title }) => repeated.includes(title)),
  ...newWords,
  ...newLinks,
  ...creates,
  ...noFirewall,
  ...dhcp,
];

/** Published ports, by family of the network. */
export function scenariosOfPorts(podman: Podman, rows: readonly PortRow[] = portRows): Record<NetworkFamily, Scenario> {
  const names = Object.keys(families) as NetworkFamily[];
  return Object.fromEntries(names.map((family) => [family, publishing(family, podman, rows)])) as Record<
    NetworkFamily,
    Scenario
  >;
}
