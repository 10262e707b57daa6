import { containerSetup } from './container-actions.ts';

export type { ContainerContext, ContainerInput } from './container-context.ts';

const deferAll = {
  'container.create': { actions: 'refuseExists' },
  'container.setup': { actions: 'defer' },
  'container.started': { actions: 'defer' },
  'container.teardown': { actions: 'defer' },
  'container.remove': { actions: 'defer' },
} as const;

export const containerMachine = containerSetup.createMachine({
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
