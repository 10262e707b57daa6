import { containerAddress, dhcpAddress } from '../actor-address.ts';
import { type Family, familyOf, parseSubnet, type Subnet, subnetContains, subnetsOverlap } from '../address.ts';
import type { Attachment, ContainerWish } from '../container.ts';
import { dnsName, podmanDomain } from '../dns-name.ts';
import { type Fault, fault } from '../fault.ts';
import { firstOfFamily, type Lease, type LeaseLink, lacksTerms, withTerms } from '../lease.ts';
import {
  hostEndName,
  macOfBridgePort,
  macOfContainer,
  netnsPath,
  type OwnerMark,
  ownerMark,
  vethAlias,
  vethGroup,
} from '../names.ts';
import { carriesIpv6, type NetworkRoute } from '../network.ts';
import { describeElement, type Element, portElements } from '../nft.ts';
import {
  describePort,
  type GrantedPort,
  grantedFamilies,
  isLoopback6,
  isOnLoopback,
  type PublishedPort,
  portsShare,
} from '../port.ts';
import { servedPorts, uncoveredPorts } from '../served-ports.ts';
import { sourceElements } from '../source-elements.ts';
import type { StatusBlock } from '../status.ts';
import {
  containerSettings,
  type ExplainedSetting,
  explainedContainerSettings,
  type Ipv6Settings,
  namespaceSettings,
} from './interface-settings.ts';
import { type DhcpPlace, inverse, type LinkSettings, type Plan, type Step } from './step.ts';

/** All that a container's plans are made from: the wish and what was granted for it. */
export interface ContainerGrant {
  wish: ContainerWish;
  /** where the namespace is, or will be */
  netns: string;
  leases: Readonly<Record<string, Lease>>;
  /** as they were asked for, with those that were picked; see `servedPorts` */
  ports: readonly GrantedPort[];
}

/** How long the kernel may take to unregister a veth after its namespace was dropped, before it is deleted by hand. */
const linkGraceMs = 200;
/** The same for a namespace that somebody else is about to drop, as container engines do after a teardown. */
const foreignGraceMs = 50;
/** netavark's metric; the default route of each further network is one less preferred. */
const firstRouteMetric = 100;
/** C12: netavark's metric of a network upon a parent: the LAN leads outwards before any bridge does. */
const lanRouteMetric = 99;

/** The namespace of the daemon, by the path that every process has of its own. */
const hostNetns = '/proc/self/ns/net';

export function netnsOf(wish: ContainerWish, netnsDirectory: string, sharedPath: string | null): string {
  if (wish.netns.kind === 'path') return wish.netns.path;
  if (wish.netns.kind === 'host') return hostNetns;
  return sharedPath ?? netnsPath(netnsDirectory, wish.id);
}

/** Whether the pin is ours to make and to remove (B03: a namespace that netloom did not pin is never removed). */
export function ownsNetns(wish: ContainerWish): boolean {
  return wish.netns.kind === 'create' || wish.netns.kind === 'adopt';
}

/**
 * What is done inside the namespace is next to each other, so that it goes in one send. The firewall comes before the links:
 * not one frame passes that is not looked at.
 */
export function setupPlan(grant: ContainerGrant): Plan {
  return {
    name: 'setup',
    kind: 'build',
    steps: [
      ...vacantSteps(grant, joined(grant)),
      ...netnsSteps(grant),
      ...firewallSteps(grant),
      ...hostSteps(grant),
      ...watchSteps(grant, joined(grant)),
      ...ipv6Steps(grant, joined(grant), grant.wish.netns.kind === 'create' ? namespaceSettings : null),
      ...loopbackSteps(grant),
      ...insideSteps(grant),
      ...readySteps(grant),
      ...nameStepsOf(grant),
    ],
  };
}

/** The set-up again, for a network that is there: what matches is left alone, what is missing is put back. */
export function verifyPlan(grant: ContainerGrant, inode: number): Plan {
  const require = requireStep(grant, inode);
  // somebody may have taken the whole table
  const load: Step[] = allElements(grant).length > 0 ? [{ verb: 'nft.load' }] : [];
  const vacant = vacantSteps(grant, joined(grant));
  return { name: 'verify', kind: 'mend', steps: [require, ...vacant, ...load, ...networkSteps(grant)] };
}

/**
 * Goes by what was wished, so that it also cleans up what is half made. Dropping a namespace that we made takes its veths
 * along, without the wait that deleting each would cost. In somebody else's they are cut, so that nothing passes any more, and
 * go when he drops it, or are deleted soon.
 */
export function teardownPlan(grant: ContainerGrant): Plan {
  const elements = publishedElements(grant);
  const dropsNetns = grant.wish.netns.kind === 'create';
  return {
    name: 'teardown',
    kind: 'dismantle',
    steps: [
      ...joined(grant).flatMap((one) => releaseSteps(grant, one)),
      { verb: 'process.unwatch', owner: `container/${grant.wish.id}` },
      { verb: 'netns.unwatch', owner: `container/${grant.wish.id}` },
      ...joined(grant).flatMap((one) => forgetNameSteps(grant, one)),
      ...(elements.length > 0
        ? [{ verb: 'nft.delete', elements } as const, ...forgetFlows(servedPorts(grant.ports))]
        : []),
      ...(dropsNetns ? [] : refusingRoutes(grant).map(withdrawn)),
      ...joined(grant).flatMap(({ attachment, lease }): Step[] => {
        if (lease.link.kind !== 'bridge') return [deleteLinkStep(grant, attachment, lease)];
        return dropsNetns ? [] : cutSteps(grant, attachment, lease);
      }),
      ...(dropsNetns ? [{ verb: 'netns.remove', path: grant.netns } as const] : []),
    ],
  };
}

/**
 * The links that must have gone before addresses may be given to others. What they may send is forgotten after them. The pin of an
 * adopted namespace goes only now: a teardown that left something inside is said again, and needs the way in.
 */
export function unlinkPlan(grant: ContainerGrant): Plan {
  const unpin: Step[] = grant.wish.netns.kind === 'adopt' ? [{ verb: 'netns.remove', path: grant.netns }] : [];
  const gone = joined(grant)
    .filter(({ lease }) => lease.link.kind === 'bridge')
    .map(
      ({ attachment }): Step => ({
        verb: 'link.gone',
        ...hostEnd(grant, attachment),
        graceMs: grant.wish.netns.kind === 'create' ? linkGraceMs : foreignGraceMs,
      }),
    );
  const elements = heldElements(grant);
  const forget: Step[] = elements.length > 0 ? [{ verb: 'nft.delete', elements }] : [];
  return { name: 'unlink', kind: 'dismantle', steps: [...unpin, ...gone, ...forget] };
}

// ---------------------------------------------------------------------------------------------------- live changes

/** C03: one more network for a container that is up. `after` is the grant with that network in it. */
export function connectPlan(before: ContainerGrant, after: ContainerGrant, network: string, inode: number): Plan {
  const added = joined(after).filter(({ attachment }) => attachment.network === network);
  return {
    name: 'connect',
    kind: 'build',
    steps: [
      requireStep(after, inode),
      ...vacantSteps(after, added),
      ...refirewall(before, after, allElements),
      ...added.flatMap(({ attachment, lease }) => hostEndSteps(after, attachment, lease)),
      ...watchSteps(after, added),
      ...ipv6Steps(after, added, null),
      ...added.flatMap(({ attachment, lease }) => containerEndSteps(after, attachment, lease)),
      ...routesThatCome(before, after),
      ...added.flatMap(({ attachment, lease }) => readyStepsOf(after, attachment, lease)),
      ...added.flatMap((one) => nameSteps(after, one)),
    ],
  };
}

/** C04: one network less. Ports that led there lead to the next network first (C05); the link is held to its end. */
export function disconnectPlan(before: ContainerGrant, after: ContainerGrant, network: string): Plan {
  const dropped = joined(before).filter(({ attachment }) => attachment.network === network);
  const replaced = routesThatGo(before, after);
  return {
    name: 'disconnect',
    kind: 'dismantle',
    steps: [
      ...dropped.flatMap((one) => releaseSteps(before, one)),
      ...dropped.flatMap((one) => forgetNameSteps(before, one)),
      ...refirewall(before, after, publishedElements),
      ...replaced.filter((route) => !leadsOutwards(route)).map(withdrawn),
      ...dropped.map(({ attachment, lease }) => deleteLinkStep(before, attachment, lease)),
      ...exchange(heldElements(before), heldElements(after)),
      // a LAN that is left when the first one goes leads outwards in its place: never is there none
      ...routesThatCome(before, after),
      ...replaced.filter(leadsOutwards).map(withdrawn),
    ],
  };
}

/**
 * What DHCP servers give now, instead of what they gave before. What is old goes first: a further address of a subnet would go with the
 * first one.
 */
export function addressPlan(name: string, before: ContainerGrant, after: ContainerGrant, inode: number | null): Plan {
  const endBefore = ({ attachment: { network } }: Joined): Step[] =>
    joined(before)
      .filter(({ attachment }) => attachment.network === network)
      .flatMap(({ attachment, lease }) => containerEndSteps(before, attachment, lease));
  const changed = joined(after).filter(
    (one) => !isDeepEqual(endBefore(one), containerEndSteps(after, one.attachment, one.lease)),
  );
  const links = new Set<string | null>(changed.map(({ attachment }) => attachment.interfaceName));
  const known = allRoutes(before);
  const comes = (route: RouteAdd) => !known.some((other) => isDeepEqual(route, other));
  return {
    name,
    kind: 'mend',
    steps: [
      requireStep(after, inode),
      ...routesThatCome(after, before).map(withdrawn),
      ...changed.flatMap((one): Step[] => {
        const [old, wanted] = [endBefore(one), containerEndSteps(after, one.attachment, one.lease)];
        const gone = old.filter((step) => !wanted.some((other) => isDeepEqual(step, other)));
        return [...gone.toReversed().flatMap((step) => inverse(step) ?? []), ...wanted];
      }),
      // those that stay may have gone with an address
      ...allRoutes(after).filter((route) => comes(route) || links.has(route.link)),
      ...changed.flatMap((one) => readyStepsOf(after, one.attachment, one.lease)),
    ],
  };
}

/** The grant as it was before any DHCP server gave anything; or one, of that network. */
export function withoutTerms(grant: ContainerGrant, network: string | null = null): ContainerGrant {
  const leases = Object.entries(grant.leases).map(([name, lease]) => [
    name,
    network === null || network === name ? withTerms(lease, null) : lease,
  ]);
  return { ...grant, leases: Object.fromEntries(leases) };
}

/** Where the DHCP clients of these networks speak, and for which claims. */
export function dhcpPlaces(
  grant: ContainerGrant,
  inode: number | null,
): { network: string; attempt: number; place: DhcpPlace }[] {
  return joined(grant).flatMap((one) => {
    const { attachment, lease } = one;
    return lease.dhcp
      ? [{ network: attachment.network, attempt: lease.dhcp.attempt, place: placeOf(grant, one, inode) }]
      : [];
  });
}

function placeOf(grant: ContainerGrant, { attachment, lease }: Joined, inode: number | null): DhcpPlace {
  const { wish, netns } = grant;
  const macAddress = macOf(wish, attachment, lease);
  const otherSubnets = joined(grant).flatMap(({ lease: { dhcp, addresses } }) =>
    dhcp ? [] : addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
  );
  return {
    netns,
    inode,
    link: attachment.interfaceName,
    macAddress,
    hostName: wish.hostName ?? wish.networkName,
    ...(otherSubnets.length > 0 && { otherSubnets }),
  };
}

/** While the link is there: what is sent needs it. */
function releaseSteps(grant: ContainerGrant, one: Joined): Step[] {
  const { attachment, lease } = one;
  if (!lease.dhcp) return [];
  const { terms } = lease.dhcp;
  const owner = dhcpAddress(grant.wish.id, attachment.network);
  const given = terms && { address: terms.address, server: terms.server, serverMac: terms.serverMac };
  return [{ verb: 'dhcp.release', owner, place: placeOf(grant, one, null), lease: given }];
}

export function publishPlan(before: ContainerGrant, after: ContainerGrant): Plan {
  return { name: 'publish', kind: 'build', steps: refirewall(before, after, publishedElements) };
}

export function unpublishPlan(before: ContainerGrant, after: ContainerGrant): Plan {
  return { name: 'unpublish', kind: 'dismantle', steps: refirewall(before, after, publishedElements) };
}

/** B14: a network of the container lets it send what it likes, or does so no more. */
export function spoofingPlan(before: ContainerGrant, after: ContainerGrant): Plan {
  return { name: 'spoofing', kind: 'build', steps: exchange(heldElements(before), heldElements(after)) };
}

function refirewall(
  before: ContainerGrant,
  after: ContainerGrant,
  elementsOf: (grant: ContainerGrant) => Element[],
): Step[] {
  const exchanged = exchange(elementsOf(before), elementsOf(after));
  if (exchanged.length === 0) return [];
  const open = loopbackRoutes(before);
  const opening = loopbackRoutes(after).filter((step) => !open.some((other) => isDeepEqual(step, other)));
  return [...opening, ...exchanged, ...forgetFlows(portsThatDiffer(before, after))];
}

/** Only what differs is touched: packets to ports that stay are not lost. */
function exchange(old: readonly Element[], wanted: readonly Element[]): Step[] {
  const missingFrom = (others: readonly Element[]) => {
    const known = new Set(others.map(describeElement));
    return (element: Element) => !known.has(describeElement(element));
  };
  const remove = old.filter(missingFrom(wanted));
  const add = wanted.filter(missingFrom(old));
  if (remove.length + add.length === 0) return [];
  return [{ verb: 'nft.replace', remove, add }];
}

/** Those that come, that go, and that lead elsewhere than before. */
function portsThatDiffer(before: ContainerGrant, after: ContainerGrant): PublishedPort[] {
  const [old, wanted] = [before, after].map(({ ports }) => servedPorts(ports)) as [PublishedPort[], PublishedPort[]];
  const [oldTargets, targets] = [portTargets(before), portTargets(after)];
  if (isDeepEqual(oldTargets, targets)) return [...uncoveredPorts(old, wanted), ...uncoveredPorts(wanted, old)];
  const elementsOf = (ports: PublishedPort[], to: PortTargets) =>
    new Map(ports.map((port) => [describePort(port), JSON.stringify(portElements(port, to, null))]));
  const [led, leads] = [elementsOf(old, oldTargets), elementsOf(wanted, targets)];
  const all = new Map([...old, ...wanted].map((port) => [describePort(port), port]));
  return [...all].filter(([name]) => led.get(name) !== leads.get(name)).map(([, port]) => port);
}

/** Without connections there is no first packet: a flow of UDP that goes on would never ask where the port leads now. */
function forgetFlows(ports: readonly PublishedPort[]): Step[] {
  const udp = ports.filter(({ protocol }) => protocol === 'udp');
  return udp.length > 0 ? [{ verb: 'conntrack.flush', ports: udp }] : [];
}

export function watchPlan(wish: ContainerWish, pid: number, startTicks: number | null): Plan {
  const owner = `container/${wish.id}`;
  return { name: 'watch', kind: 'build', steps: [{ verb: 'process.watch', owner, pid, startTicks }] };
}

/** C01: one status block per network. */
export function statusBlocks(grant: ContainerGrant): Record<string, StatusBlock> {
  return Object.fromEntries(
    joined(grant).map(({ attachment, lease }) => [
      attachment.network,
      {
        interfaces: {
          [attachment.interfaceName]: {
            mac_address: macOf(grant.wish, attachment, lease),
            subnets: lease.addresses.map(({ address, prefixLength, gateway }) => ({
              ipnet: `${address}/${prefixLength}`,
              ...(lease.internal || gateway === null ? {} : { gateway }),
            })),
          },
        },
        dns_server_ips: nameServersOf(grant.wish, lease),
        dns_search_domains: lease.dns?.searchDomains ?? lease.dhcp?.terms?.searchDomains ?? [],
      },
    ]),
  );
}

/** Without a resolver of the network, who lives there asks the container's own, or those that a DHCP server names. */
function nameServersOf({ dnsServers }: ContainerWish, { dns, dhcp }: Lease): string[] {
  if (dns?.servers.length) return dns.servers;
  return dnsServers.length > 0 ? dnsServers : (dhcp?.terms?.nameServers ?? []);
}

interface Joined {
  attachment: Attachment;
  lease: Lease;
}

function joined(grant: ContainerGrant): Joined[] {
  return grant.wish.attachments.flatMap((attachment) => {
    const lease = grant.leases[attachment.network];
    return lease ? [{ attachment, lease }] : [];
  });
}

/** A lease of journal version 9 has none: what its container has is found the way it was then. */
function macOf(wish: ContainerWish, attachment: Attachment, lease: Lease): string {
  return lease.macAddress ?? attachment.staticMac ?? macOfContainer(wish.id, attachment.network);
}

function netnsSteps(grant: ContainerGrant): Step[] {
  const { wish, netns } = grant;
  switch (wish.netns.kind) {
    case 'create':
      return [{ verb: 'netns.create', path: netns }];
    case 'adopt':
      return [{ verb: 'netns.adopt', path: netns, pid: wish.netns.pid }];
    case 'path':
    case 'host':
    case 'container':
      return [requireStep(grant, null)];
  }
}

/** Who shares a namespace takes the owner's, which may be the host's; a path that leads to the host's is a mistake. */
function requireStep({ wish, netns: path }: ContainerGrant, inode: number | null): Step {
  const { kind } = wish.netns;
  const foreign = kind !== 'host' && kind !== 'container';
  return { verb: 'netns.require', path, inode, ...(foreign && { foreign }) };
}

/** An engine that makes namespaces leaves the loopback to who gives them their networks. */
function loopbackSteps({ wish, netns }: ContainerGrant): Step[] {
  const isForeign = wish.netns.kind === 'path' && wish.attachments.length > 0;
  return ownsNetns(wish) || isForeign ? [{ verb: 'link.set', netns, name: 'lo', up: true }] : [];
}

/** Links, addresses, routes and elements, for who verifies them. */
function networkSteps(grant: ContainerGrant): Step[] {
  return [
    ...firewallSteps(grant),
    ...hostSteps(grant),
    ...watchSteps(grant, joined(grant)),
    ...ipv6Steps(grant, joined(grant), null),
    ...insideSteps(grant),
    ...readySteps(grant),
    ...nameStepsOf(grant),
  ];
}

const hostSteps = (grant: ContainerGrant): Step[] => [
  ...joined(grant).flatMap(({ attachment, lease }) => hostEndSteps(grant, attachment, lease)),
  ...loopbackRoutes(grant),
];

/**
 * The host reaches published ports by 127.0.0.1 only through a bridge that routes loopback addresses. base.nft closes what that
 * opens, unless the ruleset is gone: so the network takes it back when nothing is published there any more.
 */
function loopbackRoutes(grant: ContainerGrant): Step[] {
  const target = grant.ports.some(isOnLoopback) ? portTargets(grant)[4] : undefined;
  const links = joined(grant)
    .filter(({ lease }) => !lease.internal && lease.addresses.some(({ address }) => address === target))
    .map(({ lease }) => lease.link);
  return links.flatMap((link): Step[] =>
    link.kind === 'bridge' ? [{ verb: 'link.set', netns: null, name: link.bridge, ipv4: { routeLocalnet: true } }] : [],
  );
}

/** What ends without a word here: where no link of the namespace has its other end on this host. */
function watchSteps({ wish, netns }: ContainerGrant, links: readonly Joined[]): Step[] {
  const isSilent = links.some(({ lease }) => lease.link.kind !== 'bridge');
  return isSilent ? [{ verb: 'netns.watch', owner: `container/${wish.id}`, path: netns }] : [];
}

/** All addresses before all routes: the gateway of a network's route may be on another network. */
const insideSteps = (grant: ContainerGrant): Step[] => [
  ...joined(grant).flatMap(({ attachment, lease }) => containerEndSteps(grant, attachment, lease)),
  ...allRoutes(grant),
];

const readySteps = (grant: ContainerGrant): Step[] =>
  joined(grant).flatMap(({ attachment, lease }) => readyStepsOf(grant, attachment, lease));

const nameStepsOf = (grant: ContainerGrant): Step[] => joined(grant).flatMap((one) => nameSteps(grant, one));

function firewallSteps(grant: ContainerGrant): Step[] {
  const elements = allElements(grant);
  return elements.length > 0 ? [{ verb: 'nft.add', elements }, ...forgetFlows(servedPorts(grant.ports))] : [];
}

/** Last, so that who is told that a container is configured can ask for it by name. */
function nameSteps({ wish }: ContainerGrant, { attachment, lease }: Joined): Step[] {
  if (!lease.dns) return [];
  return [
    {
      verb: 'dns.add',
      network: attachment.network,
      container: wish.id,
      names: namesOf(wish, attachment).filter((name) => dnsName(name) !== null),
      addresses: lease.addresses.map(({ address }) => address),
      servers: wish.dnsServers,
      // podman tells its containers its own, whatever ours is
      ...(attachment.definition && { domain: podmanDomain }),
    },
  ];
}

const namesOf = ({ networkName }: ContainerWish, { aliases }: Attachment): string[] => [
  ...new Set([networkName, ...aliases]),
];

/** N15: names that are left out, by network, for no question of DNS can carry them. */
export function namesLeftOut(grant: ContainerGrant, network?: string): { network: string; names: string[] }[] {
  return joined(grant)
    .filter(({ attachment, lease }) => lease.dns && (network === undefined || attachment.network === network))
    .map(({ attachment }) => ({
      network: attachment.network,
      names: namesOf(grant.wish, attachment).filter((name) => dnsName(name) === null),
    }))
    .filter(({ names }) => names.length > 0);
}

function forgetNameSteps({ wish }: ContainerGrant, { attachment, lease }: Joined): Step[] {
  return lease.dns ? [{ verb: 'dns.remove', network: attachment.network, container: wish.id }] : [];
}

/** The settings of every interface inside, for people. */
export function settingsInside(grant: ContainerGrant): ExplainedSetting[] {
  return joined(grant).flatMap(({ attachment, lease }) => explainedContainerSettings(attachment.interfaceName, lease));
}

/**
 * Before the interfaces are up. Those of a namespace that is made with this very set-up begin with the settings of most
 * networks, and need no step.
 */
function ipv6Steps({ netns }: ContainerGrant, list: readonly Joined[], beginsWith: Ipv6Settings | null): Step[] {
  return list.flatMap(({ attachment, lease }): Step[] => {
    const settings = containerSettings(lease).ipv6;
    if (!carriesIpv6(lease.mtuBytes) || isDeepEqual(settings, beginsWith)) return [];
    return [{ verb: 'link.ipv6', netns, name: attachment.interfaceName, settings }];
  });
}

const isDeepEqual = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** What is done from the host's side: the interface itself, and its other end where it has one. */
function hostEndSteps({ wish, netns }: ContainerGrant, attachment: Attachment, lease: Lease): Step[] {
  const { interfaceName } = attachment;
  const macAddress = macOf(wish, attachment, lease);
  const { link, mtuBytes } = lease;
  switch (link.kind) {
    case 'bridge':
      return vethSteps(wish.id, attachment, link, mtuBytes, { netns, name: interfaceName, macAddress });
    case 'macvlan': {
      const { parent, mode, broadcastLimit } = link;
      return [{ verb: 'link.macvlan', netns, name: interfaceName, parent, mode, broadcastLimit, macAddress, mtuBytes }];
    }
    case 'ipvlan':
      return [{ verb: 'link.ipvlan', netns, name: interfaceName, parent: link.parent, mode: link.mode, mtuBytes }];
  }
}

/** Before anything is built: a name that a user chose may be another link's. */
function vacantSteps({ netns }: ContainerGrant, list: readonly Joined[]): Step[] {
  return list.flatMap(({ attachment: { hostInterfaceName: name, interfaceName }, lease }): Step[] =>
    name === undefined || lease.link.kind !== 'bridge'
      ? []
      : [{ verb: 'link.vacant', name, peer: { netns, name: interfaceName } }],
  );
}

/** The host's end of a veth that is taken away; one whose name a user chose is told apart by its alias. */
function hostEnd({ wish }: ContainerGrant, attachment: Attachment): { name: string; alias?: string } {
  const { network, hostInterfaceName } = attachment;
  const name = hostEndName(wish.id, attachment);
  return hostInterfaceName === undefined ? { name } : { name, alias: vethAlias(wish.id, network) };
}

function vethSteps(
  id: string,
  attachment: Attachment,
  link: Extract<LeaseLink, { kind: 'bridge' }>,
  mtuBytes: number | null,
  peer: { netns: string; name: string; macAddress: string },
): Step[] {
  const name = hostEndName(id, attachment);
  return [
    { verb: 'link.veth', name, macAddress: macOfBridgePort(link.bridge), mtuBytes, peer },
    {
      verb: 'link.set',
      netns: null,
      name,
      master: link.bridge,
      up: true,
      hairpin: true,
      alias: vethAlias(id, attachment.network),
      group: vethGroup,
      // a bridge port needs no address of its own: saves addrconf and the flood of its multicast to every port
      ...addressGeneration('none', mtuBytes),
      ...(link.vlanId === null ? {} : { bridgeVlan: link.vlanId }),
    },
  ];
}

function addressGeneration(mode: 'none' | 'eui64', mtuBytes: number | null): LinkSettings {
  return carriesIpv6(mtuBytes) ? { ipv6AddressGeneration: mode } : {};
}

function deleteLinkStep(grant: ContainerGrant, attachment: Attachment, lease: Lease): Step {
  return lease.link.kind === 'bridge'
    ? { verb: 'link.delete', netns: null, ...hostEnd(grant, attachment) }
    : { verb: 'link.delete', netns: grant.netns, name: attachment.interfaceName };
}

/** Nothing passes any more, and who lives in the namespace sees that he has no address there. */
function cutSteps(grant: ContainerGrant, attachment: Attachment, lease: Lease): Step[] {
  return [
    ...lease.addresses.map(
      ({ address, prefixLength }): Step => ({
        verb: 'address.delete',
        netns: grant.netns,
        link: attachment.interfaceName,
        address: `${address}/${prefixLength}`,
      }),
    ),
    { verb: 'link.cut', ...hostEnd(grant, attachment) },
  ];
}

function containerEndSteps({ netns }: ContainerGrant, attachment: Attachment, lease: Lease): Step[] {
  const link = attachment.interfaceName;
  const speaksIpv6 = firstOfFamily(lease.addresses, 6) !== null || lease.acceptRa > 0;
  return [
    {
      verb: 'link.set',
      netns,
      name: link,
      up: true,
      ipv4: containerSettings(lease).ipv4,
      ...addressGeneration(speaksIpv6 ? 'eui64' : 'none', lease.mtuBytes),
    },
    ...lease.addresses.map(
      ({ address, prefixLength }): Step => ({
        verb: 'address.add',
        netns,
        link,
        address: `${address}/${prefixLength}`,
      }),
    ),
  ];
}

/** Behind all that makes an address reachable: a neighbour that hears of it may answer at once. */
function readyStepsOf(
  { wish, netns }: ContainerGrant,
  attachment: Attachment,
  { link, addresses, announced = [] }: Lease,
): Step[] {
  const { interfaceName } = attachment;
  const settle: Step[] =
    link.kind === 'bridge'
      ? [{ verb: 'link.settle', name: hostEndName(wish.id, attachment), bridge: link.bridge }]
      : [];
  const late = addresses.map(({ address }) => address).filter((address) => familyOf(address) === 6);
  const settleAddresses: Step[] = late.length > 0 ? [{ verb: 'address.settle', netns, addresses: late }] : [];
  const announce: Step[] =
    announced.length > 0 ? [{ verb: 'address.announce', netns, link: interfaceName, addresses: announced }] : [];
  return [...settle, ...settleAddresses, ...announce];
}

type RouteAdd = Extract<Step, { verb: 'route.add' | 'route.delete' }>;

/**
 * Network by network: its default routes, then its own. A destination has one route of a metric: of several that networks have,
 * the first is in force.
 */
function allRoutes(grant: ContainerGrant): RouteAdd[] {
  const routes = joined(grant).flatMap((one) => [
    // a gateway may be beyond the subnet, on the link itself
    ...givenRoutes(grant, one, 'link'),
    ...defaultRoutes(grant, one),
    ...givenRoutes(grant, one, 'gateway'),
    ...networkRoutes(grant, one),
  ]);
  const isInPlaceOf = (one: RouteAdd) => (other: RouteAdd) =>
    one.destination === other.destination && one.metric === other.metric;
  return routes.filter((route, index) => routes.findIndex(isInPlaceOf(route)) === index);
}

/** Those that refuse have no link to go with. */
const refusingRoutes = (grant: ContainerGrant): RouteAdd[] => allRoutes(grant).filter(({ link }) => link === null);

const withdrawn = (route: RouteAdd): RouteAdd => ({ ...route, verb: 'route.delete' });

/** Of a network that comes, and of others: whose gateway is on it. Of one that goes: those of others that take their place. */
function routesThatCome(before: ContainerGrant, after: ContainerGrant): RouteAdd[] {
  const known = allRoutes(before);
  return allRoutes(after).filter((route) => !known.some((other) => isDeepEqual(route, other)));
}

/** Those of a network that goes, and do not go with its link; and those that a more preferred one replaces. */
function routesThatGo(before: ContainerGrant, after: ContainerGrant): RouteAdd[] {
  const links = new Set<string | null>([null, ...joined(after).map(({ attachment }) => attachment.interfaceName)]);
  return routesThatCome(after, before).filter(({ link }) => links.has(link));
}

const leadsOutwards = ({ destination, link }: RouteAdd): boolean =>
  link !== null && (destination === '0.0.0.0/0' || destination === '::/0');

/** One default route per family, by the first gateway of it; of several networks the first is preferred, but a LAN before bridges. */
function defaultRoutes(grant: ContainerGrant, { attachment, lease }: Joined): RouteAdd[] {
  const { interfaceName: link, slot } = attachment;
  return families.flatMap((family): RouteAdd[] => {
    const gateway = gatewayTowards(lease, family);
    if (gateway === null) return [];
    const isFirstLan = firstLan(grant, family)?.attachment.network === attachment.network;
    const metric = lease.metric ?? (isFirstLan ? lanRouteMetric : firstRouteMetric + slot);
    const destination = family === 4 ? '0.0.0.0/0' : '::/0';
    return [{ verb: 'route.add', netns: grant.netns, destination, gateway, link, metric }];
  });
}

const families = [4, 6] as const;

/** The gateway of the default route of that family; null: no default route. */
function gatewayTowards(lease: Lease, family: Family): string | null {
  if (lease.internal || !lease.defaultRoute) return null;
  const near = lease.addresses.find(({ address, gateway }) => gateway !== null && familyOf(address) === family);
  return near?.gateway ?? null;
}

/** The network upon a parent that was joined first: a metric is one route's, so the others keep to the order of the networks. */
const firstLan = (grant: ContainerGrant, family: Family): Joined | undefined =>
  joined(grant).find(
    ({ lease }) => lease.link.kind !== 'bridge' && lease.metric === null && gatewayTowards(lease, family) !== null,
  );

/**
 * Those that a network gives its members. One whose gateway was on a network that the container has left is left out, and so is
 * one of which the container is the gateway itself.
 */
function networkRoutes(grant: ContainerGrant, one: Joined): RouteAdd[] {
  const { netns } = grant;
  return one.lease.routes.flatMap(({ destination, gateway, metric: own, type }): RouteAdd[] => {
    const metric = own ?? firstRouteMetric;
    if (type !== 'unicast') return [{ verb: 'route.add', netns, destination, gateway: null, link: null, metric, type }];
    const link = isOwn(grant, gateway) ? null : linkTowards(grant, one, gateway);
    return link === null ? [] : [{ verb: 'route.add', netns, destination, gateway, link, metric }];
  });
}

/**
 * What a DHCP server sends beside the default route: an internal network leads nowhere, and the routes of networks, and what is on
 * other networks of the container, are not for a server to change.
 */
function givenRoutes(grant: ContainerGrant, one: Joined, by: 'link' | 'gateway'): RouteAdd[] {
  const { attachment, lease } = one;
  const routes = lease.internal ? [] : (lease.dhcp?.terms?.routes ?? []);
  const own = joined(grant).flatMap((each) => networkRoutes(grant, each));
  return routes
    .filter(({ gateway }) => (gateway === null) === (by === 'link'))
    .filter(({ destination }) => !own.some((route) => route.destination === destination))
    .filter(({ destination }) => isFree(grant, one, parseSubnet(destination) as Subnet))
    .map(({ destination, gateway }): RouteAdd => {
      const { interfaceName: link } = attachment;
      return { verb: 'route.add', netns: grant.netns, destination, gateway, link, metric: firstRouteMetric };
    });
}

/** Whether it is no part of another network's subnet, and no half of everything where a default route is not wanted. */
function isFree(grant: ContainerGrant, { attachment, lease }: Joined, destination: Subnet): boolean {
  if (!lease.defaultRoute && destination.prefixLength <= 1) return false;
  const others = joined(grant).filter((other) => other.attachment.network !== attachment.network);
  return !others.some((other) =>
    other.lease.addresses.some(({ address, prefixLength }) => {
      const subnet = parseSubnet(`${address}/${prefixLength}`);
      return subnet !== null && destination.prefixLength >= prefixLength && subnetsOverlap(subnet, destination);
    }),
  );
}

const isOwn = (grant: ContainerGrant, gateway: string | null): boolean =>
  joined(grant).some(({ lease }) => lease.addresses.some(({ address }) => address === gateway));

const linkLocal = parseSubnet('fe80::/10') as Subnet;

/** The interface that reaches a gateway: the network's own, else that of another network of the container; null: none. */
function linkTowards(grant: ContainerGrant, { attachment, lease }: Joined, gateway: string | null): string | null {
  if (gateway === null || reaches(lease, gateway) || subnetContains(linkLocal, gateway))
    return attachment.interfaceName;
  return joined(grant).find((other) => reaches(other.lease, gateway))?.attachment.interfaceName ?? null;
}

const reaches = ({ addresses }: Lease, gateway: string): boolean =>
  addresses.some(({ address, prefixLength }) => {
    const subnet = parseSubnet(`${address}/${prefixLength}`);
    return subnet !== null && subnetContains(subnet, gateway);
  });

/**
 * C05: a route, of one of its networks or of that one, whose gateway is on none of them. Which IPv4 gateways a network reaches whose
 * DHCP server has not answered yet is not known.
 */
export function unreachableRoute(grant: ContainerGrant, network: string | null = null): Fault | null {
  const waits = joined(grant).some(({ lease }) => lacksTerms(lease));
  for (const one of joined(grant).filter(({ attachment }) => network === null || attachment.network === network)) {
    const lost = one.lease.routes.find(
      ({ type, gateway, destination }) =>
        type === 'unicast' && !(waits && familyOf(destination) === 4) && linkTowards(grant, one, gateway) === null,
    );
    if (lost) return unreachable(grant.wish.id, one.attachment.network, lost);
  }
  return null;
}

function unreachable(id: string, network: string, { destination, gateway }: NetworkRoute): Fault {
  return fault(
    'route.unreachable',
    `network ${network}: its route to ${destination} leads through ${gateway}, which is on no network of container ${id}`,
  );
}

/**
 * Ports that lead nowhere: on ::1, on an address of a family of which the container has none, though it has one of the other, or into a
 * network that has no rules.
 */
export function portsWithoutTarget(grant: ContainerGrant, ports: readonly GrantedPort[] = grant.ports): GrantedPort[] {
  // as with podman, where no network of a container can be reached by ports they stay without effect
  if (targetFamilies(grant).length === 0 && networkWithoutRules(grant) === null) return [];
  return ports.filter((port) => !leadsSomewhere(grant, port));
}

/** N19: the first network whose rules an engine left to its user, who has not said so of this container; null: none. */
export function networkWithoutRules(grant: ContainerGrant): string | null {
  const without = joined(grant).find(
    ({ attachment: { definition }, lease: { link } }) =>
      link.kind === 'bridge' && link.firewall === 'none' && definition?.firewall !== 'none',
  );
  return without?.attachment.network ?? null;
}

/** The families over which its ports can lead to the container. */
export function targetFamilies(grant: ContainerGrant): Family[] {
  const targets = portTargets(grant);
  return families.filter((family) => targets[family] !== undefined);
}

export function leadsSomewhere(grant: ContainerGrant, port: GrantedPort): boolean {
  const served = targetFamilies(grant);
  return !isLoopback6(port) && grantedFamilies(port).some((family) => served.includes(family));
}

/**
 * The port for which what is asked must be refused: nothing else is asked. Beside others that lead to the container it is left
 * out, also where one asked for the same host port before; and so is one that an engine holds: engines ask for what their users
 * typed, and could not take it back.
 */
export function refusedPort(
  grant: ContainerGrant,
  ports: readonly PublishedPort[] = grant.ports,
): PublishedPort | null {
  const lost = portsWithoutTarget(grant, ports);
  if (lost.length < ports.length) return null;
  const lostBefore = portsWithoutTarget(grant);
  const led = grant.ports.filter((port) => !lostBefore.includes(port));
  return lost.find((port) => !port.heldByCaller && !led.some((other) => portsShare(port, other))) ?? null;
}

const allElements = (grant: ContainerGrant): Element[] => [...publishedElements(grant), ...heldElements(grant)];

/** B14: what its links may send. */
function heldElements(grant: ContainerGrant): Element[] {
  const { wish } = grant;
  const links = joined(grant).map(({ attachment, lease }) => ({
    name: hostEndName(wish.id, attachment),
    macAddress: macOf(wish, attachment, lease),
    lease,
  }));
  return sourceElements(links, markOf(wish));
}

function publishedElements(grant: ContainerGrant): Element[] {
  const targets = portTargets(grant);
  return servedPorts(grant.ports).flatMap((port) => portElements(port, targets, markOf(grant.wish)));
}

const markOf = ({ id }: ContainerWish): OwnerMark => ownerMark(containerAddress(id));

type PortTargets = Partial<Record<Family, string>>;

/** Ports lead to the first network that has an address of the family and whose traffic passes the firewall, in attach order. */
function portTargets(grant: ContainerGrant): PortTargets {
  const targets: PortTargets = {};
  for (const { lease } of joined(grant)) {
    if (lease.link.kind !== 'bridge' || !lease.link.published) continue;
    for (const { address } of lease.addresses) targets[familyOf(address)] ??= address;
  }
  return targets;
}
