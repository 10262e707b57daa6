import { assertEvent } from 'xstate';
import { containerAddress, hostAddress } from '../../src/core/actor-address.ts';
import type { NetworkEvent, StepsResult } from '../../src/core/actor-event.ts';
import { deviceOf } from '../../src/core/lease/device.ts';
import { placeOf } from '../../src/core/network/check.ts';
import { type NetworkDefinition, ownsBridge } from '../../src/core/network/definition.ts';
import { closePlan, lookPlan, macsOfBridge, mendPlan, raisePlan, routedFamilies } from '../../src/core/plan/network.ts';
import type { FoundLink } from '../../src/core/steps/link.ts';
import { concernsMembers } from '../../src/core/steps/step.ts';
import { degradedFacts, mendedFacts, rulesetLoaded } from '../drift.ts';
import type { Effect } from '../effect.ts';
import { claimsPlace, definitionForFirst, definitionOf, grantOf, type NetworkContext } from './context.ts';
import { decide, type Given, remember, resultOf } from './decisions.ts';

/** Device of a network, bridge or parent: its place on the host, how it is made, verified and closed. */

/** Checks whether netloom made the bridge, by this plan or in an earlier life that could not report it. A foreign bridge has another MAC address. */
const isMade = (
  { changed }: Extract<NetworkEvent, { type: 'steps.applied' }>,
  found: FoundLink | undefined,
  definition: NetworkDefinition,
): boolean =>
  changed.some(({ verb }) => verb === 'link.bridge') || macsOfBridge(definition).includes(found?.macAddress ?? '');
/** Lists members whose ports 127.0.0.1 may no longer reach: each member sets what it needs. */
function shutOut({ onLoopback }: NetworkContext, { outputs }: StepsResult): string[] {
  const link = outputs.find((output) => output.link)?.link;
  return link && !link.routesLoopback ? onLoopback : [];
}

/** Checks members: their links may have gone with the bridge. */
function suspectMembers(members: readonly string[]): Effect<'network'>[] {
  return members.map((id) => ({
    kind: 'tell',
    to: containerAddress(id),
    event: { type: 'drift.suspected' },
  }));
}

/** Claims the network's place and forwarding from the host. `isBrought`: only members know it. */
export function claimEffects(context: NetworkContext, isBrought: boolean): Effect<'network'>[] {
  const definition = definitionOf(context);
  if (!claimsPlace(definition)) return [];
  const families = routedFamilies(definition);
  const event = {
    type: 'forwarding.claim',
    network: context.name,
    families,
    place: placeOf(definition),
    isBrought,
  } as const;
  return [{ kind: 'tell', to: hostAddress, event }];
}

export const deviceActions = {
  releaseForwarding: decide(({ context: { name, definition } }) =>
    definition && claimsPlace(definition)
      ? [{ kind: 'tell', to: hostAddress, event: { type: 'forwarding.release', network: name } }]
      : [],
  ),
  keepPlace: decide(({ context: { name } }) => [
    { kind: 'tell', to: hostAddress, event: { type: 'place.kept', network: name } },
  ]),
  adoptFirst: remember(({ context }) => ({ definition: definitionForFirst(context) })),
  raise: decide(({ context }) => [{ kind: 'apply', plan: raisePlan(grantOf(context)) }]),
  look: decide(({ context }) => [{ kind: 'apply', plan: lookPlan(grantOf(context)) }]),
  mend: decide(({ context }) => [{ kind: 'apply', plan: mendPlan(grantOf(context), 'mend') }]),
  adopt: decide(({ context }) => [{ kind: 'apply', plan: mendPlan(grantOf(context), 'adopt') }]),
  close: decide(({ context }) => [{ kind: 'apply', plan: closePlan(grantOf(context)) }]),
  keepClosed: remember(({ context: { device } }) => ({ device: device && { ...device, routesLoopback: false } })),
  keepDevice: remember(({ context, event }) => {
    assertEvent(event, 'steps.applied');
    const found = event.outputs.find(({ link }) => link)?.link;
    const names = event.outputs.find((output) => output.names)?.names ?? null;
    const device = found ? deviceOf(definitionOf(context), found, names) : context.device;
    const made = context.device?.made || isMade(event, found, definitionOf(context));
    // members that are being set up open it a moment later
    const routesLoopback = device?.routesLoopback || context.onLoopback.length > 0;
    return { device: device && { ...device, made, routesLoopback }, lastFault: null };
  }),
  keepFault: remember(({ event }) => {
    assertEvent(event, ['steps.failed', 'forwarding.refused']);
    return { lastFault: event.fault };
  }),
  forgetDevice: remember(() => ({ device: null, lastFault: null })),
  announceUp: decide(({ context: { device } }) =>
    device ? [{ kind: 'announce', fact: 'configured', data: { bridge: device.name } }] : [],
  ),
  /** Announces what was restored, and checks members that depend on it; members of a degraded network could not be restored until now. */
  announceMended: decide(({ context, event }) => {
    const { device, lastFault, leases } = context;
    assertEvent(event, 'steps.applied');
    const wasDegraded = lastFault !== null;
    const adopted: Effect<'network'>[] =
      event.purpose.kind === 'adopt' && device
        ? [{ kind: 'announce', fact: 'adopted', data: { bridge: device.name } }]
        : [];
    const isMended = wasDegraded || event.changed.some(concernsMembers);
    const suspects = isMended ? suspectMembers(Object.keys(leases)) : suspectMembers(shutOut(context, event));
    return [...adopted, ...mendedFacts(event, wasDegraded), ...rulesetLoaded(event.changed), ...suspects];
  }),
  announceDegraded: decide(({ event }) => {
    assertEvent(event, 'steps.failed');
    return degradedFacts({ steps: event.changed, fault: event.fault });
  }),
  announceUnrouted: decide(({ event }) => {
    assertEvent(event, 'forwarding.refused');
    return degradedFacts({ fault: event.fault });
  }),
  announceFailed: decide(({ event }) => {
    assertEvent(event, ['steps.failed', 'forwarding.refused']);
    return [{ kind: 'announce', fact: 'failed', data: { fault: event.fault } }];
  }),
  suspectMembers: decide(({ context: { leases } }) => suspectMembers(Object.keys(leases))),
  /** Checks members that published ports while the bridge was being closed: their ports lead there, too. */
  suspectPublishers: decide(({ context: { onLoopback } }) => suspectMembers(onLoopback)),
};

export const deviceGuards = {
  isDown: ({ context }: Given) => context.device === null,
  isDegraded: ({ context }: Given) => context.lastFault !== null,
  claimsNothing: ({ context }: Given) => !claimsPlace(definitionOf(context)),
  sharesLink: ({ context }: Given) => !ownsBridge(definitionOf(context)),
  /** Applies only to netloom's bridges: foreign links are not changed. */
  isOpenInVain: ({ context }: Given) =>
    (context.device?.routesLoopback ?? false) && context.onLoopback.length === 0 && ownsBridge(definitionOf(context)),
  // the plan identifies the result: a removal may begin before the result of a verification is known
  isRaise: resultOf('raise'),
  isLook: resultOf('look'),
  isMend: resultOf('mend', 'adopt'),
  isClose: resultOf('close'),
};
