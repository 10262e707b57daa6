import { type Family, families, familyOf } from '../../address.ts';
import { isDeepEqual } from '../../deep-equal.ts';
import { describeElement, type Element } from '../../firewall/nft.ts';
import { portElements } from '../../firewall/port-elements.ts';
import { sourceElements } from '../../firewall/source-elements.ts';
import { hostEndName } from '../../object-names.ts';
import {
  describePort,
  type GrantedPort,
  grantedFamilies,
  isLoopback6,
  isOnLoopback,
  type PublishedPort,
  portsShare,
  publishedFamilies,
  type ShownPort,
} from '../../port.ts';
import { servedPorts, uncoveredPorts } from '../../served-ports.ts';
import type { Step } from '../../steps/step.ts';
import type { Plan } from '../plan.ts';
import type { ContainerPurpose } from '../purpose.ts';
import { type ContainerGrant, joined, macOf, markOf } from './grant.ts';

/** Published ports: where they lead, and a container's elements in the firewall. */

/** Publishes port parts that other containers have released. */
export function freedPlan(before: ContainerGrant, after: ContainerGrant): Plan<ContainerPurpose> {
  return { purpose: { kind: 'freed' }, kind: 'build', steps: refirewall(before, after, publishedElements) };
}

/** B14: changes the elements after a network began or stopped letting the container send from any address. */
export function spoofingPlan(before: ContainerGrant, after: ContainerGrant): Plan<ContainerPurpose> {
  return { purpose: { kind: 'spoofing' }, kind: 'build', steps: exchange(heldElements(before), heldElements(after)) };
}

export function refirewall(
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

/** Returns steps that change only the differences: ports that stay lose no packet. */
export function exchange(old: readonly Element[], wanted: readonly Element[]): Step[] {
  const missingFrom = (others: readonly Element[]) => {
    const known = new Set(others.map(describeElement));
    return (element: Element) => !known.has(describeElement(element));
  };
  const remove = old.filter(missingFrom(wanted));
  const add = wanted.filter(missingFrom(old));
  if (remove.length + add.length === 0) return [];
  return [{ verb: 'nft.replace', remove, add }];
}

/** Returns ports that are added, removed, or lead to another target than before. */
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

/** Forgets connections: without it, an ongoing UDP flow would never send a first packet again, and never reach the new target. */
export function forgetFlows(ports: readonly PublishedPort[]): Step[] {
  const udp = ports.filter(({ protocol }) => protocol === 'udp');
  return udp.length > 0 ? [{ verb: 'conntrack.flush', ports: udp }] : [];
}

/**
 * Returns steps that make bridges route loopback addresses: only so does the host reach published ports by 127.0.0.1. base.nft
 * closes what that opens, unless the ruleset is missing: so the network switches it off when nothing is published there any longer.
 */
export function loopbackRoutes(grant: ContainerGrant): Step[] {
  const target = grant.ports.some(isOnLoopback) ? portTargets(grant)[4] : undefined;
  const links = joined(grant)
    .filter(({ lease }) => !lease.internal && lease.addresses.some(({ address }) => address === target))
    .map(({ lease }) => lease.link);
  return links.flatMap((link): Step[] =>
    link.kind === 'bridge' ? [{ verb: 'link.set', netns: null, name: link.bridge, ipv4: { routeLocalnet: true } }] : [],
  );
}

/**
 * Returns ports that lead to no container: on ::1, on an address of a family that the container lacks, or into networks that
 * carry no ports or have no rules. If the container's own engine wants no rules, such ports are expected and left out.
 */
export function portsWithoutTarget(grant: ContainerGrant, ports: readonly GrantedPort[] = grant.ports): GrantedPort[] {
  const networks = joined(grant).filter(({ lease: { link } }) => link.kind !== 'bridge' || link.firewall !== 'none');
  if (networks.length === 0 && networkWithoutRules(grant) === null) return [];
  return ports.filter((port) => !leadsSomewhere(grant, port));
}

/** Returns the served ports, and the families over which each leads to the container; no families: it is left out. */
export function shownPorts(grant: ContainerGrant): ShownPort[] {
  const led = targetFamilies(grant);
  return servedPorts(grant.ports).map((port) => ({
    ...port,
    families: isLoopback6(port) ? [] : publishedFamilies(port).filter((family) => led.includes(family)),
  }));
}

/** Checks whether a network of the container is a bridge that carries published ports. */
export const isOnOurBridge = (grant: ContainerGrant): boolean =>
  joined(grant).some(({ lease: { link } }) => link.kind === 'bridge' && link.published);

/** N19: returns the first network without firewall rules because another engine than the container's wants none; null: no such network. */
export function networkWithoutRules(grant: ContainerGrant): string | null {
  const without = joined(grant).find(
    ({ attachment: { definition }, lease: { link } }) =>
      link.kind === 'bridge' && link.firewall === 'none' && definition?.firewall !== 'none',
  );
  return without?.attachment.network ?? null;
}

/** Returns the families over which its ports can lead to the container. */
export function targetFamilies(grant: ContainerGrant): Family[] {
  const targets = portTargets(grant);
  return families.filter((family) => targets[family] !== undefined);
}

export function leadsSomewhere(grant: ContainerGrant, port: GrantedPort): boolean {
  const served = targetFamilies(grant);
  return !isLoopback6(port) && grantedFamilies(port).some((family) => served.includes(family));
}

/**
 * Returns the port that makes the whole request fail, because no requested port leads to the container. Beside ports that do, also
 * earlier ones of the same host port, it is only left out; and so is a port that an engine holds: engines request what their users
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

export const allElements = (grant: ContainerGrant): Element[] => [...publishedElements(grant), ...heldElements(grant)];

/** B14: returns elements that restrict what its links may send. */
export function heldElements(grant: ContainerGrant): Element[] {
  const { wish } = grant;
  const links = joined(grant).map(({ attachment, lease }) => ({
    name: hostEndName(wish.id, attachment),
    macAddress: macOf(wish, attachment, lease),
    lease,
  }));
  return sourceElements(links, markOf(wish));
}

export function publishedElements(grant: ContainerGrant): Element[] {
  const targets = portTargets(grant);
  return servedPorts(grant.ports).flatMap((port) => portElements(port, targets, markOf(grant.wish)));
}

type PortTargets = Partial<Record<Family, string>>;

/**
 * Returns targets: ports lead to the first network that has an address of the family and whose traffic passes the firewall, in
 * attach order.
 */
function portTargets(grant: ContainerGrant): PortTargets {
  const targets: PortTargets = {};
  for (const { lease } of joined(grant)) {
    if (lease.link.kind !== 'bridge' || !lease.link.published) continue;
    for (const { address } of lease.addresses) targets[familyOf(address)] ??= address;
  }
  return targets;
}
