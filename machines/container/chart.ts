import { and, type StateFrom } from 'xstate';
import { containerSetup } from './actions.ts';
import { nothingGranted } from './context.ts';

export type { ContainerContext, ContainerInput } from './context.ts';

const deferAll = {
  'container.create': { actions: 'refuseExists' },
  'container.setup': [{ guard: 'isToBeNew', actions: 'refuseExists' }, { actions: 'defer' }],
  'container.started': { actions: 'defer' },
  'container.exited': { actions: 'defer' },
  'container.abandon': { actions: 'defer' },
  'deadline.passed': { actions: 'defer' },
  'container.teardown': { actions: 'defer' },
  'container.remove': { actions: 'defer' },
  'container.connect': { actions: 'defer' },
  'container.disconnect': { actions: 'defer' },
  'container.publish': { actions: 'defer' },
  'container.unpublish': { actions: 'defer' },
  'container.reload': { actions: 'defer' },
  'container.attach': { actions: 'defer' },
  'container.detach': { actions: 'defer' },
  'network.leave': { actions: 'defer' },
  'lease.changed': { actions: 'defer' },
  'ports.freed': { actions: 'defer' },
  'membership.asked': { actions: 'defer' },
} as const;

/** Reports of DHCP clients while something else is under way. */
const deferLeases = { 'dhcp.leased': { actions: 'defer' }, 'dhcp.lost': { actions: 'defer' } } as const;

/** The set-up cannot be finished: its work is undone. */
const givingUp = ['announceFailed', 'answered', 'refuseWaiting'] as const;
const givenUp = ['keepFault', ...givingUp] as const;

const {
  'container.create': _,
  'container.setup': __,
  'container.started': ___,
  'container.exited': ____,
  ...deferChanges
} = deferAll;

const refuseUnknown = { actions: 'refuseUnknown' } as const;

/** While nothing is in the kernel, a change is only one of the wish. */
const changeOfWish = [
  { guard: 'isRefused', actions: 'refuseChange' },
  { actions: ['replyChanged', 'changeWish'] },
] as const;
const detachmentFromWish = [
  { guard: 'detachesNothing', actions: 'replyDone' },
  { guard: 'detachesSome', actions: ['replyChanged', 'changeWish'] },
] as const;
/** A container of which nothing is left in the kernel, or never was. */
const forgotten = { guard: 'leftNothing', target: 'removed', actions: 'announceRemoved' } as const;
const unlessAsked = { guard: 'asksNothingNew', actions: 'replyUnchanged' } as const;
const changesOfWish = {
  'container.connect': changeOfWish,
  'container.disconnect': changeOfWish,
  'container.publish': [changeOfWish[0], unlessAsked, changeOfWish[1]],
  'container.unpublish': changeOfWish,
  'container.reload': { actions: 'refuseNotUp' },
} as const;

/** Removes leftovers first, by the wish that made them. */
const afterUnmaking = [{ guard: 'leftSomething', target: 'unconfiguring', actions: 'defer' }, ...changeOfWish] as const;
const afterUnmakingChanges = {
  'container.connect': afterUnmaking,
  'container.disconnect': afterUnmaking,
  'container.publish': [afterUnmaking[0], ...changesOfWish['container.publish']],
  'container.unpublish': afterUnmaking,
  'container.reload': { actions: 'refuseNotUp' },
} as const;

const refuseDegraded = { actions: 'refuseDegraded' } as const;

/** Changes with and without claims. */
const askedChange = [
  { guard: 'isRefused', actions: 'refuseChange' },
  { target: 'asking', actions: 'keepChange' },
] as const;
const publication = [askedChange[0], unlessAsked, askedChange[1]] as const;
const attachment = [
  { guard: 'isWhole', actions: 'replyAttached' },
  { guard: and(['isPart', 'isRefused']), actions: 'refuseChange' },
  { guard: 'isPart', target: 'asking', actions: 'keepChange' },
] as const;
const departure = [
  { guard: 'isOffNetwork', actions: 'confirmLeft' },
  { target: 'changing', actions: 'keepChange' },
] as const;
const plainChange = [
  { guard: 'isRefused', actions: 'refuseChange' },
  { target: 'changing', actions: 'keepChange' },
] as const;

/** For states without a change under way: deferred commands, and reasons to verify everything. */
const whatWaits = [
  { guard: 'isSuspected', target: 'verifying', actions: 'keepSuspicion' },
  { guard: 'hasDeferred', actions: 'resume' },
] as const;
const verifications = {
  'container.reload': { target: 'verifying', actions: ['keepReload', 'suspectNetworks'] },
  'drift.suspected': { target: 'verifying', actions: 'keepSuspicion' },
  'actor.recovered': { guard: 'wasRestarted', target: 'verifying', actions: 'keepSuspicion' },
} as const;

/** One change at a time: everything else waits. */
const whileChanging = {
  ...deferChanges,
  ...deferLeases,
  'drift.suspected': { actions: 'suspect' },
  'actor.recovered': { guard: 'wasRestarted', actions: 'suspect' },
} as const;

/** Nothing of the join is in the kernel. */
const notJoined = ['releaseChange', 'replyFaultOfChange', 'dropChange', 'forgetChange'] as const;

/** Checks first whether a process lives in the namespace. */
const overdueStart = { guard: 'isStartOverdueInside', target: 'looking' } as const;
const addressChange = { guard: 'isOurLease', target: 'changing', actions: 'keepChange' } as const;
const changesWhileUp = {
  'container.connect': askedChange,
  'container.publish': publication,
  'container.disconnect': plainChange,
  'container.unpublish': plainChange,
  'container.attach': attachment,
  'container.detach': { guard: 'detachesSome', target: 'changing', actions: 'keepChange' },
  'network.leave': departure,
  'lease.changed': { target: 'changing', actions: 'keepChange' },
  'ports.freed': { guard: 'freesPorts', target: 'changing', actions: 'keepChange' },
  'dhcp.leased': addressChange,
  'dhcp.lost': addressChange,
  'membership.asked': { actions: 'confirmMembership' },
  'deadline.passed': overdueStart,
  ...verifications,
} as const;

/** The engine reports how the process ended, whether or not its end was noticed before. */
const exitReported = [
  { guard: 'isAnotherProcess', actions: 'refuseOtherProcess' },
  { guard: 'isLast', target: 'exited', actions: ['keepExitCode', 'announceExited', 'replyDone', 'removeByItself'] },
  { target: 'exited', actions: ['keepExitCode', 'announceExited', 'replyDone'] },
] as const;
const exitUnreported = [
  { guard: 'isUnreportedAndLast', target: 'exited', actions: ['announceExited', 'removeByItself'] },
  { guard: 'isUnreported', target: 'exited', actions: 'announceExited' },
] as const;
/** P18: too late for an event, but correct. */
const reportedLate = { guard: 'isFormerProcess', actions: 'replyDone' } as const;
/** The process ended before its engine could report its start. */
const startAndExit = ['keepProcess', 'keepExitCode', 'announceRunning', 'announceExited', 'replyDone'] as const;

/** P18 */
const abandoned = ['announceAbandoned', 'deferRemoval'] as const;

export const containerMachine = containerSetup.createMachine({
  id: 'container',
  description:
    "One container's network. Everything that it made is undone before `removed`; nothing is left when it ends.",
  context: ({ input }) => ({
    ...input,
    wish: null,
    created: null,
    lasting: null,
    change: null,
    suspected: null,
    sharers: [],
    awaiting: [],
    ...nothingGranted,
    members: [],
    formerPid: null,
    kernelMs: 0,
    command: null,
    askedAt: null,
    deferred: [],
    lastFault: null,
  }),
  initial: 'absent',
  on: {
    'netns.share': { actions: 'refuseShare' },
    'netns.joined': [{ guard: 'hasWish', actions: ['keepMember', 'suspectJoined'] }, { actions: 'suspectJoined' }],
    'netns.release': { guard: 'hasWish', actions: 'forgetMember' },
    'netns.entered': { guard: 'hasWish', actions: 'keepGuest' },
    'netns.left': { guard: 'hasWish', actions: 'forgetGuest' },
    'actor.recovered': {
      guard: 'wasRebooted',
      target: '.created',
      actions: ['announceLost', 'answered', 'releaseClaims', 'forgetGrants', 'refuseWaiting'],
    },
  },
  states: {
    absent: {
      description: 'Not created yet.',
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
        'container.attach': {
          target: 'claiming',
          actions: ['keepCommand', 'keepWish', 'announceCreated', 'deferForgetting'],
        },
        'container.found': { target: 'claiming', actions: ['keepFound', 'announceCreated'] },
        'container.detach': { actions: 'replyDone' },
        'network.leave': { actions: 'confirmLeft' },
        'container.started': refuseUnknown,
        'container.exited': refuseUnknown,
        'container.abandon': refuseUnknown,
        'container.teardown': refuseUnknown,
        'container.remove': refuseUnknown,
        'container.connect': refuseUnknown,
        'container.disconnect': refuseUnknown,
        'container.publish': refuseUnknown,
        'container.unpublish': refuseUnknown,
        'container.reload': refuseUnknown,
      },
    },
    created: {
      description: 'The wish is stored. Nothing is claimed, and nothing is in the kernel.',
      always: { guard: 'hasDeferred', actions: 'resume' },
      on: {
        ...changesOfWish,
        'container.create': { actions: 'refuseExists' },
        'container.setup': [
          { guard: 'isToBeNew', actions: 'refuseExists' },
          { target: 'claiming', actions: ['keepCommand', 'keepWish'] },
        ],
        'container.attach': { target: 'claiming', actions: ['keepCommand', 'keepWish'] },
        'container.detach': [...detachmentFromWish, { target: 'removed', actions: 'announceRemoved' }],
        'container.forget': forgotten,
        'network.leave': { actions: 'confirmLeft' },
        'container.started': { actions: 'refuseNotUp' },
        'container.exited': [reportedLate, { actions: 'refuseNotUp' }],
        'container.abandon': { actions: 'refuseNotUp' },
        'container.teardown': { actions: 'replyNothingToDo' },
        'container.remove': { target: 'removed', actions: 'announceRemoved' },
        // a reboot has nothing to remove
        'actor.recovered': {},
      },
    },
    claiming: {
      description:
        'Claims addresses from networks, ports from the host, and a namespace from the container that shares it.',
      entry: 'claim',
      always: [
        { guard: 'isFoundAndGranted', target: 'up', actions: ['adoptFound', 'askDhcp'] },
        {
          guard: 'isGrantedWithoutNamespace',
          target: 'failed',
          actions: ['keepRemains', 'announceFailed', 'refuseWaiting'],
        },
        {
          guard: 'cannotBeSetUp',
          target: 'failed',
          actions: ['keepRefusal', 'releaseClaims', 'forgetGrants', ...givingUp],
        },
        { guard: 'claimsNothing', target: 'building' },
      ],
      on: {
        ...deferAll,
        // a container that waits for a namespace accepts no waiting container, so that no cycle can form
        'netns.share': { guard: 'needsNoOtherNamespace', actions: 'awaitNamespace' },
        'lease.granted': { guard: 'isThisAttempt', actions: 'keepGrant' },
        'ports.granted': { guard: 'isThisAttempt', actions: 'keepGrant' },
        'netns.shared': { guard: 'isThisAttempt', actions: 'keepGrant' },
        'claim.refused': [
          // what it has in the kernel is given to no other: its claims stay
          {
            guard: 'isRefusalOfFound',
            target: 'failed',
            actions: ['keepRemains', 'announceFailed', 'refuseWaiting'],
          },
          {
            guard: 'isThisAttempt',
            target: 'failed',
            actions: ['keepFault', 'releaseClaims', 'forgetGrants', 'announceFailed', 'answered', 'refuseWaiting'],
          },
        ],
      },
    },
    building: {
      description: 'The kernel steps of the set-up are running. If one fails, all of them are undone.',
      entry: 'build',
      on: {
        ...deferAll,
        'netns.share': { actions: 'awaitNamespace' },
        'steps.applied': [
          { guard: 'isSetupThatAsks', target: 'leasing', actions: 'keepOutputs' },
          {
            guard: 'isSetup',
            target: 'up',
            actions: ['keepOutputs', 'announceConfigured', 'replyStatus', 'answered', 'shareWithWaiting', 'joinOwner'],
          },
        ],
        'steps.failed': [
          {
            guard: 'isSetupThatLeftNothing',
            target: 'failed',
            actions: ['keepFault', 'releaseClaims', 'forgetGrants', 'announceFailed', 'answered', 'refuseWaiting'],
          },
          { guard: 'isSetup', target: 'failed', actions: ['keepFault', 'announceFailed', 'answered', 'refuseWaiting'] },
        ],
      },
    },
    leasing: {
      description: 'The links exist. Asks DHCP servers for addresses.',
      entry: 'askDhcp',
      on: {
        ...deferAll,
        'netns.share': { actions: 'awaitNamespace' },
        'dhcp.leased': [
          {
            guard: 'isLastLeaseUnreachable',
            target: 'unconfiguring',
            actions: ['keepTerms', 'keepRefusal', ...givingUp],
          },
          { guard: 'isLastLease', target: 'addressing', actions: 'keepTerms' },
          { guard: 'isOurLease', actions: 'keepTerms' },
        ],
        'dhcp.lost': { guard: 'isOurLease', target: 'unconfiguring', actions: givenUp },
      },
    },
    addressing: {
      description: 'Adds the leased addresses and their routes.',
      entry: 'addAddresses',
      on: {
        ...deferAll,
        ...deferLeases,
        'netns.share': { actions: 'awaitNamespace' },
        'steps.applied': {
          guard: 'isAddress',
          target: 'up',
          actions: ['keepOutputs', 'announceConfigured', 'replyStatus', 'answered', 'shareWithWaiting'],
        },
        'steps.failed': { guard: 'isAddress', target: 'unconfiguring', actions: givenUp },
      },
    },
    up: {
      description: 'The network is up.',
      type: 'parallel',
      entry: 'dropForgetting',
      on: {
        'container.attach': [
          { guard: and(['isElsewhere', 'isEnding']), target: 'unconfiguring', actions: ['announceExited', 'defer'] },
          { guard: 'isElsewhere', target: 'unconfiguring', actions: 'defer' },
        ],
        'container.detach': [
          { guard: 'detachesNothing', actions: 'replyDone' },
          {
            guard: and(['detachesAll', 'isEnding']),
            target: 'unconfiguring',
            actions: ['announceExited', 'keepDetach'],
          },
          { guard: 'detachesAll', target: 'unconfiguring', actions: 'keepDetach' },
        ],
        'container.create': { actions: 'refuseExists' },
        'container.setup': [
          { guard: 'isToBeNew', actions: 'refuseExists' },
          { guard: 'isRepeated', actions: 'replyUnchanged' },
          { actions: 'refuseDifferent' },
        ],
        'container.teardown': [
          { guard: 'isHeldByProcess', actions: 'refuseRunning' },
          { guard: 'isHeldByGuest', actions: 'refuseHeld' },
          { guard: 'isEnding', target: 'unconfiguring', actions: ['announceExited', 'keepCommand'] },
          { target: 'unconfiguring', actions: 'keepCommand' },
        ],
        'container.remove': [
          { guard: 'isHeldByProcess', actions: 'refuseRunning' },
          { guard: 'isHeldByGuest', actions: 'refuseHeld' },
          { guard: 'isEnding', target: 'unconfiguring', actions: ['announceExited', 'defer'] },
          { target: 'unconfiguring', actions: 'defer' },
        ],
        'container.abandon': [
          { guard: 'isHeldByGuest', actions: 'refuseHeld' },
          { guard: 'isUnstarted', target: 'unconfiguring', actions: abandoned },
          { actions: 'refuseStarted' },
        ],
        // a container that shares a namespace takes nothing from the processes there
        'deadline.passed': { guard: 'isStartOverdue', target: 'unconfiguring', actions: abandoned },
        'netns.share': { actions: 'share' },
        'netns.joined': [
          { guard: 'isOurNamespace', actions: 'keepMember' },
          { actions: ['keepMember', 'suspectJoined'] },
        ],
        'steps.applied': { guard: 'isLookAtNone', target: 'unconfiguring', actions: abandoned },
        'steps.failed': [
          {
            guard: 'isVerifyThatFoundNothingWhileEnding',
            target: 'unconfiguring',
            actions: ['announceExited', 'keepFault', 'announceLost', 'forgetChange'],
          },
          {
            guard: 'isVerifyThatFoundNothing',
            target: 'unconfiguring',
            actions: ['keepFault', 'announceLost', 'forgetChange'],
          },
        ],
      },
      states: {
        process: {
          description: 'The state of its process.',
          initial: 'configured',
          states: {
            configured: {
              description: 'Waits for the engine to report its process.',
              on: {
                'container.started': {
                  target: 'running',
                  actions: ['keepProcess', 'watchProcess', 'announceRunning', 'replyDone'],
                },
                'container.exited': [
                  reportedLate,
                  { guard: 'isLast', target: 'exited', actions: [...startAndExit, 'removeByItself'] },
                  { target: 'exited', actions: startAndExit },
                ],
              },
            },
            running: {
              description: 'Its process is running.',
              entry: 'tellOwnerOfStart',
              exit: 'tellOwnerOfEnd',
              on: {
                'container.started': { actions: 'refuseUp' },
                'container.exited': exitReported,
                'actor.recovered': { guard: 'wasRestarted', actions: 'watchProcess' },
                'process.exited': [
                  { guard: 'isOurProcessAndReported', target: 'ending' },
                  { guard: 'isOurProcessAndLast', target: 'exited', actions: ['announceExited', 'removeByItself'] },
                  { guard: 'isOurProcess', target: 'exited', actions: 'announceExited' },
                ],
                'steps.applied': { guard: 'isWatch', actions: 'keepStartTime' },
                'steps.failed': [
                  { guard: 'isUnwatched', actions: 'announceUnwatched' },
                  { guard: 'isWatchAndReported', target: 'ending' },
                  { guard: 'isWatchAndLast', target: 'exited', actions: ['announceExited', 'removeByItself'] },
                  { guard: 'isWatch', target: 'exited', actions: 'announceExited' },
                ],
              },
            },
            ending: {
              description: 'Its process has ended. Waits for the engine to report the exit code.',
              entry: 'awaitExitCode',
              on: {
                'container.started': { actions: 'refuseUp' },
                'container.exited': exitReported,
                'deadline.passed': exitUnreported,
                'steps.failed': exitUnreported,
                'actor.recovered': exitUnreported,
              },
            },
            exited: {
              description: 'Its process has ended. The network waits for its teardown, or for another process.',
              on: {
                'container.started': {
                  target: 'running',
                  actions: ['keepProcess', 'watchProcess', 'announceRunning', 'replyDone'],
                },
                // too late for the event, but in time for inspect
                'container.exited': [
                  { guard: 'isAnotherProcess', actions: 'refuseOtherProcess' },
                  { actions: ['keepExitCode', 'replyDone'] },
                ],
              },
            },
          },
        },
        wiring: {
          description: 'Whether the kernel has what the wish asks for.',
          initial: 'settled',
          states: {
            settled: {
              description: 'The kernel has everything that the wish asks for.',
              always: [{ guard: 'lacksLease', target: 'unleased' }, ...whatWaits],
              on: changesWhileUp,
            },
            unleased: {
              description:
                'A DHCP lease is missing, and its client asks for a new one. Everything else is in place and can be changed.',
              always: whatWaits,
              on: changesWhileUp,
            },
            asking: {
              description: 'Claims what a change needs: addresses from networks, ports from the host.',
              entry: 'claimChange',
              always: [
                { guard: 'isJoinRefused', target: 'settled', actions: notJoined },
                { guard: 'cannotJoin', target: 'settled', actions: ['keepRefusalOfChange', ...notJoined] },
                { guard: 'isGranted', target: 'changing' },
              ],
              on: {
                ...whileChanging,
                'lease.granted': { guard: 'isThisAttempt', actions: 'keepChangeGrant' },
                'ports.granted': { guard: 'isThisAttempt', actions: 'keepChangeGrant' },
                'claim.refused': { guard: 'isThisAttempt', actions: 'keepChangeGrant' },
              },
            },
            changing: {
              description: 'The kernel steps of a change are running. If one fails, all of them are undone.',
              entry: 'makeChange',
              on: {
                ...whileChanging,
                'steps.applied': [
                  { guard: 'isJoinThatAsks', target: 'leasing', actions: 'keepKernelMs' },
                  {
                    guard: 'isChange',
                    target: 'settled',
                    actions: [
                      'announceChanged',
                      'releaseGivenUp',
                      'tellNeighbours',
                      'keepChanged',
                      'replyStatus',
                      'forgetChange',
                    ],
                  },
                ],
                'steps.failed': [
                  { guard: 'isJoinThatAsked', target: 'withdrawing', actions: 'keepFaultOfChange' },
                  {
                    guard: 'isChangeThatLeftNothing',
                    target: 'settled',
                    actions: ['releaseChange', 'replyFault', 'dropChange', 'forgetChange'],
                  },
                  {
                    guard: 'isChange',
                    target: 'degraded',
                    actions: ['keepFault', 'announceDegraded', 'replyFault', 'keepHalfMade', 'forgetChange'],
                  },
                ],
              },
            },
            leasing: {
              description: 'Has joined networks with DHCP, and asks for addresses there.',
              entry: 'askDhcpOfChange',
              on: {
                ...whileChanging,
                'dhcp.leased': [
                  {
                    guard: 'isLastLeaseOfChangeUnreachable',
                    target: 'withdrawing',
                    actions: ['keepTermsOfChange', 'keepRefusalOfChange'],
                  },
                  { guard: 'isLastLeaseOfChange', target: 'changing', actions: 'keepTermsOfChange' },
                  { guard: 'isLeaseOfChange', actions: 'keepTermsOfChange' },
                  { actions: 'defer' },
                ],
                'dhcp.lost': [
                  { guard: 'isLeaseOfChange', target: 'withdrawing', actions: 'keepFaultOfChange' },
                  { actions: 'defer' },
                ],
              },
            },
            withdrawing: {
              description:
                'Undoes the change: a DHCP server gave no address, or one that cannot reach a gateway of a route.',
              entry: 'withdraw',
              on: {
                ...whileChanging,
                'steps.applied': {
                  guard: 'isWithdraw',
                  target: 'settled',
                  actions: notJoined,
                },
                'steps.failed': {
                  guard: 'isWithdraw',
                  target: 'degraded',
                  actions: ['replyFaultOfChange', 'keepFault', 'announceDegraded', 'keepHalfMade', 'forgetChange'],
                },
              },
            },
            verifying: {
              description: 'Compares the kernel with the wish, and restores what is missing.',
              entry: 'makeChange',
              on: {
                ...whileChanging,
                'steps.applied': {
                  guard: 'isVerify',
                  target: 'settled',
                  actions: ['announceVerified', 'keepVerified', 'replyStatus', 'joinOwnerAgain', 'forgetChange'],
                },
                // the outer state handles the loss of the namespace itself
                'steps.failed': {
                  guard: 'isVerifyThatFoundSomething',
                  target: 'degraded',
                  actions: ['keepFault', 'announceDegraded', 'replyFault', 'forgetChange'],
                },
              },
            },
            looking: {
              description: 'Its process was not reported in time. Looks whether one lives in its namespace.',
              entry: 'lookInside',
              on: {
                ...whileChanging,
                'steps.applied': [
                  { guard: 'isLookAtLife', target: 'settled', actions: ['keepNextDeadline', 'announceOverdue'] },
                  { guard: 'isLookAtStarted', target: 'settled' },
                ],
                'steps.failed': [
                  { guard: 'isLookAtLife', target: 'settled', actions: ['keepNextDeadline', 'announceOverdue'] },
                  { guard: 'isLookAtStarted', target: 'settled' },
                ],
              },
            },
            degraded: {
              description: 'Something is missing and cannot be restored. The last fault names it.',
              always: whatWaits,
              on: {
                'container.connect': refuseDegraded,
                'container.disconnect': refuseDegraded,
                'container.publish': refuseDegraded,
                'container.unpublish': refuseDegraded,
                'container.attach': [
                  { guard: 'isWhole', actions: 'replyAttached' },
                  { guard: 'isPart', actions: 'refuseDegraded' },
                ],
                'container.detach': { guard: 'detachesSome', actions: 'refuseDegraded' },
                'network.leave': [{ guard: 'isOffNetwork', actions: 'confirmLeft' }, { actions: 'refuseDegraded' }],
                // verified again afterwards
                'lease.changed': { target: 'changing', actions: ['keepChange', 'suspect'] },
                'ports.freed': { guard: 'freesPorts', target: 'changing', actions: ['keepChange', 'suspect'] },
                'dhcp.leased': { guard: 'isOurLease', target: 'changing', actions: ['keepChange', 'suspect'] },
                'dhcp.lost': { guard: 'isOurLease', target: 'changing', actions: ['keepChange', 'suspect'] },
                'membership.asked': { actions: 'confirmMembership' },
                'deadline.passed': { ...overdueStart, actions: 'suspect' },
                ...verifications,
              },
            },
          },
        },
      },
    },
    unconfiguring: {
      description: 'Removes everything from the kernel. Every step is tried, even if another one fails.',
      entry: 'unbuild',
      on: {
        ...deferAll,
        'container.exited': [reportedLate, { actions: 'defer' }],
        'steps.applied': {
          guard: 'isTeardown',
          target: 'unlinking',
          actions: ['replyTornDown', 'forgetChange', 'suspectMembers'],
        },
        'steps.failed': {
          guard: 'isTeardown',
          target: 'failed',
          actions: ['keepFault', 'announceFailed', 'forgetChange', 'failDeferred', 'suspectMembers'],
        },
      },
    },
    unlinking: {
      description:
        'The command is answered. The kernel is still removing the links; their addresses stay leased until then.',
      entry: 'awaitUnlinked',
      on: {
        ...deferAll,
        'container.exited': [reportedLate, { actions: 'defer' }],
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
      description: 'The last command failed. A new set-up, a teardown or a removal ends this state.',
      always: { guard: 'hasDeferred', actions: 'resume' },
      on: {
        ...afterUnmakingChanges,
        'container.create': { actions: 'refuseExists' },
        'container.setup': [
          { guard: 'isToBeNew', actions: 'refuseExists' },
          // by the wish that made the leftovers: the new one may not include them
          { guard: 'leftSomething', target: 'unconfiguring', actions: 'defer' },
          { target: 'claiming', actions: ['keepCommand', 'keepWish'] },
        ],
        'container.attach': [
          { guard: 'leftSomething', target: 'unconfiguring', actions: 'defer' },
          { target: 'claiming', actions: ['keepCommand', 'keepWish'] },
        ],
        'container.detach': [
          detachmentFromWish[0],
          { guard: and(['detachesSome', 'leftSomething']), target: 'unconfiguring', actions: 'defer' },
          detachmentFromWish[1],
          { target: 'unconfiguring', actions: 'keepDetach' },
        ],
        'container.forget': forgotten,
        'network.leave': [
          { guard: 'holdsLease', target: 'unconfiguring', actions: 'defer' },
          { actions: 'confirmLeft' },
        ],
        'container.started': { actions: 'refuseNotUp' },
        'container.exited': [reportedLate, { actions: 'refuseNotUp' }],
        'container.abandon': { actions: 'refuseNotUp' },
        'container.teardown': { target: 'unconfiguring', actions: 'keepCommand' },
        'container.remove': { target: 'unconfiguring', actions: 'defer' },
      },
    },
    removed: { type: 'final', description: 'Forgotten. Nothing is left.' },
  },
});

export type ContainerValue = StateFrom<typeof containerMachine>['value'];
