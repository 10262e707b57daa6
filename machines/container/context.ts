import { type ActorAddress, containerAddress, hostAddress, networkAddress } from '../../src/core/actor-address.ts';
import type { CommandId, ContainerEvent, LeaseRequest, NetnsShare } from '../../src/core/actor-event.ts';
import type { Attachment } from '../../src/core/container/attachments.ts';
import { idAlias } from '../../src/core/container/reference.ts';
import type { ContainerWish } from '../../src/core/container/wish.ts';
import type { DhcpTerms } from '../../src/core/dhcp/terms.ts';
import type { Fault } from '../../src/core/fault.ts';
import type { Lease } from '../../src/core/lease/lease.ts';
import { toMicroseconds } from '../../src/core/milliseconds.ts';
import type { NetworkSettings } from '../../src/core/network/options.ts';
import { type ContainerGrant, netnsOf } from '../../src/core/plan/container/grant.ts';
import { shownPorts } from '../../src/core/plan/container/ports.ts';
import { statusBlocks } from '../../src/core/plan/container/status.ts';
import { type GrantedPort, isOnLoopback, type PublishedPort } from '../../src/core/port.ts';
import { without } from '../decisions.ts';
import type { Effect } from '../effect.ts';
import { present } from '../present.ts';

/** The context of a container's machine, and functions of it. */

export interface ContainerInput {
  id: string;
  netnsDirectory: string;
  /** first number of its set-ups: above those of a former container of the same ID, whose answers may still come */
  attempt: number;
}

/** An event that may wait for its turn, and whose answer a caller may wait for. */
export type ContainerCommand = Extract<ContainerEvent, { command: CommandId }>;

/** A live change of a network that is up, while it is being made. */
export type Change =
  | Join
  | Leave
  /** new terms of a DHCP server on a network; fault: why the server gives no terms */
  | { kind: 'address'; network: string; terms: DhcpTerms | null; fault: Fault | null }
  /** what its link on a network may send */
  | { kind: 'spoofing'; network: string; spoofing: NetworkSettings['spoofing'] }
  /** ports that other containers have released, in whole or in part */
  | { kind: 'freed'; ports: GrantedPort[] }
  /** all networks, by container.detach: it is taken down, and removed then */
  | { kind: 'detach' }
  /** reload: by command; recovery: the daemon was restarted; drift: a loss was noticed */
  | { kind: 'reload' | 'recovery' | 'drift' };

/** More networks and ports: all of them, or nothing. */
export interface Join {
  kind: 'join';
  attachments: Attachment[];
  /** as granted, after the grant */
  ports: GrantedPort[];
  /** as requested, before ports are picked */
  wished: PublishedPort[];
  /** how many owners have not answered the claims yet */
  unanswered: number;
  /** what DHCP servers gave, by network */
  terms: Record<string, DhcpTerms>;
  /** why it is undone */
  fault: Fault | null;
}

/** Updates the join under way. */
export function withJoin(
  { change }: Pick<ContainerContext, 'change'>,
  update: Partial<Join>,
): Pick<ContainerContext, 'change'> {
  return { change: change?.kind === 'join' ? { ...change, ...update } : change };
}

/** Updates the join after another owner's answer; keeps the first refusal. */
export function withAnswer({ change }: Pick<ContainerContext, 'change'>, { fault, ...update }: Partial<Join> = {}) {
  if (change?.kind !== 'join') return { change };
  return withJoin({ change }, { ...update, unanswered: change.unanswered - 1, fault: change.fault ?? fault ?? null });
}

/** Fewer networks and ports. */
export interface Leave {
  kind: 'leave';
  networks: string[];
  ports: GrantedPort[];
  /** the network that asked for it; null: a command did */
  askedBy: string | null;
  /** by container.detach, whose answer is only the ID */
  isDetach: boolean;
}

export interface ContainerContext extends ContainerInput {
  wish: ContainerWish | null;
  /** when the first wish came, ISO 8601; null: none has come */
  created: string | null;
  /** the wish without what a set-up replaced for once (A05); null while nothing is replaced */
  lasting: ContainerWish | null;
  change: Change | null;
  /** why everything must be verified after the change under way */
  suspected: 'recovery' | 'drift' | null;
  /** containers that wait for the namespace of this one */
  sharers: ShareRequest[];
  /** owners that have not answered the claims of this attempt yet */
  awaiting: string[];
  leases: Record<string, Lease>;
  /** the wish's ports, in its order, with the picked numbers */
  ports: GrantedPort[];
  /** B04: path and status of the container whose namespace is shared */
  share: NetnsShare | null;
  /** containers that share its namespace */
  members: string[];
  /** P11: members whose process runs */
  guests: string[];
  /** identity of the namespace while it is up */
  inode: number | null;
  /** it was found in the kernel without a journal, with this namespace; absent: it was set up, or has claimed what it has */
  found?: { inode: number | null } | undefined;
  process: ContainerProcess | null;
  /** the previous process in its network, whose end its engine may still report; null: none */
  formerPid: number | null;
  /** when its process must have started, in ms since 1970; null: it has, or no start is expected */
  startBy: number | null;
  /** duration of this attempt's kernel steps so far, in milliseconds */
  kernelMs: number;
  /** the command under way */
  command: CommandId;
  /** when it was sent, ISO 8601; null: no command has come */
  askedAt: string | null;
  /** commands that came while another was under way, in order */
  deferred: ContainerCommand[];
  lastFault: Fault | null;
}

/** Everything that a set-up is granted and makes, before the first one and after each teardown. */
export const nothingGranted = {
  leases: {},
  ports: [],
  share: null,
  inode: null,
  process: null,
  startBy: null,
  guests: [],
} satisfies Partial<ContainerContext>;

export interface ContainerProcess {
  pid: number;
  startTicks: number | null;
  /** its engine reports how it ended */
  reportsExit?: true;
  /** after its end, if its engine reported it */
  exitCode?: number;
}

export type ShareRequest = Extract<ContainerEvent, { type: 'netns.share' }>;

/** Returns the wish: a container that was created has one. */
export const wishOf = ({ wish }: Pick<ContainerContext, 'wish'>): ContainerWish => present(wish, 'the wish');

/** Returns the input of plans. */
export function grantOf(context: ContainerContext): ContainerGrant {
  const wish = wishOf(context);
  return {
    wish,
    netns: netnsOf(wish, context.netnsDirectory, context.share?.path ?? null),
    leases: context.leases,
    ports: context.ports,
    ...(context.startBy !== null && { startBy: context.startBy }),
  };
}

/** B04: returns the container whose namespace this one shares, or would share; null: it shares none. */
export function netnsOwnerOf({ wish, share }: ContainerContext): ActorAddress<'container'> | null {
  if (wish?.netns.kind !== 'container') return null;
  return share?.owner ?? containerAddress(wish.netns.id);
}

/** B04: returns the share of a container that shares the namespace. */
export function shareOf(context: ContainerContext): NetnsShare {
  const { netns, status } = statusOf(context);
  return { path: netns.path, status, owner: context.share?.owner ?? containerAddress(context.id) };
}

/** Returns the answer of a set-up, which is also the data of `configured`. */
export const statusOf = (context: ContainerContext) => ({
  id: context.id,
  netns: { path: grantOf(context).netns, inode: context.inode },
  status: context.share?.status ?? statusBlocks(grantOf(context)),
  ports: shownPorts(grantOf(context)),
  kernelMs: toMicroseconds(context.kernelMs),
});

type TellEffect = Extract<Effect<'container'>, { kind: 'tell' }>;

/** Claims everything needed before the first step: one claim to each owner. */
export function claimsOf({ id, wish, attempt, askedAt }: ContainerContext): TellEffect[] {
  if (!wish) return [];
  const next = attempt + 1;
  const from = containerAddress(id);
  const leases = wish.attachments.map((attachment) => requestLease(id, next, attachment, wish.ports, askedAt));
  const ports = wish.ports.length > 0 ? [claimPorts(id, next, wish.ports)] : [];
  const share: TellEffect[] =
    wish.netns.kind === 'container'
      ? [{ kind: 'tell', to: containerAddress(wish.netns.id), event: { type: 'netns.share', from, attempt: next } }]
      : [];
  return [...leases, ...ports, ...share];
}

export function leaseRequest(
  id: string,
  attempt: number,
  { staticIps, staticMac, aliases, definition, isDefault }: Attachment,
  ports: readonly PublishedPort[],
  askedAt: string | null = null,
): LeaseRequest {
  const own = without(aliases, idAlias(id));
  const onLoopback = ports.some(isOnLoopback);
  const asked = {
    ...(staticMac && { staticMac }),
    ...(definition && { definition }),
    ...(isDefault && askedAt && { madeAt: askedAt }),
  };
  return { type: 'lease.request', container: id, attempt, staticIps, aliases: own, onLoopback, ...asked };
}

export function requestLease(
  id: string,
  attempt: number,
  attachment: Attachment,
  ports: readonly PublishedPort[],
  askedAt: string | null = null,
): TellEffect {
  const event = leaseRequest(id, attempt, attachment, ports, askedAt);
  return { kind: 'tell', to: networkAddress(attachment.network), event };
}

export function claimPorts(id: string, attempt: number, ports: PublishedPort[]): TellEffect {
  return { kind: 'tell', to: hostAddress, event: { type: 'ports.claim', container: id, attempt, ports } };
}

/** Releases everything at the same owners, including claims that are still on their way. */
export function releasesOf({ id, wish, change }: ContainerContext): Effect<'container'>[] {
  if (!wish) return [];
  const added = change?.kind === 'join' ? change.attachments.map(({ network }) => network) : [];
  const networks = [...wish.attachments.map(({ network }) => network), ...added];
  const holdsPorts = wish.ports.length > 0 || (change?.kind === 'join' && change.ports.length > 0);
  const ports: Effect<'container'>[] = holdsPorts
    ? [{ kind: 'tell', to: hostAddress, event: { type: 'ports.release', container: id } }]
    : [];
  return [...networks.map((network) => releaseLease(id, network)), ...ports];
}

/** Notifies the owners of its leases and ports that it is about to release all of them. */
export function leavingsOf({ id, leases, ports }: ContainerContext): Effect<'container'>[] {
  const held = Object.keys(leases).map(
    (network): Effect<'container'> => ({
      kind: 'tell',
      to: networkAddress(network),
      event: { type: 'lease.leaving', container: id },
      isNews: true,
    }),
  );
  if (ports.length === 0) return held;
  return [...held, { kind: 'tell', to: hostAddress, event: { type: 'ports.leaving', container: id }, isNews: true }];
}

export function releaseLease(id: string, network: string): Effect<'container'> {
  return { kind: 'tell', to: networkAddress(network), event: { type: 'lease.release', container: id } };
}
