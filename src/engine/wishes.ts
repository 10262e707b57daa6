import { type ActorAddress, containerAddress } from '../core/actor-address.ts';
import { sharingCycle } from '../core/container/sharing.ts';
import type { ContainerWish } from '../core/container/wish.ts';
import type { ActorEvent } from '../core/event.ts';
import type { Fault } from '../core/fault.ts';

export interface WishReader {
  /** What is wished for a container; null: nothing is. */
  wishAt(container: ActorAddress): ContainerWish | null;
}

/** What is wished for: in the command itself, or earlier where a set-up goes by that. */
export function wishIn(wishes: WishReader, to: ActorAddress, event: ActorEvent): ContainerWish | null {
  if (event.type === 'container.create' || event.type === 'container.attach') return event.wish;
  return event.type === 'container.setup' ? (event.wish ?? wishes.wishAt(to)) : null;
}

/** Containers that would wait for each other's namespace: refused before any of them waits. */
export function sharingRefusal(wishes: WishReader, wish: ContainerWish): Fault | null {
  return sharingCycle(wish, (id) => wishes.wishAt(containerAddress(id)));
}
