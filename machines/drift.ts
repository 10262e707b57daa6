import { hostAddress } from '../src/core/actor-address.ts';
import type { StepsResult } from '../src/core/actor-event.ts';
import { describeStep, type Step } from '../src/core/steps/step.ts';
import type { Announce, Effect } from './effect.ts';

/** Events of every machine that finds its kernel objects changed. */

type DriftData = Extract<Announce, { fact: 'drift-healed' }>['data'];

/** Lists the effects of a drift that was restored. */
export const driftFacts = (data: DriftData): Effect[] => [
  { kind: 'announce', fact: 'drift-detected', data },
  { kind: 'announce', fact: 'drift-healed', data },
];

type DegradedData = Extract<Announce, { fact: 'degraded' }>['data'];

/** Lists the effects of a drift that cannot be restored. */
export function degradedFacts({ steps, ...data }: { steps?: Step[] } & DegradedData): Effect[] {
  return [
    { kind: 'announce', fact: 'drift-detected', data: { ...(steps && { steps: steps.map(describeStep) }), ...data } },
    { kind: 'announce', fact: 'degraded', data },
  ];
}

/** Lists the effects of a mending: none if all was in order, but the end of a degraded state is always announced. */
export function mendedFacts({ changed, outputs, tookMs }: StepsResult, wasDegraded: boolean): Effect[] {
  const steps = changed.map(describeStep);
  const drifted = outputs.flatMap((output) => output.drifted ?? []);
  const settings = drifted.length > 0 ? { drifted } : {};
  // the drift was announced when it could not be restored; it does not matter what restored it since
  if (wasDegraded) return [{ kind: 'announce', fact: 'drift-healed', data: { steps, ...settings, tookMs } }];
  return steps.length > 0 ? driftFacts({ steps, ...settings, tookMs }) : [];
}

/** Tells the host that an actor had to load the base ruleset: other actors may have lost their elements with it. */
export function rulesetLoaded(changed: readonly Step[]): Effect[] {
  return changed.some(({ verb }) => verb === 'nft.load')
    ? [{ kind: 'tell', to: hostAddress, event: { type: 'ruleset.loaded' } }]
    : [];
}
