import { networkAddress } from '../../src/core/actor-address.ts';
import type { AskedAttachment } from '../../src/core/container/attachments.ts';
import type { ContainerEvent } from '../../src/core/event.ts';
import { netnsOf } from '../../src/core/plan/container/grant.ts';
import type { PublishedPort } from '../../src/core/port.ts';
import { servedPorts, uncoveredPorts } from '../../src/core/served-ports.ts';
import { type ContainerContext, statusOf } from './context.ts';
import { commandOf, decide, type Given, remember, resolve } from './words.ts';

/**
 * Commands of engines that speak of a container's networks in parts, as podman and CNI do, whatever is there already: `container.attach`
 * and `container.detach`; and of networks that ask their members to leave.
 */

export type Attach = Extract<ContainerEvent, { type: 'container.attach' }>;
export type Detach = Extract<ContainerEvent, { type: 'container.detach' | 'network.leave' }>;

/** Networks and ports that an attach asks for, and that the container does not have. */
export function missingOf(
  { wish, ports }: ContainerContext,
  { asked, wish: wanted }: Attach,
): { networks: AskedAttachment[]; ports: PublishedPort[] } {
  const served = servedPorts(ports);
  return {
    networks: asked.filter(({ network }) => !wish?.attachments.some((attachment) => attachment.network === network)),
    ports: wanted.ports.filter((port) => uncoveredPorts([port], served).length > 0),
  };
}

/** Networks of the container that it is asked to leave. */
export function leavingNetworks({ wish }: ContainerContext, event: Detach): string[] {
  const named = event.type === 'network.leave' ? [event.network] : event.networks;
  return (wish?.attachments ?? []).map(({ network }) => network).filter((network) => named.includes(network));
}

const netnsPathOf = ({ wish, netnsDirectory, share }: ContainerContext): string | null =>
  wish && netnsOf(wish, netnsDirectory, share?.path ?? null);

/** Its engine has given it another namespace, also under the former one's name: names that an engine gives may come again. */
function isElsewhere({ context, event }: Given): boolean {
  if (event.type !== 'container.attach' || event.wish.netns.kind !== 'path') return false;
  if (event.wish.netns.path !== netnsPathOf(context)) return true;
  return context.inode !== null && event.inode !== null && event.inode !== context.inode;
}

function isMissing({ context, event }: Given): boolean {
  if (event.type !== 'container.attach') return false;
  const { networks, ports } = missingOf(context, event);
  return networks.length + ports.length > 0;
}

type Part = 'nothing' | 'some' | 'all';

/** How much of it goes with a detach. */
function detached({ context, event }: Given): Part | null {
  if (event.type !== 'container.detach') return null;
  if (event.netns && context.inode !== null && netnsPathOf(context) !== event.netns) return 'nothing';
  const leaving = leavingNetworks(context, event).length;
  if (leaving === (context.wish?.attachments.length ?? 0)) return 'all';
  return leaving === 0 ? 'nothing' : 'some';
}

export const attachingActions = {
  replyAttached: decide(({ context, event }) => [
    { kind: 'reply', command: commandOf(event), output: { ...statusOf(context), kernelMs: 0 } },
  ]),
  /** C02: its engine has no container that could not be set up, and will not report its end. */
  deferForgetting: remember(({ context }) => ({
    deferred: [...context.deferred, { type: 'container.forget', command: null }],
  })),
  /** It was set up. */
  dropForgetting: remember(({ context }) => ({
    deferred: context.deferred.filter(({ type }) => type !== 'container.forget'),
  })),
  /** It is removed when its network has been taken down, whatever runs in it. */
  keepDetach: remember(({ context, event }) => ({
    command: commandOf(event),
    change: { kind: 'detach' },
    deferred: [...context.deferred, { type: 'container.remove', command: null, force: true }],
  })),
  /** It has nothing of that network. */
  confirmLeft: resolve('network.leave', ({ id }, { network }) => ({
    effects: [{ kind: 'tell', to: networkAddress(network), event: { type: 'lease.release', container: id } }],
  })),
};

export const attachingGuards = {
  isElsewhere,
  isWhole: (given: Given): boolean => !isElsewhere(given) && !isMissing(given),
  isPart: (given: Given): boolean => !isElsewhere(given) && isMissing(given),
  detachesNothing: (given: Given): boolean => detached(given) === 'nothing',
  detachesSome: (given: Given): boolean => detached(given) === 'some',
  detachesAll: (given: Given): boolean => detached(given) === 'all',
  isOffNetwork: ({ context, event }: Given): boolean =>
    event.type === 'network.leave' && leavingNetworks(context, event).length === 0,
  holdsLease: ({ context, event }: Given): boolean =>
    event.type === 'network.leave' && Object.hasOwn(context.leases, event.network),
};
