import { type ActorAddress, actorName } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/actor-event.ts';
import type { AskedAttachment } from '../core/container/attachments.ts';
import { sharingCycle } from '../core/container/sharing.ts';
import type { ContainerWish } from '../core/container/wish.ts';
import type { Fault } from '../core/fault.ts';
import type { NetworkDefinition } from '../core/network/definition.ts';
import { broughtDefinition } from '../core/network/file.ts';

export interface WishReader {
  /** Returns the wish of a container, or null without one. */
  knownWish(id: string): ContainerWish | null;
}

/** Finds the wish: in the command itself, or an earlier one when a set-up refers to that. */
export function wishIn(wishes: WishReader, to: ActorAddress, event: ActorEvent): ContainerWish | null {
  if (event.type === 'container.create' || event.type === 'container.attach') return event.wish;
  return event.type === 'container.setup' ? (event.wish ?? wishes.knownWish(actorName(to))) : null;
}

/** Lists the definitions of networks that come with a command. */
export function broughtWith(event: ActorEvent, wish: ContainerWish | null): NetworkDefinition[] {
  if (event.type === 'container.connect') return broughtBy(event.attachment);
  if (event.type === 'container.setup' && event.overrides) return event.overrides.flatMap(broughtBy);
  return wish?.attachments.flatMap(({ definition }) => definition ?? []) ?? [];
}

/** The container refuses a damaged definition. */
function broughtBy({ network, definition }: AskedAttachment): NetworkDefinition[] {
  const brought = definition ? broughtDefinition(network, definition) : [];
  return typeof brought === 'string' ? [] : [brought].flat();
}

/** Refuses containers that would wait for each other's namespace, before any of them waits. */
export function sharingRefusal(wishes: WishReader, wish: ContainerWish): Fault | null {
  return sharingCycle(wish, (id) => wishes.knownWish(id));
}
