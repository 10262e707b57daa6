import { containerAddress, hostAddress, networkAddress } from '../src/core/actor-address.ts';
import type { ContainerWish } from '../src/core/container.ts';
import type { Effect } from '../src/core/effect.ts';
import type { CommandId, ContainerEvent } from '../src/core/event.ts';
import type { Fault } from '../src/core/fault.ts';
import type { Lease } from '../src/core/lease.ts';
import { type ContainerGrant, netnsOf, statusBlocks } from '../src/core/plan/container.ts';
import type { PublishedPort } from '../src/core/port.ts';
import type { StatusBlock } from '../src/core/status.ts';

/** What a container's machine remembers, and what follows from it. */

export interface ContainerInput {
  id: string;
  netnsDirectory: string;
  /** set-ups are numbered from here: above all numbers of a former container of the same id, whose answers may still come */
  attempt: number;
}

/** An event that somebody may wait for an answer to. */
export type ContainerCommand = Extract<ContainerEvent, { command: CommandId }>;

export interface ContainerContext extends ContainerInput {
  wish: ContainerWish | null;
  /** who has not answered the claims of this attempt yet */
  awaiting: string[];
  leases: Record<string, Lease>;
  ports: PublishedPort[];
  /** B04: path and status of the container whose namespace is shared */
  share: { path: string; status: Record<string, StatusBlock> } | null;
  /** identity of the namespace while it is up */
  inode: number | null;
  process: { pid: number; startTicks: number | null } | null;
  /** what the kernel steps of this attempt have taken so far, in milliseconds */
  kernelMs: number;
  /** the command that is being carried out */
  command: CommandId;
  /** commands that came while another was under way, in order */
  deferred: ContainerCommand[];
  lastFault: Fault | null;
}

/** What plans are made from. */
export function grantOf(context: ContainerContext): ContainerGrant {
  const wish = context.wish as ContainerWish;
  return {
    wish,
    netns: netnsOf(wish, context.netnsDirectory, context.share?.path ?? null),
    leases: context.leases,
    ports: context.ports,
  };
}

/** What set-up answers, and what `configured` tells. */
export const statusOf = (context: ContainerContext) => ({
  id: context.id,
  netns: { path: grantOf(context).netns, inode: context.inode },
  status: context.share?.status ?? statusBlocks(grantOf(context)),
  ports: context.ports,
  kernelMs: context.kernelMs,
});

/** Everything that must be granted before the first step: one question to each owner. */
export function claimsOf({ id, wish, attempt }: ContainerContext): Extract<Effect, { kind: 'tell' }>[] {
  if (!wish) return [];
  const next = attempt + 1;
  const tells: Extract<Effect, { kind: 'tell' }>[] = wish.attachments.map(({ network, staticIps }) => ({
    kind: 'tell',
    to: networkAddress(network),
    event: { type: 'lease.request', container: id, attempt: next, staticIps },
  }));
  if (wish.ports.length > 0)
    tells.push({
      kind: 'tell',
      to: hostAddress,
      event: { type: 'ports.claim', container: id, attempt: next, ports: wish.ports },
    });
  if (wish.netns.kind === 'container')
    tells.push({
      kind: 'tell',
      to: containerAddress(wish.netns.id),
      event: { type: 'netns.share', from: containerAddress(id), attempt: next },
    });
  return tells;
}

/** The same owners are told that nothing is needed any more; also of claims that are still on their way. */
export function releasesOf({ id, wish }: ContainerContext): Effect[] {
  if (!wish) return [];
  const leases = wish.attachments.map(
    ({ network }): Effect => ({
      kind: 'tell',
      to: networkAddress(network),
      event: { type: 'lease.release', container: id },
    }),
  );
  const ports: Effect[] =
    wish.ports.length > 0 ? [{ kind: 'tell', to: hostAddress, event: { type: 'ports.release', container: id } }] : [];
  return [...leases, ...ports];
}
