import { type AnyActorScope, type AnyMachineSnapshot, type AnyStateMachine, createActor } from 'xstate';
import type { Effect } from '../../machines/effect.ts';
import type { ActorEvent } from '../core/actor-event.ts';

type ListedAction = Parameters<AnyActorScope['actionExecutor']>[0];

const effectKinds: ReadonlySet<string> = new Set<Effect['kind']>(['tell', 'apply', 'reply', 'announce']);

/** A scope that lists a machine's actions instead of executing them; one per machine, because machines never leave anything in it. */
interface InertScope {
  scope: AnyActorScope;
  listed: ListedAction[];
}
const scopes = new WeakMap<AnyStateMachine, InertScope>();

/**
 * Does what XState's pure `transition(machine, snapshot, event)` does. That one makes an actor for every call, with its
 * initial state, at twice the cost; netloom's machines spawn no children and use no clock, so one inert scope serves all calls.
 */
export function decide(
  machine: AnyStateMachine,
  snapshot: AnyMachineSnapshot,
  event: ActorEvent,
): { next: AnyMachineSnapshot; effects: Effect[] } {
  const { scope, listed } = inertScope(machine);
  listed.length = 0;
  const next = machine.transition(snapshot, event, scope) as AnyMachineSnapshot;
  const effects = listed.filter(({ type }) => effectKinds.has(type)).map(asEffect);
  return { next, effects };
}

function inertScope(machine: AnyStateMachine): InertScope {
  const known = scopes.get(machine);
  if (known) return known;
  const self = createActor(machine);
  const listed: ListedAction[] = [];
  const nothing = () => {};
  const scope: AnyActorScope = {
    self,
    system: self.system,
    id: '',
    sessionId: '',
    defer: nothing,
    logger: nothing,
    stopChild: nothing,
    emit: nothing,
    actionExecutor: (action: ListedAction) => listed.push(action),
  };
  const made = { scope, listed };
  scopes.set(machine, made);
  return made;
}

function asEffect({ type, params }: { type: string; params: unknown }): Effect {
  return { kind: type, ...(params as object) } as Effect;
}
