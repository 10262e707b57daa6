import type { ActorAddress } from '../actor-address.ts';
import type { Family } from '../address.ts';
import type { DhcpQuestion } from '../dhcp/requests.ts';
import type { DhcpTerms, DhcpTimes } from '../dhcp/terms.ts';
import { describeElement, type Element } from '../firewall/nft.ts';
import type { IpvlanMode, MacvlanMode, RouteType } from '../link-kinds.ts';
import type { NetworkDefinition } from '../network/definition.ts';
import type { BridgeTraits, Ipv4Settings, Ipv6Settings, SettingDrift } from '../plan/interface-settings.ts';
import type { Purpose } from '../plan/purpose.ts';
import { describePort, type Protocol, type PublishedPort } from '../port.ts';

/**
 * The steps of a plan: one kernel verb each, plain data, printable. A step that finds its work done already, and the same,
 * has succeeded; so has the undoing of what is gone. That makes every plan safe to perform again after a crash.
 * `netns: null` is the namespace of the daemon (the host's).
 */
export type Step =
  /** ip netns add; its interfaces begin with namespaceSettings */
  | { verb: 'netns.create'; path: string }
  /** ip netns attach; ENOTUNIQ: the process is in the host's own */
  | { verb: 'netns.adopt'; path: string; pid: number }
  /** changes nothing: the namespace must be there (and be the one with that inode); foreign: and not the host's own (ENOTUNIQ) */
  | { verb: 'netns.require'; path: string; inode: number | null; foreign?: true }
  /**
   * ip netns set <path> auto; ip monitor nsid: tells the owner when the namespace ends. Of one with a veth whose other end is here
   * that is known by the end of the veth
   */
  | { verb: 'netns.watch'; owner: string; path: string }
  | { verb: 'netns.unwatch'; owner: string }
  /** changes nothing: whether a thread of any process is in that namespace; EACCES unless all can be seen. Output: that */
  | { verb: 'netns.inhabited'; path: string; inode: number }
  /** ip netns delete */
  | { verb: 'netns.remove'; path: string }
  /** ip link add <name> address <mac> type bridge [vlan_filtering 1]; `uplink`: the MTU of the link to the outside */
  | {
      verb: 'link.bridge';
      name: string;
      macAddress: string;
      mtuBytes: number | 'uplink' | null;
      vlanFiltering?: boolean;
    }
  /**
   * changes nothing: the link must be there. null: the uplink, by which this host reaches the outside. Output: its name, its
   * MTU (or the uplink's, where there is one), and the addresses that this host has itself
   */
  | { verb: 'link.find'; name: string | null; mtuOf?: 'uplink' }
  /**
   * ip link add <name> [address <mac>] group <vethGroup> type veth peer name <peer.name> address <peer.mac> netns <peer.netns>
   */
  | {
      verb: 'link.veth';
      name: string;
      /** absent: in the plan of an older version, and left to the kernel */
      macAddress?: string;
      mtuBytes: number | null;
      peer: { netns: string; name: string; macAddress: string };
    }
  /** ip link add link <parent> name <name> netns <netns> address <mac> type macvlan mode <mode> [bclim <limit>] */
  | {
      verb: 'link.macvlan';
      netns: string;
      name: string;
      parent: string;
      mode: MacvlanMode;
      broadcastLimit: number | null;
      macAddress: string;
      mtuBytes: number | null;
    }
  /** ip link add link <parent> name <name> netns <netns> type ipvlan mode <mode> */
  | { verb: 'link.ipvlan'; netns: string; name: string; parent: string; mode: IpvlanMode; mtuBytes: number | null }
  /** ip link set <name> … */
  | ({ verb: 'link.set'; netns: string | null; name: string } & LinkSettings)
  /**
   * sysctl -w net.ipv6.conf.<name>.<setting>=<value> …, those that differ; a link without IPv6 has none of them. Output: what
   * differed
   */
  | { verb: 'link.ipv6'; netns: string | null; name: string; settings: Ipv6Settings }
  /** the settings of a bridge as a file that systemd-sysctl reads, so that it does not set them back; and its removal */
  | { verb: 'settings.persist'; link: string; traits: Omit<BridgeTraits, 'onLoopback'> }
  | { verb: 'settings.forget'; link: string }
  /**
   * ip link show <name>, then <bridge>: until the kernel has taken note that a port has a carrier, which it does later by itself
   * and much later on a busy machine, the bridge drops what is sent by it. Asked for a link, it does so at once
   */
  | { verb: 'link.settle'; name: string; bridge: string }
  /** changes nothing: no link of this host has the name (EEXIST), unless it is the veth that leads to that peer */
  | { verb: 'link.vacant'; name: string; peer: { netns: string; name: string } }
  /**
   * ip link set <name> down, on this host: nothing passes any more. 0.1 ms, where deleting it waits for 10-25. `alias`, here and
   * in the next two: the name is a user's, and a link whose alias says that it is another's is left alone
   */
  | { verb: 'link.cut'; name: string; alias?: string }
  /** ip link delete <name> */
  | { verb: 'link.delete'; netns: string | null; name: string; alias?: string }
  /** waits for the kernel to take the link along with its namespace, deletes it when it has not after graceMs */
  | { verb: 'link.gone'; name: string; graceMs: number; alias?: string }
  /** ip address add|delete <address> dev <link> nodad */
  | { verb: 'address.add' | 'address.delete'; netns: string | null; link: string; address: string }
  /**
   * ip -6 route get <address>, until it is local: an IPv6 address that is added takes effect a moment later, by a work queue
   * that other work may hold up. Goes on after a moment all the same
   */
  | { verb: 'address.settle'; netns: string; addresses: string[] }
  /**
   * arping -U (IPv4), ndsend (IPv6): tells all neighbours which MAC address the link's addresses have, now and some more
   * times within a second, which nothing waits for
   */
  | { verb: 'address.announce'; netns: string; link: string; addresses: string[] }
  /** ip route add|delete [<type>] <destination> via <gateway> dev <link> metric <metric> proto static */
  | {
      verb: 'route.add' | 'route.delete';
      netns: string | null;
      destination: string;
      gateway: string | null;
      link: string | null;
      metric: number | null;
      /** default: unicast */
      type?: RouteType;
    }
  /** sysctl -w <key>=<value> */
  | { verb: 'sysctl.set'; netns: string | null; key: string; value: string }
  /**
   * sysctl -w <key>=<to> on this host, where it is `from`; another value stays. optional: a key that is not there is no failure.
   * Output: what was changed
   */
  | { verb: 'sysctl.turn'; key: string; from: string; to: string; optional?: true }
  /** changes nothing: what decides whether this host forwards, and what that would change. Output: forwarding */
  | { verb: 'forwarding.survey' }
  /** nft -f base.nft, unless that very ruleset is loaded */
  | { verb: 'nft.load' }
  /** nft add|delete element inet|bridge netloom … (one batch) */
  | { verb: 'nft.add' | 'nft.delete'; elements: Element[] }
  /** both in one transaction: nobody sees a moment between */
  | { verb: 'nft.replace'; remove: Element[]; add: Element[] }
  /**
   * conntrack -D -p udp --orig-port-dst <port>: flows that were under way keep going where they went before, until they are
   * forgotten. Behind the step that changes where ports lead; where that found nothing to change, flows are left alone
   */
  | { verb: 'conntrack.flush'; ports: PublishedPort[] }
  /** binds host ports; hostPort 0: the kernel picks. Output: the first port held */
  | ({ verb: 'port.hold'; owner: string } & HeldPorts)
  /** gives up ports that the owner holds; without ports: all */
  | { verb: 'port.release'; owner: string; ports?: HeldPorts[] | null }
  /** tells the owner when the process ends. Output: its start time, by which a reused pid is told apart */
  | { verb: 'process.watch'; owner: string; pid: number; startTicks: number | null }
  | { verb: 'process.unwatch'; owner: string }
  /**
   * tells the owner when that long has passed (`deadline.passed`), instead of what it was to be told before. `at`: when that is, in ms
   * since 1970, where an earlier life of the daemon has set it; then not before commands have been taken for a while. Output: when
   */
  | { verb: 'deadline.set'; owner: ActorAddress; deadline: Deadline; withinMs: number; at: number | null }
  | { verb: 'deadline.clear'; owner: ActorAddress }
  /** answers the names of a network's containers at its gateways, port 53; asks `servers` (or the host's) for the rest */
  /**
   * `link`: of others, where this host listens at the addresses that it has in the subnets, whichever there are. Output:
   * those; where another program has the port it is left there, and said why
   */
  | ({ verb: 'dns.serve'; link?: string } & ServedNetwork)
  | { verb: 'dns.retire'; network: string }
  /** the names of one container on one network, instead of those that it had there */
  | ({ verb: 'dns.add' } & ContainerNames)
  | { verb: 'dns.remove'; network: string; container: string }
  /** firewall-cmd --zone=trusted --add-source|--remove-source=<subnet>, at run time; nothing where no firewalld answers */
  | { verb: 'firewalld.trust' | 'firewalld.distrust'; subnets: string[] }
  /** the file of a network's definition; `previous` is what it held before */
  | { verb: 'definition.write'; definition: NetworkDefinition; previous: NetworkDefinition | null }
  | { verb: 'definition.remove'; name: string }
  /**
   * dhclient <link>: asks DHCP servers, again until one answers, instead of what the owner has asked before. What comes is told to the
   * owner: `dhcp.offered`, `dhcp.acknowledged`, `dhcp.refused`; a server that has offered something is asked for it for some
   * seconds only (`dhcp.unacknowledged`). `withinMs`: what is asked from now on must lead to a lease within that time, or the owner
   * is told so, once (`dhcp.timeout`); null: it is asked for ever
   */
  | { verb: 'dhcp.ask'; owner: ActorAddress; place: DhcpPlace; question: DhcpQuestion; withinMs: number | null }
  /** tells the owner when its lease is to be renewed, is to be rebound, and has ended; null: never */
  | { verb: 'dhcp.keep'; owner: ActorAddress; times: DhcpTimes | null }
  /**
   * dhclient -r <link>: nothing more is asked or kept for the owner, and the server hears that its lease is free; null: there is none. A
   * server that does not hear of it gives the address away when the lease has ended: no failure
   */
  | { verb: 'dhcp.release'; owner: ActorAddress; place: DhcpPlace; lease: DhcpRelease | null }
  /** the same without a word to the server */
  | { verb: 'dhcp.stop'; owner: ActorAddress }
  /** ip route show; ip address show; ip link show: what subnets and names this host uses already */
  | { verb: 'host.survey' };

/** What is waited for: that the process of a container starts, or that its engine reports the exit code. */
export type Deadline = 'start' | 'exit-code';

/** A link of the host; owner: whose it is, where netloom made it. */
export interface HostLink {
  name: string;
  owner: ActorAddress | null;
}

/** Where a DHCP client speaks. */
export interface DhcpPlace {
  netns: string;
  /** null: whichever namespace is there */
  inode: number | null;
  link: string;
  macAddress: string;
  /** what servers may show it as */
  hostName: string | null;
  /** of the container's other networks, as far as they are not given by DHCP: an address in one of them is not taken. Absent: none */
  otherSubnets?: string[];
}

export type DhcpRelease = Pick<DhcpTerms, 'address' | 'server' | 'serverMac'>;

export interface ServedNetwork {
  network: string;
  /** gateway addresses */
  listen: string[];
  /**
   * The resolver listens at a port of its own (null: any), and the firewall leads there what is asked at port 53. null: it
   * listens at port 53 itself, on a bridge whose traffic our firewall leaves alone
   */
  redirect: { port: number | null } | null;
  /** whose questions are answered */
  subnets: string[];
  searchDomain: string;
  servers: string[];
  /** whether anything is asked outside */
  forward: boolean;
}

export interface ContainerNames {
  network: string;
  container: string;
  names: string[];
  addresses: string[];
  /** the container's own name servers */
  servers: string[];
  /** what its engine puts behind names; absent: the search domain of the network */
  domain?: string;
}

export interface HeldPorts {
  protocol: Protocol;
  addresses: string[];
  port: number;
  range: number;
}

export interface LinkSettings {
  up?: boolean;
  master?: string;
  /** the VLAN of a bridge port: its untagged frames belong there */
  bridgeVlan?: number;
  /** lets a bridge send a packet back through the port that it came by: a container that asks for its own published port */
  hairpin?: boolean;
  alias?: string;
  /** ip link set group: what the firewall knows the host's ends of veths by */
  group?: number;
  ipv4?: Ipv4Settings;
  ipv6AddressGeneration?: 'none' | 'eui64';
}

export interface HostSurvey {
  /** what this host is on: the subnets of its addresses, and those of routes that the kernel made with them */
  connected: HostRoute[];
  /** ip route show: the other ones */
  routes: HostRoute[];
  linkNames: string[];
  /** those of them that are bridges */
  bridges: string[];
}

export interface FoundLink {
  name: string;
  mtuBytes: number;
  /** of this host, on whichever link: `10.0.0.5`; without loopback and IPv6 link-local ones */
  addresses: string[];
  macAddress: string | null;
  /** route_localnet, as it was found */
  routesLoopback: boolean;
}

export interface ForwardingSurvey {
  /** families for which it forwards */
  on: Family[];
  /** families for which links that come do */
  future: Family[];
  /** accept_ra of the links that are not ours, by name, and of those that come (`default`) */
  acceptRa: Record<string, number>;
  /** names of the bridges that are not ours */
  bridges: string[];
}

/** Where names are answered on a link of others. */
export interface ServedNames {
  servers: string[];
  /** why nowhere, though this host has addresses there */
  refused: string | null;
}

export interface HostRoute {
  destination: string;
  /** null where a route leads nowhere */
  link: string | null;
}

/** What a step answers beside success; the rest answer nothing. */
export interface StepOutput {
  netns?: { path: string; inode: number };
  port?: number;
  startTicks?: number;
  /** when a deadline passes, in ms since 1970 */
  deadlineAt?: number;
  /** a process lives in the namespace */
  inhabited?: boolean;
  survey?: HostSurvey;
  forwarding?: ForwardingSurvey;
  link?: FoundLink;
  names?: ServedNames;
  /** settings of an interface that were not as they should be, and are now */
  drifted?: SettingDrift[];
}

export interface Plan<For extends Purpose = Purpose> {
  /** comes back with its result */
  purpose: For;
  /**
   * build: stop at the first failure and take everything back; extend: take back only what it made itself, for the rest
   * was there before and may be in use; mend: try everything and take nothing back, for it may
   * have been there before; dismantle: try everything, collect what is left
   */
  kind: 'build' | 'extend' | 'mend' | 'dismantle';
  steps: Step[];
}

/** The step that takes another back, from its own data alone; null where there is nothing to take back. */
export function inverse(step: Step): Step | null {
  switch (step.verb) {
    case 'netns.create':
    case 'netns.adopt':
      return { verb: 'netns.remove', path: step.path };
    case 'link.bridge':
    case 'link.veth':
      return { verb: 'link.delete', netns: null, name: step.name };
    case 'link.macvlan':
    case 'link.ipvlan':
      return { verb: 'link.delete', netns: step.netns, name: step.name };
    case 'address.add':
      return { ...step, verb: 'address.delete' };
    case 'route.add':
      return { ...step, verb: 'route.delete' };
    case 'dns.serve':
      return { verb: 'dns.retire', network: step.network };
    case 'dns.add':
      return { verb: 'dns.remove', network: step.network, container: step.container };
    case 'definition.write':
      return step.previous
        ? { verb: 'definition.write', definition: step.previous, previous: step.definition }
        : { verb: 'definition.remove', name: step.definition.name };
    case 'settings.persist':
      return { verb: 'settings.forget', link: step.link };
    case 'sysctl.turn':
      return { ...step, from: step.to, to: step.from };
    case 'nft.add':
      return { ...step, verb: 'nft.delete' };
    case 'firewalld.trust':
      return { ...step, verb: 'firewalld.distrust' };
    case 'nft.replace':
      return { ...step, remove: step.add, add: step.remove };
    case 'port.hold': {
      const { verb: _, owner, ...held } = step;
      return { verb: 'port.release', owner, ports: [held] };
    }
    case 'netns.watch':
      return { verb: 'netns.unwatch', owner: step.owner };
    case 'process.watch':
      return { verb: 'process.unwatch', owner: step.owner };
    case 'deadline.set':
      return { verb: 'deadline.clear', owner: step.owner };
    default:
      return null;
  }
}

/** One line for people: in errors, events and `netloom plan`. */
export function describeStep(step: Step): string {
  switch (step.verb) {
    case 'netns.create':
    case 'netns.watch':
    case 'netns.inhabited':
    case 'netns.remove':
    case 'netns.require':
      return `${step.verb} ${step.path}`;
    case 'netns.adopt':
      return `${step.verb} ${step.path} (process ${step.pid})`;
    case 'link.veth':
      return `${step.verb} ${step.name} (${step.peer.name} in ${step.peer.netns})`;
    case 'link.bridge':
    case 'link.settle':
    case 'link.vacant':
    case 'link.cut':
    case 'link.gone':
      return `${step.verb} ${step.name}`;
    case 'link.ipv6':
      return `${step.verb} ${step.name}${within(step.netns)}`;
    case 'settings.persist':
    case 'settings.forget':
      return `${step.verb} ${step.link}`;
    case 'link.delete':
      return `${step.verb} ${step.name}${within(step.netns)}`;
    case 'link.macvlan':
    case 'link.ipvlan':
      return `${step.verb} ${step.name} on ${step.parent}${within(step.netns)}`;
    case 'link.set':
      return `${step.verb} ${step.name} ${describeSettings(step)}${within(step.netns)}`;
    case 'address.add':
    case 'address.delete':
      return `${step.verb} ${step.address} dev ${step.link}${within(step.netns)}`;
    case 'address.settle':
      return `${step.verb} ${step.addresses.join(', ')}${within(step.netns)}`;
    case 'address.announce':
      return `${step.verb} ${step.addresses.join(', ')} dev ${step.link}${within(step.netns)}`;
    case 'route.add':
    case 'route.delete':
      return `${step.verb} ${(step.type ?? 'unicast') === 'unicast' ? '' : `${step.type} `}${step.destination}${step.gateway ? ` via ${step.gateway}` : ''}${within(step.netns)}`;
    case 'link.find':
      return `${step.verb} ${step.name ?? 'to the outside'}`;
    case 'dns.serve':
      return `${step.verb} ${step.network} at ${step.link ? `the addresses of ${step.link}` : step.listen.join(', ')}`;
    case 'dns.retire':
      return `${step.verb} ${step.network}`;
    case 'dns.add':
      return `${step.verb} ${step.names.join(', ')} on ${step.network}`;
    case 'dns.remove':
      return `${step.verb} ${step.container} on ${step.network}`;
    case 'firewalld.trust':
    case 'firewalld.distrust':
      return `${step.verb} ${step.subnets.join(', ')}`;
    case 'definition.write':
      return `${step.verb} ${step.definition.name}`;
    case 'definition.remove':
      return `${step.verb} ${step.name}`;
    case 'sysctl.set':
      return `${step.verb} ${step.key}=${step.value}${within(step.netns)}`;
    case 'sysctl.turn':
      return `${step.verb} ${step.key.replaceAll('/', '.')}=${step.to}`;
    case 'nft.add':
    case 'nft.delete':
      return `${step.verb} ${describeElements(step.elements)}`;
    case 'nft.replace':
      return `${step.verb} ${describeElements(step.remove)} by ${describeElements(step.add)}`;
    case 'conntrack.flush':
      return `${step.verb} ${step.ports.map(describePort).join(', ')}`;
    case 'port.hold':
      return `${step.verb} ${step.addresses.join(', ')} port ${step.port}${step.range > 1 ? `-${step.port + step.range - 1}` : ''}/${step.protocol}`;
    case 'process.watch':
      return `${step.verb} ${step.pid}`;
    case 'deadline.set':
      return `${step.verb} ${step.deadline} within ${step.withinMs} ms`;
    case 'dhcp.ask':
      return `${step.verb} ${step.question.kind} by ${step.place.link}${within(step.place.netns)}`;
    case 'dhcp.release':
      return `${step.verb} ${step.lease ? `${step.lease.address} ` : ''}by ${step.place.link}${within(step.place.netns)}`;
    default:
      return step.verb;
  }
}

const within = (netns: string | null): string => (netns === null ? '' : ` in ${netns}`);

function describeSettings(settings: LinkSettings): string {
  return [
    settings.master === undefined ? '' : `master ${settings.master}`,
    settings.up === undefined ? '' : settings.up ? 'up' : 'down',
    settings.ipv4?.routeLocalnet === undefined ? '' : `route_localnet=${Number(settings.ipv4.routeLocalnet)}`,
  ]
    .filter(Boolean)
    .join(' ');
}

function describeElements(elements: readonly Element[]): string {
  const [first, ...rest] = elements;
  if (!first) return '(none)';
  return rest.length > 3
    ? `${describeElement(first)} and ${rest.length} more`
    : elements.map(describeElement).join(', ');
}
