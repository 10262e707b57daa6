import type { StateValue } from 'xstate';
import type { ActorAddress, ActorKind } from '../../../core/actor-address.ts';
import { actorKind, actorName, isOfKind } from '../../../core/actor-address.ts';
import type { ActorEvent } from '../../../core/actor-event.ts';

/**
 * What a journal of an earlier version holds, as its migrations see it. Its rows come from outside this version, so only those
 * fields have a type that a migration needs, and each is checked; all others are kept as they are.
 */

/** The record of an actor, with its ledgers. */
export interface StoredActor {
  value: StateValue;
  context: Readonly<Record<string, unknown>>;
}

/** A message that the migration sends. */
export interface SentMessage {
  to: ActorAddress;
  event: ActorEvent;
}

/** A journal's content between two versions. */
export interface Content {
  actors: ReadonlyMap<ActorAddress, StoredActor>;
  /** in order */
  messages: readonly SentMessage[];
}

/** Names of the actors of a kind. */
export const namesOf = ({ actors }: Content, kind: ActorKind): string[] =>
  [...actors.keys()].filter((address) => isOfKind(address, kind)).map(actorName);

/** Applies a function to the context of every actor of a kind. */
export function mapContexts(
  { actors, messages }: Content,
  kind: ActorKind,
  change: (context: StoredActor['context'], address: ActorAddress) => StoredActor['context'],
): Content {
  const mapped = [...actors].map(([address, actor]): [ActorAddress, StoredActor] =>
    actorKind(address) === kind ? [address, { ...actor, context: change(actor.context, address) }] : [address, actor],
  );
  return { actors: new Map(mapped), messages };
}
