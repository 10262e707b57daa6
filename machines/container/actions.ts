import { and, assertEvent, assign, enqueueActions, not, raise, setup, stateIn } from 'xstate';
import { containerAddress, hostAddress, networkAddress } from '../../src/core/actor-address.ts';
import { type Attachment, attachmentsOf } from '../../src/core/container/attachments.ts';
import type { ContainerWish } from '../../src/core/container/wish.ts';
import type { ContainerEvent } from '../../src/core/event.ts';
import { type Fault, fault } from '../../src/core/fault.ts';
import { setupPlan, teardownPlan, unlinkPlan } from '../../src/core/plan/container/plan.ts';
import { degradedFacts, mendedFacts, rulesetLoaded } from '../drift.ts';
import type { Effect } from '../effect.ts';
import { effects, enqueueEffect } from '../effects.ts';
import { attachingActions, attachingGuards } from './attaching.ts';
import { asksNothingNew, changeAskedFor } from './changes/asked.ts';
import { changeFacts, namesLeftOutFacts, offlineStatus } from './changes/facts.ts';
import {
  changePlan,
  claimsOfChange,
  networksOf,
  notesOfPorts,
  releasesOfChange,
  withdrawPlan,
} from './changes/kernel.ts';
import { changedWishes, freedFamilies, grantAfter } from './changes/outcome.ts';
import { changeRefusal, joinRefusal, setupRefusal } from './changes/refusals.ts';
import { leftOutFacts } from './changes/unreachable-ports.ts';
import {
  type Change,
  type ContainerCommand,
  type ContainerContext,
  type ContainerInput,
  claimsOf,
  grantOf,
  leavingsOf,
  releasesOf,
  type ShareRequest,
  shareOf,
  statusOf,
  withAnswer,
  withJoin,
} from './context.ts';
import {
  askDhcp,
  changeAfter,
  endDhcp,
  faultAfter,
  faultOfLeases,
  firstAddressPlan,
  isLastLease,
  isLastLeaseOfChange,
  isLastLeaseUnreachable,
  isLeaseOfChange,
  isOurLease,
  lacksLease,
  leasesAfter,
  tellNeighbours,
  unleasedOfChange,
} from './dhcp.ts';
import {
  foundLife,
  isForced,
  isLook,
  isStartDeadline,
  ownsNetwork,
  processActions,
  processGuards,
  withDeadline,
} from './process.ts';
import { repeatedActions, repeatedGuards } from './repeated.ts';
import { releaseOfNamespace, sharingActions, sharingGuards } from './sharing.ts';
import {
  answerTo,
  commandOf,
  decide,
  type Given,
  isResultOf,
  isResultOfChange,
  membershipRefused,
  nameOf,
  refusal,
  remember,
} from './words.ts';

/** Whether such an event may be the end of the container. */
const mayRemove = ({ inode }: ContainerContext, type: ContainerEvent['type']): boolean =>
  type === 'container.remove' || type === 'container.forget' || (type === 'container.detach' && inode === null);

const sentAt = (event: ContainerEvent) => ('created' in event && event.created ? { askedAt: event.created } : {});

const leftSomething = ({ context: { lastFault, leases, ports, inode } }: Given): boolean =>
  Object.keys(leases).length > 0 || ports.length > 0 || inode !== null || (lastFault?.leftBehind?.length ?? 0) > 0;

const isVerifyThatFoundNothing = ({ event }: Given): boolean =>
  isResultOf('verify', event) && event.type === 'steps.failed' && event.fault.code === 'netns.gone';

/** What the names in the chart mean: its actions, which only list effects and keep what was heard, and its guards. */
export const containerSetup = setup({
  types: {
    context: {} as ContainerContext,
    events: {} as ContainerEvent,
    input: {} as ContainerInput,
  },
  actions: {
    ...effects,
    ...processActions,
    ...sharingActions,
    ...attachingActions,
    ...repeatedActions,
    /** That was asked for with its wish, whatever runs in containers that share its namespace. */
    removeByItself: raise({ type: 'container.remove', command: null, force: true }),

    // ---- the wish
    keepWish: assign(({ context, event }) => {
      assertEvent(event, ['container.create', 'container.setup', 'container.attach']);
      const wish = withDeadline(event.wish ?? context.wish, event);
      const overrides = event.type === 'container.setup' ? (event.overrides ?? null) : null;
      const isFirst = context.wish === null && event.created !== undefined;
      const kept = isFirst ? { created: event.created } : {};
      if (!wish || !overrides) return { ...kept, wish, lasting: null };
      const attachments = attachmentsOf(wish.id, overrides) as Attachment[];
      return { ...kept, wish: { ...wish, attachments }, lasting: wish };
    }),
    announceCreated: decide(({ context }) => {
      const wish = context.wish as ContainerWish;
      return [
        {
          kind: 'announce',
          fact: 'created',
          data: {
            name: wish.name,
            mode: wish.mode,
            networks: wish.attachments.map(({ network }) => network),
            labels: wish.labels ?? {},
            owner: wish.owner ?? null,
          },
        },
      ];
    }),
    replyDone: decide(({ context, event }) => [
      { kind: 'reply', command: commandOf(event), output: { id: context.id } },
    ]),
    keepCommand: assign(({ event }) => ({ command: commandOf(event), ...sentAt(event) })),

    // ---- commands that must wait
    defer: assign({ deferred: ({ context, event }) => [...context.deferred, event as ContainerCommand] }),
    /** Says the waiting commands again, up to a removal: who comes after that speaks to the next container of this id. */
    resume: enqueueActions(({ context, enqueue }) => {
      const removal = context.deferred.findIndex(({ type }) => mayRemove(context, type));
      const last = removal === -1 ? context.deferred.length : removal + 1;
      enqueue.assign({ deferred: [] });
      for (const command of context.deferred.slice(0, last)) enqueue.raise(command);
      for (const command of context.deferred.slice(last))
        enqueue({ type: 'tell', params: { to: containerAddress(context.id), event: command } });
    }),
    /** A teardown that failed is not tried again by itself: whoever waits is told. */
    failDeferred: enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ deferred: [] });
      for (const event of context.deferred)
        enqueueEffect(enqueue, answerTo(event, context.id, { fault: context.lastFault as Fault }));
    }),
    answered: assign({ command: null }),

    // ---- claims
    claim: enqueueActions(({ context, enqueue }) => {
      const claims = claimsOf(context);
      enqueue.assign({
        attempt: context.attempt + 1,
        awaiting: claims.map(({ to }) => to),
        leases: {},
        ports: [],
        share: null,
        inode: null,
        process: null,
        startBy: null,
        guests: [],
        kernelMs: 0,
        lastFault: null,
      });
      for (const tell of claims) enqueue({ type: 'tell', params: tell });
    }),
    keepGrant: assign(({ context, event }) => {
      assertEvent(event, ['lease.granted', 'ports.granted', 'netns.shared']);
      switch (event.type) {
        case 'lease.granted':
          return {
            awaiting: without(context.awaiting, networkAddress(event.lease.network)),
            leases: { ...context.leases, [event.lease.network]: event.lease },
          };
        case 'ports.granted':
          return {
            awaiting: without(context.awaiting, hostAddress),
            ports: event.ports,
            // earlier news of these ports is contained in this grant, or concerned an earlier claim
            deferred: context.deferred.filter(({ type }) => type !== 'ports.freed'),
            kernelMs: context.kernelMs + event.tookMs,
          };
        case 'netns.shared':
          return { awaiting: [], share: event.share };
      }
    }),
    /** Also takes back claims that are still on their way: messages between two actors keep their order. */
    releaseClaims: decide(({ context }) => [...releasesOf(context), ...releaseOfNamespace(context)]),
    forgetGrants: assign(({ context }) => ({
      ...(context.process && { formerPid: context.process.pid }),
      wish: context.lasting ?? context.wish,
      lasting: null,
      change: null,
      suspected: null,
      leases: {},
      ports: [],
      share: null,
      inode: null,
      process: null,
      startBy: null,
      guests: [],
      awaiting: [],
    })),

    // ---- building
    build: decide(({ context }) => [{ kind: 'apply', plan: setupPlan(grantOf(context)) }]),
    keepOutputs: assign(({ context, event }) => {
      assertEvent(event, 'steps.applied');
      const inode = event.outputs.find(({ netns }) => netns)?.netns?.inode ?? null;
      const startBy = event.outputs.find(({ deadlineAt }) => deadlineAt)?.deadlineAt ?? context.startBy ?? null;
      return { inode, startBy, kernelMs: context.kernelMs + event.tookMs };
    }),
    announceConfigured: decide(({ context }) => {
      const { id: _, ...status } = statusOf(context);
      return [
        { kind: 'announce', fact: 'netns-ready', data: { netns: status.netns } },
        { kind: 'announce', fact: 'configured', data: status },
        ...namesLeftOutFacts(grantOf(context)),
        ...leftOutFacts(grantOf(context)),
      ];
    }),
    replyStatus: decide(({ context }) => [{ kind: 'reply', command: context.command, output: statusOf(context) }]),

    // ---- addresses that DHCP servers give
    askDhcp: decide(({ context }) => askDhcp(context, null)),
    askDhcpOfChange: decide(({ context }) => askDhcp(context, unleasedOfChange(context))),
    keepTerms: assign(({ context, event }) => ({ leases: leasesAfter(context, event) })),
    addAddresses: decide(({ context }) => [{ kind: 'apply', plan: firstAddressPlan(context) }]),
    keepKernelMs: assign(({ context, event }) => {
      assertEvent(event, 'steps.applied');
      return { kernelMs: context.kernelMs + event.tookMs };
    }),
    keepTermsOfChange: assign(({ context, event }) => ({ change: changeAfter(context, event) })),
    withdraw: decide(({ context }) => [{ kind: 'apply', plan: withdrawPlan(context) }]),
    keepFaultOfChange: remember(({ context, event }) => {
      assertEvent(event, ['steps.failed', 'dhcp.lost']);
      return withJoin(context, { fault: event.fault });
    }),
    keepRefusalOfChange: remember(({ context }) => withJoin(context, { fault: joinRefusal(context) })),
    replyFaultOfChange: decide(({ context: { command, change } }) =>
      change?.kind === 'join' && change.fault ? [{ kind: 'reply', command, fault: change.fault }] : [],
    ),

    // ---- failing
    keepFault: assign(({ event }) => {
      assertEvent(event, ['claim.refused', 'steps.failed', 'dhcp.lost']);
      return { lastFault: event.fault };
    }),
    keepRefusal: assign(({ context }) => ({ lastFault: setupRefusal(grantOf(context)) })),
    announceFailed: decide(({ context }) => [
      { kind: 'announce', fact: 'failed', data: { fault: context.lastFault as Fault } },
      { kind: 'reply', command: context.command, fault: context.lastFault as Fault },
    ]),

    // ---- changes of a wish of which nothing is in the kernel
    changeWish: assign(({ context, event }) => changedWishes(context, changeAskedFor(context, event))),
    replyChanged: decide(({ context, event }) => [
      ...changeFacts(context, changeAskedFor(context, event)),
      { kind: 'reply', command: commandOf(event), output: offlineStatus(context) },
    ]),

    replyUnchanged: decide(({ context, event }) => [
      {
        kind: 'reply',
        command: commandOf(event),
        output: context.inode === null ? offlineStatus(context) : statusOf(context),
      },
    ]),

    // ---- live changes
    keepChange: assign(({ context, event }) => ({
      change: changeAskedFor(context, event),
      command: commandOf(event),
      ...sentAt(event),
    })),
    claimChange: enqueueActions(({ context, enqueue }) => {
      const claims = claimsOfChange(context);
      const { change } = withJoin(context, { unanswered: claims.length });
      enqueue.assign({ attempt: context.attempt + 1, kernelMs: 0, change });
      for (const effect of claims) enqueueEffect(enqueue, effect);
    }),
    keepChangeGrant: remember(({ context, event }) => {
      assertEvent(event, ['lease.granted', 'ports.granted', 'claim.refused']);
      switch (event.type) {
        case 'lease.granted':
          return { ...withAnswer(context), leases: { ...context.leases, [event.lease.network]: event.lease } };
        case 'ports.granted':
          return { ...withAnswer(context, { ports: event.ports }), kernelMs: event.tookMs };
        case 'claim.refused':
          return withAnswer(context, { fault: event.fault });
      }
    }),
    /** Also takes back what networks have heard of ports that are not published after all. */
    releaseChange: decide(({ context }) => [
      ...releasesOfChange(context),
      ...(context.change?.kind === 'join' ? notesOfPorts(context, grantAfter(context).ports, context.ports) : []),
    ]),
    makeChange: decide(({ context }) => [
      ...(context.change?.kind === 'join' ? notesOfPorts(context, context.ports, grantAfter(context).ports) : []),
      { kind: 'apply', plan: changePlan(context) },
    ]),
    tellNeighbours: decide(({ context }) => tellNeighbours(context, grantOf(context), grantAfter(context))),
    keepChanged: assign(({ context, event }) => {
      assertEvent(event, 'steps.applied');
      const { change } = context;
      const leases = { ...grantAfter(context).leases };
      for (const network of change?.kind === 'leave' ? change.networks : []) delete leases[network];
      return {
        ...changedWishes(context, change),
        leases,
        ports: [...grantAfter(context).ports],
        kernelMs: context.kernelMs + event.tookMs,
        lastFault: faultAfter(context, leases),
      };
    }),
    /** What was given up: told to its owner once nothing of it is in the kernel. */
    releaseGivenUp: decide(({ context }) =>
      context.change?.kind === 'leave'
        ? [...releasesOfChange(context), ...notesOfPorts(context, context.ports, grantAfter(context).ports)]
        : [],
    ),
    announceChanged: decide(({ context }) => changeFacts(context, context.change)),
    /** Leases that were granted for networks that were not joined after all. */
    dropChange: remember(({ context: { change, leases } }) => {
      if (change?.kind !== 'join') return {};
      const joined = networksOf(change);
      return { leases: Object.fromEntries(Object.entries(leases).filter(([network]) => !joined.includes(network))) };
    }),
    /** What could not be taken back is the container's: its teardown goes by the wish. */
    keepHalfMade: assign(({ context }) => {
      const { change } = context;
      if (change?.kind === 'address') return { leases: { ...grantAfter(context).leases } };
      if (change?.kind === 'freed') return { ports: [...grantAfter(context).ports] };
      if (change?.kind !== 'join') return {};
      return { ...changedWishes(context, change), ports: [...grantAfter(context).ports] };
    }),
    forgetChange: assign({ change: null, command: null }),
    replyFault: decide(({ context, event }) => {
      assertEvent(event, 'steps.failed');
      const { change, command } = context;
      const askedBy = change?.kind === 'leave' ? change.askedBy : null;
      return [
        { kind: 'reply', command, fault: event.fault },
        ...(askedBy === null ? [] : [membershipRefused(context.id, askedBy, event.fault)]),
      ];
    }),
    refuseChange: decide(({ context, event }) => [
      { kind: 'reply', command: commandOf(event), fault: changeRefusal(context, event) as Fault },
    ]),

    // ---- verification
    keepReload: assign(({ event }) => ({ change: { kind: 'reload' } as Change, command: commandOf(event) })),
    keepSuspicion: assign(({ context, event }) => ({
      change: { kind: context.suspected ?? suspicionOf(event) } as Change,
      suspected: null,
    })),
    /** A reload is of all that the container needs: its networks look after their own, and tell when they had to mend. */
    suspectNetworks: decide(({ context }) =>
      (context.wish?.attachments ?? []).map(({ network }) => ({
        kind: 'tell',
        to: networkAddress(network),
        event: { type: 'drift.suspected' },
      })),
    ),
    suspect: assign({ suspected: ({ event }) => suspicionOf(event) }),
    keepVerified: assign(({ context, event }) => {
      assertEvent(event, 'steps.applied');
      const { change, kernelMs } = context;
      return {
        kernelMs: change?.kind === 'reload' ? event.tookMs : kernelMs,
        lastFault: faultOfLeases(context),
      };
    }),
    announceVerified: decide(({ context, event }) => {
      assertEvent(event, 'steps.applied');
      const { netns } = statusOf(context);
      const adopted: Effect[] =
        context.change?.kind === 'recovery' ? [{ kind: 'announce', fact: 'adopted', data: { netns } }] : [];
      const leftOut = context.change?.kind === 'reload' ? leftOutFacts(grantOf(context)) : [];
      const wasDegraded = context.lastFault !== null && !lacksLease(context);
      return [...adopted, ...mendedFacts(event, wasDegraded), ...leftOut, ...rulesetLoaded(event.changed)];
    }),
    announceDegraded: decide(({ event }) => {
      assertEvent(event, 'steps.failed');
      return degradedFacts({ steps: event.changed, fault: event.fault });
    }),
    announceLost: decide(({ context, event }) => [
      {
        kind: 'announce',
        fact: 'lost',
        data: event.type === 'steps.failed' ? { cause: 'missing', fault: event.fault } : { cause: 'reboot' },
      },
      {
        kind: 'reply',
        command: context.command,
        fault: fault('container.state', `the network of container ${nameOf(context)} was lost`),
      },
    ]),

    /** After all has been looked at: what is up has its namespace. */
    confirmMembership: decide(({ context: { id, leases }, event }) => {
      assertEvent(event, 'membership.asked');
      const { network } = event;
      const confirmed = { type: 'membership.confirmed', container: id } as const;
      return Object.hasOwn(leases, network) ? [{ kind: 'tell', to: networkAddress(network), event: confirmed }] : [];
    }),

    // ---- sharing
    awaitNamespace: assign({ sharers: ({ context, event }) => [...context.sharers, event as ShareRequest] }),
    shareWithWaiting: enqueueActions(({ context, enqueue }) => {
      const share = shareOf(context);
      for (const { from, attempt } of context.sharers)
        enqueue({ type: 'tell', params: { to: from, event: { type: 'netns.shared', attempt, share } } });
      enqueue.assign({ sharers: [] });
    }),
    refuseWaiting: enqueueActions(({ context, enqueue }) => {
      const gone = fault('netns.gone', `container ${nameOf(context)} has no network namespace to share`);
      for (const { from, attempt } of context.sharers)
        enqueue({ type: 'tell', params: { to: from, event: { type: 'claim.refused', attempt, fault: gone } } });
      enqueue.assign({ sharers: [] });
    }),
    share: decide(({ context, event }) => {
      assertEvent(event, 'netns.share');
      const { from, attempt } = event;
      return [{ kind: 'tell', to: from, event: { type: 'netns.shared', attempt, share: shareOf(context) } }];
    }),
    refuseShare: decide(({ context, event }) => {
      assertEvent(event, 'netns.share');
      const gone = fault(
        'netns.gone',
        context.wish
          ? `container ${nameOf(context)} has no network namespace to share`
          : `there is no container ${context.id} to share the network namespace of`,
      );
      return [{ kind: 'tell', to: event.from, event: { type: 'claim.refused', attempt: event.attempt, fault: gone } }];
    }),

    // ---- taking down
    unbuild: decide(({ context }) => [
      ...leavingsOf(context),
      { kind: 'announce', fact: 'tearing-down', data: { netns: statusOf(context).netns } },
      ...endDhcp(context),
      { kind: 'apply', plan: teardownPlan(grantOf(context)) },
    ]),
    replyTornDown: decide(({ context, event }) => {
      assertEvent(event, 'steps.applied');
      const output = { id: context.id, nothingToDo: false, kernelMs: event.tookMs };
      return [{ kind: 'reply', command: context.command, output }];
    }),
    replyNothingToDo: decide(({ context, event }) => [
      { kind: 'reply', command: commandOf(event), output: { id: context.id, nothingToDo: true, kernelMs: 0 } },
    ]),
    awaitUnlinked: decide(({ context }) => [{ kind: 'apply', plan: unlinkPlan(grantOf(context)) }]),
    announceTornDown: decide(() => [{ kind: 'announce', fact: 'torn-down', data: {} }]),
    announceRemoved: decide(({ context, event }) => [
      { kind: 'announce', fact: 'removed', data: {} },
      answerTo(event, context.id, { output: { id: context.id } }),
    ]),

    // ---- refusals
    refuseDegraded: refusal(
      'container.state',
      ({ context }) => `the network of container ${nameOf(context)} is degraded: reload it first`,
    ),
    refuseUnknown: refusal('container.unknown', ({ context }) => `no container ${context.id}`),
    refuseExists: refusal('container.exists', ({ context }) => `container ${nameOf(context)} already exists`),
    refuseNotUp: refusal(
      'container.state',
      ({ context }) => `the network of container ${nameOf(context)} is not set up`,
    ),
    refuseUp: refusal(
      'container.state',
      ({ context }) => `the network of container ${nameOf(context)} is already set up`,
    ),
  },
  guards: {
    ...processGuards,
    ...sharingGuards,
    ...attachingGuards,
    ...repeatedGuards,
    isToBeNew: ({ event }) => event.type === 'container.setup' && event.isNew === true,
    /** P11: a process lives in it, and the caller did not say that this does not matter */
    isHeldByProcess: and([stateIn({ up: { process: 'running' } }), not(isForced)]),
    isEnding: stateIn({ up: { process: 'ending' } }),
    isUnstarted: stateIn({ up: { process: 'configured' } }),
    isStartOverdue: and([stateIn({ up: { process: 'configured' } }), isStartDeadline]),
    isStartOverdueInside: and([stateIn({ up: { process: 'configured' } }), isStartDeadline, ownsNetwork]),
    isLookAtNone: and([stateIn({ up: { process: 'configured' } }), isLook, not(foundLife)]),
    isLookAtLife: and([stateIn({ up: { process: 'configured' } }), isLook, foundLife]),
    isLookAtStarted: and([not(stateIn({ up: { process: 'configured' } })), isLook]),
    isRefused: ({ context, event }) => changeRefusal(context, event) !== null,
    freesPorts: ({ context, event }) => event.type === 'ports.freed' && freedFamilies(context, event.ports).length > 0,
    asksNothingNew: ({ context, event }) => asksNothingNew(context, event),
    isOurLease: ({ context, event }) => isOurLease(context, event),
    isLastLease: ({ context, event }) => isLastLease(context, event),
    isLastLeaseUnreachable: ({ context, event }) => isLastLeaseUnreachable(context, event),
    isLeaseOfChange: ({ context, event }) => isLeaseOfChange(context, event),
    isLastLeaseOfChange: ({ context, event }) => isLastLeaseOfChange(context, event),
    isLastLeaseOfChangeUnreachable: ({ context, event }) =>
      isLastLeaseOfChange(context, event) && joinRefusal({ ...context, change: changeAfter(context, event) }) !== null,
    isSetupThatAsks: ({ context, event }) => isResultOf('setup', event) && lacksLease(context),
    isJoinThatAsks: ({ context, event }) => isResultOf('join', event) && unleasedOfChange(context).length > 0,
    /** The links are there, and an address could not be added. */
    isJoinThatAsked: ({ context: { change }, event }) =>
      isResultOf('join', event) && change?.kind === 'join' && Object.keys(change.terms).length > 0,
    isAddress: ({ event }) => isResultOf('address', event),
    isWithdraw: ({ event }) => isResultOf('withdraw', event),
    lacksLease: ({ context }) => lacksLease(context),
    isChange: isResultOfChange,
    isChangeThatLeftNothing: ({ context, event }) =>
      isResultOfChange({ context, event }) &&
      context.change?.kind === 'join' &&
      event.type === 'steps.failed' &&
      !event.fault.leftBehind?.length,
    isVerifyThatFoundSomething: ({ event }) =>
      isResultOf('verify', event) && event.type === 'steps.failed' && event.fault.code !== 'netns.gone',
    isVerifyThatFoundNothing,
    isVerifyThatFoundNothingWhileEnding: and([stateIn({ up: { process: 'ending' } }), isVerifyThatFoundNothing]),
    isSuspected: ({ context }) => context.suspected !== null,
    waitsForNobody: ({ context }) => context.wish?.netns.kind !== 'container',
    bringsWish: ({ event }) => event.type === 'container.setup' && event.wish !== null,
    isThisAttempt: ({ context, event }) => 'attempt' in event && event.attempt === context.attempt,
    cannotBeSetUp: ({ context }) =>
      context.awaiting.length === 0 && context.wish !== null && setupRefusal(grantOf(context)) !== null,
    /** All owners have answered, and one refuses, or what they grant cannot be had together. */
    isJoinRefused: ({ context: { change } }) =>
      change?.kind === 'join' && change.unanswered === 0 && change.fault !== null,
    cannotJoin: ({ context }) =>
      context.change?.kind === 'join' && context.change.unanswered === 0 && joinRefusal(context) !== null,
    isGranted: ({ context: { change } }) => change?.kind === 'join' && change.unanswered === 0,
    claimsNothing: ({ context }) => context.awaiting.length === 0,
    isSetup: ({ event }) => isResultOf('setup', event),
    isSetupThatLeftNothing: ({ event }) =>
      isResultOf('setup', event) && event.type === 'steps.failed' && !event.fault.leftBehind?.length,
    isTeardown: ({ event }) => isResultOf('teardown', event),
    isUnlink: ({ event }) => isResultOf('unlink', event),
    isVerify: ({ event }) => isResultOf('verify', event),
    hasDeferred: ({ context }) => context.deferred.length > 0,
    leftSomething,
    leftNothing: not(leftSomething),
    wasRestarted: ({ event }) => event.type === 'actor.recovered' && !event.rebooted,
    wasRebooted: ({ context, event }) => event.type === 'actor.recovered' && event.rebooted && context.wish !== null,
  },
});

const suspicionOf = ({ type }: ContainerEvent): 'recovery' | 'drift' =>
  type === 'actor.recovered' ? 'recovery' : 'drift';

function without(list: readonly string[], entry: string): string[] {
  return list.filter((other) => other !== entry);
}
