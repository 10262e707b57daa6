import { and, assertEvent, assign, enqueueActions, not, or, raise, setup, stateIn } from 'xstate';
import { containerAddress, hostAddress } from '../../src/core/actor-address.ts';
import type { LeaseRequest, NetworkEvent, StepsResult } from '../../src/core/actor-event.ts';
import { type Fault, fault } from '../../src/core/fault.ts';
import { deviceOf } from '../../src/core/lease/device.ts';
import { linkUse, placeOf } from '../../src/core/network/check.ts';
import { type NetworkDefinition, ownsBridge } from '../../src/core/network/definition.ts';
import { fileOf } from '../../src/core/network/file.ts';
import { isBroughtNetwork, isOurs, isSameNetwork } from '../../src/core/network/identity.ts';
import { changeableOptions, networkSettings } from '../../src/core/network/options.ts';
import { changeable, updateRefusal } from '../../src/core/network/update.ts';
import { type NetworkWish, networkDefinition } from '../../src/core/network/wish.ts';
import {
  bridgeMac,
  closePlan,
  definePlan,
  lookPlan,
  lowerPlan,
  mendPlan,
  raisePlan,
  routedFamilies,
  updatePlan,
} from '../../src/core/plan/network.ts';
import type { FoundLink } from '../../src/core/steps/link.ts';
import type { Step } from '../../src/core/steps/step.ts';
import { commandOf, decisionsOf, effectsOf, enqueueEffect } from '../decisions.ts';
import { degradedFacts, driftFacts, mendedFacts, rulesetLoaded } from '../drift.ts';
import type { Effect } from '../effect.ts';
import {
  claimsPlace,
  defaultWish,
  definitionForFirst,
  firstContext,
  grantOf,
  inputOf,
  isOfDefault,
  type NetworkContext,
  type NetworkInput,
  wantsOtherFirewall,
} from './context.ts';
import {
  answerTo,
  busyFault,
  decideRequests,
  hasMembers,
  isKept,
  isReplacementDue,
  isUsed,
  withMember,
} from './leases.ts';
import {
  emptyingEffects,
  inUseFault,
  isRefusedByAll,
  leavePlaceEffects,
  leaveRequests,
  prunedEffect,
  refusalEffects,
  removalBy,
  removalFault,
  waitPlan,
  withoutMember,
} from './removal.ts';

const { decide, refuse } = decisionsOf<NetworkContext, NetworkEvent, 'network'>();

/** Whether netloom made the bridge, by this plan or in an earlier life that could not report it. A foreign bridge has another MAC address. */
const isMade = (
  { changed }: Extract<NetworkEvent, { type: 'steps.applied' }>,
  found: FoundLink | undefined,
  definition: NetworkDefinition,
): boolean => changed.some(({ verb }) => verb === 'link.bridge') || found?.macAddress === bridgeMac(definition);

/** Whether its bridge is deleted with it: netloom made it, or may have made it in an earlier life. */
const unmakesBridge = ({ definition, device }: NetworkContext): boolean =>
  isOurs(definition as NetworkDefinition) || (device?.made ?? false);

const unknownFault = (network: string): Fault => fault('network.unknown', `no network ${network}`);

type Given = { context: NetworkContext; event: NetworkEvent };
type DeviceState =
  | 'down'
  | 'updating'
  | 'routing'
  | 'raising'
  | 'settled'
  | 'verifying'
  | 'closing'
  | 'degraded'
  | 'emptying'
  | 'lowering';

const inDevice = (device: DeviceState) => stateIn<NetworkContext, NetworkEvent, unknown>({ present: { device } });
const inDefinition = (definition: 'filed' | 'transient') =>
  stateIn<NetworkContext, NetworkEvent, unknown>({ present: { definition } });

const isFiled = inDefinition('filed');
const isTransient = inDefinition('transient');
const isInUse = ({ context }: Given): boolean => isUsed(context);
const isLastRelease = ({ context, event }: Given): boolean =>
  event.type === 'lease.release' && !isUsed(context, event.container);
const isRaise = ({ event }: Given): boolean => 'purpose' in event && event.purpose.kind === 'raise';
const isAdopt = ({ event }: Given): boolean => 'purpose' in event && event.purpose.kind === 'adopt';
const isLower = (event: NetworkEvent): boolean => 'purpose' in event && event.purpose.kind === 'lower';
const wasRebooted = ({ event }: Given): boolean => event.type === 'actor.recovered' && event.rebooted;
const isRestart = ({ event }: Given): boolean => event.type === 'actor.recovered' && !event.rebooted;

/** Actions and guards of the chart. Actions only list effects and change the context. */
export const networkSetup = setup({
  types: { context: {} as NetworkContext, events: {} as NetworkEvent, input: {} as NetworkInput },
  actions: {
    ...effectsOf<'network'>(),

    // ---- definition
    keepWish: assign(({ event }) => {
      assertEvent(event, 'network.create');
      return { wish: event.wish, created: event.created, command: event.command };
    }),
    /** The wish of the default network (P10). */
    keepDefaultWish: assign(({ context: { name }, event }) => {
      assertEvent(event, 'lease.request');
      return { ...defaultWish(name, event), command: null };
    }),
    /** Keeps nothing of the former network except the waiting requests. */
    becomeDefault: assign(({ context: { waiting, ...former } }) => ({
      ...firstContext(inputOf(former)),
      ...defaultWish(former.name, waiting.find(isOfDefault) as LeaseRequest),
      waiting,
    })),
    claimSubnets: decide(({ context: { name, wish } }) => {
      const { driver, link: bridge, sharesLink, subnets, automatic } = wish as NetworkWish;
      const needsBridge = driver === 'bridge' && sharesLink;
      const use = linkUse(wish as NetworkWish);
      return [
        {
          kind: 'tell',
          to: hostAddress,
          event: { type: 'subnet.claim', network: name, bridge, sharesLink, needsBridge, subnets, automatic, use },
        },
      ];
    }),
    define: assign(({ context, event }) => {
      assertEvent(event, 'subnet.granted');
      return { definition: networkDefinition(context.wish as NetworkWish, { ...event, created: context.created }) };
    }),
    write: decide(({ context: { definition } }) => [
      { kind: 'apply', plan: definePlan(definition as NetworkDefinition) },
    ]),
    refuseDefinition: decide(({ context: { command, name }, event }) => {
      assertEvent(event, 'steps.failed');
      return [
        { kind: 'tell', to: hostAddress, event: { type: 'subnet.release', network: name } },
        { kind: 'announce', fact: 'failed', data: { fault: event.fault } },
        { kind: 'reply', command, fault: event.fault },
      ];
    }),
    /** Keeps a foreign definition, without a claim and without writing a file. */
    note: enqueueActions(({ context: { name, waiting, successor }, event, enqueue }) => {
      const found = event.type === 'definition.found' ? event.definition : successor;
      const first = event.type === 'lease.request' ? event : waiting.find((request) => request.definition);
      const asked = first?.definition;
      const definition = (found ?? asked) as NetworkDefinition;
      const { network_interface: bridge, subnets } = definition;
      const use = linkUse(definition);
      const isTransient = found === null;
      enqueue.assign({
        definition,
        created: definition.created,
        successor: null,
        removal: null,
        lastGiven: {},
        macs: {},
      });
      // a network of an engine takes its place when the host grants it
      if (isTransient && claimsPlace(definition)) return;
      enqueue({
        type: 'tell',
        params: {
          to: hostAddress,
          event: { type: 'subnet.note', network: name, bridge, sharesLink: !ownsBridge(definition), use, subnets },
        },
      });
    }),
    keepSuccessor: assign(({ context, event }) => {
      const found = context.news ?? event;
      assertEvent(found, 'definition.found');
      return { successor: found.definition };
    }),
    /** Keeps the file's definition, which takes effect when the last member leaves. */
    noteSuccessor: assign(({ context, event }) => {
      const found = context.news ?? event;
      assertEvent(found, 'definition.found');
      const isSame = isSameNetwork(context.definition as NetworkDefinition, found.definition);
      return { successor: isSame ? null : found.definition };
    }),
    keepNews: assign(({ event }) => {
      assertEvent(event, ['definition.found', 'definition.lost']);
      return { news: event };
    }),
    /** Asks members after a check of each: a member that has lost its namespace leaves. */
    askMembers: enqueueActions(({ context: { leases, waiting, name }, enqueue }) => {
      enqueue.assign({ successor: null });
      for (const id of new Set([...Object.keys(leases), ...waiting.map(({ container }) => container)])) {
        const to = containerAddress(id);
        enqueue({ type: 'tell', params: { to, event: { type: 'drift.suspected' } } });
        enqueue({ type: 'tell', params: { to, event: { type: 'membership.asked', command: null, network: name } } });
      }
    }),
    keepLossAsNews: assign({ news: { type: 'definition.lost' } }),
    /** Continues as a network without a file. */
    loseFile: raise({ type: 'definition.missing' }),
    forgetNews: assign({ news: null }),
    forgetSuccessor: assign({ successor: null }),
    announceFound: decide(({ context }) => [
      { kind: 'announce', fact: 'created', data: { definition: definitionOf(context) } },
    ]),
    announceWritten: decide(({ event }) => {
      assertEvent(event, 'steps.applied');
      return driftFacts({ steps: ['definition.write'], tookMs: event.tookMs });
    }),
    keepUpdate: assign(({ context, event }) => {
      const definition = context.definition as NetworkDefinition;
      const news = context.news ?? event;
      if (news.type === 'definition.found') return { update: withNews(definition, news.definition), command: null };
      assertEvent(event, 'network.update');
      const { addDnsServers, removeDnsServers, dnsServers = definition.network_dns_servers } = event;
      const kept = dnsServers.filter((server) => !removeDnsServers.includes(server));
      const network_dns_servers = [...new Set([...kept, ...addDnsServers])];
      const options = { ...definition.options, ...event.options };
      return { update: { ...definition, network_dns_servers, options }, command: event.command };
    }),
    rewrite: enqueueActions(({ context, enqueue, check }) => {
      const plan = updatePlan(context.definition as NetworkDefinition, grantOf(context, context.update), {
        isUp: context.device !== null,
        // a definition that came from the file is there already
        writes: check(isFiled) && context.command !== null && saysOtherInFile(context),
      });
      enqueueEffect(enqueue, { kind: 'apply', plan });
    }),
    /** Tells members about another spoofing guard: the container sets what its link may send. */
    tellGuard: decide(({ context: { definition, update, leases, name } }) => {
      const [before, after] = [definition, update].map((one) => networkSettings(one as NetworkDefinition).spoofing);
      if (before === after || after === undefined) return [];
      return Object.keys(leases).map((id) => ({
        kind: 'tell',
        to: containerAddress(id),
        event: { type: 'lease.changed', command: null, network: name, spoofing: after },
      }));
    }),
    keepUpdated: assign({ definition: ({ context }) => context.update, update: null }),
    announceUpdated: decide(({ context }) => {
      const data = { definition: context.update as NetworkDefinition };
      return [
        { kind: 'announce', fact: 'updated', data },
        { kind: 'reply', command: context.command, output: data },
      ];
    }),
    replyUpdateFailed: decide(({ context: { command }, event }) => {
      assertEvent(event, 'steps.failed');
      return [{ kind: 'reply', command, fault: event.fault }];
    }),
    refuseUpdate: decide(({ context: { command, name } }) => [
      {
        kind: 'reply',
        command,
        fault: fault('network.busy', `network ${name} was being changed when the host shut down`),
      },
    ]),
    dropUpdate: assign({ update: null }),
    announceCreated: decide(({ context }) => {
      const data = { definition: definitionOf(context) };
      return [
        { kind: 'announce', fact: 'created', data },
        { kind: 'reply', command: context.command, output: data },
      ];
    }),
    announceRefused: decide(({ context: { command }, event }) => {
      assertEvent(event, 'subnet.refused');
      return [
        { kind: 'announce', fact: 'failed', data: { fault: event.fault } },
        { kind: 'reply', command, fault: event.fault },
      ];
    }),
    forgetWish: assign({ wish: null, command: null }),
    answered: assign({ command: null, removal: null }),
    /** Keeps the loss of the file: the next daemon tries the removal again. */
    failedToGo: assign(({ context: { removal } }) => ({
      command: null,
      removal: removal?.by === 'loss' ? removal : null,
    })),

    // ---- device
    claimForwarding: enqueueActions(({ context, enqueue, check }) => {
      const { name: network } = context;
      const definition = context.definition as NetworkDefinition;
      if (!claimsPlace(definition)) return;
      const families = routedFamilies(definition);
      const isBrought = check(isTransient);
      const event = { type: 'forwarding.claim', network, families, place: placeOf(definition), isBrought } as const;
      enqueueEffect(enqueue, { kind: 'tell', to: hostAddress, event });
    }),
    releaseForwarding: decide(({ context: { name, definition } }) =>
      definition && claimsPlace(definition)
        ? [{ kind: 'tell', to: hostAddress, event: { type: 'forwarding.release', network: name } }]
        : [],
    ),
    keepPlace: decide(({ context: { name } }) => [
      { kind: 'tell', to: hostAddress, event: { type: 'place.kept', network: name } },
    ]),
    raise: decide(({ context }) => [{ kind: 'apply', plan: raisePlan(grantOf(context)) }]),
    look: decide(({ context }) => [{ kind: 'apply', plan: lookPlan(grantOf(context)) }]),
    mend: decide(({ context }) => [{ kind: 'apply', plan: mendPlan(grantOf(context), 'mend') }]),
    adopt: decide(({ context }) => [{ kind: 'apply', plan: mendPlan(grantOf(context), 'adopt') }]),
    suspect: raise({ type: 'device.suspected' }),
    beginVerification: raise({ type: 'verification.begun' }),
    close: decide(({ context }) => [{ kind: 'apply', plan: closePlan(grantOf(context)) }]),
    keepClosed: assign({ device: ({ context: { device } }) => device && { ...device, routesLoopback: false } }),
    keepDevice: assign(({ context, event }) => {
      assertEvent(event, 'steps.applied');
      const found = event.outputs.find(({ link }) => link)?.link;
      const names = event.outputs.find((output) => output.names)?.names ?? null;
      const device = found ? deviceOf(context.definition as NetworkDefinition, found, names) : context.device;
      const made = context.device?.made || isMade(event, found, context.definition as NetworkDefinition);
      // members that are being set up open it a moment later
      const routesLoopback = device?.routesLoopback || context.onLoopback.length > 0;
      return { device: device && { ...device, made, routesLoopback }, lastFault: null };
    }),
    keepFault: assign(({ event }) => {
      assertEvent(event, 'steps.failed');
      return { lastFault: event.fault };
    }),
    forgetDevice: assign({ device: null, lastFault: null }),
    announceUp: decide(({ context: { device } }) =>
      device ? [{ kind: 'announce', fact: 'configured', data: { bridge: device.name } }] : [],
    ),
    suspectMembers: decide(({ context: { leases } }) => suspectMembers(Object.keys(leases))),
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
    announceFailed: decide(({ event }) => {
      assertEvent(event, ['steps.failed', 'forwarding.refused']);
      return [{ kind: 'announce', fact: 'failed', data: { fault: event.fault } }];
    }),
    lower: decide(({ context, event }) => [
      ...leavePlaceEffects(context),
      { kind: 'announce', fact: 'tearing-down', data: {} },
      {
        kind: 'apply',
        plan: lowerPlan(grantOf(context), {
          forget: context.removal?.by !== 'loss',
          // what has the name of its bridge is another network's if the host refused the place
          unmake: event.type !== 'forwarding.refused' && unmakesBridge(context),
        }),
      },
    ]),

    // ---- leases
    /** Queues a request. A member that asks again stays a member. */
    wait: assign(({ context: { waiting, leaving }, event }) => {
      assertEvent(event, 'lease.request');
      const isBack = leaving.includes(event.container);
      return {
        waiting: [...waiting, event],
        ...(isBack && { leaving: leaving.filter((id) => id !== event.container) }),
      };
    }),
    adoptFirst: assign({ definition: ({ context }) => definitionForFirst(context) }),
    keepFirewall: assign({ update: ({ context }) => definitionForFirst(context), command: null }),
    /** Grants waiting requests, unless the first one needs other rules: then all wait for these. */
    grantWaiting: enqueueActions(({ context, enqueue }) => {
      if (context.lastFault !== null || wantsOtherFirewall(context)) return;
      const { waiting, held, onLoopback, device } = context;
      const requests = held.length > 0 ? [...held.map(({ request }) => request), ...waiting] : waiting;
      const decided = decideRequests(context, requests);
      for (const effect of decided.effects) enqueueEffect(enqueue, effect);
      // the container's plan will open it
      const routesLoopback = device?.routesLoopback || decided.ledger.onLoopback.length > onLoopback.length;
      const kept = { waiting: [], held: decided.held, device: device && { ...device, routesLoopback } };
      enqueue.assign({ ...decided.ledger, ...kept });
      const isNew = decided.held.some(({ request }) => waiting.includes(request));
      if (!isNew || isReplacementDue({ ...decided.ledger, ...kept })) return;
      enqueue.assign({ waitsUntil: null });
      enqueueEffect(enqueue, { kind: 'apply', plan: waitPlan(context, null) });
    }),
    keepWait: assign(({ event }) => {
      assertEvent(event, 'steps.applied');
      return { waitsUntil: event.outputs.find(({ deadlineAt }) => deadlineAt)?.deadlineAt ?? null };
    }),
    /** Continues a wait in the next daemon. A wait without a deadline gets one by its plan. */
    waitOn: decide(({ context }) =>
      context.waitsUntil === null || (context.held.length === 0 && context.removal === null)
        ? []
        : [{ kind: 'apply', plan: waitPlan(context, context.waitsUntil) }],
    ),
    /** Refuses held requests: the leaving members have not left in time. */
    refuseHeld: enqueueActions(({ context, enqueue }) => {
      for (const { request, fault: why } of context.held) enqueueEffect(enqueue, answerTo(request, { fault: why }));
      enqueue.assign({ held: [], waitsUntil: null });
    }),
    /** Queues held requests for the network that follows this one. */
    queueHeld: assign(({ context: { held, waiting } }) => ({
      waiting: [...held.map(({ request }) => request), ...waiting],
      held: [],
    })),
    noteLeaving: assign(({ context, event }) => {
      assertEvent(event, 'lease.leaving');
      const { leases, leaving, waiting, held } = context;
      const { container } = event;
      return {
        waiting: waiting.filter((request) => request.container !== container),
        held: held.filter(({ request }) => request.container !== container),
        ...(Object.hasOwn(leases, container) && { leaving: withMember(leaving, container, true) }),
      };
    }),
    refuseWaiting: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ['steps.failed', 'forwarding.refused', 'subnet.refused']);
      const { fault } = event;
      // the containers did not ask for a subnet
      const told = { ...fault, message: `network ${context.name} cannot be built: ${fault.message}` };
      const why = event.type === 'subnet.refused' ? told : fault;
      for (const request of context.waiting) enqueueEffect(enqueue, answerTo(request, { fault: why }));
      enqueue.assign({ waiting: [] });
    }),
    refuseLease: decide(({ context, event }) => {
      assertEvent(event, 'lease.request');
      return [answerTo(event, { fault: unknownFault(context.name) })];
    }),
    release: assign(({ context, event }) => {
      assertEvent(event, 'lease.release');
      return withoutMember(context, event.container);
    }),
    notePorts: assign(({ context: { onLoopback, device, leases }, event }) => {
      assertEvent(event, 'lease.ports');
      // the container may have left meanwhile
      if (!Object.hasOwn(leases, event.container)) return {};
      const routesLoopback = event.onLoopback || (device?.routesLoopback ?? false);
      return {
        onLoopback: withMember(onLoopback, event.container, event.onLoopback),
        device: device && { ...device, routesLoopback },
      };
    }),
    /** Checks members that published ports while the bridge was being closed: their ports lead there, too. */
    suspectPublishers: decide(({ context: { onLoopback } }) => suspectMembers(onLoopback)),
    /** Forgets members at a reboot, after which the daemon reports all files again. */
    forgetLeases: assign({ leases: {}, onLoopback: [], leaving: [], waiting: [], held: [], successor: null }),

    // ---- removal
    keepLoss: assign(({ event }) => ({ news: null, command: null, removal: removalBy(event) })),
    keepRemoval: assign(({ event }) => ({ command: commandOf(event), removal: removalBy(event) })),
    empty: enqueueActions(({ context, enqueue }) => {
      for (const effect of emptyingEffects(context)) enqueueEffect(enqueue, effect);
      enqueue.assign({ waitsUntil: null, ...(context.removal?.isForced && { waiting: [], held: [] }) });
    }),
    askToLeave: decide(({ context }) => leaveRequests(context)),
    keepRefusal: assign(({ context: { removal, leases }, event }) => {
      assertEvent(event, 'membership.refused');
      if (!removal || !Object.hasOwn(leases, event.container)) return {};
      return { removal: { ...removal, refusals: { ...removal.refusals, [event.container]: event.fault } } };
    }),
    /** Refuses the removal: the network stays as it was, without the members that have left. */
    refuseRemoval: decide(({ context, event }) =>
      refusalEffects(context, event.type === 'steps.failed' ? event.fault : removalFault(context)),
    ),
    endRemoval: assign({ command: null, removal: null, waitsUntil: null }),
    answerUnpruned: decide(({ context: { name } }) => [prunedEffect(name, false)]),
    releaseSubnets: decide(({ context: { name } }) => [
      { kind: 'tell', to: hostAddress, event: { type: 'subnet.release', network: name } },
    ]),
    announceRemoved: decide(({ context: { name, command, removal } }) => [
      { kind: 'announce', fact: 'removed', data: {} },
      removal?.by === 'prune' ? prunedEffect(name, true) : { kind: 'reply', command, output: { name } },
    ]),
    /** Refuses requests that wait for a following network, because none follows. */
    refuseRest: enqueueActions(({ context: { name, waiting }, enqueue }) => {
      for (const request of waiting) enqueueEffect(enqueue, answerTo(request, { fault: unknownFault(name) }));
      enqueue.assign({ waiting: [] });
    }),
    replyFailed: decide(({ context: { name, command, removal }, event }) => {
      assertEvent(event, 'steps.failed');
      return [
        removal?.by === 'prune'
          ? prunedEffect(name, false, event.fault)
          : { kind: 'reply', command, fault: event.fault },
      ];
    }),

    // ---- refusals
    refuseUnknown: refuse('network.unknown', ({ context }) => `no network ${context.name}`),
    refuseExists: refuse('network.exists', ({ context }) => `network already exists: ${context.name}`),
    refuseInUse: decide(({ context, event }) => [
      { kind: 'reply', command: commandOf(event), fault: inUseFault(context) },
    ]),
    refuseUnfit: decide(({ context, event }) => [
      { kind: 'reply', command: commandOf(event), fault: updateFault(context, event) as Fault },
    ]),
    refuseBusy: decide(({ context: { name }, event }) => [
      { kind: 'reply', command: commandOf(event), fault: busyFault(name) },
    ]),
    refuseLeaseBusy: decide(({ context: { name }, event }) => {
      assertEvent(event, 'lease.request');
      return [answerTo(event, { fault: busyFault(name) })];
    }),
  },
  guards: {
    isUsed: ({ context }) => isUsed(context),
    isTransient,
    /** A file that is found is this network's from now on. */
    isStaying: ({ context }) => context.removal?.by !== 'loss',
    /** Its device is not being raised, changed or removed. */
    isCalm: or([
      inDevice('down'),
      inDevice('settled'),
      inDevice('verifying'),
      inDevice('closing'),
      inDevice('degraded'),
    ]),
    isBusy: or([
      inDevice('updating'),
      inDevice('routing'),
      inDevice('raising'),
      inDevice('closing'),
      inDevice('verifying'),
    ]),
    isVerificationDue: stateIn({ present: { verification: 'due' } }),
    isAdoptionDue: stateIn({ present: { verification: 'adoption' } }),
    isAdoptedLater: and([isRestart, or([inDevice('updating'), inDevice('closing')])]),
    /** The network has been changed since. */
    isAdoptInVain: and([isAdopt, or([inDevice('updating'), inDevice('closing')])]),
    claimsNothing: ({ context }) => !claimsPlace(context.definition as NetworkDefinition),
    isDown: ({ context }) => context.device === null,
    isForsaken: and([isTransient, not(isInUse)]),
    isLastOfTransient: and([isTransient, isLastRelease]),
    isLastOfReplaced: ({ context, event }) =>
      context.successor !== null && event.type === 'lease.release' && !hasMembers(context, event.container),
    /** Starts the removal only once: after a failure, the next daemon tries it again. */
    isSucceeded: ({ context }) => context.successor !== null && context.removal === null && !hasMembers(context),
    isLeftOfReplaced: ({ context }) => context.successor !== null && !hasMembers(context),
    isReplacedByHeld: ({ context }) => isReplacementDue(context),
    hasHeld: ({ context }) => context.held.length > 0,
    /** All members are leaving. */
    isBeingLeft: ({ context }) => !isKept(context),
    isBeingLeftOrForced: ({ context, event }) => (event.type === 'network.remove' && event.force) || !isKept(context),
    /** It does not go with leaving members. */
    keepsPlace: or([not(isTransient), ({ context }) => isKept(context)]),
    isEmpty: ({ context }) => Object.keys(context.leases).length === 0,
    isRefusedByAll: ({ context }) => isRefusedByAll(context),
    isLossOfLeft: ({ context }) => context.news?.type === 'definition.lost' && !isKept(context),
    isLoss: ({ context: { news } }) => news?.type === 'definition.lost',
    newsReplace: and([isFiled, ({ context }) => isReplacedBy(context, context.news)]),
    newsSaysOther: ({ context }) => saysOther(context, context.news),
    isLost: ({ context }) => context.removal?.by === 'loss',
    isPruned: ({ context }) => context.removal?.by === 'prune',
    isDegraded: ({ context }) => context.lastFault !== null,
    isWait: ({ event }) => 'purpose' in event && event.purpose.kind === 'await-leaving',
    isWaitOver: ({ context, event }) => isWaitOver(context, event),
    isLossOver: ({ context, event }) => context.removal?.by === 'loss' && isWaitOver(context, event),
    isFileBack: ({ context, event }) => isFileBack(context, event),
    isOfDefault: ({ event }) => event.type === 'lease.request' && isOfDefault(event),
    bringsDefinition: ({ event }) => event.type === 'lease.request' && event.definition !== undefined,
    isReplaced: ({ context, event }) =>
      event.type === 'lease.request' &&
      event.definition !== undefined &&
      !isUsed(context, event.container) &&
      !isBroughtNetwork(context.definition as NetworkDefinition, event.definition),
    wantsOtherFirewall: ({ context }) => wantsOtherFirewall(context),
    isRaiseOfTransient: and([isTransient, isRaise]),
    isLowerForFile: ({ context, event }) => isLower(event) && context.successor !== null,
    isLowerForBrought: ({ context, event }) => isLower(event) && context.waiting.some((request) => request.definition),
    // the plan identifies the result: a removal may begin before the result of a verification is known
    isRaise,
    /** Containers need the network: no command created it. */
    isWanted: ({ context: { command } }) => command === null,
    isLowerOfDefault: ({ context: { successor, waiting }, event }) =>
      'purpose' in event &&
      event.purpose.kind === 'lower' &&
      successor === null &&
      waiting.some(isOfDefault) &&
      !waiting[0]?.definition,
    hasNews: ({ context }) => context.news !== null,
    hasWaiting: ({ context }) => context.waiting.length > 0,
    isUpdateOfDevice: ({ context, event }) =>
      'purpose' in event && event.purpose.kind === 'update' && context.device !== null,
    isUpdateOfFirewall: ({ context: { definition, update }, event }) =>
      'purpose' in event && event.purpose.kind === 'update' && update?.firewall !== definition?.firewall,
    isDefine: ({ event }) => 'purpose' in event && event.purpose.kind === 'define',
    isUpdate: ({ event }) => 'purpose' in event && event.purpose.kind === 'update',
    cannotBeUpdated: ({ context, event }) => updateFault(context, event) !== null,
    isAnotherNetwork: and([isFiled, ({ context, event }) => isReplacedBy(context, event)]),
    saysOther: ({ context, event }) => saysOther(context, event),
    sharesLink: ({ context }) => !ownsBridge(context.definition as NetworkDefinition),
    isLook: ({ event }) => 'purpose' in event && event.purpose.kind === 'look',
    /** Applies only to netloom's bridges: foreign links are not changed. */
    isOpenInVain: ({ context: { definition, device, onLoopback } }) =>
      (device?.routesLoopback ?? false) && onLoopback.length === 0 && ownsBridge(definition as NetworkDefinition),
    isClose: ({ event }) => 'purpose' in event && event.purpose.kind === 'close',
    isMend: ({ event }) => 'purpose' in event && (event.purpose.kind === 'mend' || event.purpose.kind === 'adopt'),
    isLower: ({ event }) => isLower(event),
    wasRebootedTransient: and([isTransient, wasRebooted]),
    wasRebooted,
  },
});

/** Whether the file changes: not everything that an engine reports about a network is in its file. */
function saysOtherInFile({ definition, update }: NetworkContext): boolean {
  const [before, after] = [definition, update].map((one) => JSON.stringify(fileOf(one as NetworkDefinition)));
  return before !== after;
}

/** Whether the deadline has passed, or could not be set. */
const isWaitOver = ({ waitsUntil }: NetworkContext, event: NetworkEvent): boolean =>
  (event.type === 'deadline.passed' && event.at === waitsUntil) ||
  (event.type === 'steps.failed' && event.purpose.kind === 'await-leaving');

const isFileBack = ({ removal, definition }: NetworkContext, event: NetworkEvent): boolean =>
  removal?.by === 'loss' &&
  event.type === 'definition.found' &&
  isSameNetwork(definition as NetworkDefinition, event.definition);

/** Returns the definition with the file's values that may change while containers use the network. */
function withNews(definition: NetworkDefinition, { network_dns_servers, options }: NetworkDefinition) {
  const lasting = Object.entries(definition.options).filter(([name]) => !changeableOptions.includes(name));
  return { ...definition, network_dns_servers, options: { ...Object.fromEntries(lasting), ...changeable(options) } };
}

/** Whether the file has other values for these than those in force. */
const saysOther = ({ definition }: NetworkContext, found: NetworkEvent | null): boolean =>
  found?.type === 'definition.found' &&
  definition !== null &&
  JSON.stringify(livingParts(found.definition)) !== JSON.stringify(livingParts(definition));

/** Whether the file is another network's of that name, and no container uses the known one. */
const isReplacedBy = (context: NetworkContext, found: NetworkEvent | null): boolean =>
  found?.type === 'definition.found' &&
  context.definition !== null &&
  !isUsed(context) &&
  !isSameNetwork(context.definition, found.definition);

const livingParts = ({ network_dns_servers, options }: NetworkDefinition) => [
  network_dns_servers,
  changeableOptions.map((name) => options[name] ?? null),
];

function updateFault({ definition }: NetworkContext, event: NetworkEvent): Fault | null {
  if (event.type !== 'network.update') return null;
  const { addDnsServers, dnsServers = [], options } = event;
  const nameServers = [...addDnsServers, ...dnsServers];
  return updateRefusal(definition as NetworkDefinition, { nameServers, options });
}

/** Whether a step concerns members: firewalld trusts the network as a whole, and has nothing for a single member. */
const concernsMembers = ({ verb }: Step): boolean => verb !== 'firewalld.trust' && verb !== 'firewalld.distrust';
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

const definitionOf = ({ definition }: NetworkContext) => definition as NetworkDefinition;
