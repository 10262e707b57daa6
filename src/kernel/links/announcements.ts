import * as native from '#native';
import { withoutPrefixLength } from '../../core/address.ts';
import { SystemError } from '../../core/fault.ts';
import type { Step } from '../../core/steps/step.ts';
import { attempts } from '../system-fault.ts';

type Announcement = Extract<Step, { verb: 'address.announce' }>;

/** Delays of repeats: a frame may be lost on the way or by a busy neighbour. */
const repeatsAfterMs = [30, 250, 1000];

/** Announces to neighbours which MAC address an address has now. */
export class Announcements {
  readonly #timers = new Set<NodeJS.Timeout>();

  announce(announcement: Announcement): void {
    const { netns, link, addresses } = announcement;
    const there = native.netnsIdentity(netns);
    if (!there) throw new SystemError('announce addresses', 'ENOENT', `${netns} is not a network namespace`);
    native.announceAddresses(netns, link, addresses);
    for (const afterMs of repeatsAfterMs) this.#repeat(announcement, there.inode, afterMs);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Holds nothing open meanwhile, because that would keep the namespace alive; skips a namespace that has ended. */
  #repeat(announcement: Announcement, inode: number, afterMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (native.netnsIdentity(announcement.netns)?.inode === inode) attempts(() => announceRemaining(announcement));
    }, afterMs);
    timer.unref();
    this.#timers.add(timer);
  }
}

/**
 * Announces the addresses that the link still has. A container that was disconnected and connected again has a new link of
 * the same name; another container may have its former address by now, and a repeat would draw that container's traffic here.
 */
function announceRemaining({ netns, link, addresses }: Announcement): void {
  const socket = native.openRouteSocket(netns);
  try {
    const index = native.linkByName(socket, link)?.index;
    const present = native.listAddresses(socket).filter(({ linkIndex }) => linkIndex === index);
    const held = new Set(present.map(({ address }) => withoutPrefixLength(address)));
    const remaining = addresses.filter((address) => held.has(address));
    if (remaining.length > 0) native.announceAddresses(netns, link, remaining);
  } finally {
    socket.close();
  }
}
