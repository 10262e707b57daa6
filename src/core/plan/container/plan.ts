import { isDeepEqual } from '../../deep-equal.ts';
import { servedPorts } from '../../served-ports.ts';
import { inverse, type Step } from '../../steps/step.ts';
import { namespaceSettings } from '../interface-settings.ts';
import type { Plan } from '../plan.ts';
import type { ContainerPurpose } from '../purpose.ts';
import { releaseSteps } from './dhcp.ts';
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
import { forgetNameSteps, nameSteps, nameStepsOf } from './names.ts';
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

/** How long the kernel may take to unregister a veth after its namespace was dropped, before it is deleted by hand. */
const linkGraceMs = 200;

/** The same for a namespace that somebody else is about to drop, as container engines do after a teardown. */
const foreignGraceMs = 50;

/**
 * What is done inside the namespace is next to each other, so that it goes in one send. The firewall comes before the links:
 * not one frame passes that is not looked at.
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

/** The set-up again, for a network that is there: what matches is left alone, what is missing is put back. */
export function verifyPlan(grant: ContainerGrant, inode: number): Plan<ContainerPurpose> {
  const require = requireStep(grant, inode);
  // somebody may have taken the whole table
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
 * Goes by what was wished, so that it also cleans up what is half made. Dropping a namespace that we made takes its veths
 * along, without the wait that deleting each would cost. In somebody else's they are cut, so that nothing passes any more, and
 * go when he drops it, or are deleted soon.
 */
export function teardownPlan(grant: ContainerGrant): Plan<ContainerPurpose> {
  const elements = publishedElements(grant);
  const dropsNetns = grant.wish.netns.kind === 'create';
  return {
    purpose: { kind: 'teardown' },
    kind: 'dismantle',
    steps: [
      ...joined(grant).flatMap((one) => releaseSteps(grant, one)),
      { verb: 'process.unwatch', owner: `container/${grant.wish.id}` },
      ...startDeadlineSteps(grant.wish, null).flatMap((step) => inverse(step) ?? []),
      { verb: 'netns.unwatch', owner: `container/${grant.wish.id}` },
      ...joined(grant).flatMap((one) => forgetNameSteps(grant, one)),
      ...(elements.length > 0
        ? [{ verb: 'nft.delete', elements } as const, ...forgetFlows(servedPorts(grant.ports))]
        : []),
      ...(dropsNetns ? [] : refusingRoutes(grant).map(withdrawn)),
      ...joined(grant).flatMap(({ attachment, lease }): Step[] => {
        if (lease.link.kind !== 'bridge') return [deleteLinkStep(grant, attachment, lease)];
        if (!dropsNetns) return cutSteps(grant, attachment, lease);
        // who asks for the name next sees that the link is on its way out
        return attachment.hostInterfaceName === undefined ? [] : [{ verb: 'link.cut', ...hostEnd(grant, attachment) }];
      }),
      ...(dropsNetns ? [{ verb: 'netns.remove', path: grant.netns } as const] : []),
    ],
  };
}

/**
 * The links that must have gone before addresses may be given to others. What they may send is forgotten after them. The pin of an
 * adopted namespace goes only now: a teardown that left something inside is said again, and needs the way in.
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

/** C03: more networks and ports for a container that is up. `after` is the grant with them. */
export function joinPlan(before: ContainerGrant, after: ContainerGrant, inode: number): Plan<ContainerPurpose> {
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

/** C04: networks and ports less. Ports that led there lead to the next network first (C05); each link is held to its end. */
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
      // a LAN that is left when the first one goes leads outwards in its place: never is there none
      ...routesThatCome(before, after),
      ...replaced.filter(leadsOutwards).map(withdrawn),
    ],
  };
}

/** What the one has joined and the other has not. */
function joinedBeside(one: ContainerGrant, other: ContainerGrant): Joined[] {
  const known = new Set(joined(other).map(({ attachment }) => attachment.network));
  return joined(one).filter(({ attachment }) => !known.has(attachment.network));
}

/**
 * What DHCP servers give now, instead of what they gave before. What is old goes first: a further address of a subnet would go with the
 * first one.
 */
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
      // those that stay may have gone with an address
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

function firewallSteps(grant: ContainerGrant): Step[] {
  const elements = allElements(grant);
  return elements.length > 0 ? [{ verb: 'nft.add', elements }, ...forgetFlows(servedPorts(grant.ports))] : [];
}
