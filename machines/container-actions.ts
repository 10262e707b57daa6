import { assertEvent, assign, enqueueActions, raise, setup } from 'xstate';
import { containerAddress, hostAddress, networkAddress } from '../src/core/actor-address.ts';
import type { CommandId, ContainerEvent } from '../src/core/event.ts';
import { type Fault, type FaultCode, fault } from '../src/core/fault.ts';
import { setupPlan, teardownPlan, unlinkPlan, verifyPlan, watchPlan } from '../src/core/plan/container.ts';
import {
  type ContainerCommand,
  type ContainerContext,
  type ContainerInput,
  claimsOf,
  grantOf,
  releasesOf,
  statusOf,
} from './container-context.ts';
import { deciding, effects } from './effects.ts';

type Decide = { context: ContainerContext; event: ContainerEvent };

const decide = deciding<ContainerContext, ContainerEvent>();

const commandOf = (event: ContainerEvent): CommandId => ('command' in event ? event.command : null);

const refusal = (code: FaultCode, message: (args: Decide) => string) =>
  decide((args) => [{ kind: 'reply', command: commandOf(args.event), fault: fault(code, message(args)) }]);

/** What the names in the chart mean: its actions, which only list effects and keep what was heard, and its guards. */
export const containerSetup = setup({
  types: {
    context: {} as ContainerContext,
    events: {} as ContainerEvent,
    input: {} as ContainerInput,
  },
  actions: {
    ...effects,

    // ---- the wish
    keepWish: assign(({ context, event }) => {
      assertEvent(event, ['container.create', 'container.setup']);
      return { wish: event.wish ?? context.wish };
    }),
    announceCreated: decide(({ context: { wish } }) => [
      {
        kind: 'announce',
        fact: 'created',
        data: { name: wish?.name, mode: wish?.mode, networks: wish?.attachments.map(({ network }) => network) },
      },
    ]),
    replyDone: decide(({ context, event }) => [
      { kind: 'reply', command: commandOf(event), output: { id: context.id } },
    ]),
    keepCommand: assign({ command: ({ event }) => commandOf(event) }),

    // ---- commands that must wait
    defer: assign({ deferred: ({ context, event }) => [...context.deferred, event as ContainerCommand] }),
    /** Says the waiting commands again, up to a removal: who comes after that speaks to the next container of this id. */
    resume: enqueueActions(({ context, enqueue }) => {
      const removal = context.deferred.findIndex(({ type }) => type === 'container.remove');
      const last = removal === -1 ? context.deferred.length : removal + 1;
      enqueue.assign({ deferred: [] });
      for (const command of context.deferred.slice(0, last)) enqueue.raise(command);
      for (const command of context.deferred.slice(last))
        enqueue({ type: 'tell', params: { to: containerAddress(context.id), event: command } });
    }),
    /** A teardown that failed is not tried again by itself: whoever waits is told. */
    failDeferred: enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ deferred: [] });
      for (const { command } of context.deferred)
        enqueue({ type: 'reply', params: { command, fault: context.lastFault as Fault } });
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
            kernelMs: context.kernelMs + event.tookMs,
          };
        case 'netns.shared':
          return { awaiting: [], share: event.share };
      }
    }),
    /** Also takes back claims that are still on their way: messages between two actors keep their order. */
    releaseClaims: decide(({ context }) => releasesOf(context)),
    forgetGrants: assign({ leases: {}, ports: [], share: null, inode: null, process: null, awaiting: [] }),

    // ---- building
    build: decide(({ context }) => [{ kind: 'apply', plan: setupPlan(grantOf(context)) }]),
    keepOutputs: assign(({ context, event }) => {
      assertEvent(event, 'steps.applied');
      const inode = event.outputs.find(({ netns }) => netns)?.netns?.inode ?? null;
      return { inode, kernelMs: context.kernelMs + event.tookMs };
    }),
    announceConfigured: decide(({ context }) => {
      const { id: _, ...status } = statusOf(context);
      return [
        { kind: 'announce', fact: 'netns-ready', data: { netns: status.netns } },
        { kind: 'announce', fact: 'configured', data: status },
      ];
    }),
    replyStatus: decide(({ context }) => [{ kind: 'reply', command: context.command, output: statusOf(context) }]),

    // ---- failing
    keepFault: assign(({ event }) => {
      assertEvent(event, ['claim.refused', 'steps.failed']);
      return { lastFault: event.fault };
    }),
    announceFailed: decide(({ context }) => [
      { kind: 'announce', fact: 'failed', data: { fault: context.lastFault } },
      { kind: 'reply', command: context.command, fault: context.lastFault as Fault },
    ]),

    // ---- running
    keepProcess: assign(({ event }) => {
      assertEvent(event, 'container.started');
      return { process: { pid: event.pid, startTicks: null } };
    }),
    watchProcess: decide(({ context: { wish, process } }) =>
      wish && process ? [{ kind: 'apply', plan: watchPlan(wish, process.pid, process.startTicks) }] : [],
    ),
    keepStartTime: assign(({ context, event }) => {
      assertEvent(event, 'steps.applied');
      const startTicks = event.outputs.find((output) => output.startTicks !== undefined)?.startTicks ?? null;
      return { process: context.process && { ...context.process, startTicks } };
    }),
    announceRunning: decide(({ context }) => [
      { kind: 'announce', fact: 'running', data: { pid: context.process?.pid } },
    ]),
    announceExited: decide(({ context }) => [
      { kind: 'announce', fact: 'exited', data: { pid: context.process?.pid } },
    ]),
    removeByItself: raise({ type: 'container.remove', command: null }),

    // ---- recovery
    verify: decide(({ context }) =>
      context.inode === null ? [] : [{ kind: 'apply', plan: verifyPlan(grantOf(context), context.inode) }],
    ),
    announceAdopted: decide(({ context }) => [
      { kind: 'announce', fact: 'adopted', data: { netns: statusOf(context).netns } },
    ]),
    announceLost: decide(({ context, event }) => [
      {
        kind: 'announce',
        fact: 'lost',
        data: event.type === 'steps.failed' ? { reason: 'missing', fault: event.fault } : { reason: 'reboot' },
      },
      {
        kind: 'reply',
        command: context.command,
        fault: fault('container.state', `the network of container ${context.id} was lost`),
      },
    ]),

    // ---- sharing
    share: decide(({ context, event }) => {
      assertEvent(event, 'netns.share');
      const { netns, status } = statusOf(context);
      const share = { path: netns.path, status };
      return [{ kind: 'tell', to: event.from, event: { type: 'netns.shared', attempt: event.attempt, share } }];
    }),
    refuseShare: decide(({ context, event }) => {
      assertEvent(event, 'netns.share');
      const gone = fault('netns.gone', `container ${context.id} has no network namespace to share`);
      return [{ kind: 'tell', to: event.from, event: { type: 'claim.refused', attempt: event.attempt, fault: gone } }];
    }),

    // ---- taking down
    unbuild: decide(({ context }) => [
      { kind: 'announce', fact: 'tearing-down', data: { netns: grantOf(context).netns } },
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
      { kind: 'reply', command: commandOf(event), output: { id: context.id } },
    ]),

    // ---- refusals
    refuseUnknown: refusal('container.unknown', ({ context }) => `no container ${context.id}`),
    refuseExists: refusal('container.exists', ({ context }) => `container ${context.id} exists already`),
    refuseNotUp: refusal('container.state', ({ context }) => `the network of container ${context.id} is not set up`),
    refuseUp: refusal('container.state', ({ context }) => `the network of container ${context.id} is set up already`),
  },
  guards: {
    bringsWish: ({ event }) => event.type === 'container.setup' && event.wish !== null,
    isThisAttempt: ({ context, event }) => 'attempt' in event && event.attempt === context.attempt,
    claimsNothing: ({ context }) => context.awaiting.length === 0,
    isSetup: ({ event }) => isResultOf('setup', event),
    isSetupThatLeftNothing: ({ event }) =>
      isResultOf('setup', event) && event.type === 'steps.failed' && !event.fault.leftBehind?.length,
    isTeardown: ({ event }) => isResultOf('teardown', event),
    isUnlink: ({ event }) => isResultOf('unlink', event),
    isVerify: ({ event }) => isResultOf('verify', event),
    isWatch: ({ event }) => isResultOf('watch', event),
    isOurProcess: ({ context, event }) => event.type === 'process.exited' && event.pid === context.process?.pid,
    isOurProcessAndLast: ({ context, event }) =>
      event.type === 'process.exited' && event.pid === context.process?.pid && (context.wish?.removeOnExit ?? false),
    isWatchAndLast: ({ context, event }) => isResultOf('watch', event) && (context.wish?.removeOnExit ?? false),
    hasDeferred: ({ context }) => context.deferred.length > 0,
    leftSomething: ({ context: { lastFault, leases, ports, inode } }) =>
      Object.keys(leases).length > 0 || ports.length > 0 || inode !== null || (lastFault?.leftBehind?.length ?? 0) > 0,
    wasRestarted: ({ event }) => event.type === 'actor.recovered' && !event.rebooted,
    wasRebooted: ({ context, event }) => event.type === 'actor.recovered' && event.rebooted && context.wish !== null,
  },
});

/** Results are told apart by their plan: that of a verification may come while the teardown is under way already. */
function isResultOf(plan: string, event: ContainerEvent): boolean {
  return 'plan' in event && event.plan === plan;
}

function without(list: readonly string[], entry: string): string[] {
  return list.filter((other) => other !== entry);
}
