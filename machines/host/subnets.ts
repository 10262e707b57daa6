import { networkAddress } from '../../src/core/actor-address.ts';
import type { HostEvent } from '../../src/core/actor-event.ts';
import { grantSubnets } from '../../src/core/claims.ts';
import { surveyPlan } from '../../src/core/plan/host.ts';
import type { Decision } from '../decisions.ts';
import type { Effect } from '../effect.ts';
import type { HostContext } from './context.ts';
import { andThen, decide, type Given, purposeOf, resolve } from './decisions.ts';
import { placeClaims, suspectSharers } from './places.ts';

/** Subnets and bridge names: a network that leaves them open gets ones that neither this host nor another network uses. */

const surveyOnce: Effect<'host'> = { kind: 'apply', plan: surveyPlan() };

type Answer = Extract<Effect<'host'>, { kind: 'tell' }>['event'];

const answer = (network: string, event: Answer): Effect<'host'> => ({
  kind: 'tell',
  to: networkAddress(network),
  event,
});

/** Answers the claim that has waited longest, with a survey. */
function grant(
  context: HostContext,
  { outputs }: Extract<HostEvent, { type: 'steps.applied' }>,
): Decision<HostContext, 'host'> {
  const [claim, ...surveying] = context.surveying;
  const survey = outputs[0]?.survey;
  if (!claim || !survey) return {};
  const { network, sharesLink, use } = claim;
  const granted = grantSubnets(context.networks, survey, claim);
  if ('code' in granted)
    return { context: { surveying }, effects: [answer(network, { type: 'subnet.refused', fault: granted })] };
  const networks = { ...context.networks, [network]: { ...granted, sharesLink, ...(use && { use }) } };
  return { context: { surveying, networks }, effects: [answer(network, { type: 'subnet.granted', ...granted })] };
}

export const subnetActions = {
  survey: resolve('subnet.claim', ({ surveying }, { type: _, ...claim }) => ({
    context: { surveying: [...surveying, claim] },
    effects: [surveyOnce],
  })),
  /** Starts surveys again after a reboot, which ended them but not the claims that wait for them. */
  surveyAgain: decide(({ context: { surveying } }) => surveying.map(() => surveyOnce)),
  grantSubnets: resolve('steps.applied', grant),
  refuseSurvey: resolve('steps.failed', (context, { fault }) => {
    const [claim, ...surveying] = context.surveying;
    if (!claim) return {};
    return { context: { surveying }, effects: [answer(claim.network, { type: 'subnet.refused', fault })] };
  }),
  /** A network that moves, or goes, may leave a place that a claim waits for. */
  noteSubnets: resolve('subnet.note', (context, { type: _, network, ...place }) =>
    placeClaims.decideWaiting({ ...context, networks: { ...context.networks, [network]: place } }),
  ),
  releaseSubnets: resolve('subnet.release', (context, { network }) => {
    const { [network]: _, ...networks } = context.networks;
    const suspicions = suspectSharers(context, network);
    return andThen({ context: { ...context, networks }, effects: suspicions }, placeClaims.decideWaiting);
  }),
};

export const subnetGuards = {
  isSurvey: ({ event }: Given): boolean => purposeOf(event, 'survey') !== null,
};
