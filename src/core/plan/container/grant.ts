import { containerAddress } from '../../actor-address.ts';
import type { Attachment } from '../../container/attachments.ts';
import type { ContainerWish } from '../../container/wish.ts';
import { entryOf } from '../../entry.ts';
import type { Lease } from '../../lease/lease.ts';
import { macOfContainer, netnsPath, type OwnerMark, ownerMark } from '../../names.ts';
import type { GrantedPort } from '../../port.ts';
import type { Step } from '../../steps/step.ts';

/** All that a container's plans are made from: the wish and what was granted for it. */
export interface ContainerGrant {
  wish: ContainerWish;
  /** where the namespace is, or will be */
  netns: string;
  leases: Readonly<Record<string, Lease>>;
  /** as they were asked for, with those that were picked; see `servedPorts` */
  ports: readonly GrantedPort[];
  /** when its process must have started, in ms since 1970; absent: that is not known yet, or not waited for */
  startBy?: number;
}

/** The namespace of the daemon, by the path that every process has of its own. */
const hostNetns = '/proc/self/ns/net';

export function netnsOf(wish: ContainerWish, netnsDirectory: string, sharedPath: string | null): string {
  if (wish.netns.kind === 'path') return wish.netns.path;
  if (wish.netns.kind === 'host') return hostNetns;
  return sharedPath ?? netnsPath(netnsDirectory, wish.id);
}

/** Whether the pin is ours to make and to remove (B03: a namespace that netloom did not pin is never removed). */
export function ownsNetns(wish: ContainerWish): boolean {
  return wish.netns.kind === 'create' || wish.netns.kind === 'adopt';
}

export interface Joined {
  attachment: Attachment;
  lease: Lease;
}

export function joined(grant: ContainerGrant): Joined[] {
  return grant.wish.attachments.flatMap((attachment) => {
    const lease = entryOf(grant.leases, attachment.network);
    return lease ? [{ attachment, lease }] : [];
  });
}

/** A lease of journal version 9 has none: what its container has is found the way it was then. */
export function macOf(wish: ContainerWish, attachment: Attachment, lease: Lease): string {
  return lease.macAddress ?? attachment.staticMac ?? macOfContainer(wish.id, attachment.network, null);
}

/** Who shares a namespace takes the owner's, which may be the host's; a path that leads to the host's is a mistake. */
export function requireStep({ wish, netns: path }: ContainerGrant, inode: number | null): Step {
  const { kind } = wish.netns;
  const foreign = kind !== 'host' && kind !== 'container';
  return { verb: 'netns.require', path, inode, ...(foreign && { foreign }) };
}

export const markOf = ({ id }: ContainerWish): OwnerMark => ownerMark(containerAddress(id));
