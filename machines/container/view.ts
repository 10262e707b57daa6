import type { ContainerWish } from '../../src/core/container/wish.ts';
import { entryOf } from '../../src/core/entry.ts';
import { lacksTerms } from '../../src/core/lease/lease.ts';
import { netnsOf } from '../../src/core/plan/container/grant.ts';
import { settingsInside } from '../../src/core/plan/container/links.ts';
import { shownPorts } from '../../src/core/plan/container/ports.ts';
import { statusBlocks } from '../../src/core/plan/container/status.ts';
import type { ExplainedSetting } from '../../src/core/plan/interface-settings.ts';
import type { ShownPort } from '../../src/core/port.ts';
import { servedPorts } from '../../src/core/served-ports.ts';
import type { ContainerState, ContainerView } from '../../src/core/view.ts';
import type { ContainerValue } from './chart.ts';
import type { ContainerContext } from './context.ts';

/** Committed state as users see it. */

export function containerView(value: ContainerValue, context: ContainerContext): ContainerView | null {
  const { wish, share, leases, ports, inode } = context;
  const state = containerState(value, context);
  if (!wish || state === 'absent' || state === 'removed') return null;
  const netns = netnsOf(wish, context.netnsDirectory, share?.path ?? null);
  return {
    id: wish.id,
    name: wish.name,
    mode: wish.mode,
    state,
    netns: inode === null ? null : { path: netns, inode },
    pid: context.process?.pid ?? null,
    attachments: wish.attachments.map(({ definition: _, isDefault: __, ...attachment }) => attachment),
    status: inode === null ? {} : (share?.status ?? statusBlocks({ wish, netns, leases, ports })),
    ports: portsOf(value, context, wish),
    removeOnExit: wish.removeOnExit,
    labels: wish.labels ?? {},
    owner: wish.owner ?? null,
    exitCode: context.process?.exitCode ?? null,
    startBy: context.startBy === null ? null : new Date(context.startBy).toISOString(),
    ...(context.created !== null && { created: context.created }),
    lastFault: context.lastFault,
  };
}

/** Returns the ports: after a failed set-up none is reachable; before a set-up that is unknown. */
function portsOf(value: ContainerValue, context: ContainerContext, wish: ContainerWish): ShownPort[] {
  const { leases, ports, inode, netnsDirectory } = context;
  if (inode !== null) return shownPorts({ wish, netns: netnsOf(wish, netnsDirectory, null), leases, ports });
  const asked = servedPorts(ports.length > 0 ? ports : wish.ports);
  return value === 'failed' ? asked.map((port) => ({ ...port, families: [] })) : asked;
}

/** Explains the settings of the interfaces that netloom made inside, while they exist. */
export function containerSettingsView({
  wish,
  leases,
  ports,
  inode,
  netnsDirectory,
}: ContainerContext): ExplainedSetting[] {
  if (!wish || inode === null) return [];
  return settingsInside({ wish, netns: netnsOf(wish, netnsDirectory, null), leases, ports });
}

/** Returns the state's name; for a network that is up the state of its process, unless the network is incomplete. */
export function containerState(
  value: ContainerValue,
  context: ContainerContext,
): ContainerState | 'absent' | 'removed' {
  if (typeof value === 'string') return value;
  const { process, wiring } = value.up;
  if (lacksAddress(context) || wiring === 'degraded') return 'degraded';
  // as in its events: `exited` is yet to come
  return process === 'ending' ? 'running' : process;
}

/** C13: whether an address is missing, also during a change or a verification. A network that is being joined does not count. */
const lacksAddress = ({ wish, leases }: ContainerContext): boolean =>
  wish?.attachments.some(({ network }) => {
    const lease = entryOf(leases, network);
    return lease && lacksTerms(lease);
  }) ?? false;
