import { assign, type EventObject, enqueueActions, type MachineContext } from 'xstate';
import type { ActorKind } from '../src/core/actor-address.ts';
import type { ActorEvent, CommandId } from '../src/core/actor-event.ts';
import { type FaultCode, fault } from '../src/core/fault.ts';
import type { Purpose } from '../src/core/plan/purpose.ts';
import type { AnnounceParams, Apply, Effect, Reply, Tell } from './effect.ts';

function named<Params>() {
  return (_: unknown, _params: Params): void => {};
}

/**
 * Returns the effects that machines of one kind list. Declares them for XState, which then types their params. They have no
 * body on purpose: `transition()` only lists them, and the actor loop performs them.
 */
export const effectsOf = <Kind extends ActorKind>() => ({
  tell: named<Tell>(),
  apply: named<Apply>(),
  reply: named<Reply>(),
  announce: named<AnnounceParams<Kind>>(),
});

/** An effect in the form of an XState action. */
type EffectAction<Kind extends ActorKind> =
  | { type: 'tell'; params: Tell }
  | { type: 'apply'; params: Apply }
  | { type: 'reply'; params: Reply }
  | { type: 'announce'; params: AnnounceParams<Kind> };

/** Result of an event: the changes of the context, and the effects. */
export interface Decision<Context, Kind extends ActorKind> {
  context?: Partial<Context>;
  effects?: Effect<Kind>[];
}

/** Returns the builders of the actions of one kind of machine: each turns a function of the context and the event into an action. */
export function decisionsOf<Context extends MachineContext, Event extends ActorEvent, Kind extends ActorKind>() {
  type Given = { context: Context; event: Event };
  /** Changes the context and lists effects. */
  const decision = (decide: (given: Given) => Decision<Context, Kind>) =>
    enqueueActions<Context, Event, undefined, Event, never, EffectAction<Kind>, never, never, never>(
      ({ context, event, enqueue }) => {
        const { context: next, effects = [] } = decide({ context, event });
        if (next) enqueue.assign(next);
        for (const effect of effects) enqueueEffect(enqueue, effect);
      },
    );
  /** Lists effects. */
  const decide = (list: (given: Given) => Effect<Kind>[]) => decision((given) => ({ effects: list(given) }));
  /** Changes the context. */
  const remember = (update: (given: Given) => Partial<Context>) =>
    assign<Context, Event, undefined, Event, never>(update);
  /** Decides about events of these types. */
  const resolve = <Type extends Event['type']>(
    types: Type | readonly Type[],
    resolved: (context: Context, event: Extract<Event, { type: Type }>) => Decision<Context, Kind>,
  ) =>
    decision(({ context, event }) => {
      if (!isOfType(event, types)) throw new Error(`an action of ${types} was given ${event.type}`);
      return resolved(context, event);
    });
  /** Refuses the event's command, with a code and the message. */
  const refuse = (code: FaultCode, message: (given: Given) => string) =>
    decide((given) => [{ kind: 'reply', command: commandOf(given.event), fault: fault(code, message(given)) }]);
  return { decision, decide, remember, resolve, refuse };
}

function isOfType<Event extends EventObject, Type extends Event['type']>(
  event: Event,
  types: Type | readonly Type[],
): event is Extract<Event, { type: Type }> {
  return Array.isArray(types) ? types.includes(event.type) : types === event.type;
}

/** Returns the command whose answer a caller waits for; null: not a command, or no caller waits. */
export const commandOf = (event: ActorEvent): CommandId => ('command' in event ? event.command : null);

/** Checks whether the host was started again: nothing that the kernel had exists. */
export const wasRebooted = ({ event }: { event: ActorEvent }): boolean =>
  event.type === 'actor.recovered' && event.rebooted;

/** Checks whether only the daemon, or its worker, was started again. */
export const wasRestarted = ({ event }: { event: ActorEvent }): boolean =>
  event.type === 'actor.recovered' && !event.rebooted;

/** Returns a list without one entry. */
export const without = (list: readonly string[], entry: string): string[] => list.filter((other) => other !== entry);

/** Checks whether an event is the result of a plan of one of these kinds: a result may come while another plan is under way. */
export const isResultOf = (event: ActorEvent, ...kinds: Purpose['kind'][]): boolean =>
  'purpose' in event && kinds.includes(event.purpose.kind);

/** Lists one effect. */
export function enqueueEffect<Kind extends ActorKind>(
  enqueue: (action: EffectAction<Kind>) => void,
  { kind, ...params }: Effect<Kind>,
): void {
  enqueue({ type: kind, params } as EffectAction<Kind>);
}
