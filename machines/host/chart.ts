import { assertEvent, assign, enqueueActions, setup } from 'xstate';
import { containerAddress, networkAddress } from '../../src/core/actor-address.ts';
import {
  giveBackPorts,
  grantPorts,
  grantSubnets,
  type PortLedger,
  portConflict,
  type SubnetClaim,
  type SubnetLedger,
} from '../../src/core/claims.ts';
import { entryOf } from '../../src/core/entry.ts';
import type { HostEvent } from '../../src/core/event.ts';
import type { Fault } from '../../src/core/fault.ts';
import { guardElements, unwantedGuards } from '../../src/core/firewall/forwarding.ts';
import type { Leftovers, Swept } from '../../src/core/gc.ts';
import { withEntry, withoutEntry } from '../../src/core/ledger.ts';
import type { DamagedDefinition } from '../../src/core/network/check.ts';
import { basePlan, holdPlan, letGoPlan, mendBasePlan, surveyPlan, sweepPlan } from '../../src/core/plan/host.ts';
import { isSamePort, type PublishedPort } from '../../src/core/port.ts';
import { uncoveredPorts } from '../../src/core/served-ports.ts';
import { degradedFacts, driftFacts } from '../drift.ts';
import type { Effect } from '../effect.ts';
import { deciding, effects, enqueueEffect } from '../effects.ts';
import * as forwarding from './forwarding.ts';
import * as places from './places.ts';

export interface HostContext extends forwarding.ForwardingContext {
  /** container id → the ports it publishes; held, or about to be */
  ports: PortLedger;
  /** container id → the attempt whose ports are being bound, and how many of its last ones these are */
  holding: Record<string, { attempt: number; count: number }>;
  /** network → bridge and subnets */
  networks: SubnetLedger;
  /** claims that wait for a look at the host's routes and links, in order */
  surveying: SubnetClaim[];
  /** sweeps that are under way: command → what is being removed */
  sweeping: Record<string, Leftovers>;
  lastFault: Fault | null;
  /** files of definitions that are not taken, as far as is told; absent: none */
  damaged?: DamagedDefinition[];
}

const decide = deciding<HostContext, HostEvent>();

const refusePorts = (container: string, attempt: number, why: Fault): Effect => ({
  kind: 'tell',
  to: containerAddress(container),
  event: { type: 'claim.refused', attempt, fault: why },
});

const sweepPrefix = 'sweep ';
const releasePrefix = 'release ';
const holdPrefix = 'hold ';
/** `hold <container> <attempt>`: the plan's name says whose ports it is about, and which claim of theirs. */
const holdName = (container: string, attempt: number | 'again'): string => `${holdPrefix}${container} ${attempt}`;
const heldBy = (plan: string): { container: string; attempt: string } => {
  const [container = '', attempt = ''] = plan.slice(holdPrefix.length).split(' ');
  return { container, attempt };
};
type Claim = HostContext['holding'][string];

/** A container's ports: those that it had, and those that it claims. */
function splitPorts(ports: readonly PublishedPort[], count: number) {
  return { before: ports.slice(0, ports.length - count), claimed: ports.slice(ports.length - count) };
}

function withPorts(ledger: PortLedger, container: string, ports: readonly PublishedPort[]): PortLedger {
  return ports.length > 0 ? withEntry(ledger, container, ports) : withoutEntry(ledger, container);
}

/** Every owner of elements in the ruleset: networks, their members, and containers with published ports. */
function suspectOwners({ networks, ports }: HostContext): Effect[] {
  const names = Object.keys(networks);
  const owners = [...names.map(networkAddress), ...Object.keys(ports).map(containerAddress)];
  return [
    ...owners.map((to): Effect => ({ kind: 'tell', to, event: { type: 'drift.suspected' } })),
    ...names.map((name): Effect => ({ kind: 'tell', to: networkAddress(name), event: { type: 'ruleset.loaded' } })),
  ];
}

const isHeldByCaller = ({ heldByCaller }: PublishedPort): boolean => heldByCaller ?? false;
/** Those that this host binds: what the container's engine has not bound. Of `all` the container's ports these are some. */
function ownPorts(ports: readonly PublishedPort[], all: readonly PublishedPort[]): PublishedPort[] {
  const own = ports.filter((port) => !isHeldByCaller(port));
  return uncoveredPorts(own, all.filter(isHeldByCaller));
}

const portOwner = (container: string) => `container/${container}`;

/** Keeps what is decided about forwarding, and lists its effects. */
const decidingForwarding = (
  decision: (args: { context: HostContext; event: HostEvent }) => forwarding.Decision<Partial<HostContext>>,
) =>
  enqueueActions<HostContext, HostEvent, undefined, HostEvent, never, never, never, never, never>(
    ({ context, event, enqueue }) => {
      const { context: next, effects } = decision({ context, event });
      enqueue.assign(next);
      for (const effect of effects) enqueueEffect(enqueue, effect);
    },
  );

const machine = setup({
  types: { context: {} as HostContext, events: {} as HostEvent },
  actions: {
    ...effects,
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
    /** The elements may have gone with the ruleset: everybody who has some puts back what is missing. */
    announceMended: decide(({ context, event }) => {
      assertEvent(event, 'steps.applied');
      if (event.changed.length === 0) return [];
      return [
        ...driftFacts({ what: 'firewall', steps: event.changed, tookMs: event.tookMs }),
        ...suspectOwners(context),
      ];
    }),
    /** Of the host's own elements, which went as those of everybody else did. */
    mendGuards: decide(({ context: { forwarding: held, forwardForeign } }) => {
      const elements = guardElements(held, forwardForeign);
      return elements.length > 0 ? [{ kind: 'apply', plan: mendBasePlan(elements) }] : [];
    }),
    /** Who loaded it has told of the drift. */
    suspectOwners: decide(({ context }) => suspectOwners(context)),
    announceDegraded: decide(({ event }) => {
      assertEvent(event, 'steps.failed');
      return degradedFacts({ what: 'firewall', fault: event.fault });
    }),
    announceUplink: decide(({ event }) => {
      assertEvent(event, 'uplink.changed');
      const { type: _, ...way } = event;
      return driftFacts({ what: 'uplink', ...way });
    }),
    announceDamaged: decide(({ context: { damaged: known = [] }, event }) => {
      assertEvent(event, 'definitions.read');
      const isKnown = ({ file, reason }: DamagedDefinition) =>
        known.some((other) => other.file === file && other.reason === reason);
      return event.damaged
        .filter((one) => !isKnown(one))
        .map(({ file, reason }) => ({ kind: 'announce', fact: 'definition-damaged', data: { file, reason } }));
    }),
    keepDamaged: assign(({ event }) => {
      assertEvent(event, 'definitions.read');
      return { damaged: event.damaged };
    }),
    announceResolverLost: decide(() => [{ kind: 'announce', fact: 'drift-detected', data: { what: 'resolver' } }]),
    announceResolverHealed: decide(() => [{ kind: 'announce', fact: 'drift-healed', data: { what: 'resolver' } }]),
    keepFault: assign(({ event }) => {
      assertEvent(event, 'steps.failed');
      return { lastFault: event.fault };
    }),

    // ---- forwarding
    keepSettings: assign(({ event }) => {
      assertEvent(event, 'host.start');
      return { forwardForeign: event.forwardForeign ?? false };
    }),
    claimForwarding: decidingForwarding(({ context, event }) => {
      assertEvent(event, 'forwarding.claim');
      return places.claim(context, event);
    }),
    releaseForwarding: decidingForwarding(({ context, event }) => {
      assertEvent(event, 'forwarding.release');
      return places.release(context, event);
    }),
    noteLeaving: decidingForwarding(({ context, event }) => {
      assertEvent(event, 'forwarding.leave');
      return places.leave(context, event);
    }),
    takeForwarding: decidingForwarding(({ context, event }) => {
      assertEvent(event, ['steps.applied', 'steps.failed']);
      return event.type === 'steps.failed' ? forwarding.failed(context, event) : forwarding.applied(context, event);
    }),
    lookForForwarding: decide(({ context }) => forwarding.lookAgain(context)),
    lookAtLinks: decide(({ context }) => forwarding.lookAtLinks(context)),
    forgetForwarding: assign({ claims: {}, forwarding: {}, deferred: [] }),

    // ---- ports
    claimPorts: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'ports.claim');
      const { container, attempt } = event;
      const conflict = portConflict(context.ports, container, event.ports);
      if (conflict) {
        enqueueEffect(enqueue, refusePorts(container, attempt, conflict));
        return;
      }
      const ports = grantPorts(context.ports, container, event.ports);
      const all = withEntry(context.ports, container, [...(entryOf(context.ports, container) ?? []), ...ports]);
      const own = ownPorts(ports, entryOf(all, container) ?? []);
      if (own.length === 0) {
        enqueue.assign({ ports: all });
        enqueue({
          type: 'tell',
          params: { to: containerAddress(container), event: { type: 'ports.granted', attempt, ports, tookMs: 0 } },
        });
        return;
      }
      enqueue.assign({
        ports: all,
        holding: { ...context.holding, [container]: { attempt, count: ports.length } },
      });
      const plan = holdPlan(holdName(container, attempt), portOwner(container), own);
      enqueue({ type: 'apply', params: { plan } });
    }),
    /** The ports are bound: those that were picked are known now. */
    grantPorts: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'steps.applied');
      const { container } = heldBy(event.plan);
      const { [container]: claim, ...holding } = context.holding;
      const { attempt, count } = claim as Claim;
      const all = entryOf(context.ports, container) ?? [];
      const { before, claimed } = splitPorts(all, count);
      // one that is picked is held as it was asked for: nobody else has a part of it
      const held = ownPorts(claimed, all);
      const ports = claimed.map((port) =>
        port.hostPort === 0 ? { ...port, hostPort: event.outputs[held.indexOf(port)]?.port ?? 0 } : port,
      );
      enqueue.assign({ holding, ports: withEntry(context.ports, container, [...before, ...ports]) });
      enqueue({
        type: 'tell',
        params: {
          to: containerAddress(container),
          event: { type: 'ports.granted', attempt, ports, tookMs: event.tookMs },
        },
      });
    }),
    refuseHeld: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'steps.failed');
      const { container } = heldBy(event.plan);
      const { [container]: claim, ...holding } = context.holding;
      const { attempt, count } = claim as Claim;
      const { before } = splitPorts(entryOf(context.ports, container) ?? [], count);
      enqueue.assign({ ports: withPorts(context.ports, container, before), holding });
      enqueueEffect(enqueue, refusePorts(container, attempt, event.fault));
    }),
    announcePortLost: decide(({ event }) => {
      assertEvent(event, 'steps.failed');
      const { container } = heldBy(event.plan);
      return [{ kind: 'announce', fact: 'port-lost', data: { container, fault: event.fault } }];
    }),
    announcePortStuck: decide(({ event }) => {
      assertEvent(event, 'steps.failed');
      const container = event.plan.slice(releasePrefix.length);
      return [{ kind: 'announce', fact: 'port-stuck', data: { container, fault: event.fault } }];
    }),
    releasePorts: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'ports.release');
      const { container, ports: released = null } = event;
      const held = entryOf(context.ports, container);
      if (!held) return;
      // what a refused claim had asked for is not held: it must not be taken for what is
      const gone = released && held.filter((port) => released.some((other) => isSamePort(port, other)));
      if (gone?.length === 0) return;
      const left = gone ? held.filter((port) => !gone.includes(port)) : [];
      const { [container]: _, ...holding } = context.holding;
      const { ledger, freed } = giveBackPorts(withPorts(context.ports, container, left), gone ?? held);
      enqueue.assign({ ports: ledger, holding });
      for (const [other, ports] of Object.entries(freed)) {
        const event = { type: 'ports.freed', command: null, ports } as const;
        enqueue({ type: 'tell', params: { to: containerAddress(other), event } });
      }
      const own = ownPorts(gone ?? held, held);
      if (own.length === 0) return;
      const plan = letGoPlan(`${releasePrefix}${container}`, portOwner(container), gone && own);
      enqueue({ type: 'apply', params: { plan } });
    }),
    /** After a restart of the daemon nothing is bound: hold again what containers publish. Claims under way hold their own. */
    holdAgain: decide(({ context: { ports, holding } }) =>
      Object.entries(ports).flatMap(([container, all]): Effect[] => {
        const before = ownPorts(splitPorts(all, entryOf(holding, container)?.count ?? 0).before, all);
        if (before.length === 0) return [];
        // one that somebody has taken meanwhile does not cost the others
        return [{ kind: 'apply', plan: holdPlan(holdName(container, 'again'), portOwner(container), before, 'mend') }];
      }),
    ),

    // ---- leftovers
    sweep: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'host.sweep');
      const { command, steps, found } = event;
      enqueue.assign({ sweeping: { ...context.sweeping, [command ?? '']: found } });
      enqueue({ type: 'apply', params: { plan: sweepPlan(`${sweepPrefix}${command ?? ''}`, steps) } });
    }),
    replySwept: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, ['steps.applied', 'steps.failed']);
      const command = event.plan.slice(sweepPrefix.length);
      const { [command]: found, ...sweeping } = context.sweeping;
      enqueue.assign({ sweeping });
      const failed = event.type === 'steps.failed' ? (event.fault.leftBehind ?? []) : [];
      const output: Swept = { ...(found as Leftovers), dryRun: false, failed };
      enqueue({ type: 'reply', params: { command, output } });
    }),
    /** What was left behind went with the reboot. */
    replySweptByReboot: enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ sweeping: {} });
      for (const [command, found] of Object.entries(context.sweeping))
        enqueue({ type: 'reply', params: { command, output: { ...found, dryRun: false, failed: [] } } });
    }),

    // ---- subnets
    survey: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'subnet.claim');
      const { type: _, ...claim } = event;
      enqueue.assign({ surveying: [...context.surveying, claim] });
      enqueue({ type: 'apply', params: { plan: surveyPlan('survey') } });
    }),
    /** A reboot has forgotten the surveys that were under way, but not who waits for them. */
    surveyAgain: decide(({ context }) => context.surveying.map(() => ({ kind: 'apply', plan: surveyPlan('survey') }))),
    /** Each survey answers the claim that has waited longest. */
    grantSubnets: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'steps.applied');
      const [claim, ...surveying] = context.surveying;
      const survey = event.outputs[0]?.survey;
      if (!claim || !survey) return;
      const granted = grantSubnets(context.networks, survey, claim);
      const refused = 'code' in granted;
      enqueue.assign({
        surveying,
        networks: refused
          ? context.networks
          : {
              ...context.networks,
              [claim.network]: { ...granted, sharesLink: claim.sharesLink, ...(claim.use && { use: claim.use }) },
            },
      });
      enqueue({
        type: 'tell',
        params: {
          to: networkAddress(claim.network),
          event: refused ? { type: 'subnet.refused', fault: granted } : { type: 'subnet.granted', ...granted },
        },
      });
    }),
    refuseSurvey: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'steps.failed');
      const [claim, ...surveying] = context.surveying;
      if (!claim) return;
      enqueue.assign({ surveying });
      enqueue({
        type: 'tell',
        params: { to: networkAddress(claim.network), event: { type: 'subnet.refused', fault: event.fault } },
      });
    }),
    noteSubnets: assign(({ context, event }) => {
      assertEvent(event, 'subnet.note');
      const { type: _, network, ...place } = event;
      return { networks: { ...context.networks, [network]: place } };
    }),
    releaseSubnets: assign(({ context, event }) => {
      assertEvent(event, 'subnet.release');
      const { [event.network]: _, ...networks } = context.networks;
      return { networks };
    }),
  },
  guards: {
    // a result of an earlier claim, given up meanwhile, is nobody's any more
    isHoldOfThisAttempt: ({ context, event }) => {
      if (!('plan' in event && event.plan.startsWith(holdPrefix))) return false;
      const { container, attempt } = heldBy(event.plan);
      return `${entryOf(context.holding, container)?.attempt}` === attempt;
    },
    isHoldAgain: ({ context, event }) => {
      if (!('plan' in event && event.plan.startsWith(holdPrefix))) return false;
      const { container, attempt } = heldBy(event.plan);
      return attempt === 'again' && Object.hasOwn(context.ports, container);
    },
    isRelease: ({ event }) => 'plan' in event && event.plan.startsWith(releasePrefix),
    isSurvey: ({ event }) => 'plan' in event && event.plan === 'survey',
    isSweep: ({ context, event }) =>
      'plan' in event &&
      event.plan.startsWith(sweepPrefix) &&
      Object.hasOwn(context.sweeping, event.plan.slice(sweepPrefix.length)),
    isMend: ({ event }) => 'plan' in event && event.plan === 'mend base',
    isForwarding: ({ event }) => 'plan' in event && forwarding.isForwardingPlan(event.plan),
    isBase: ({ event }) => 'plan' in event && event.plan === 'base',
    wasRebooted: ({ event }) => event.type === 'actor.recovered' && event.rebooted,
  },
});

export const hostMachine = machine.createMachine({
  id: 'host',
  description:
    'This host. Loads the base ruleset before anything is served, and grants what must be unique on the host: ports, subnets, bridge names.',
  context: {
    ports: {},
    holding: {},
    networks: {},
    surveying: [],
    sweeping: {},
    lastFault: null,
    ...forwarding.noForwarding,
  },
  initial: 'absent',
  // claims are answered in every state: what waits in the inbox at a restart must not be lost
  on: {
    'ports.claim': { actions: 'claimPorts' },
    'ports.release': { actions: 'releasePorts' },
    'subnet.claim': { actions: 'survey' },
    'subnet.release': { actions: 'releaseSubnets' },
    'subnet.note': { actions: 'noteSubnets' },
    'forwarding.claim': { actions: 'claimForwarding' },
    'forwarding.leave': { actions: 'noteLeaving' },
    'forwarding.release': { actions: 'releaseForwarding' },
    'links.seen': { actions: 'lookAtLinks' },
    'ruleset.loaded': { actions: ['suspectOwners', 'mendGuards'] },
    'steps.applied': [
      { guard: 'isHoldOfThisAttempt', actions: 'grantPorts' },
      { guard: 'isSurvey', actions: 'grantSubnets' },
      { guard: 'isForwarding', actions: 'takeForwarding' },
      { guard: 'isSweep', actions: 'replySwept' },
      // also when the daemon was started again meanwhile: the elements may be gone
      { guard: 'isMend', actions: 'announceMended' },
    ],
    'steps.failed': [
      { guard: 'isHoldOfThisAttempt', actions: 'refuseHeld' },
      { guard: 'isHoldAgain', actions: 'announcePortLost' },
      { guard: 'isRelease', actions: 'announcePortStuck' },
      { guard: 'isSurvey', actions: 'refuseSurvey' },
      { guard: 'isForwarding', actions: 'takeForwarding' },
      { guard: 'isSweep', actions: 'replySwept' },
    ],
    'actor.recovered': { guard: 'wasRebooted', actions: ['surveyAgain', 'replySweptByReboot', 'forgetForwarding'] },
    'host.sweep': { actions: 'sweep' },
    'uplink.changed': { actions: 'announceUplink' },
    'definitions.read': { actions: ['announceDamaged', 'keepDamaged'] },
    'resolver.lost': { actions: 'announceResolverLost' },
    'resolver.replaced': { actions: 'announceResolverHealed' },
  },
  states: {
    absent: {
      description: 'The daemon has not started yet.',
      on: { 'host.start': { target: 'starting', actions: 'keepSettings' } },
    },
    starting: {
      description: 'Loads the base ruleset, unless it is already loaded.',
      entry: 'loadBase',
      on: {
        'steps.applied': { guard: 'isBase', target: 'serving', actions: ['announceServing', 'lookForForwarding'] },
        'steps.failed': { guard: 'isBase', target: 'failed', actions: ['keepFault', 'announceFailed'] },
        // the daemon before this one did not get further, and what it had bound is not bound any more
        'host.start': { target: 'starting', reenter: true, actions: ['keepSettings', 'holdAgain'] },
      },
    },
    serving: {
      description: 'The ruleset is loaded. Grants ports and subnets.',
      on: {
        // the daemon was started again: the ruleset may be gone, and no port is bound
        'host.start': { target: 'starting', actions: ['keepSettings', 'holdAgain'] },
        'drift.suspected': { actions: ['mend', 'lookForForwarding'] },
        'steps.failed': { guard: 'isMend', target: 'degraded', actions: ['keepFault', 'announceDegraded'] },
      },
    },
    degraded: {
      description:
        'The ruleset was damaged and could not be loaded again. The next notice of the kernel starts another try.',
      on: {
        'host.start': { target: 'starting', actions: ['keepSettings', 'holdAgain'] },
        'drift.suspected': { actions: ['mend', 'lookForForwarding'] },
        'steps.applied': { guard: 'isMend', target: 'serving', actions: 'announceMended' },
        'steps.failed': { guard: 'isMend', actions: 'keepFault' },
      },
    },
    failed: {
      description:
        'The base ruleset could not be loaded: ports cannot be published, and traffic cannot be masqueraded.',
      on: { 'host.start': { target: 'starting', actions: ['keepSettings', 'holdAgain'] } },
    },
  },
});
