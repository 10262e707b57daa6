import { hostAddress } from '../src/core/actor-address.ts';
import type { StepsResult } from '../src/core/event.ts';
import { describeStep, type Step } from '../src/core/steps/step.ts';
import type { Announce, Effect } from './effect.ts';

/** What every machine tells when it finds what it made otherwise than it left it. */

type DriftData = Extract<Announce, { fact: 'drift-healed' }>['data'];

/** Found, and put back. */
export const driftFacts = (data: DriftData): Effect[] => [
  { kind: 'announce', fact: 'drift-detected', data },
  { kind: 'announce', fact: 'drift-healed', data },
];

type DegradedData = Extract<Announce, { fact: 'degraded' }>['data'];

/** Found, and not to be put back. */
export function degradedFacts({ steps, ...data }: { steps?: Step[] } & DegradedData): Effect[] {
  return [
    { kind: 'announce', fact: 'drift-detected', data: { ...(steps && { steps: steps.map(describeStep) }), ...data } },
    { kind: 'announce', fact: 'degraded', data },
  ];
}

/** What a mending found undone: nothing is told where all was in order, but that a degraded state has ended always is. */
export function mendedFacts({ changed, outputs, tookMs }: StepsResult, wasDegraded: boolean): Effect[] {
  const steps = changed.map(describeStep);
  const drifted = outputs.flatMap((output) => output.drifted ?? []);
  const settings = drifted.length > 0 ? { drifted } : {};
  // that something was missing was told when it could not be put back; who did that since is all the same
  if (wasDegraded) return [{ kind: 'announce', fact: 'drift-healed', data: { steps, ...settings, tookMs } }];
  return steps.length > 0 ? driftFacts({ steps, ...settings, tookMs }) : [];
}

/** Who had to load the base ruleset tells the host: others may have lost their elements with it. */
export function rulesetLoaded(changed: readonly Step[]): Effect[] {
  return changed.some(({ verb }) => verb === 'nft.load')
    ? [{ kind: 'tell', to: hostAddress, event: { type: 'ruleset.loaded' } }]
    : [];
}
