import { containerAddress, networkAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/event.ts';
import type { Engine } from './engine.ts';

/** Whose command it is: the id under which the one answer is kept. */
export interface CommandIdentity {
  id: string;
  /** the id is the client's own: the same id again gets the first answer */
  kept: boolean;
}

/** What is several commands to actors: each has an id of its own, the same when all of it comes again. */
export const part = ({ id, kept }: CommandIdentity, which: string): CommandIdentity => ({ id: `${id} ${which}`, kept });

/** The machines' answers are held to the schemas by their tests, not on every call. */
export function tellContainer<Output>(engine: Engine, id: string, command: CommandIdentity, event: ActorEvent) {
  return engine.send(command, containerAddress(id), event) as Promise<Output>;
}

export function tellNetwork<Output>(engine: Engine, name: string, command: CommandIdentity, event: ActorEvent) {
  return engine.send(command, networkAddress(name), event) as Promise<Output>;
}
