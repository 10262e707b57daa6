import type { AnswerTo } from '../../contract/answers.ts';
import { containerAddress, networkAddress } from '../../core/actor-address.ts';
import type { ActorEvent } from '../../core/actor-event.ts';
import type { CommandIdentity, Engine } from './engine-interface.ts';

/**
 * Runs a command that is several to actors: each has an ID of its own, the same in a repetition. A name follows a word
 * (`join web`), so that a container or network called `setup` is not taken for another part.
 */
export const part = (command: CommandIdentity, which: string): CommandIdentity => ({
  ...command,
  id: `${command.id} ${which}`,
});

export function tellContainer<Event extends ActorEvent>(
  engine: Engine,
  id: string,
  command: CommandIdentity,
  event: Event,
): Promise<AnswerTo<Event['type']>> {
  return engine.send(command, containerAddress(id), stamped(event));
}

/** Machines have no clock: a command that may make a container or its network carries its time. */
const stamped = <Event extends ActorEvent>(event: Event): Event =>
  event.type === 'container.create' ||
  event.type === 'container.setup' ||
  event.type === 'container.attach' ||
  event.type === 'container.connect'
    ? { ...event, created: new Date().toISOString() }
    : event;

export function tellNetwork<Event extends ActorEvent>(
  engine: Engine,
  name: string,
  command: CommandIdentity,
  event: Event,
): Promise<AnswerTo<Event['type']>> {
  return engine.send(command, networkAddress(name), event);
}
