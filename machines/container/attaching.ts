import { networkAddress } from '../../src/core/actor-address.ts';
import type { ContainerEvent } from '../../src/core/actor-event.ts';
import type { AskedAttachment } from '../../src/core/container/attachments.ts';
import { netnsOf } from '../../src/core/plan/container/grant.ts';
import { type PublishedPort, unpickedPorts } from '../../src/core/port.ts';
import { servedPorts, uncoveredPorts } from '../../src/core/served-ports.ts';
import { type ContainerContext, statusOf } from './context.ts';
import { commandOf, decide, type Given, remember, resolve } from './decisions.ts';

/**
 * Commands for parts of a container's networks, as podman and CNI send them whatever the state: `container.attach` and
 * `container.detach`; and `network.leave`, by which networks ask their members to leave.
 */

export type Attach = Extract<ContainerEvent, { type: 'container.attach' }>;
export type Detach = Extract<ContainerEvent, { type: 'container.detach' | 'network.leave' }>;

/** Returns the networks and ports that an attach asks for and the container lacks. */
export function missingOf(
  { wish, ports }: ContainerContext,
  { asked, wish: wanted }: Attach,
): { networks: AskedAttachment[]; ports: PublishedPort[] } {
  const served = servedPorts(ports);
  const unpicked = unpickedPorts(wanted.ports, ports);
  return {
    networks: asked.filter(({ network }) => !wish?.attachments.some((attachment) => attachment.network === network)),
    ports: wanted.ports.filter((port) =>
      port.hostPort === 0 ? unpicked.includes(port) : uncoveredPorts([port], served).length > 0,
    ),
  };
}

/** Returns the container's networks that the command asks it to leave. */
export function leavingNetworks({ wish }: ContainerContext, event: Detach): string[] {
  const named = event.type === 'network.leave' ? [event.network] : event.networks;
  return (wish?.attachments ?? []).map(({ network }) => network).filter((network) => named.includes(network));
}

const netnsPathOf = ({ wish, netnsDirectory, share }: ContainerContext): string | null =>
  wish && netnsOf(wish, netnsDirectory, share?.path ?? null);

/** Checks whether its engine has given it another namespace, even under the former one's name: an engine may reuse names. */
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

/** Returns which part of it a detach removes. */
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
  /** Defers the removal: an engine forgets a container whose set-up failed, and will not report its end (C02). */
  deferForgetting: remember(({ context }) => ({
    deferred: [...context.deferred, { type: 'container.forget', command: null }],
  })),
  /** Drops the deferred removal after a successful set-up. */
  dropForgetting: remember(({ context }) => ({
    deferred: context.deferred.filter(({ type }) => type !== 'container.forget'),
  })),
  /** Keeps the detach: the container is removed when its network has been taken down, even if processes run in it. */
  keepDetach: remember(({ context, event }) => ({
    command: commandOf(event),
    change: { kind: 'detach' },
    deferred: [...context.deferred, { type: 'container.remove', command: null, force: true, from: null }],
  })),
  /** Confirms that the container has nothing of that network. */
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
