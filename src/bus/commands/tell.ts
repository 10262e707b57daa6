import type { AnswerTo } from '../../contract/answers.ts';
import { containerAddress, networkAddress } from '../../core/actor-address.ts';
import type { ActorEvent } from '../../core/actor-event.ts';
import type { CommandIdentity, Engine } from './engine-interface.ts';

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
