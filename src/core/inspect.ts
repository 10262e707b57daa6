import type { ContainerContext } from '../../machines/container.ts';
import type { NetworkContext } from '../../machines/network.ts';
import { netnsOf, statusBlocks } from './plan/container.ts';
import type { ContainerState, ContainerView, NetworkState, NetworkView } from './view.ts';

/** Committed state as users see it. */

export function containerView(value: unknown, context: ContainerContext): ContainerView | null {
  const { wish, share, leases, ports, inode } = context;
  if (!wish) return null;
  const netns = netnsOf(wish, context.netnsDirectory, share?.path ?? null);
  return {
    id: wish.id,
    name: wish.name,
    mode: wish.mode,
    state: stateName(value) as ContainerState,
    netns: inode === null ? null : { path: netns, inode },
    pid: context.process?.pid ?? null,
    attachments: wish.attachments,
    status: inode === null ? {} : (share?.status ?? statusBlocks({ wish, netns, leases, ports })),
    ports: ports.length > 0 ? ports : wish.ports,
    removeOnExit: wish.removeOnExit,
    lastFault: context.lastFault,
  };
}

export function networkView(value: unknown, context: NetworkContext): NetworkView | null {
  const { definition, leases } = context;
  if (!definition) return null;
  return { ...definition, state: stateName(value) as NetworkState, leases };
}

/** The innermost state: `{up: 'running'}` is running. */
function stateName(value: unknown): string {
  return typeof value === 'object' && value !== null ? (Object.values(value)[0] as string) : String(value);
}
