import { containerAddress, hostAddress, networkAddress } from '../src/core/actor-address.ts';
import {
  type Attachment,
  type AttachmentRequest,
  attachmentBeside,
  type ContainerWish,
} from '../src/core/container.ts';
import type { Effect } from '../src/core/effect.ts';
import type { CommandId, ContainerEvent } from '../src/core/event.ts';
import { type Fault, fault } from '../src/core/fault.ts';
import type { Lease } from '../src/core/lease.ts';
import {
  type ContainerGrant,
  connectPlan,
  disconnectPlan,
  netnsOf,
  publishPlan,
  statusBlocks,
  unpublishPlan,
  verifyPlan,
} from '../src/core/plan/container.ts';
import type { Plan } from '../src/core/plan/step.ts';
import { describePort, isSamePort, type PublishedPort, portsOverlap } from '../src/core/port.ts';
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

/** A live change of a network that is up, while it is being made. */
export type Change =
  | { kind: 'connect'; attachment: Attachment }
  | { kind: 'disconnect'; network: string }
  /** wished: as they were asked for, where some were picked */
  | { kind: 'publish' | 'unpublish'; ports: PublishedPort[]; wished?: PublishedPort[] }
  /** reload: asked for; recovery: the daemon was restarted; drift: something was seen to vanish */
  | { kind: 'reload' | 'recovery' | 'drift' };

export interface ContainerContext extends ContainerInput {
  wish: ContainerWish | null;
  /** the wish without what a set-up replaced for once (A05); null while nothing is replaced */
  lasting: ContainerWish | null;
  change: Change | null;
  /** why all must be looked at when the change that is under way has been made */
  suspected: 'recovery' | 'drift' | null;
  /** containers that wait for the namespace of this one */
  sharers: ShareRequest[];
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

export type ShareRequest = Extract<ContainerEvent, { type: 'netns.share' }>;

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

/** The grant as it will be when the change has been made. */
export function grantAfter(context: ContainerContext): ContainerGrant {
  const grant = grantOf(context);
  const { change } = context;
  const { attachments } = grant.wish;
  switch (change?.kind) {
    case 'connect':
      return { ...grant, wish: { ...grant.wish, attachments: [...attachments, change.attachment] } };
    case 'disconnect':
      return {
        ...grant,
        wish: { ...grant.wish, attachments: attachments.filter(({ network }) => network !== change.network) },
      };
    case 'publish':
      return { ...grant, ports: [...grant.ports, ...change.ports] };
    case 'unpublish':
      return { ...grant, ports: withoutPorts(grant.ports, change.ports) };
    default:
      return grant;
  }
}

/** The plan that makes the change. */
export function changePlan(context: ContainerContext): Plan {
  const [before, after] = [grantOf(context), grantAfter(context)];
  const { change } = context;
  const inode = context.inode as number;
  switch (change?.kind) {
    case 'connect':
      return connectPlan(before, after, change.attachment.network, inode);
    case 'disconnect':
      return disconnectPlan(before, after, change.network);
    case 'publish':
      return publishPlan(before, after);
    case 'unpublish':
      return unpublishPlan(before, after);
    default:
      return verifyPlan(before, inode);
  }
}

/** What must be granted before the change: one question to its owner. */
export function claimOfChange({ id, attempt, change }: ContainerContext): Effect[] {
  const next = attempt + 1;
  if (change?.kind === 'connect') {
    const { network, staticIps } = change.attachment;
    const event = {
      type: 'lease.request',
      container: id,
      attempt: next,
      staticIps,
      aliases: ownAliases(id, change.attachment),
    } as const;
    return [{ kind: 'tell', to: networkAddress(network), event }];
  }
  if (change?.kind !== 'publish') return [];
  return [
    {
      kind: 'tell',
      to: hostAddress,
      event: { type: 'ports.claim', container: id, attempt: next, ports: change.ports },
    },
  ];
}

/** What a change has no more use for: what a failed one had claimed, or what a finished one gave up. */
export function releasesOfChange({ id, change }: ContainerContext): Effect[] {
  switch (change?.kind) {
    case 'connect':
      return [releaseLease(id, change.attachment.network)];
    case 'disconnect':
      return [releaseLease(id, change.network)];
    case 'publish':
    case 'unpublish':
      return [{ kind: 'tell', to: hostAddress, event: { type: 'ports.release', container: id, ports: change.ports } }];
    default:
      return [];
  }
}

/** Why a change cannot be made; null when it can be tried. */
export function refusalOf(wish: ContainerWish, ports: readonly PublishedPort[], event: ContainerEvent): Fault | null {
  switch (event.type) {
    case 'container.connect':
      return connectRefusal(wish, event.attachment);
    case 'container.disconnect':
      return wish.attachments.some(({ network }) => network === event.network)
        ? null
        : fault('container.not-connected', `container ${wish.id} is not on network ${event.network}`);
    case 'container.publish': {
      const [port, clash] = firstClash(event.ports, ports);
      if (port && clash)
        return fault('port.overlap', `${describePort(port)} overlaps ${describePort(clash)} of the same container`);
      return takesPorts(wish)
        ? null
        : fault('mode.conflict', 'ports can be published only by a container that joins a network');
    }
    case 'container.unpublish': {
      const unknown = event.ports[portsNamed(wish.ports, ports, event.ports).indexOf(null)];
      return unknown ? fault('port.unknown', `container ${wish.id} does not publish ${describePort(unknown)}`) : null;
    }
    default:
      return null;
  }
}

/** C03: only a container that has a namespace for networks can be connected to one. */
function connectRefusal(wish: ContainerWish, request: AttachmentRequest): Fault | null {
  if (!joinsNetworks(wish))
    return fault(
      'mode.conflict',
      `unable to connect: container ${wish.id} is in mode ${wish.mode}, which takes no networks`,
    );
  const attachment = attachmentBeside(wish.attachments, wish.id, request);
  return 'code' in attachment ? attachment : null;
}

/**
 * Which of the published ports each of those asked for is; null: none. One that was picked goes by its number, and by the
 * 0 that it was asked for with. `ports` stand in the order of those wished for.
 */
export function portsNamed(
  wished: readonly PublishedPort[],
  ports: readonly PublishedPort[],
  asked: readonly PublishedPort[],
): (PublishedPort | null)[] {
  const left = new Map(ports.map((port, index) => [port, wished[index]]));
  return asked.map((one) => {
    const [port = null] =
      [...left].findLast(([port, wish]) => isSamePort(port, one) || (wish && isSamePort(wish, one))) ?? [];
    if (port) left.delete(port);
    return port;
  });
}

function firstClash(
  ports: readonly PublishedPort[],
  others: readonly PublishedPort[],
): [PublishedPort | null, PublishedPort | null] {
  for (const port of ports) {
    const clash = others.find((other) => portsOverlap(port, other));
    if (clash) return [port, clash];
  }
  return [null, null];
}

export function withoutPorts(ports: readonly PublishedPort[], removed: readonly PublishedPort[]): PublishedPort[] {
  return ports.filter((port) => !removed.some((other) => isSamePort(port, other)));
}

const joinsNetworks = ({ mode, netns }: ContainerWish): boolean =>
  mode !== 'none' && netns.kind !== 'container' && netns.kind !== 'host';

const takesPorts = (wish: ContainerWish): boolean => wish.attachments.length > 0;

/** Everything that must be granted before the first step: one question to each owner. */
export function claimsOf({ id, wish, attempt }: ContainerContext): Extract<Effect, { kind: 'tell' }>[] {
  if (!wish) return [];
  const next = attempt + 1;
  const tells: Extract<Effect, { kind: 'tell' }>[] = wish.attachments.map((attachment) => ({
    kind: 'tell',
    to: networkAddress(attachment.network),
    event: {
      type: 'lease.request',
      container: id,
      attempt: next,
      staticIps: attachment.staticIps,
      aliases: ownAliases(id, attachment),
    },
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

/** Without the short id, which every container has as an alias (A03). */
const ownAliases = (id: string, { aliases }: Attachment): string[] =>
  aliases.filter((alias) => alias !== id.slice(0, 12));

/** The same owners are told that nothing is needed any more; also of claims that are still on their way. */
export function releasesOf({ id, wish, change }: ContainerContext): Effect[] {
  if (!wish) return [];
  const added = change?.kind === 'connect' ? [change.attachment.network] : [];
  const networks = [...wish.attachments.map(({ network }) => network), ...added];
  const holdsPorts = wish.ports.length > 0 || change?.kind === 'publish';
  const ports: Effect[] = holdsPorts
    ? [{ kind: 'tell', to: hostAddress, event: { type: 'ports.release', container: id } }]
    : [];
  return [...networks.map((network) => releaseLease(id, network)), ...ports];
}

function releaseLease(id: string, network: string): Effect {
  return { kind: 'tell', to: networkAddress(network), event: { type: 'lease.release', container: id } };
}
