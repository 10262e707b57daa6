import type { ActorAddress } from '../../src/core/actor-address.ts';
import { networkAddress } from '../../src/core/actor-address.ts';
import type { HostEvent, NetworkEvent, StepsResult } from '../../src/core/actor-event.ts';
import { type Family, families } from '../../src/core/address.ts';
import type { SubnetLedger } from '../../src/core/claims.ts';
import type { Fault } from '../../src/core/fault.ts';
import {
  claimedFamilies,
  type Forwarding,
  forwardingSteps,
  foundForwarding,
  type HeldForwarding,
  isInForce,
  keptSteps,
  letGoSteps,
  linkSteps,
  seenForwarding,
  surveyOfOthers,
} from '../../src/core/forwarding.ts';
import { forwardingSurveyPlan } from '../../src/core/plan/host.ts';
import type { Plan } from '../../src/core/plan/plan.ts';
import type { ForwardingWork } from '../../src/core/plan/purpose.ts';
import type { ForwardingSurvey } from '../../src/core/steps/host.ts';
import { describeStep, type Step } from '../../src/core/steps/step.ts';
import { degradedFacts, driftFacts } from '../drift.ts';
import type { Effect } from '../effect.ts';
import { present } from '../present.ts';
import type { ForwardingClaim, ForwardingContext } from './context.ts';
import type { Turn } from './decisions.ts';

/**
 * Forwarding and its side effects. The host decides, because it is one setting for all networks. The former settings are kept
 * before anything is changed, so that they can be restored whatever happens in between.
 */

type Decision = Turn<ForwardingContext>;

export const tell = (
  network: string,
  event: Extract<
    NetworkEvent,
    { type: 'forwarding.granted' | 'forwarding.refused' | 'place.asked' | 'drift.suspected' }
  >,
): Effect<'host'> => ({
  kind: 'tell',
  to: networkAddress(network) satisfies ActorAddress,
  event,
});
const apply = (work: ForwardingWork, kind: Plan['kind'], steps: Step[]): Effect<'host'>[] =>
  steps.length > 0 ? [{ kind: 'apply', plan: { purpose: { kind: 'forwarding', work }, kind, steps } }] : [];
const look: Effect<'host'> = { kind: 'apply', plan: forwardingSurveyPlan() };

/** Starts a survey, if the host holds any forwarding. */
export const lookAgain = ({ forwarding }: ForwardingContext): Effect<'host'>[] =>
  Object.keys(forwarding).length > 0 ? [look] : [];

/** Starts a survey for new links, which matter only if netloom switched forwarding on. */
export const lookAtLinks = ({ forwarding }: ForwardingContext): Effect<'host'>[] =>
  Object.values(forwarding).some(({ found }) => !found) ? [look] : [];

export function claim(context: ForwardingContext, { network, families: wanted }: ForwardingClaim): Decision {
  const granted = isInForce(context.forwarding, context.claims, wanted);
  const claims = { ...context.claims, [network]: { families: wanted, granted } };
  return {
    context: { ...context, claims },
    effects: granted ? [tell(network, { type: 'forwarding.granted' })] : [look],
  };
}

/** Releases a claim. IPv4 stays on, as with podman; IPv6 goes with its last network, because it changes what the host learns from its routers. */
export function release(
  context: ForwardingContext,
  { network }: Extract<HostEvent, { type: 'forwarding.release' }>,
): Decision {
  const { [network]: _, ...claims } = context.claims;
  const claimed = claimedFamilies(claims);
  const idle = families.filter((family) => context.forwarding[family] && !claimed.includes(family));
  let { forwarding } = context;
  const effects: Effect<'host'>[] = [];
  for (const family of idle) {
    const held = present(forwarding[family], 'the forwarding that is held');
    if (held.found) forwarding = withoutFamily(forwarding, family);
    else if (family === 6 && held.settled) {
      forwarding = { ...forwarding, 6: { ...held, settled: false } };
      effects.push(...apply({ kind: 'close', families: [6] }, 'dismantle', letGoSteps(6, held)));
    }
  }
  return { context: { ...context, claims, forwarding }, effects };
}

/** Result of a plan about forwarding. */
type Result = Pick<StepsResult, 'outputs' | 'changed' | 'tookMs'>;

export function applied(
  context: ForwardingContext & { networks: SubnetLedger },
  work: ForwardingWork,
  result: Result,
): Decision {
  switch (work.kind) {
    case 'open':
      return opened(context, work.families, result);
    case 'close':
      return closed(context, work.families);
    case 'look': {
      const survey = result.outputs[0]?.forwarding;
      return survey ? looked(context, surveyOfOthers(survey, ourBridges(context))) : { context, effects: [] };
    }
    case 'mend':
      return { context, effects: mended(result) };
    case 'links':
      return { context, effects: [] };
  }
}

function closed(context: ForwardingContext, families: Family[]): Decision {
  return {
    context: { ...context, forwarding: families.reduce(withoutFamily, context.forwarding) },
    effects: [{ kind: 'announce', fact: 'forwarding-off', data: { families } }],
  };
}

function mended({ outputs, changed, tookMs }: Result): Effect<'host'>[] {
  if (changed.length === 0) return [];
  const drifted = outputs.flatMap((output) => output.drifted ?? []);
  const steps = changed.map(describeStep);
  return driftFacts<'host'>({ what: 'forwarding', steps, ...(drifted.length > 0 && { drifted }), tookMs });
}

export function failed(context: ForwardingContext, work: ForwardingWork, fault: Fault): Decision {
  switch (work.kind) {
    case 'open':
      return refuse(context, work.families, fault);
    case 'look':
      return refuse(context, families, fault);
    default:
      return { context, effects: degradedFacts<'host'>({ what: 'forwarding', fault }) };
  }
}

const ourBridges = ({ networks }: { networks: SubnetLedger }): ReadonlySet<string> =>
  new Set(Object.values(networks).flatMap(({ bridge, sharesLink }) => (sharesLink ? [] : (bridge ?? []))));

/** Keeps the survey first: the plans that change something run after this commit. */
function looked(context: ForwardingContext, survey: ForwardingSurvey): Decision {
  const { claims, forwarding: before, forwardForeign } = context;
  const claimed = claimedFamilies(claims);
  const waiting = Object.values(claims).filter(({ granted }) => !granted);
  const toOpen = families.filter((family) => waiting.some((one) => one.families.includes(family)));
  const forwarding: Forwarding = {};
  for (const family of families) {
    const held = before[family];
    // a plan with a fixed list of links restores a family that is being released: a link switched now would stay so
    const isLetGo = !claimed.includes(family) && !held?.settled;
    if (held) forwarding[family] = isLetGo ? held : seenForwarding(family, held, survey);
    else if (claimed.includes(family)) forwarding[family] = foundForwarding(family, survey);
  }
  const stepsOf = (all: readonly Family[], steps: (family: Family, held: HeldForwarding) => Step[]) =>
    all.flatMap((family) => (forwarding[family] ? steps(family, forwarding[family]) : []));
  const links = stepsOf(families, (family, held) => (before[family] ? linkSteps(before[family], held) : []));
  const kept = stepsOf(
    claimed.filter((family) => !toOpen.includes(family)),
    keptSteps,
  );
  return {
    context: { ...context, forwarding },
    effects: [
      ...apply({ kind: 'links' }, 'mend', links),
      ...apply({ kind: 'mend' }, 'mend', kept),
      ...apply(
        { kind: 'open', families: toOpen },
        'extend',
        stepsOf(toOpen, (family, held) => forwardingSteps(family, held, forwardForeign)),
      ),
    ],
  };
}

function opened(context: ForwardingContext, families: readonly Family[], { changed }: Result): Decision {
  const forwarding = { ...context.forwarding };
  for (const family of families) {
    const held = forwarding[family];
    if (held) forwarding[family] = { ...held, settled: true };
  }
  const isReady = (wanted: readonly Family[]) => wanted.every((family) => forwarding[family]?.settled);
  const ready = Object.entries(context.claims).filter(([, one]) => !one.granted && isReady(one.families));
  const granted = ready.map(([network, one]) => [network, { ...one, granted: true }] as const);
  const switched = families.filter((family) => !context.forwarding[family]?.settled && !forwarding[family]?.found);
  return {
    context: { ...context, forwarding, claims: { ...context.claims, ...Object.fromEntries(granted) } },
    effects: [
      ...(switched.length > 0
        ? [
            {
              kind: 'announce',
              fact: 'forwarding-on',
              data: { families: switched, steps: changed.map(describeStep) },
            } as const,
          ]
        : []),
      ...ready.map(([network]) => tell(network, { type: 'forwarding.granted' })),
    ],
  };
}

/** Refuses claims, after the plan undid its work; keeps what it could not undo, to restore it later. */
function refuse(context: ForwardingContext, refused: readonly Family[], fault: Fault): Decision {
  const waiting = Object.entries(context.claims).filter(
    ([, one]) => !one.granted && one.families.some((family) => refused.includes(family)),
  );
  const names = new Set(waiting.map(([network]) => network));
  const claims = Object.fromEntries(Object.entries(context.claims).filter(([network]) => !names.has(network)));
  let { forwarding } = context;
  if (!fault.leftBehind?.length)
    for (const family of refused) if (!forwarding[family]?.settled) forwarding = withoutFamily(forwarding, family);
  return {
    context: { ...context, claims, forwarding },
    effects: waiting.map(([network]) => tell(network, { type: 'forwarding.refused', fault })),
  };
}

function withoutFamily(forwarding: Forwarding, family: Family): Forwarding {
  const { [family]: _, ...others } = forwarding;
  return others;
}
