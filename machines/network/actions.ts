import { and, enqueueActions, not, or, raise, setup } from 'xstate';
import type { NetworkEvent } from '../../src/core/actor-event.ts';
import { effectsOf, enqueueEffect, wasRebooted } from '../decisions.ts';
import type { NetworkContext, NetworkInput } from './context.ts';
import { type Given, inDevice, inRegions, isFiled, isTransient, resultOf } from './decisions.ts';
import { definingActions, definingGuards } from './defining.ts';
import { claimEffects, deviceActions, deviceGuards } from './device.ts';
import { fileNewsActions, fileNewsGuards, isReplacedBy, isStaying } from './file-news.ts';
import { isKept, isUsed } from './leases.ts';
import { memberActions, memberGuards } from './members.ts';
import { removalActions, removalGuards } from './removal.ts';
import { changePlan, updatingActions, updatingGuards } from './updating.ts';

const isInUse = ({ context }: Given): boolean => isUsed(context);
const isLastRelease = ({ context, event }: Given): boolean =>
  event.type === 'lease.release' && !isUsed(context, event.container);
const isUp = ({ context }: Given): boolean => context.device !== null;
const isVerificationDue = inRegions({ verification: 'due' });
const isRestart = ({ event }: Given): boolean => event.type === 'actor.recovered' && !event.rebooted;

/**
 * Actions and guards of the chart, by topic; here are those that raise events or look at the state. Actions only list effects
 * and change the context.
 */
export const networkSetup = setup({
  types: { context: {} as NetworkContext, events: {} as NetworkEvent, input: {} as NetworkInput },
  actions: {
    ...effectsOf<'network'>(),
    ...definingActions,
    ...fileNewsActions,
    ...updatingActions,
    ...deviceActions,
    ...memberActions,
    ...removalActions,
    /** Continues as a network without a file. */
    loseFile: raise({ type: 'definition.missing' }),
    suspect: raise({ type: 'device.suspected' }),
    beginVerification: raise({ type: 'verification.begun' }),
    claimForwarding: enqueueActions(({ context, enqueue, check }) => {
      for (const effect of claimEffects(context, check(isTransient))) enqueueEffect(enqueue, effect);
    }),
    rewrite: enqueueActions(({ context, enqueue, check }) => {
      enqueueEffect(enqueue, { kind: 'apply', plan: changePlan(context, check(isFiled)) });
    }),
  },
  guards: {
    ...definingGuards,
    ...fileNewsGuards,
    ...updatingGuards,
    ...deviceGuards,
    ...memberGuards,
    ...removalGuards,
    isTransient,
    isForsaken: and([isTransient, not(isInUse)]),
    isLastOfTransient: and([isTransient, isLastRelease]),
    isRaiseOfTransient: and([isTransient, resultOf('raise')]),
    wasRebootedTransient: and([not(isFiled), wasRebooted]),
    isAnotherNetwork: and([isFiled, ({ context, event }) => isReplacedBy(context, event)]),
    newsReplace: and([isFiled, ({ context }) => isReplacedBy(context, context.news)]),
    /** It does not go with leaving members. */
    keepsPlace: or([not(isTransient), ({ context }) => isKept(context)]),
    /** Its device is not being raised, changed or removed. */
    isCalm: or([
      inDevice('down'),
      inDevice('settled'),
      inDevice('verifying'),
      inDevice('closing'),
      inDevice('degraded'),
      // a removal that was asked for may still be refused
      and([inDevice('emptying'), isStaying]),
    ]),
    isBusy: or([
      inDevice('updating'),
      inDevice('routing'),
      inDevice('raising'),
      inDevice('closing'),
      inDevice('verifying'),
    ]),
    isVerificationDue,
    isAdoptionDue: inRegions({ verification: 'adoption' }),
    isMendAndDue: and([resultOf('mend', 'adopt'), isVerificationDue]),
    isAdoptedLater: and([isRestart, isUp, or([inDevice('updating'), inDevice('closing')])]),
    /** The network has been changed since. */
    isAdoptInVain: and([resultOf('adopt'), inDevice('updating')]),
    isMendInVain: and([resultOf('mend'), inDevice('updating')]),
  },
});
