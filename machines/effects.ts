import { assign, type EventObject, enqueueActions, type MachineContext } from 'xstate';
import type { Announce, Apply, Effect, Reply, Tell } from './effect.ts';

/**
 * The effects that machines name. They are declared so that XState types their params, and left without a body on
 * purpose: `transition()` only lists them, and the actor loop performs what it lists.
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

/** For one machine: turns "these effects, given context and event" into a named action. */
export function deciding<Context extends MachineContext, Event extends EventObject>() {
  return (list: (args: { context: Context; event: Event }) => Effect[]) =>
    enqueueActions<Context, Event, undefined, Event, never, never, never, never, never>(
      ({ context, event, enqueue }) => {
        for (const effect of list({ context, event })) enqueueEffect(enqueue, effect);
      },
    );
}

/** For one machine: turns "this is remembered, given context and event" into a named action. */
export function remembering<Context extends MachineContext, Event extends EventObject>() {
  return (update: (args: { context: Context; event: Event }) => Partial<Context>) =>
    assign<Context, Event, undefined, Event, never>(update);
}

/** Lists one effect. Every machine declares these four actions, which the types of XState's enqueuer cannot express. */
export function enqueueEffect(enqueue: (action: never) => void, effect: Effect): void {
  enqueue(action(effect) as never);
}

/** An effect as XState spells an action. */
export function action<Kind extends Effect['kind']>({ kind, ...params }: Extract<Effect, { kind: Kind }>) {
  return { type: kind, params: params as Omit<Extract<Effect, { kind: Kind }>, 'kind'> };
}
