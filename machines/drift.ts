import { hostAddress } from '../src/core/actor-address.ts';
import type { StepsResult } from '../src/core/actor-event.ts';
import { describeStep, type Step } from '../src/core/steps/step.ts';
import type { Announce, Effect } from './effect.ts';

/** Events of every machine that finds its kernel objects changed. */

/** Actors that find drift. The facts of containers and networks have the same data. */
type Drifting = 'container' | 'network' | 'host';
type Member = Exclude<Drifting, 'host'>;

type DataOf<Kind extends Drifting, Fact> = Extract<Announce<Kind>, { fact: Fact }>['data'];

/** The effect that announces one of these facts; the compiler compares it with the facts of the machine that lists it. */
type FactEffect<Fact extends string, Data> = { [F in Fact]: { kind: 'announce'; fact: F; data: Data } }[Fact];

const announce = <Fact extends string, Data>(fact: Fact, data: Data): FactEffect<Fact, Data> => ({
  kind: 'announce',
  fact,
  data,
});

/** Lists the effects of a drift that was restored. */
export const driftFacts = <Kind extends Drifting = Member>(data: DataOf<Kind, 'drift-healed'>) => [
  announce('drift-detected', data),
  announce('drift-healed', data),
];

/** Lists the effects of a drift that cannot be restored. */
export function degradedFacts<Kind extends Drifting = Member>({
  steps,
  ...data
}: { steps?: Step[] } & DataOf<Kind, 'degraded'>) {
  return [
    announce('drift-detected', { ...(steps && { steps: steps.map(describeStep) }), ...data }),
    announce('degraded', data),
  ];
}

/** Lists the effects of a mending: none if all was in order, but the end of a degraded state is always announced. */
export function mendedFacts({ changed, outputs, tookMs }: StepsResult, wasDegraded: boolean) {
  const steps = changed.map(describeStep);
  const drifted = outputs.flatMap((output) => output.drifted ?? []);
  const settings = drifted.length > 0 ? { drifted } : {};
  // the drift was announced when it could not be restored; it does not matter what restored it since
  if (wasDegraded) return [announce('drift-healed', { steps, ...settings, tookMs })];
  return steps.length > 0 ? driftFacts({ steps, ...settings, tookMs }) : [];
}

/** Tells the host that an actor had to load the base ruleset: other actors may have lost their elements with it. */
export function rulesetLoaded(changed: readonly Step[]): Extract<Effect, { kind: 'tell' }>[] {
  return changed.some(({ verb }) => verb === 'nft.load')
    ? [{ kind: 'tell', to: hostAddress, event: { type: 'ruleset.loaded' } }]
    : [];
}
