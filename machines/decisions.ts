import { assign, type EventObject, enqueueActions, type MachineContext } from 'xstate';
import type { ActorEvent, CommandId } from '../src/core/actor-event.ts';
import { type FaultCode, fault } from '../src/core/fault.ts';
import type { Announce, Apply, Effect, Reply, Tell } from './effect.ts';

/**
 * The effects that machines name. They are declared so that XState types their params, and have no body on purpose:
 * `transition()` only lists them, and the actor loop performs them.
 */
function named<Params>() {
  return (_: unknown, _params: Params): void => {};
}

export const effects = {
  tell: named<Tell>(),
  apply: named<Apply>(),
  reply: named<Reply>(),
  announce: named<Announce>(),
};

/** An effect in the form of an XState action. */
type EffectAction =
  | { type: 'tell'; params: Tell }
  | { type: 'apply'; params: Apply }
  | { type: 'reply'; params: Reply }
  | { type: 'announce'; params: Announce };

/** Result of an event: the changes of the context, and the effects. */
export interface Decision<Context> {
  context?: Partial<Context>;
  effects?: Effect[];
}

/** For one machine: turns a function from context and event to context changes and effects into an action. */
export function decisions<Context extends MachineContext, Event extends EventObject>() {
  return (decide: (args: { context: Context; event: Event }) => Decision<Context>) =>
    enqueueActions<Context, Event, undefined, Event, never, EffectAction, never, never, never>(
      ({ context, event, enqueue }) => {
        const { context: next, effects = [] } = decide({ context, event });
        if (next) enqueue.assign(next);
        for (const effect of effects) enqueueEffect(enqueue, effect);
      },
    );
}

/** For one machine: turns a function from context and event to effects into an action. */
export function deciding<Context extends MachineContext, Event extends EventObject>() {
  const action = decisions<Context, Event>();
  return (list: (args: { context: Context; event: Event }) => Effect[]) => action((args) => ({ effects: list(args) }));
}

/** For one machine: turns a decision about events of these types into an action. */
export function resolving<Context extends MachineContext, Event extends EventObject>() {
  const action = decisions<Context, Event>();
  return <Type extends Event['type']>(
    types: Type | readonly Type[],
    decide: (context: Context, event: Extract<Event, { type: Type }>) => Decision<Context>,
  ) =>
    action(({ context, event }) => {
      if (!isOfType(event, types)) throw new Error(`an action of ${types} was given ${event.type}`);
      return decide(context, event);
    });
}

function isOfType<Event extends EventObject, Type extends Event['type']>(
  event: Event,
  types: Type | readonly Type[],
): event is Extract<Event, { type: Type }> {
  return Array.isArray(types) ? types.includes(event.type) : types === event.type;
}

/** For one machine: turns a function from context and event to context changes into an action. */
export function remembering<Context extends MachineContext, Event extends EventObject>() {
  return (update: (args: { context: Context; event: Event }) => Partial<Context>) =>
    assign<Context, Event, undefined, Event, never>(update);
}

/** For one machine: turns a function that gives the reason into an action that refuses the event's command. */
export function refusing<Context extends MachineContext, Event extends ActorEvent>() {
  const decide = deciding<Context, Event>();
  return (code: FaultCode, message: (args: { context: Context; event: Event }) => string) =>
    decide((args) => [{ kind: 'reply', command: commandOf(args.event), fault: fault(code, message(args)) }]);
}

/** Returns the command whose answer a caller waits for; null: not a command, or no caller waits. */
export const commandOf = (event: ActorEvent): CommandId => ('command' in event ? event.command : null);

/** Lists one effect. */
export function enqueueEffect(enqueue: (action: EffectAction) => void, { kind, ...params }: Effect): void {
  enqueue({ type: kind, params } as EffectAction);
}
