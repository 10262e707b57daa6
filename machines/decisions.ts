import { assign, type EventObject, enqueueActions, type MachineContext } from 'xstate';
import type { ActorKind } from '../src/core/actor-address.ts';
import type { ActorEvent, CommandId } from '../src/core/actor-event.ts';
import { type FaultCode, fault } from '../src/core/fault.ts';
import type { AnnounceParams, Apply, Effect, Reply, Tell } from './effect.ts';

function named<Params>() {
  return (_: unknown, _params: Params): void => {};
}

/**
 * Returns the effects that a machine of one kind names. They are declared so that XState types their params, and have no body
 * on purpose: `transition()` only lists them, and the actor loop performs them.
 */
export const effectsOf = <Kind extends ActorKind>() => ({
  tell: named<Tell>(),
  apply: named<Apply>(),
  reply: named<Reply>(),
  announce: named<AnnounceParams<Kind>>(),
});

/** The effects of a machine of any kind. */
export const effects = effectsOf<ActorKind>();

/** An effect in the form of an XState action. */
type EffectAction<Kind extends ActorKind> =
  | { type: 'tell'; params: Tell }
  | { type: 'apply'; params: Apply }
  | { type: 'reply'; params: Reply }
  | { type: 'announce'; params: AnnounceParams<Kind> };

/** Result of an event: the changes of the context, and the effects. */
export interface Decision<Context, Kind extends ActorKind = ActorKind> {
  context?: Partial<Context>;
  effects?: Effect<Kind>[];
}

/** For one machine: turns a function from context and event to context changes and effects into an action. */
export function decisions<
  Context extends MachineContext,
  Event extends EventObject,
  Kind extends ActorKind = ActorKind,
>() {
  return (decide: (args: { context: Context; event: Event }) => Decision<Context, Kind>) =>
    enqueueActions<Context, Event, undefined, Event, never, EffectAction<Kind>, never, never, never>(
      ({ context, event, enqueue }) => {
        const { context: next, effects = [] } = decide({ context, event });
        if (next) enqueue.assign(next);
        for (const effect of effects) enqueueEffect(enqueue, effect);
      },
    );
}

/** For one machine: turns a function from context and event to effects into an action. */
export function deciding<
  Context extends MachineContext,
  Event extends EventObject,
  Kind extends ActorKind = ActorKind,
>() {
  const action = decisions<Context, Event, Kind>();
  return (list: (args: { context: Context; event: Event }) => Effect<Kind>[]) =>
    action((args) => ({ effects: list(args) }));
}

/** For one machine: turns a decision about events of these types into an action. */
export function resolving<
  Context extends MachineContext,
  Event extends EventObject,
  Kind extends ActorKind = ActorKind,
>() {
  const action = decisions<Context, Event, Kind>();
  return <Type extends Event['type']>(
    types: Type | readonly Type[],
    decide: (context: Context, event: Extract<Event, { type: Type }>) => Decision<Context, Kind>,
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
export function refusing<
  Context extends MachineContext,
  Event extends ActorEvent,
  Kind extends ActorKind = ActorKind,
>() {
  const decide = deciding<Context, Event, Kind>();
  return (code: FaultCode, message: (args: { context: Context; event: Event }) => string) =>
    decide((args) => [{ kind: 'reply', command: commandOf(args.event), fault: fault(code, message(args)) }]);
}

/** Returns the command whose answer a caller waits for; null: not a command, or no caller waits. */
export const commandOf = (event: ActorEvent): CommandId => ('command' in event ? event.command : null);

/** Lists one effect. */
export function enqueueEffect<Kind extends ActorKind>(
  enqueue: (action: EffectAction<Kind>) => void,
  { kind, ...params }: Effect<Kind>,
): void {
  enqueue({ type: kind, params } as EffectAction<Kind>);
}
