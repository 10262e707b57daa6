import { containerAddress } from './actor-address.ts';
import { familyOf } from './address.ts';
import { dropText, type FirewallDrop } from './firewall/foreign/obstacles.ts';
import { answersNames, gatewaysOf } from './network/definition.ts';
import type { Origin } from './reachability.ts';
import type { ContainerView, NetworkView } from './view.ts';

/** Which questions for a container's names are answered: derived from the networks and what foreign firewalls drop, without a query. */

export interface NameAnswer {
  from: Origin;
  /** ID of a container */
  to: string;
  /** names of it that are answered */
  names: string[];
  answered: boolean;
  reason: string;
}

export type NamedContainer = Pick<ContainerView, 'id' | 'name' | 'netns' | 'attachments'>;
export type NamingNetwork = Pick<
  NetworkView,
  'name' | 'driver' | 'dns_enabled' | 'subnets' | 'options' | 'ipam_options' | 'device' | 'network_interface'
>;

interface Known {
  networks: readonly NamingNetwork[];
  containers: readonly NamedContainer[];
  firewalls: readonly FirewallDrop[];
}

/** Returns whether `from` gets answers for the names of `to`, on the networks that both are on. */
export function nameAnswer(from: Origin, to: NamedContainer, known: Known): NameAnswer {
  const say = (answered: boolean, reason: string, network?: string): NameAnswer => ({
    from,
    to: to.id,
    names: answered ? namesOf(to, network) : [],
    answered,
    reason,
  });
  if (from === 'outside') return say(false, 'names are answered to containers and to this host only');
  const shared = sharedNetworks(from, to, known);
  if (shared.length === 0) return say(false, 'no network in common');
  const refusals = shared.map((network) => ({ network, refusal: refusalOf(network, known.firewalls) }));
  const open = refusals.find(({ refusal }) => refusal === null);
  if (!open) return say(false, refusals[0]?.refusal ?? '');
  const { name } = open.network;
  if (from === 'host') return say(true, `where this host asks ${serversOf(open.network).join(', ')}`, name);
  return say(true, `answered on network ${name}${doubtOf(open.network, known.firewalls)}`, name);
}

/** Returns shared networks: the host is on every network that answers; containers that share a namespace are on each other's networks. */
function sharedNetworks(from: Origin, to: NamedContainer, { networks, containers }: Known): NamingNetwork[] {
  const there = networks.filter(({ name }) => to.attachments.some(({ network }) => network === name));
  if (from === 'host') return there;
  const asker = containers.find(({ id }) => containerAddress(id) === from);
  const inode = asker?.netns?.inode ?? null;
  const askers = containers.filter((one) => one === asker || (inode !== null && one.netns?.inode === inode));
  const own = new Set(askers.flatMap(({ attachments }) => attachments.map(({ network }) => network)));
  return there.filter(({ name }) => own.has(name));
}

/** Returns why a network's names are not answered; null: they are. */
function refusalOf(network: NamingNetwork, firewalls: readonly FirewallDrop[]): string | null {
  if (!network.dns_enabled) return `no DNS on network ${network.name}`;
  if (!answersNames(network)) return `no DNS on ${network.driver} networks such as ${network.name}`;
  if (network.device?.names?.refused) return network.device.names.refused;
  const families = new Set(serversOf(network).map(familyOf));
  const drops = dropsOf(network, firewalls).filter(({ certain }) => certain);
  const stopped = new Set(drops.flatMap((drop) => familiesOf(drop, network)));
  const isStopped = families.size > 0 && [...families].every((family) => stopped.has(family));
  return isStopped && drops[0] ? `dropped by ${dropText(drops[0])}` : null;
}

function doubtOf(network: NamingNetwork, firewalls: readonly FirewallDrop[]): string {
  const [drop] = dropsOf(network, firewalls);
  return drop ? `; may be dropped by ${dropText(drop)}` : '';
}

const familiesOf = ({ stops }: FirewallDrop, { name }: NamingNetwork) =>
  stops.filter((stop) => stop.way === 'names' && stop.network === name).map(({ family }) => family);

const dropsOf = (network: NamingNetwork, firewalls: readonly FirewallDrop[]): FirewallDrop[] =>
  firewalls.filter((drop) => familiesOf(drop, network).length > 0);

const serversOf = (network: NamingNetwork): string[] => network.device?.names?.servers ?? gatewaysOf(network);

function namesOf({ name, attachments }: NamedContainer, on: string | undefined): string[] {
  const aliases = attachments.filter(({ network }) => network === on).flatMap((attachment) => attachment.aliases);
  return [...new Set([name, ...aliases])];
}
