import { containerAddress, networkAddress } from '../../core/actor-address.ts';
import type { ActorEvent } from '../../core/event.ts';
import type { CommandIdentity, Engine } from './engine.ts';

/**
 * What is several commands to actors: each has an id of its own, the same when all of it comes again. A name stands behind a word
 * (`join web`), so that a container or network called `setup` is not taken for another part.
 */
export const part = (command: CommandIdentity, which: string): CommandIdentity => ({
  ...command,
  id: `${command.id} ${which}`,
});

/** The machines' answers are held to the schemas by their tests, not on every call. */
export function tellContainer<Output>(engine: Engine, id: string, command: CommandIdentity, event: ActorEvent) {
  return engine.send(command, containerAddress(id), stamped(event)) as Promise<Output>;
}

/** Machines have no clock: a command that may make a container or its network carries its time. */
const stamped = (event: ActorEvent): ActorEvent =>
  event.type === 'container.create' || event.type === 'container.setup' || event.type === 'container.connect'
    ? { ...event, created: new Date().toISOString() }
    : event;

export function tellNetwork<Output>(engine: Engine, name: string, command: CommandIdentity, event: ActorEvent) {
  return engine.send(command, networkAddress(name), event) as Promise<Output>;
}
