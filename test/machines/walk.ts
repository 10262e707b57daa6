import { type AnyMachineSnapshot, type AnyStateMachine, fromTransition, initialTransition } from 'xstate';
import { getAdjacencyMap, getShortestPaths, getStateNodes } from 'xstate/graph';
import { decide } from '../../src/actors/decide.ts';
import type { Effect } from '../../src/core/effect.ts';
import type { ActorEvent } from '../../src/core/event.ts';
import { type Fault, fault } from '../../src/core/fault.ts';
import type { StepOutput } from '../../src/core/plan/step.ts';

/** Machines followed without a world around them: an event comes in, the next snapshot and the effects come out. */

export type Snapshot<Context> = AnyMachineSnapshot & { context: Context };

export interface Taken<Context> {
  next: Snapshot<Context>;
  effects: Effect[];
}

export function begin<Context>(machine: AnyStateMachine, input?: unknown): Snapshot<Context> {
  return initialTransition(machine, input as undefined)[0];
}

export function take<Context>(
  machine: AnyStateMachine,
  snapshot: Snapshot<Context>,
  event: ActorEvent,
): Taken<Context> {
  return decide(machine, snapshot, event);
}

/** Follows events one after another; what the last one led to. */
export function follow<Context>(
  machine: AnyStateMachine,
  snapshot: Snapshot<Context>,
  ...events: ActorEvent[]
): Taken<Context> {
  let taken: Taken<Context> = { next: snapshot, effects: [] };
  for (const event of events) taken = take(machine, taken.next, event);
  return taken;
}

/** An effect on one line: `tell host ports.claim`, `apply setup`, `reply c1 ok`, `announce created`. */
export function brief(effect: Effect): string {
  switch (effect.kind) {
    case 'tell':
      return `tell ${effect.to} ${effect.event.type}`;
    case 'apply':
      return `apply ${effect.plan.name}`;
    case 'reply':
      return `reply ${effect.command} ${effect.fault?.code ?? 'ok'}`;
    case 'announce':
      return `announce ${effect.fact}`;
  }
}

/** `up.running` */
export function stateName(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { up } = value as { up?: { process: string; wiring: string } };
  if (up) return up.wiring === 'settled' ? `up.${up.process}` : `up.${up.process} ${up.wiring}`;
  return Object.entries(value)
    .map(([parent, child]) => `${parent}.${stateName(child)}`)
    .join();
}

export const applied = (plan: string, outputs: StepOutput[] = []): ActorEvent => ({
  type: 'steps.applied',
  plan,
  outputs,
  changed: [],
  tookMs: 1,
});

export const failed = (plan: string, more: Partial<Fault> = {}): ActorEvent => ({
  type: 'steps.failed',
  plan,
  fault: fault('kernel.refused', 'refused', { leftBehind: [], ...more }),
  outputs: [],
  changed: [],
  tookMs: 1,
});

export const littered: Partial<Fault> = { leftBehind: [{ step: 'netns.create', errno: 'EBUSY', detail: null }] };

export const recovered = (rebooted: boolean): ActorEvent => ({ type: 'actor.recovered', rebooted });

// ------------------------------------------------------------------------------------------------------ exploration

/** A machine together with the plans that it has out: only their results may come. */
export interface Place<Context> {
  snapshot: Snapshot<Context>;
  /** names, in order */
  outstanding: string[];
}

export interface Edge<Context> {
  from: Place<Context>;
  event: ActorEvent;
  to: Place<Context>;
  effects: Effect[];
}

export interface Exploration<Context> {
  places: Place<Context>[];
  edges: Edge<Context>[];
}

export interface Terrain<Context> {
  machine: AnyStateMachine;
  input?: unknown;
  /** everything that can happen here, results of plans excepted */
  events(place: Place<Context>): ActorEvent[];
  /** every way in which a plan can end */
  results(plan: string): ActorEvent[];
  /** what tells two places apart beside the state's name; must have finitely many values */
  essence(context: Context): unknown;
}

/** Every place that can be reached, and every step from one to another. */
export function explore<Context>(terrain: Terrain<Context>): Exploration<Context> {
  const map = getAdjacencyMap(logicOf(terrain), traversalOf(terrain));
  const places = Object.values(map).map(({ state }) => state.context);
  const edges = places.flatMap((from) =>
    everyEvent(terrain, from).map((event) => ({ from, event, ...stepFrom(terrain, from, event) })),
  );
  return { places, edges };
}

/** State → the events that lead there by the shortest way. */
export function shortestWays<Context>(terrain: Terrain<Context>): Record<string, string> {
  const ways: Record<string, string[]> = {};
  for (const { state, steps } of getShortestPaths(logicOf(terrain), traversalOf(terrain))) {
    const way = steps.slice(1).map(({ event }) => ('plan' in event ? `${event.type} ${event.plan}` : event.type));
    for (const name of leavesOf(state.context.snapshot.value))
      if (way.length < (ways[name]?.length ?? Number.POSITIVE_INFINITY)) ways[name] = way;
  }
  return Object.fromEntries(Object.entries(ways).map(([name, way]) => [name, way.join(', ')]));
}

/** The places from which none that matches can be reached. */
export function stranded<Context>(
  terrain: Terrain<Context>,
  { places, edges }: Exploration<Context>,
  isGoal: (place: Place<Context>) => boolean,
): Place<Context>[] {
  const before = new Map<string, string[]>();
  for (const { from, to } of edges) {
    const key = keyOf(terrain, to);
    const others = before.get(key);
    if (others) others.push(keyOf(terrain, from));
    else before.set(key, [keyOf(terrain, from)]);
  }
  const safe = new Set(places.filter(isGoal).map((place) => keyOf(terrain, place)));
  for (const key of safe) for (const other of before.get(key) ?? []) safe.add(other);
  return places.filter((place) => !safe.has(keyOf(terrain, place)));
}

/** The innermost states that a machine is in: several where it has regions beside each other. */
export function leavesOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.entries(value).flatMap(([parent, child]) => leavesOf(child).map((leaf) => `${parent}.${leaf}`));
}

/** Names of the innermost states of a machine. */
export function leafStates(machine: AnyStateMachine): string[] {
  return getStateNodes(machine.root)
    .filter(({ states }) => Object.keys(states).length === 0)
    .map(({ path }) => path.join('.'));
}

export function describePlace<Context>({ snapshot, outstanding }: Place<Context>): string {
  return [stateName(snapshot.value), ...outstanding.map((plan) => `with ${plan} out`)].join(' ');
}

function logicOf<Context>(terrain: Terrain<Context>) {
  const start: Place<Context> = { snapshot: begin(terrain.machine, terrain.input), outstanding: [] };
  return fromTransition((place: Place<Context>, event: ActorEvent) => stepFrom(terrain, place, event).to, start);
}

function traversalOf<Context>(terrain: Terrain<Context>) {
  return {
    events: ({ context }: { context: Place<Context> }) => everyEvent(terrain, context),
    serializeState: ({ context }: { context: Place<Context> }) => keyOf(terrain, context),
    limit: 1_000_000,
  };
}

function everyEvent<Context>(terrain: Terrain<Context>, place: Place<Context>): ActorEvent[] {
  if (place.snapshot.status !== 'active') return [];
  const [plan] = place.outstanding;
  return [...terrain.events(place), ...(plan === undefined ? [] : terrain.results(plan))];
}

/** Plans of one actor are carried out one after another: results come in the order of the plans. A reboot forgets them. */
function stepFrom<Context>(
  { machine }: Terrain<Context>,
  { snapshot, outstanding }: Place<Context>,
  event: ActorEvent,
): { to: Place<Context>; effects: Effect[] } {
  const { next, effects } = take(machine, snapshot, event);
  const isResult = event.type === 'steps.applied' || event.type === 'steps.failed';
  const wasRebooted = event.type === 'actor.recovered' && event.rebooted;
  const rest = wasRebooted ? [] : isResult ? outstanding.slice(1) : outstanding;
  const plans = effects.flatMap((effect) => (effect.kind === 'apply' ? [effect.plan.name] : []));
  return { to: { snapshot: next, outstanding: [...rest, ...plans] }, effects };
}

function keyOf<Context>(terrain: Terrain<Context>, { snapshot, outstanding }: Place<Context>): string {
  return JSON.stringify([snapshot.value, outstanding, terrain.essence(snapshot.context)]);
}
