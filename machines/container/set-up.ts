import { assertEvent } from 'xstate';
import { hostAddress, networkAddress } from '../../src/core/actor-address.ts';
import { setupPlan } from '../../src/core/plan/container/plan.ts';
import { without } from '../decisions.ts';
import { lastFaultOf } from '../present.ts';
import { namesLeftOutFacts } from './changes/facts.ts';
import { setupRefusal } from './changes/refusals.ts';
import { leftOutFacts } from './changes/unreachable-ports.ts';
import { type ContainerContext, claimsOf, grantOf, nothingGranted, releasesOf, statusOf } from './context.ts';
import { decide, decision, type Given, isResultOf, remember } from './decisions.ts';
import {
  askDhcp,
  firstAddressPlan,
  isLastLease,
  isLastLeaseUnreachable,
  isOurLease,
  lacksLease,
  leasesAfter,
} from './dhcp.ts';
import { releaseOfNamespace } from './sharing.ts';

/** A set-up: its claims, plan, answer and failures. */

export const setUpActions = {
  claim: decision(({ context }) => {
    const effects = claimsOf(context);
    const fresh: Partial<ContainerContext> = {
      attempt: context.attempt + 1,
      awaiting: effects.map(({ to }) => to),
      ...nothingGranted,
      kernelMs: 0,
      lastFault: null,
    };
    return { context: fresh, effects };
  }),
  keepGrant: remember(({ context, event }) => {
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
  /** Releases claims, including those that are still on their way: messages between two actors keep their order. */
  releaseClaims: decide(({ context }) => [...releasesOf(context), ...releaseOfNamespace(context)]),
  forgetGrants: remember(({ context }) => ({
    ...(context.process && { formerPid: context.process.pid }),
    wish: context.lasting ?? context.wish,
    lasting: null,
    change: null,
    suspected: null,
    ...nothingGranted,
    awaiting: [],
  })),
  build: decide(({ context }) => [{ kind: 'apply', plan: setupPlan(grantOf(context)) }]),
  keepOutputs: remember(({ context, event }) => {
    assertEvent(event, 'steps.applied');
    const inode = event.outputs.find(({ netns }) => netns)?.netns?.inode ?? null;
    const startBy = event.outputs.find(({ deadlineAt }) => deadlineAt)?.deadlineAt ?? context.startBy;
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
  replyStatus: decide(({ context }) => {
    const { change, command, id } = context;
    const isDetach = change?.kind === 'leave' && change.isDetach;
    return [{ kind: 'reply', command, output: isDetach ? { id } : statusOf(context) }];
  }),
  askDhcp: decide(({ context }) => askDhcp(context, null)),
  keepTerms: remember(({ context, event }) => ({ leases: leasesAfter(context, event) })),
  addAddresses: decide(({ context }) => [{ kind: 'apply', plan: firstAddressPlan(context) }]),
  keepKernelMs: remember(({ context, event }) => {
    assertEvent(event, 'steps.applied');
    return { kernelMs: context.kernelMs + event.tookMs };
  }),
  keepFault: remember(({ event }) => {
    assertEvent(event, ['claim.refused', 'steps.failed', 'dhcp.lost']);
    return { lastFault: event.fault };
  }),
  keepRefusal: remember(({ context }) => ({ lastFault: setupRefusal(grantOf(context)) })),
  announceFailed: decide(({ context }) => [
    { kind: 'announce', fact: 'failed', data: { fault: lastFaultOf(context) } },
    { kind: 'reply', command: context.command, fault: lastFaultOf(context) },
  ]),
};

export const setUpGuards = {
  isThisAttempt: ({ context, event }: Given) => 'attempt' in event && event.attempt === context.attempt,
  cannotBeSetUp: ({ context }: Given) =>
    context.awaiting.length === 0 && context.wish !== null && setupRefusal(grantOf(context)) !== null,
  claimsNothing: ({ context }: Given) => context.awaiting.length === 0,
  isSetup: ({ event }: Given) => isResultOf(event, 'setup'),
  isSetupThatLeftNothing: ({ event }: Given) =>
    isResultOf(event, 'setup') && event.type === 'steps.failed' && !event.fault.leftBehind?.length,
  isSetupThatAsks: ({ context, event }: Given) => isResultOf(event, 'setup') && lacksLease(context),
  isAddress: ({ event }: Given) => isResultOf(event, 'address'),
  isOurLease: ({ context, event }: Given) => isOurLease(context, event),
  isLastLease: ({ context, event }: Given) => isLastLease(context, event),
  isLastLeaseUnreachable: ({ context, event }: Given) => isLastLeaseUnreachable(context, event),
  lacksLease: ({ context }: Given) => lacksLease(context),
  needsNoOtherNamespace: ({ context }: Given) => context.wish?.netns.kind !== 'container',
};
