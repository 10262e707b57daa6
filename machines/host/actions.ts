import { assertEvent, setup } from 'xstate';
import { containerAddress, networkAddress } from '../../src/core/actor-address.ts';
import type { HostEvent } from '../../src/core/actor-event.ts';
import { guardElements, unwantedGuards } from '../../src/core/forwarding.ts';
import type { DamagedDefinition } from '../../src/core/network/check.ts';
import { basePlan, mendBasePlan } from '../../src/core/plan/host.ts';
import { describeStep } from '../../src/core/steps/step.ts';
import { effectsOf, wasRebooted } from '../decisions.ts';
import { degradedFacts, driftFacts } from '../drift.ts';
import type { Effect } from '../effect.ts';
import type { HostContext } from './context.ts';
import { decide, purposeOf, remember, resolve } from './decisions.ts';
import * as forwarding from './forwarding.ts';
import { groupCommandActions } from './group-commands.ts';
import { placeActions, placeGuards } from './places.ts';
import { portActions, portGuards } from './ports.ts';
import { subnetActions, subnetGuards } from './subnets.ts';
import { sweepActions, sweepGuards } from './sweeping.ts';

/** Checks every owner of elements in the ruleset: networks, their members, and containers with published ports. */
function suspectOwners({ networks, ports }: HostContext): Effect<'host'>[] {
  const names = Object.keys(networks);
  const owners = [...names.map(networkAddress), ...Object.keys(ports).map(containerAddress)];
  return [
    ...owners.map((to): Effect<'host'> => ({ kind: 'tell', to, event: { type: 'drift.suspected' } })),
    ...names.map(
      (name): Effect<'host'> => ({ kind: 'tell', to: networkAddress(name), event: { type: 'ruleset.loaded' } }),
    ),
  ];
}

/** Actions and guards of the chart. Actions only list effects and change the context. */
export const hostSetup = setup({
  types: { context: {} as HostContext, events: {} as HostEvent },
  actions: {
    ...effectsOf<'host'>(),
    ...portActions,
    ...subnetActions,
    ...sweepActions,
    ...groupCommandActions,
    loadBase: decide(({ context: { forwarding: held, forwardForeign } }) => [
      { kind: 'apply', plan: basePlan(guardElements(held, forwardForeign), unwantedGuards(forwardForeign)) },
    ]),
    announceServing: decide(() => [{ kind: 'announce', fact: 'serving', data: {} }]),
    announceFailed: decide(({ event }) => {
      assertEvent(event, 'steps.failed');
      return [{ kind: 'announce', fact: 'failed', data: { fault: event.fault } }];
    }),

    // ---- drift
    mend: decide(({ context: { forwarding: held, forwardForeign } }) => [
      { kind: 'apply', plan: mendBasePlan(guardElements(held, forwardForeign)) },
    ]),
    /** Announces a restored ruleset. Elements may have gone with it: every owner restores its missing ones. */
    announceMended: decide(({ context, event }) => {
      assertEvent(event, 'steps.applied');
      if (event.changed.length === 0) return [];
      return [
        ...driftFacts<'host'>({ what: 'firewall', steps: event.changed.map(describeStep), tookMs: event.tookMs }),
        ...suspectOwners(context),
      ];
    }),
    /** Restores the host's own elements, which were lost with all others. */
    mendGuards: decide(({ context: { forwarding: held, forwardForeign } }) => {
      const elements = guardElements(held, forwardForeign);
      return elements.length > 0 ? [{ kind: 'apply', plan: mendBasePlan(elements) }] : [];
    }),
    /** Checks owners; the actor that loaded the ruleset has announced the drift. */
    suspectOwners: decide(({ context }) => suspectOwners(context)),
    announceDegraded: decide(({ event }) => {
      assertEvent(event, 'steps.failed');
      return degradedFacts<'host'>({ what: 'firewall', fault: event.fault });
    }),
    announceUplink: decide(({ event }) => {
      assertEvent(event, 'uplink.changed');
      const { type: _, ...way } = event;
      return driftFacts<'host'>({ what: 'uplink', ...way });
    }),
    announceDamaged: decide(({ context: { damaged: known }, event }) => {
      assertEvent(event, 'definitions.read');
      const isKnown = ({ file, reason }: DamagedDefinition) =>
        known.some((other) => other.file === file && other.reason === reason);
      return event.damaged
        .filter((one) => !isKnown(one))
        .map(({ file, reason }) => ({ kind: 'announce', fact: 'definition-damaged', data: { file, reason } }));
    }),
    keepDamaged: remember(({ event }) => {
      assertEvent(event, 'definitions.read');
      return { damaged: event.damaged };
    }),
    announceRebuilt: decide(({ event }) => {
      assertEvent(event, 'journal.rebuilt');
      const { cause, kept, containers } = event;
      return [{ kind: 'announce', fact: 'journal-rebuilt', data: { cause, kept, containers } }];
    }),
    announceResolverLost: decide(() => [{ kind: 'announce', fact: 'drift-detected', data: { what: 'resolver' } }]),
    announceResolverHealed: decide(() => [{ kind: 'announce', fact: 'drift-healed', data: { what: 'resolver' } }]),
    keepFault: remember(({ event }) => {
      assertEvent(event, 'steps.failed');
      return { lastFault: event.fault };
    }),

    // ---- forwarding
    keepSettings: remember(({ event }) => {
      assertEvent(event, 'host.start');
      return { forwardForeign: event.forwardForeign ?? false };
    }),
    ...placeActions,
    takeForwarding: resolve(['steps.applied', 'steps.failed'], (context, event) => {
      const purpose = purposeOf(event, 'forwarding');
      if (!purpose) return {};
      return event.type === 'steps.failed'
        ? forwarding.failed(context, purpose.work, event.fault)
        : forwarding.applied(context, purpose.work, event);
    }),
    lookForForwarding: decide(({ context }) => forwarding.lookAgain(context)),
    lookAtLinks: decide(({ context }) => forwarding.lookAtLinks(context)),
    forgetForwarding: remember(() => ({ claims: {}, forwarding: {}, deferred: [] })),
  },
  guards: {
    ...portGuards,
    ...placeGuards,
    ...subnetGuards,
    ...sweepGuards,
    isMend: ({ event }) => purposeOf(event, 'mend') !== null,
    isForwarding: ({ event }) => purposeOf(event, 'forwarding') !== null,
    isBase: ({ event }) => purposeOf(event, 'base') !== null,
    wasRebooted,
  },
});
