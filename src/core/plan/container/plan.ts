import { containerAddress } from '../../actor-address.ts';
import { isDeepEqual } from '../../deep-equal.ts';
import { servedPorts } from '../../served-ports.ts';
import { inverse, type Step } from '../../steps/step.ts';
import { namespaceSettings } from '../interface-settings.ts';
import type { Plan } from '../plan.ts';
import type { ContainerPurpose } from '../purpose.ts';
import { releaseSteps } from './dhcp.ts';
import { forgetNameSteps, nameSteps, nameStepsOf } from './dns.ts';
import { type ContainerGrant, type Joined, joined, ownsNetns, requireStep } from './grant.ts';
import {
  containerEndSteps,
  cutSteps,
  deleteLinkStep,
  hostEnd,
  hostEndSteps,
  ipv6Steps,
  readyStepsOf,
  vacantSteps,
} from './links.ts';
import {
  allElements,
  exchange,
  forgetFlows,
  heldElements,
  loopbackRoutes,
  publishedElements,
  refirewall,
} from './ports.ts';
import { startDeadlineSteps } from './process.ts';
import {
  allRoutes,
  leadsOutwards,
  type RouteAdd,
  refusingRoutes,
  routesThatCome,
  routesThatGo,
  withdrawn,
} from './routes.ts';

/** Time that the kernel may take to unregister a veth after its namespace was dropped, before netloom deletes it. */
const linkGraceMs = 200;

/** The same for a namespace that another program is about to drop, as container engines do after a teardown. */
const foreignGraceMs = 50;

/**
 * Builds the set-up plan. Steps inside the namespace are adjacent, so that one message sends them all. The firewall precedes the
 * links: every frame is filtered.
 */
export function setupPlan(grant: ContainerGrant): Plan<ContainerPurpose> {
  return {
    purpose: { kind: 'setup' },
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
      ...startDeadlineSteps(grant.wish, null),
    ],
  };
}

/** Repeats the set-up for an existing network: leaves alone what matches, restores what is missing. */
export function verifyPlan(grant: ContainerGrant, inode: number | null): Plan<ContainerPurpose> {
  const require = requireStep(grant, inode);
  // another program may have removed the whole table
  const load: Step[] = allElements(grant).length > 0 ? [{ verb: 'nft.load' }] : [];
  const vacant = vacantSteps(grant, joined(grant));
  const deadline = grant.startBy === undefined ? [] : startDeadlineSteps(grant.wish, grant.startBy);
  return {
    purpose: { kind: 'verify' },
    kind: 'mend',
    steps: [require, ...vacant, ...load, ...networkSteps(grant), ...deadline],
  };
}

/**
 * Builds the teardown from the wish, so that it also cleans up what is half made. Dropping a namespace that netloom made removes
 * its veths, without the wait that deleting each would cost. In a foreign namespace they are cut, so that nothing passes any
 * more; they vanish when its owner drops it, or are deleted soon.
 */
export function teardownPlan(grant: ContainerGrant): Plan<ContainerPurpose> {
  const elements = publishedElements(grant);
  const dropsNetns = grant.wish.netns.kind === 'create';
  return {
    purpose: { kind: 'teardown' },
    kind: 'dismantle',
    steps: [
      ...joined(grant).flatMap((one) => releaseSteps(grant, one)),
      { verb: 'process.unwatch', owner: containerAddress(grant.wish.id) },
      ...startDeadlineSteps(grant.wish, null).flatMap((step) => inverse(step) ?? []),
      { verb: 'netns.unwatch', owner: containerAddress(grant.wish.id) },
      ...joined(grant).flatMap((one) => forgetNameSteps(grant, one)),
      ...(elements.length > 0
        ? [{ verb: 'nft.delete', elements } as const, ...forgetFlows(servedPorts(grant.ports))]
        : []),
      ...(dropsNetns ? [] : refusingRoutes(grant).map(withdrawn)),
      ...joined(grant).flatMap(({ attachment, lease }): Step[] => {
        if (lease.link.kind !== 'bridge') return [deleteLinkStep(grant, attachment, lease)];
        if (!dropsNetns) return cutSteps(grant, attachment, lease);
        // a later request for the name sees that the link is being removed
        return attachment.hostInterfaceName === undefined ? [] : [{ verb: 'link.cut', ...hostEnd(grant, attachment) }];
      }),
      ...(dropsNetns ? [{ verb: 'netns.remove', path: grant.netns } as const] : []),
    ],
  };
}

/**
 * Removes the links that must vanish before their addresses may be given to others, and then the permission to send from these.
 * An adopted namespace's pin is removed only now: a teardown that left something inside is repeated, and needs the pin.
 */
export function unlinkPlan(grant: ContainerGrant): Plan<ContainerPurpose> {
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
  return { purpose: { kind: 'unlink' }, kind: 'dismantle', steps: [...unpin, ...gone, ...forget] };
}

// ---------------------------------------------------------------------------------------------------- live changes

/** C03: adds networks and ports to a container that is up. `after` is the grant with them. */
export function joinPlan(before: ContainerGrant, after: ContainerGrant, inode: number | null): Plan<ContainerPurpose> {
  const added = joinedBeside(after, before);
  return {
    purpose: { kind: 'join' },
    kind: 'build',
    steps: [
      ...(added.length > 0 ? [requireStep(after, inode)] : []),
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

/** C04: removes networks and ports. Ports that led there lead to the next network first (C05); each link is restricted until it is gone. */
export function leavePlan(
  kind: 'leave' | 'withdraw',
  before: ContainerGrant,
  after: ContainerGrant,
): Plan<ContainerPurpose> {
  const dropped = joinedBeside(before, after);
  const replaced = routesThatGo(before, after);
  return {
    purpose: { kind },
    kind: 'dismantle',
    steps: [
      ...dropped.flatMap((one) => releaseSteps(before, one)),
      ...dropped.flatMap((one) => forgetNameSteps(before, one)),
      ...refirewall(before, after, publishedElements),
      ...replaced.filter((route) => !leadsOutwards(route)).map(withdrawn),
      ...dropped.map(({ attachment, lease }) => deleteLinkStep(before, attachment, lease)),
      ...exchange(heldElements(before), heldElements(after)),
      // when the preferred LAN leaves, the next one takes over its default route first: one exists at every moment
      ...routesThatCome(before, after),
      ...replaced.filter(leadsOutwards).map(withdrawn),
    ],
  };
}

/** Returns attachments that the one grant has and the other does not. */
function joinedBeside(one: ContainerGrant, other: ContainerGrant): Joined[] {
  const known = new Set(joined(other).map(({ attachment }) => attachment.network));
  return joined(one).filter(({ attachment }) => !known.has(attachment.network));
}

/** Replaces what DHCP servers gave. Old addresses go first: removing the first address of a subnet also removes the further ones. */
export function addressPlan(
  kind: 'join' | 'address',
  before: ContainerGrant,
  after: ContainerGrant,
  inode: number | null,
): Plan<ContainerPurpose> {
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
    purpose: { kind },
    kind: 'mend',
    steps: [
      requireStep(after, inode),
      ...routesThatCome(after, before).map(withdrawn),
      ...changed.flatMap((one): Step[] => {
        const [old, wanted] = [endBefore(one), containerEndSteps(after, one.attachment, one.lease)];
        const gone = old.filter((step) => !wanted.some((other) => isDeepEqual(step, other)));
        return [...gone.toReversed().flatMap((step) => inverse(step) ?? []), ...wanted];
      }),
      // routes that stay may have vanished with an address
      ...allRoutes(after).filter((route) => comes(route) || links.has(route.link)),
      ...changed.flatMap((one) => readyStepsOf(after, one.attachment, one.lease)),
    ],
  };
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

/** Returns loopback steps, because an engine that makes namespaces leaves the loopback to its network backend. */
function loopbackSteps({ wish, netns }: ContainerGrant): Step[] {
  const isForeign = wish.netns.kind === 'path' && wish.attachments.length > 0;
  return ownsNetns(wish) || isForeign ? [{ verb: 'link.set', netns, name: 'lo', up: true }] : [];
}

/** Returns links, addresses, routes and elements, for verification. */
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

/** Returns steps that watch a namespace whose end would go unnoticed: no link of it has its other end on this host. */
function watchSteps({ wish, netns }: ContainerGrant, links: readonly Joined[]): Step[] {
  const isSilent = links.some(({ lease }) => lease.link.kind !== 'bridge');
  return isSilent ? [{ verb: 'netns.watch', owner: containerAddress(wish.id), path: netns }] : [];
}

/** Orders all addresses before all routes: the gateway of a network's route may be on another network. */
const insideSteps = (grant: ContainerGrant): Step[] => [
  ...joined(grant).flatMap(({ attachment, lease }) => containerEndSteps(grant, attachment, lease)),
  ...allRoutes(grant),
];

const readySteps = (grant: ContainerGrant): Step[] =>
  joined(grant).flatMap(({ attachment, lease }) => readyStepsOf(grant, attachment, lease));

function firewallSteps(grant: ContainerGrant): Step[] {
  const elements = allElements(grant);
  return elements.length > 0 ? [{ verb: 'nft.add', elements }, ...forgetFlows(servedPorts(grant.ports))] : [];
}
