import { containerAddress } from '../../actor-address.ts';
import type { Attachment } from '../../container/attachments.ts';
import type { ContainerWish } from '../../container/wish.ts';
import { entryOf } from '../../entry.ts';
import type { Lease } from '../../lease/lease.ts';
import { macOfContainer, netnsPath, type OwnerMark, ownerMark } from '../../object-names.ts';
import type { GrantedPort } from '../../port.ts';
import type { Step } from '../../steps/step.ts';

/** The basis of all plans of a container: the wish and what was granted for it. */
export interface ContainerGrant {
  wish: ContainerWish;
  /** where the namespace is, or will be */
  netns: string;
  leases: Readonly<Record<string, Lease>>;
  /** in the order of the request, with the picked ones; see `servedPorts` */
  ports: readonly GrantedPort[];
  /** deadline for the start of its process, in ms since 1970; absent: not known yet, or no deadline */
  startBy?: number;
}

/** The daemon's namespace, by a path that every process has for its own. */
const hostNetns = '/proc/self/ns/net';

export function netnsOf(wish: ContainerWish, netnsDirectory: string, sharedPath: string | null): string {
  if (wish.netns.kind === 'path') return wish.netns.path;
  if (wish.netns.kind === 'host') return hostNetns;
  return sharedPath ?? netnsPath(netnsDirectory, wish.id);
}

/** Checks whether netloom makes and removes the pin (B03: a namespace that netloom did not pin is never removed). */
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

/** Returns the MAC address. A lease of journal version 9 has none: the container's address is derived as it was then. */
export function macOf(wish: ContainerWish, attachment: Attachment, lease: Lease): string {
  return lease.macAddress ?? attachment.staticMac ?? macOfContainer(wish.id, attachment.network, null);
}

/** Requires the namespace. A container that shares one takes the owner's, even the host's; a path that leads to the host's is a mistake. */
export function requireStep({ wish, netns: path }: ContainerGrant, inode: number | null): Step {
  const { kind } = wish.netns;
  const foreign = kind !== 'host' && kind !== 'container';
  return { verb: 'netns.require', path, inode, ...(foreign && { foreign }) };
}

export const markOf = ({ id }: ContainerWish): OwnerMark => ownerMark(containerAddress(id));
