import { type AnyMachineSnapshot, type AnyStateMachine, initialTransition } from 'xstate';
import { getStateNodes } from 'xstate/graph';
import type { Effect } from '../../machines/effect.ts';
import { decide } from '../../src/actors/decide.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { type Fault, fault } from '../../src/core/fault.ts';
import {
  type ContainerPurpose,
  type DhcpPurpose,
  describePurpose,
  type HostPurpose,
  type NetworkPurpose,
  type Purpose,
} from '../../src/core/plan/purpose.ts';
import type { Step, StepOutput } from '../../src/core/steps/step.ts';

/** Follows machines without their surroundings: an event comes in, the next snapshot and the effects come out. */

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

/** Follows events one after another; returns the result of the last one. */
export function follow<Context>(
  machine: AnyStateMachine,
  snapshot: Snapshot<Context>,
  ...events: ActorEvent[]
): Taken<Context> {
  let taken: Taken<Context> = { next: snapshot, effects: [] };
  for (const event of events) taken = take(machine, taken.next, event);
  return taken;
}

/** Questions to one machine: the next state, the effects on one line each, and the effects themselves. */
export function asking<Context>(machine: AnyStateMachine) {
  type At = Snapshot<Context>;
  const effectsOf = (from: At, ...events: ActorEvent[]): Effect[] => follow(machine, from, ...events).effects;
  return {
    reach: (from: At, ...events: ActorEvent[]): At => follow(machine, from, ...events).next,
    step: (from: At, ...events: ActorEvent[]): string[] => {
      const { next, effects } = follow(machine, from, ...events);
      return [stateName(next.value), ...effects.map(brief)];
    },
    effectsOf,
    kernelStepsOf: (from: At, ...events: ActorEvent[]): Step[] =>
      effectsOf(from, ...events).flatMap((effect) => (effect.kind === 'apply' ? effect.plan.steps : [])),
  };
}

/** Formats an effect on one line: `tell host ports.claim`, `apply setup`, `reply c1 ok`, `announce created`. */
export function brief(effect: Effect): string {
  switch (effect.kind) {
    case 'tell':
      return `tell ${effect.to} ${effect.event.type}`;
    case 'apply':
      return `apply ${describePurpose(effect.plan.purpose)}`;
    case 'reply':
      return `reply ${effect.command} ${effect.fault?.code ?? 'ok'}`;
    case 'announce':
      return `announce ${effect.fact}`;
  }
}

/** The names of the states of a defined network: those that users see, and `closing` for loopback routes. */
const networkStates: Record<string, string> = { down: 'defined', settled: 'up', verifying: 'up' };

/** `up.running` */
export function stateName(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { up, present } = value as { up?: { process: string; wiring: string }; present?: { device: string } };
  if (present) return networkStates[present.device] ?? present.device;
  if (up) return up.wiring === 'settled' ? `up.${up.process}` : `up.${up.process} ${up.wiring}`;
  return Object.entries(value)
    .map(([parent, child]) => `${parent}.${stateName(child)}`)
    .join();
}

/** A purpose, or its kind when it has no other field. */
type About = Purpose | PlainPurpose['kind'];
type PlainPurpose =
  | ContainerPurpose
  | NetworkPurpose
  | Extract<HostPurpose, { kind: 'base' | 'mend' | 'survey' }>
  | Extract<DhcpPurpose, { kind: 'keep' | 'stop' }>;

const purposeOf = (about: About): Purpose => (typeof about === 'string' ? ({ kind: about } as PlainPurpose) : about);

export const applied = (about: About, outputs: StepOutput[] = [], changed: Step[] = []): ActorEvent => ({
  type: 'steps.applied',
  purpose: purposeOf(about),
  outputs,
  changed,
  tookMs: 1,
});

export const failed = (about: About, more: Partial<Fault> = {}): ActorEvent => ({
  type: 'steps.failed',
  purpose: purposeOf(about),
  fault: fault('kernel.refused', 'refused', { leftBehind: [], ...more }),
  outputs: [],
  changed: [],
  tookMs: 1,
});

export const littered: Partial<Fault> = { leftBehind: [{ step: 'netns.create', errno: 'EBUSY', detail: null }] };

/** The fault with which an owner refuses a claim. */
export const refusal = fault('address.exhausted', 'no address is left');

export const recovered = (rebooted: boolean): ActorEvent => ({ type: 'actor.recovered', rebooted });

// ------------------------------------------------------------------------------------------------------ exploration

/** A machine together with its plans under way: only their results may come. */
export interface Place<Context> {
  snapshot: Snapshot<Context>;
  /** names, in order */
  outstanding: Purpose[];
}

export interface Edge<Context> {
  from: Place<Context>;
  event: ActorEvent;
  /** the first place found that cannot be distinguished from the one that the event leads to */
  known: Place<Context>;
  effects: Effect[];
}

export interface Exploration<Context> {
  places: Place<Context>[];
  edges: Edge<Context>[];
}

export interface Terrain<Context> {
  machine: AnyStateMachine;
  input?: unknown;
  /** every event that can happen here, except results of plans */
  events(place: Place<Context>): ActorEvent[];
  /** every way in which a plan can end */
  results(purpose: Purpose): ActorEvent[];
  /** states that only another terrain reaches */
  elsewhere?: string[];
  /** what distinguishes two places beside the state's name; must have finitely many values */
  essence(context: Context): unknown;
}

/** The largest machine has a few thousand. */
const mostPlaces = 100_000;

/** Lists every place that can be reached, the nearest first, and every step from one to another. */
export function explore<Context>(terrain: Terrain<Context>): Exploration<Context> {
  const start: Place<Context> = { snapshot: begin(terrain.machine, terrain.input), outstanding: [] };
  const places = new Map([[keyOf(terrain, start), start]]);
  const edges: Edge<Context>[] = [];
  const takeOnce = remembering<Context>(terrain.machine);
  for (const from of places.values()) {
    const takeHere = takeOnce(from.snapshot);
    for (const event of everyEvent(terrain, from)) {
      const { to, effects } = stepFrom(from, event, takeHere(event));
      const key = keyOf(terrain, to);
      const known = places.get(key) ?? to;
      places.set(key, known);
      if (places.size > mostPlaces) throw new Error(`${terrain.machine.id} has no end: ${key}`);
      edges.push({ from, event, known, effects });
    }
  }
  return { places: [...places.values()], edges };
}

/**
 * Decides each event once in each snapshot. Many places differ in nothing but their plans under way, which the machine does
 * not see: in a container every third decision is a repeated one.
 */
function remembering<Context>(machine: AnyStateMachine) {
  const decided = new Map<string, Map<string, Taken<Context>>>();
  return (snapshot: Snapshot<Context>) => {
    const here = JSON.stringify([snapshot.value, snapshot.context]);
    const answers = decided.get(here) ?? new Map<string, Taken<Context>>();
    decided.set(here, answers);
    return (event: ActorEvent): Taken<Context> => {
      const asked = JSON.stringify(event);
      const answer = answers.get(asked) ?? take(machine, snapshot, event);
      answers.set(asked, answer);
      return answer;
    };
  };
}

/** State → the events that lead there by the shortest way. Edges come in the order in which the places were found. */
export function shortestWays<Context>({ places, edges }: Exploration<Context>): Record<string, string> {
  const ways = new Map(places.slice(0, 1).map((start) => [start, [] as string[]]));
  for (const { from, event, known } of edges) {
    const step = 'purpose' in event ? `${event.type} ${describePurpose(event.purpose)}` : event.type;
    if (!ways.has(known)) ways.set(known, [...(ways.get(from) as string[]), step]);
  }
  const named: Record<string, string> = {};
  for (const [{ snapshot }, way] of ways) for (const name of leavesOf(snapshot.value)) named[name] ??= way.join(', ');
  return named;
}

/** Lists the places from which no matching one can be reached. */
export function stranded<Context>(
  { places, edges }: Exploration<Context>,
  isGoal: (place: Place<Context>) => boolean,
): Place<Context>[] {
  const before = new Map<Place<Context>, Place<Context>[]>(places.map((place) => [place, []]));
  for (const { from, known } of edges) before.get(known)?.push(from);
  const safe = new Set(places.filter(isGoal));
  for (const place of safe) for (const other of before.get(place) ?? []) safe.add(other);
  return places.filter((place) => !safe.has(place));
}

/** The innermost states of a machine: several where it has parallel regions. */
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
  return [stateName(snapshot.value), ...outstanding.map((purpose) => `with ${describePurpose(purpose)} out`)].join(' ');
}

function everyEvent<Context>(terrain: Terrain<Context>, place: Place<Context>): ActorEvent[] {
  if (place.snapshot.status !== 'active') return [];
  const [purpose] = place.outstanding;
  return [...terrain.events(place), ...(purpose === undefined ? [] : terrain.results(purpose))];
}

/** Plans of one actor are carried out one after another: results come in the order of the plans. A reboot forgets them. */
function stepFrom<Context>(
  { outstanding }: Place<Context>,
  event: ActorEvent,
  { next, effects }: Taken<Context>,
): { to: Place<Context>; effects: Effect[] } {
  const isResult = event.type === 'steps.applied' || event.type === 'steps.failed';
  const wasRebooted = event.type === 'actor.recovered' && event.rebooted;
  const rest = wasRebooted ? [] : isResult ? outstanding.slice(1) : outstanding;
  const plans = effects.flatMap((effect) => (effect.kind === 'apply' ? [effect.plan.purpose] : []));
  return { to: { snapshot: next, outstanding: [...rest, ...plans] }, effects };
}

function keyOf<Context>(terrain: Terrain<Context>, { snapshot, outstanding }: Place<Context>): string {
  return JSON.stringify([snapshot.value, outstanding, terrain.essence(snapshot.context)]);
}
