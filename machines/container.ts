import { assertEvent, assign, enqueueActions, raise, setup } from 'xstate';
import { containerAddress, hostAddress, networkAddress } from '../src/core/actor-address.ts';
import type { ContainerWish } from '../src/core/container.ts';
import type { Effect } from '../src/core/effect.ts';
import type { CommandId, ContainerEvent } from '../src/core/event.ts';
import { type Fault, type FaultCode, fault } from '../src/core/fault.ts';
import type { Lease } from '../src/core/lease.ts';
import {
  type ContainerGrant,
  netnsOf,
  setupPlan,
  statusBlocks,
  teardownPlan,
  unlinkPlan,
  verifyPlan,
  watchPlan,
} from '../src/core/plan/container.ts';
import type { PublishedPort } from '../src/core/port.ts';
import type { StatusBlock } from '../src/core/status.ts';
import { deciding, effects } from './effects.ts';

export interface ContainerInput {
  id: string;
  netnsDirectory: string;
  /** set-ups are numbered from here: above all numbers of a former container of the same id, whose answers may still come */
  attempt: number;
}

type Command = Extract<ContainerEvent, { command: CommandId }>;

export interface ContainerContext extends ContainerInput {
  wish: ContainerWish | null;
  /** who has not answered the claims of this attempt yet */
  awaiting: string[];
  leases: Record<string, Lease>;
  ports: PublishedPort[];
  /** B04: path and status of the container whose namespace is shared */
  share: { path: string; status: Record<string, StatusBlock> } | null;
  /** identity of the namespace while it is up */
  inode: number | null;
  process: { pid: number; startTicks: number | null } | null;
  /** what the kernel steps of this attempt have taken so far, in milliseconds */
  kernelMs: number;
  /** the command that is being carried out */
  command: CommandId;
  /** commands that came while another was under way, in order */
  deferred: Command[];
  lastFault: Fault | null;
}

type Decide = { context: ContainerContext; event: ContainerEvent };

const decide = deciding<ContainerContext, ContainerEvent>();

const grantOf = (context: ContainerContext): ContainerGrant => {
  const wish = context.wish as ContainerWish;
  return {
    wish,
    netns: netnsOf(wish, context.netnsDirectory, context.share?.path ?? null),
    leases: context.leases,
    ports: context.ports,
  };
};

/** What set-up answers, and what `configured` tells. */
const statusOf = (context: ContainerContext) => ({
  id: context.id,
  netns: { path: grantOf(context).netns, inode: context.inode },
  status: context.share?.status ?? statusBlocks(grantOf(context)),
  ports: context.ports,
  kernelMs: context.kernelMs,
});

const commandOf = (event: ContainerEvent): CommandId => ('command' in event ? event.command : null);

const refusal = (code: FaultCode, message: (args: Decide) => string) =>
  decide((args) => [{ kind: 'reply', command: commandOf(args.event), fault: fault(code, message(args)) }]);

const machine = setup({
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
    defer: assign({ deferred: ({ context, event }) => [...context.deferred, event as Command] }),
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

/** Everything that must be granted before the first step: one question to each owner. */
function claimsOf({ id, wish, attempt }: ContainerContext): Extract<Effect, { kind: 'tell' }>[] {
  if (!wish) return [];
  const next = attempt + 1;
  const tells: Extract<Effect, { kind: 'tell' }>[] = wish.attachments.map(({ network, staticIps }) => ({
    kind: 'tell',
    to: networkAddress(network),
    event: { type: 'lease.request', container: id, attempt: next, staticIps },
  }));
  if (wish.ports.length > 0)
    tells.push({
      kind: 'tell',
      to: hostAddress,
      event: { type: 'ports.claim', container: id, attempt: next, ports: wish.ports },
    });
  if (wish.netns.kind === 'container')
    tells.push({
      kind: 'tell',
      to: containerAddress(wish.netns.id),
      event: { type: 'netns.share', from: containerAddress(id), attempt: next },
    });
  return tells;
}

function releasesOf({ id, wish }: ContainerContext): Effect[] {
  if (!wish) return [];
  const leases = wish.attachments.map(
    ({ network }): Effect => ({
      kind: 'tell',
      to: networkAddress(network),
      event: { type: 'lease.release', container: id },
    }),
  );
  const ports: Effect[] =
    wish.ports.length > 0 ? [{ kind: 'tell', to: hostAddress, event: { type: 'ports.release', container: id } }] : [];
  return [...leases, ...ports];
}

const deferAll = {
  'container.create': { actions: 'refuseExists' },
  'container.setup': { actions: 'defer' },
  'container.started': { actions: 'defer' },
  'container.teardown': { actions: 'defer' },
  'container.remove': { actions: 'defer' },
} as const;

export const containerMachine = machine.createMachine({
  id: 'container',
  description: "One container's network. Whatever it made is unmade before `removed`; nothing is left when it ends.",
  context: ({ input }) => ({
    ...input,
    wish: null,
    awaiting: [],
    leases: {},
    ports: [],
    share: null,
    inode: null,
    process: null,
    kernelMs: 0,
    command: null,
    deferred: [],
    lastFault: null,
  }),
  initial: 'absent',
  on: {
    'netns.share': { actions: 'refuseShare' },
    'actor.recovered': {
      guard: 'wasRebooted',
      target: '.created',
      actions: ['announceLost', 'answered', 'releaseClaims', 'forgetGrants'],
    },
  },
  states: {
    absent: {
      description: 'Nobody has wished for it yet.',
      on: {
        'container.create': { target: 'created', actions: ['keepWish', 'announceCreated', 'replyDone'] },
        'container.setup': [
          {
            guard: 'bringsWish',
            target: 'claiming',
            actions: ['keepCommand', 'keepWish', 'announceCreated'],
          },
          { actions: 'refuseUnknown' },
        ],
        'container.started': { actions: 'refuseUnknown' },
        'container.teardown': { actions: 'refuseUnknown' },
        'container.remove': { actions: 'refuseUnknown' },
      },
    },
    created: {
      description: 'The wish is known, nothing of it is in the kernel, nothing is claimed.',
      always: { guard: 'hasDeferred', actions: 'resume' },
      on: {
        'container.create': { actions: 'refuseExists' },
        'container.setup': { target: 'claiming', actions: ['keepCommand', 'keepWish'] },
        'container.started': { actions: 'refuseNotUp' },
        'container.teardown': { actions: 'replyNothingToDo' },
        'container.remove': { target: 'removed', actions: 'announceRemoved' },
        // there was nothing that a reboot could take
        'actor.recovered': {},
      },
    },
    claiming: {
      description: 'Networks are asked for addresses, the host for ports, another container for its namespace.',
      entry: 'claim',
      always: { guard: 'claimsNothing', target: 'building' },
      on: {
        ...deferAll,
        'lease.granted': { guard: 'isThisAttempt', actions: 'keepGrant' },
        'ports.granted': { guard: 'isThisAttempt', actions: 'keepGrant' },
        'netns.shared': { guard: 'isThisAttempt', actions: 'keepGrant' },
        'claim.refused': {
          guard: 'isThisAttempt',
          target: 'failed',
          actions: ['keepFault', 'releaseClaims', 'forgetGrants', 'announceFailed', 'answered'],
        },
      },
    },
    building: {
      description: 'The kernel steps of the set-up are under way; a failure has taken them back.',
      entry: 'build',
      on: {
        ...deferAll,
        'steps.applied': {
          guard: 'isSetup',
          target: 'up',
          actions: ['keepOutputs', 'announceConfigured', 'replyStatus', 'answered'],
        },
        'steps.failed': [
          {
            guard: 'isSetupThatLeftNothing',
            target: 'failed',
            actions: ['keepFault', 'releaseClaims', 'forgetGrants', 'announceFailed', 'answered'],
          },
          { guard: 'isSetup', target: 'failed', actions: ['keepFault', 'announceFailed', 'answered'] },
        ],
      },
    },
    up: {
      description: 'The network is there and works.',
      initial: 'configured',
      always: { guard: 'hasDeferred', actions: 'resume' },
      on: {
        'container.create': { actions: 'refuseExists' },
        'container.setup': { actions: 'refuseUp' },
        'container.teardown': { target: 'unconfiguring', actions: 'keepCommand' },
        'container.remove': { target: 'unconfiguring', actions: 'defer' },
        'netns.share': { actions: 'share' },
        'actor.recovered': { guard: 'wasRestarted', actions: 'verify' },
        'steps.applied': { guard: 'isVerify', actions: 'announceAdopted' },
        'steps.failed': { guard: 'isVerify', target: 'unconfiguring', actions: ['keepFault', 'announceLost'] },
      },
      states: {
        configured: {
          description: 'Waiting for the engine to say which process lives in it.',
          on: {
            'container.started': {
              target: 'running',
              actions: ['keepProcess', 'watchProcess', 'announceRunning', 'replyDone'],
            },
          },
        },
        running: {
          description: "The container's process lives.",
          on: {
            'container.started': { actions: 'refuseUp' },
            'actor.recovered': { guard: 'wasRestarted', actions: ['verify', 'watchProcess'] },
            'process.exited': [
              { guard: 'isOurProcessAndLast', target: 'exited', actions: ['announceExited', 'removeByItself'] },
              { guard: 'isOurProcess', target: 'exited', actions: 'announceExited' },
            ],
            'steps.applied': { guard: 'isWatch', actions: 'keepStartTime' },
            'steps.failed': [
              { guard: 'isWatchAndLast', target: 'exited', actions: ['announceExited', 'removeByItself'] },
              { guard: 'isWatch', target: 'exited', actions: 'announceExited' },
            ],
          },
        },
        exited: {
          description: 'The process has ended; the network waits for its teardown, or for another process.',
          on: {
            'container.started': {
              target: 'running',
              actions: ['keepProcess', 'watchProcess', 'announceRunning', 'replyDone'],
            },
          },
        },
      },
    },
    unconfiguring: {
      description: 'Everything is taken out of the kernel; each part is tried, whatever becomes of the others.',
      entry: 'unbuild',
      on: {
        ...deferAll,
        'steps.applied': { guard: 'isTeardown', target: 'unlinking', actions: ['replyTornDown', 'answered'] },
        'steps.failed': {
          guard: 'isTeardown',
          target: 'failed',
          actions: ['keepFault', 'announceFailed', 'answered', 'failDeferred'],
        },
      },
    },
    unlinking: {
      description:
        'Answered already; the kernel still unregisters the links, and until then their addresses stay leased.',
      entry: 'awaitUnlinked',
      on: {
        ...deferAll,
        'steps.applied': {
          guard: 'isUnlink',
          target: 'created',
          actions: ['releaseClaims', 'forgetGrants', 'announceTornDown'],
        },
        'steps.failed': {
          guard: 'isUnlink',
          target: 'failed',
          actions: ['keepFault', 'announceFailed', 'answered', 'failDeferred'],
        },
      },
    },
    failed: {
      description: 'The last wish could not be carried out; a new set-up, a teardown or the removal leads on.',
      always: { guard: 'hasDeferred', actions: 'resume' },
      on: {
        'container.create': { actions: 'refuseExists' },
        'container.setup': [
          // by the wish that made it: the new one may know nothing of it
          { guard: 'leftSomething', target: 'unconfiguring', actions: 'defer' },
          { target: 'claiming', actions: ['keepCommand', 'keepWish'] },
        ],
        'container.started': { actions: 'refuseNotUp' },
        'container.teardown': { target: 'unconfiguring', actions: 'keepCommand' },
        'container.remove': { target: 'unconfiguring', actions: 'defer' },
      },
    },
    removed: { type: 'final', description: 'Forgotten. Nothing of it is left anywhere.' },
  },
});
