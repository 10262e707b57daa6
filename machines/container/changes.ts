import { hostAddress, networkAddress } from '../../src/core/actor-address.ts';
import { formatSubnet, parseSubnet, type Subnet, subnetContains } from '../../src/core/address.ts';
import { type AskedAttachment, type Attachment, attachmentBeside } from '../../src/core/container/attachments.ts';
import { calledAs } from '../../src/core/container/reference.ts';
import type { ContainerWish } from '../../src/core/container/wish.ts';
import { entryOf } from '../../src/core/entry.ts';
import type { ContainerEvent } from '../../src/core/event.ts';
import { type Fault, fault } from '../../src/core/fault.ts';
import { type Lease, withPrefix, withTerms } from '../../src/core/lease/lease.ts';
import { withoutTerms } from '../../src/core/plan/container/dhcp.ts';
import type { ContainerGrant } from '../../src/core/plan/container/grant.ts';
import { namesLeftOut } from '../../src/core/plan/container/names.ts';
import { addressPlan, connectPlan, disconnectPlan, verifyPlan } from '../../src/core/plan/container/plan.ts';
import {
  isOnOurBridge,
  leadsSomewhere,
  networkWithoutRules,
  portsWithoutTarget,
  publishPlan,
  refusedPort,
  spoofingPlan,
  targetFamilies,
  unpublishPlan,
} from '../../src/core/plan/container/ports.ts';
import { unreachableRoute } from '../../src/core/plan/container/routes.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import {
  contradiction,
  describePort,
  type GrantedPort,
  grantedFamilies,
  isAsked,
  isContradiction,
  isLoopback6,
  isOnLoopback,
  isSamePort,
  type PublishedPort,
} from '../../src/core/port.ts';
import { contradictedPorts, portsTogether, servedPorts, uncoveredPorts } from '../../src/core/served-ports.ts';
import type { Effect } from '../effect.ts';
import { type Change, type ContainerContext, claimPorts, grantOf, releaseLease, requestLease } from './context.ts';
import { endDhcp } from './dhcp.ts';

/** Changes of a container's network, while it is up or while only its wish is there: what is asked, claimed, made and told. */

type Wishes = Pick<ContainerContext, 'wish' | 'lasting'>;

/** Its ports as they were asked for; while it is down, those that are to be picked have no number. */
const askedPorts = ({ wish, ports }: Pick<ContainerContext, 'wish' | 'ports'>): readonly GrantedPort[] =>
  ports.length > 0 ? ports : (wish?.ports ?? []);

/** What a command asks to be changed; with all that can be filled in without asking anybody. */
export function changeAskedFor(context: ContainerContext, event: ContainerEvent): Change {
  const { wish } = context;
  const published = askedPorts(context);
  switch (event.type) {
    case 'container.connect': {
      const { attachments, id } = wish as ContainerWish;
      return { kind: 'connect', attachment: attachmentBeside(attachments, id, event.attachment) as Attachment };
    }
    case 'container.disconnect':
      return { kind: 'disconnect', network: event.network };
    case 'container.publish':
      return { kind: 'publish', ports: newPorts(published, event.ports) };
    case 'container.unpublish':
      return {
        kind: 'unpublish',
        ports: portsNamed(wish?.ports ?? [], published, event.ports).flatMap((ports) => ports ?? []),
      };
    case 'dhcp.leased':
      return { kind: 'address', network: event.network, terms: event.terms, fault: null };
    case 'dhcp.lost':
      return { kind: 'address', network: event.network, terms: null, fault: event.fault };
    case 'ports.freed':
      return { kind: 'freed', ports: event.ports };
    case 'lease.changed':
      return { kind: 'spoofing', network: event.network, spoofing: event.spoofing };
    default:
      return { kind: 'reload' };
  }
}

/** Equal mappings are one. */
const newPorts = (published: readonly PublishedPort[], asked: readonly PublishedPort[]): PublishedPort[] =>
  asked.filter((port) => !isAsked(published, port));

/** Whether all that is to be published was asked for before. */
export function asksNothingNew(context: ContainerContext, event: ContainerEvent): boolean {
  return event.type === 'container.publish' && newPorts(askedPorts(context), event.ports).length === 0;
}

/** Known only while there are addresses. */
function nowhereRefusal(context: ContainerContext, event: ContainerEvent): Fault | null {
  if (event.type !== 'container.publish' || context.inode === null) return null;
  const port = refusedPort(grantOf(context), event.ports);
  return port && nowhere(grantOf(context), port);
}

export function changeRefusal(context: ContainerContext, event: ContainerEvent): Fault | null {
  const { wish } = context;
  if (!wish) return fault('container.unknown', 'this container does not exist');
  return refusalOf(wish, askedPorts(context), event) ?? nowhereRefusal(context, event);
}

/** The wish with the change in it; and the lasting one too, where another is in force for once. */
export function changedWishes(context: ContainerContext, change: Change | null): Wishes {
  const { wish, lasting } = context;
  return { wish: wish && changed(context, wish, change), lasting: lasting && changed(context, lasting, change) };
}

function changed({ ports }: ContainerContext, wish: ContainerWish, change: Change | null): ContainerWish {
  switch (change?.kind) {
    case 'connect':
      return { ...wish, attachments: withAttachment(wish, change.attachment) };
    case 'disconnect':
      return { ...wish, attachments: others(wish, change.network) };
    case 'publish':
      return { ...wish, ports: [...wish.ports, ...(change.wished ?? change.ports)] };
    case 'unpublish':
      return { ...wish, ports: stillWished(wish.ports, ports, change.ports) };
    default:
      return wish;
  }
}

/** Beside those that this wish has: in another one names and places may be taken. */
function withAttachment(wish: ContainerWish, attachment: Attachment): Attachment[] {
  const rest = others(wish, attachment.network);
  const isFree = !rest.some(
    ({ interfaceName, slot }) => interfaceName === attachment.interfaceName || slot === attachment.slot,
  );
  const { interfaceName: _, slot: __, definition, hostInterfaceName, ...kept } = attachment;
  const isNameFree = !rest.some((other) => hostInterfaceName && other.hostInterfaceName === hostInterfaceName);
  if (isFree && isNameFree) return [...rest, attachment];
  const asked = { ...kept, ...(isNameFree && hostInterfaceName && { hostInterfaceName }) };
  const beside = attachmentBeside(rest, wish.id, asked) as Attachment;
  return [...rest, { ...beside, ...(definition && { definition }) }];
}

const others = ({ attachments }: ContainerWish, network: string): Attachment[] =>
  attachments.filter((attachment) => attachment.network !== network);

/** Granted ports stand in the order of the wished ones: one that was picked is known by its place. */
function stillWished(wished: PublishedPort[], granted: PublishedPort[], removed: PublishedPort[]): PublishedPort[] {
  if (granted.length === 0) return withoutPorts(wished, removed);
  const kept = withoutPorts(granted, removed);
  return wished.filter((_, index) => kept.includes(granted[index] as PublishedPort));
}

/** The grant as it will be when the change has been made. */
export function grantAfter(context: ContainerContext): ContainerGrant {
  const { change } = context;
  const grant = grantOf(context);
  const wish = changed(context, grant.wish, change);
  switch (change?.kind) {
    case 'publish':
      return { ...grant, wish, ports: [...grant.ports, ...change.ports] };
    case 'unpublish':
      return { ...grant, wish, ports: withoutPorts(grant.ports, change.ports) };
    case 'freed':
      return { ...grant, wish, ports: withFreed(grant.ports, change.ports) };
    case 'spoofing':
      return { ...grant, wish, leases: withSpoofing(grant.leases, change) };
    case 'address':
      return { ...grant, wish, leases: withAddress(grant.leases, change) };
    case 'connect':
      return { ...grant, wish, leases: withAddressOfConnect(grant.leases, change) };
    default:
      return { ...grant, wish };
  }
}

/** Its ports, where some of them are granted otherwise from now on. */
const withFreed = (ports: readonly GrantedPort[], freed: readonly GrantedPort[]): GrantedPort[] =>
  ports.map((port) => freed.find((other) => isSamePort(port, other)) ?? port);

/** Those of its ports that get families by it. */
export function freedFamilies({ ports }: Pick<ContainerContext, 'ports'>, freed: readonly GrantedPort[]) {
  return withFreed(ports, freed).flatMap((port, index) => {
    const before = grantedFamilies(ports[index] as GrantedPort);
    const families = grantedFamilies(port).filter((family) => !before.includes(family));
    return families.length > 0 ? [{ port, families }] : [];
  });
}

function withSpoofing(
  leases: ContainerGrant['leases'],
  { network, spoofing }: Extract<Change, { kind: 'spoofing' }>,
): ContainerGrant['leases'] {
  const lease = entryOf(leases, network);
  if (lease?.link.kind !== 'bridge') return leases;
  return { ...leases, [network]: { ...lease, link: { ...lease.link, spoofing } } };
}

/**
 * Why a network cannot be joined, by the lease that was granted or what a DHCP server gives: a route of it leads nowhere (C05), or an
 * address from another network's DHCP server is in its subnet (C13).
 */
export function joinRefusal(context: ContainerContext, event: ContainerEvent): Fault | null {
  if (event.type === 'dhcp.leased') {
    const change = { ...context.change, terms: event.terms } as Change;
    return unreachableRoute(grantAfter({ ...context, change }), event.network);
  }
  if (event.type !== 'lease.granted') return null;
  const { lease } = event;
  const leases = { ...context.leases, [lease.network]: lease };
  return unreachableRoute(grantAfter({ ...context, leases }), lease.network) ?? addressWithin(lease, context.leases);
}

function addressWithin({ network, dhcp, addresses }: Lease, leases: ContainerGrant['leases']): Fault | null {
  for (const { address, prefixLength } of dhcp ? [] : addresses) {
    const subnet = parseSubnet(`${address}/${prefixLength}`) as Subnet;
    const other = Object.values(leases).find(({ dhcp }) => dhcp?.terms && subnetContains(subnet, dhcp.terms.address));
    if (other)
      return fault(
        'subnet.taken',
        `${formatSubnet(subnet)} of network ${network} contains ${other.dhcp?.terms?.address}, which a DHCP server on network ${other.network} assigned`,
      );
  }
  return null;
}

function withAddress(
  leases: ContainerGrant['leases'],
  { network, terms, fault }: Extract<Change, { kind: 'address' }>,
): ContainerGrant['leases'] {
  const lease = entryOf(leases, network);
  return lease ? { ...leases, [network]: withTerms(lease, terms, fault) } : leases;
}

function withAddressOfConnect(
  leases: ContainerGrant['leases'],
  { attachment: { network }, terms }: Extract<Change, { kind: 'connect' }>,
): ContainerGrant['leases'] {
  const lease = entryOf(leases, network);
  return lease && terms ? { ...leases, [network]: withTerms(lease, terms) } : leases;
}

/** A network was joined after all in vain: no DHCP server gives an address there. */
export function withdrawPlan(context: ContainerContext): Plan {
  const { attachment } = context.change as Extract<Change, { kind: 'connect' }>;
  return {
    ...disconnectPlan(grantAfter(context), grantOf(context), attachment.network),
    purpose: { kind: 'withdraw' },
  };
}

/** Why a set-up is refused by all that was granted for it, before its first step; null: it can begin. */
export function setupRefusal(grant: ContainerGrant): Fault | null {
  const port = refusedPort(grant);
  return port ? nowhere(grant, port) : unreachableRoute(grant);
}

/** The plan that makes the change. */
export function changePlan(context: ContainerContext): Plan {
  const [before, after] = [grantOf(context), grantAfter(context)];
  const { change } = context;
  const inode = context.inode as number;
  switch (change?.kind) {
    case 'connect': {
      const { network } = change.attachment;
      if (change.terms) return addressPlan('connect', withoutTerms(after, network), after, inode);
      return connectPlan(before, after, network, inode);
    }
    case 'address':
      return addressPlan('address', before, after, inode);
    case 'disconnect':
      return disconnectPlan(before, after, change.network);
    case 'publish':
      return publishPlan(before, after);
    case 'unpublish':
      return unpublishPlan(before, after);
    case 'freed':
      return { ...publishPlan(before, after), purpose: { kind: 'freed' } };
    case 'spoofing':
      return spoofingPlan(before, after);
    default:
      return verifyPlan(before, inode);
  }
}

/** What must be granted before the change: one question to its owner. */
export function claimOfChange({ id, attempt, change, ports, askedAt }: ContainerContext): Effect[] {
  const next = attempt + 1;
  if (change?.kind === 'connect') return [requestLease(id, next, change.attachment, ports, askedAt)];
  return change?.kind === 'publish' ? [claimPorts(id, next, change.ports)] : [];
}

/** Networks hear of it when the first port that 127.0.0.1 reaches is about to be published, or the last one is not any more. */
export function notesOfPorts(
  { id, wish }: ContainerContext,
  before: readonly PublishedPort[],
  after: readonly PublishedPort[],
): Effect[] {
  const onLoopback = after.some(isOnLoopback);
  if (onLoopback === before.some(isOnLoopback)) return [];
  return (wish?.attachments ?? []).map(({ network }) => ({
    kind: 'tell',
    to: networkAddress(network),
    event: { type: 'lease.ports', container: id, onLoopback },
  }));
}

/** What a change has no more use for: what a failed one had claimed, or what a finished one gave up. */
export function releasesOfChange(context: ContainerContext): Effect[] {
  const { id, change } = context;
  switch (change?.kind) {
    case 'connect':
      return [...endDhcp(context, change.attachment.network), releaseLease(id, change.attachment.network)];
    case 'disconnect':
      return [...endDhcp(context, change.network), releaseLease(id, change.network)];
    case 'publish':
    case 'unpublish':
      return [{ kind: 'tell', to: hostAddress, event: { type: 'ports.release', container: id, ports: change.ports } }];
    default:
      return [];
  }
}

/** Why a change cannot be made; null when it can be tried. */
function refusalOf(wish: ContainerWish, ports: readonly PublishedPort[], event: ContainerEvent): Fault | null {
  switch (event.type) {
    case 'container.connect':
      return connectRefusal(wish, event.attachment);
    case 'container.disconnect':
      return wish.attachments.some(({ network }) => network === event.network)
        ? null
        : fault('container.not-connected', `container ${calledAs(wish)} is not on network ${event.network}`);
    case 'container.publish': {
      if (!takesPorts(wish))
        return fault('mode.conflict', 'ports can be published only by a container that joins a network');
      return firstContradiction(event.ports, ports);
    }
    case 'container.unpublish': {
      const unknown = event.ports[portsNamed(wish.ports, ports, event.ports).indexOf(null)];
      return unknown ? fault('port.unknown', unknownText(wish, ports, unknown)) : null;
    }
    default:
      return null;
  }
}

/** A part of a range cannot be given up by itself: the range is named. */
function unknownText(wish: ContainerWish, ports: readonly PublishedPort[], unknown: PublishedPort): string {
  const [whole] = ports.filter((port) => uncoveredPorts([unknown], [port]).length === 0);
  return whole
    ? `${describePort(unknown)} is part of ${describePort(whole)}, which can only be unpublished as a whole`
    : `container ${calledAs(wish)} does not publish ${askedText(unknown)}`;
}

/** `80/tcp` where no host port was named. */
const askedText = (port: PublishedPort): string =>
  port.hostPort === 0 && port.hostIp === null && port.range === 1
    ? `${port.containerPort}/${port.protocol}`
    : describePort(port);

/** C03: only a container that has a namespace for networks can be connected to one. */
function connectRefusal(wish: ContainerWish, request: AskedAttachment): Fault | null {
  if (!joinsNetworks(wish))
    return fault(
      'mode.conflict',
      `unable to connect: container ${calledAs(wish)} is in mode ${wish.mode}, which takes no networks`,
    );
  const attachment = attachmentBeside(wish.attachments, wish.id, request);
  return 'code' in attachment ? attachment : null;
}

/**
 * Which of the published ports each of those asked for is, or are, as they may be shown; null: none. One that was picked goes by its
 * number, and by the 0 that it was asked for with. `ports` stand in the order of those wished for.
 */
function portsNamed(
  wished: readonly PublishedPort[],
  ports: readonly PublishedPort[],
  asked: readonly PublishedPort[],
): (PublishedPort[] | null)[] {
  const left = new Map(ports.map((port, index) => [port, wished[index]]));
  return asked.map((one) => {
    const [exact] =
      [...left].findLast(([port, wish]) => isSamePort(port, one) || (wish && isSamePort(wish, one))) ?? [];
    const named = exact ? [exact] : portsTogether([...left.keys()], one);
    for (const port of named ?? []) left.delete(port);
    return named;
  });
}

function firstContradiction(ports: readonly PublishedPort[], others: readonly PublishedPort[]): Fault | null {
  for (const port of ports) {
    const clash = others.find((other) => isContradiction(port, other));
    if (clash) return contradiction(port, clash);
  }
  return null;
}

function withoutPorts(ports: readonly PublishedPort[], removed: readonly PublishedPort[]): PublishedPort[] {
  return ports.filter((port) => !removed.some((other) => isSamePort(port, other)));
}

const joinsNetworks = ({ mode, netns }: ContainerWish): boolean =>
  mode !== 'none' && netns.kind !== 'container' && netns.kind !== 'host';

const takesPorts = (wish: ContainerWish): boolean => wish.attachments.length > 0;

export function changeFacts(context: ContainerContext, change: Change | null): Effect[] {
  switch (change?.kind) {
    case 'connect': {
      const { network, interfaceName, aliases } = change.attachment;
      const addresses = entryOf(grantAfter(context).leases, network)?.addresses.map(withPrefix) ?? [];
      return [
        { kind: 'announce', fact: 'connected', data: { network, interfaceName, aliases, addresses } },
        ...familyFacts(context),
        ...namesLeftOutFacts(grantAfter(context), network),
      ];
    }
    case 'address':
      return change.fault ? [{ kind: 'announce', fact: 'degraded', data: { fault: change.fault } }] : [];
    case 'disconnect':
      return [{ kind: 'announce', fact: 'disconnected', data: { network: change.network } }, ...familyFacts(context)];
    case 'publish':
      return [
        { kind: 'announce', fact: 'published', data: { ports: change.ports } },
        ...leftOutFacts(grantAfter(context), change.ports),
      ];
    case 'unpublish':
      return [{ kind: 'announce', fact: 'unpublished', data: { ports: change.ports } }];
    case 'freed': {
      const led = targetFamilies(grantAfter(context));
      const served = freedFamilies(context, change.ports).filter(({ families }) =>
        families.some((one) => led.includes(one)),
      );
      const ports = served.map(({ port }) => port);
      return ports.length > 0 ? [{ kind: 'announce', fact: 'published', data: { ports } }] : [];
    }
    default:
      return [];
  }
}

/** What a change answers while nothing is in the kernel. */
export const offlineStatus = ({ id, wish }: ContainerContext) => ({
  id,
  netns: null,
  status: {},
  ports: servedPorts(wish?.ports ?? []),
  kernelMs: 0,
});

function nowhere(grant: ContainerGrant, port: PublishedPort): Fault {
  return fault('mode.conflict', `${describePort(port)} leads nowhere: ${whyNowhere(grant, port).reason}`);
}

function whyNowhere(grant: ContainerGrant, port: PublishedPort): { cause: LeftOut; reason: string } {
  const led = targetFamilies(grant);
  if (isLoopback6(port)) {
    const advice = led.includes(4) ? 'use 127.0.0.1' : 'use an IPv6 address of this host, or [::]';
    const reason = `Linux does not route ::1, so a container cannot be reached there; ${advice}`;
    return { cause: 'loopback', reason };
  }
  const network = led.length === 0 ? networkWithoutRules(grant) : null;
  if (network !== null) {
    const reason = `network ${network} has no firewall rules: its engine has set firewall none`;
    return { cause: 'firewall', reason };
  }
  const name = calledAs(grant.wish);
  if (!isOnOurBridge(grant)) {
    const reason = `no network of container ${name} can publish ports: other machines reach it at its own address`;
    return { cause: 'network', reason };
  }
  const [family, ...both] = grantedFamilies(port);
  const missing = both.length > 0 ? 'address' : `IPv${family} address`;
  return { cause: 'family', reason: `container ${name} has no ${missing} on a bridge network` };
}

/**
 * Why a port is left out, or a part of it: it is on ::1 (`loopback`), the container has no address of its `family`, no `network` of it
 * carries ports, no rules lead into its network (`firewall`), another mapping leads it elsewhere (`contradiction`), another
 * container has it (`taken`).
 */
type LeftOut = 'loopback' | 'family' | 'network' | 'firewall' | 'contradiction' | 'taken';

const leftOutFact = (port: PublishedPort, cause: LeftOut, reason: string): Effect => ({
  kind: 'announce',
  fact: 'port-unreachable',
  data: { ports: [port], cause, reason },
});

function nowhereFact(grant: ContainerGrant, port: PublishedPort): Effect {
  const { cause, reason } = whyNowhere(grant, port);
  return leftOutFact(port, cause, reason);
}

/** Of ports that were left out, though nothing was refused: a connection to them is refused at once. */
export function leftOutFacts(grant: ContainerGrant, ports: readonly GrantedPort[] = grant.ports): Effect[] {
  const families = targetFamilies(grant);
  const contradicted = contradictedPorts(grant.ports, families).filter((port) => ports.includes(port));
  const taken = ports.filter(({ without }) => without?.some((family) => families.includes(family)));
  const nowhere = portsWithoutTarget(grant, ports).filter((port) => !taken.includes(port));
  return [
    ...nowhere.map((port) => nowhereFact(grant, port)),
    ...taken.map(({ without = [], ...port }) =>
      leftOutFact(port, 'taken', `another container has it for IPv${without.join(' and IPv')}`),
    ),
    ...contradicted.map((port) =>
      leftOutFact(port, 'contradiction', 'another mapping of the container leads a part of it elsewhere'),
    ),
  ];
}

/** Networks come and go with their families: what was left out is served, or the other way round. */
function familyFacts(context: ContainerContext): Effect[] {
  const [before, after] = [grantOf(context), grantAfter(context)];
  const [lostBefore, lost] = [portsWithoutTarget(before), portsWithoutTarget(after)];
  const served = lostBefore.filter((port) => leadsSomewhere(after, port));
  return [
    ...(served.length > 0 ? [{ kind: 'announce', fact: 'published', data: { ports: served } } as const] : []),
    ...lost.filter((port) => !lostBefore.includes(port)).map((port) => nowhereFact(after, port)),
  ];
}

/** Of names that nobody can ask for, though nothing was refused. */
export function namesLeftOutFacts(grant: ContainerGrant, network?: string): Effect[] {
  return namesLeftOut(grant, network).map((left) => ({
    kind: 'announce',
    fact: 'names-left-out',
    data: { ...left, reason: 'DNS allows at most 63 bytes per label and 253 per name, and no empty label' },
  }));
}
