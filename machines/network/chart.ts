import type { StateFrom } from 'xstate';
import { networkSetup } from './actions.ts';
import { firstContext } from './context.ts';
import {
  definitionFound,
  lossOfDefinition,
  news,
  newsMeanwhile,
  reboot,
  refuseMeanwhile,
  release,
  removal,
  replaced,
  replacement,
  staying,
  update,
  waitOver,
  whileUnchanged,
  whileUp,
} from './transitions.ts';

export type { NetworkContext, NetworkInput } from './context.ts';

export const networkMachine = networkSetup.createMachine({
  id: 'network',
  description:
    'One network: its device, its address leases, its members. The device is made for the first member and kept until the network is removed.',
  context: ({ input }) => firstContext(input),
  initial: 'absent',
  on: {
    'lease.request': { actions: 'refuseLease' },
    'lease.release': { actions: 'release' },
    'lease.leaving': { actions: 'noteLeaving' },
    'steps.applied': { guard: 'isWait', actions: 'keepWait' },
    'steps.failed': { guard: 'isWait', actions: 'refuseHeld' },
    'deadline.passed': { guard: 'isWaitOver', actions: 'refuseHeld' },
    'network.prune': { actions: 'answerUnpruned' },
    'lease.ports': { actions: 'notePorts' },
    'ruleset.loaded': { actions: 'suspectMembers' },
    // the claim was given up meanwhile
    'forwarding.granted': { guard: 'isDown', actions: 'releaseForwarding' },
    'place.asked': { guard: 'keepsPlace', actions: 'keepPlace' },
  },
  states: {
    absent: {
      description: 'Not created yet.',
      on: {
        'network.create': { target: 'claiming', actions: ['keepWish', 'claimSubnets'] },
        'network.update': { actions: 'refuseUnknown' },
        'network.remove': { actions: 'refuseUnknown' },
        'definition.found': { target: 'present', actions: ['note', 'announceFound'] },
        'lease.request': [
          {
            guard: 'bringsDefinition',
            target: ['#network.present.definition.transient', '#network.present.device.down'],
            actions: ['note', 'announceFound', 'wait'],
          },
          { guard: 'isOfDefault', target: 'claiming', actions: ['keepDefaultWish', 'claimSubnets', 'wait'] },
        ],
      },
    },
    claiming: {
      description: 'Claims subnets and a bridge name from the host, which grants each of them only once.',
      on: {
        ...refuseMeanwhile,
        'lease.request': [
          { guard: 'isWanted', actions: 'wait' },
          { guard: 'isOfDefault', actions: 'wait' },
          { actions: 'refuseLease' },
        ],
        'subnet.granted': { target: 'defining', actions: 'define' },
        'subnet.refused': { target: 'absent', actions: ['announceRefused', 'refuseWaiting', 'forgetWish'] },
      },
    },
    defining: {
      description: 'Writes its definition into the networks directory.',
      entry: 'write',
      on: {
        ...refuseMeanwhile,
        'lease.request': { actions: 'wait' },
        'steps.applied': { guard: 'isDefine', target: 'present', actions: ['announceCreated', 'answered'] },
        // the plan went with the host
        'actor.recovered': { guard: 'wasRebooted', target: 'defining', reenter: true },
        'steps.failed': {
          guard: 'isDefine',
          target: 'absent',
          actions: ['refuseDefinition', 'refuseWaiting', 'forgetWish'],
        },
      },
    },
    present: {
      description: 'Defined: by a file, or by its members only.',
      type: 'parallel',
      states: {
        definition: {
          initial: 'filed',
          states: {
            filed: {
              description: 'It has a file.',
              on: { 'definition.missing': { target: 'transient' } },
            },
            transient: {
              description:
                'It has no file, only members: it goes with the last one, unless a file is found or restored.',
              on: {
                'definition.found': [
                  { guard: 'isStaying', target: 'filed' },
                  { guard: 'isFileBack', target: 'filed' },
                ],
                'membership.confirmed': { guard: 'isCalm', target: 'restoring', actions: 'write' },
              },
            },
            restoring: {
              description: 'A member lives, so its file is being written again.',
              on: {
                'steps.applied': { guard: 'isDefine', target: 'filed' },
                'steps.failed': { guard: 'isDefine', target: 'transient' },
                // the plan went with the host
                'actor.recovered': { guard: 'wasRebooted', target: 'transient' },
              },
            },
          },
        },
        device: {
          initial: 'down',
          states: {
            down: {
              description: 'Defined. Nothing is in the kernel.',
              always: [
                { guard: 'hasWaiting', target: 'routing' },
                ...news,
                { guard: 'isSucceeded', target: 'lowering', actions: 'keepLoss' },
              ],
              on: {
                'network.create': { actions: 'refuseExists' },
                'network.update': update,
                ...removal,
                'definition.found': definitionFound,
                'definition.lost': lossOfDefinition,
                'lease.request': [replacement, { target: 'routing', actions: 'wait' }],
                'lease.release': release,
                'steps.applied': { guard: 'isDefine', actions: 'announceWritten' },
                'steps.failed': { guard: 'isDefine', actions: 'announceFailed' },
                // it could not be taken down before
                'actor.recovered': [
                  { guard: 'isForsaken', target: 'lowering', actions: 'keepLoss' },
                  { guard: 'isLeftOfReplaced', target: 'lowering', actions: 'keepLoss' },
                ],
              },
            },
            updating: {
              description: 'Changes its definition, and applies the change while containers use it.',
              entry: 'rewrite',
              on: {
                ...refuseMeanwhile,
                ...newsMeanwhile,
                'lease.request': { actions: 'wait' },
                'steps.applied': [
                  {
                    guard: 'isUpdateOfDevice',
                    target: 'settled',
                    actions: ['announceUpdated', 'tellGuard', 'keepUpdated', 'answered', 'grantWaiting'],
                  },
                  {
                    guard: 'isUpdate',
                    target: 'down',
                    actions: ['announceUpdated', 'tellGuard', 'keepUpdated', 'answered'],
                  },
                  { guard: 'isDefine', actions: 'announceWritten' },
                ],
                'steps.failed': [
                  {
                    guard: 'isUpdateOfFirewall',
                    target: 'settled',
                    actions: ['announceFailed', 'dropUpdate', 'refuseWaiting'],
                  },
                  {
                    guard: 'isUpdateOfDevice',
                    target: 'settled',
                    actions: ['announceFailed', 'replyUpdateFailed', 'dropUpdate', 'answered', 'grantWaiting'],
                  },
                  {
                    guard: 'isUpdate',
                    target: 'down',
                    actions: ['announceFailed', 'replyUpdateFailed', 'dropUpdate', 'answered'],
                  },
                  { guard: 'isDefine', actions: 'announceFailed' },
                ],
                // the plan went with the host
                'actor.recovered': [
                  {
                    guard: 'wasRebootedTransient',
                    target: 'lowering',
                    actions: ['forgetLeases', 'forgetDevice', 'refuseUpdate', 'dropUpdate', 'keepLoss'],
                  },
                  {
                    guard: 'wasRebooted',
                    target: 'down',
                    actions: ['forgetLeases', 'forgetDevice', 'refuseUpdate', 'dropUpdate', 'answered'],
                  },
                  { actions: 'waitOn' },
                ],
              },
            },
            routing: {
              description:
                'Asks the host for a place beside the other networks, and for forwarding. The device is made only after that, so that it carries no traffic before.',
              entry: 'claimForwarding',
              always: { guard: 'claimsNothing', target: 'raising' },
              on: {
                ...refuseMeanwhile,
                ...newsMeanwhile,
                'lease.request': { actions: 'wait' },
                'forwarding.granted': { target: 'raising' },
                'forwarding.refused': [
                  {
                    guard: 'isTransient',
                    target: 'lowering',
                    actions: ['announceFailed', 'refuseWaiting', 'keepLoss'],
                  },
                  { target: 'down', actions: ['announceFailed', 'refuseWaiting'] },
                ],
                'actor.recovered': reboot,
              },
            },
            raising: {
              description: 'Makes the device for the first container, which waits for it.',
              entry: ['adoptFirst', 'raise'],
              on: {
                ...refuseMeanwhile,
                ...newsMeanwhile,
                'lease.request': { actions: 'wait' },
                'steps.applied': {
                  guard: 'isRaise',
                  target: 'settled',
                  actions: ['keepDevice', 'announceUp', 'grantWaiting'],
                },
                'steps.failed': [
                  {
                    guard: 'isRaiseOfTransient',
                    target: 'lowering',
                    actions: ['announceFailed', 'refuseWaiting', 'keepLoss'],
                  },
                  {
                    guard: 'isRaise',
                    target: 'down',
                    actions: ['announceFailed', 'refuseWaiting', 'releaseForwarding'],
                  },
                ],
                'actor.recovered': reboot,
              },
            },
            settled: {
              description: 'The device is up.',
              always: [
                ...whileUnchanged,
                { guard: 'isAdoptionDue', target: 'verifying', actions: ['adopt', 'beginVerification'] },
                { guard: 'isVerificationDue', target: 'verifying', actions: ['mend', 'beginVerification'] },
              ],
              on: whileUp,
            },
            verifying: {
              description: 'The device is up, and is compared with what it should be. Containers can join.',
              always: whileUnchanged,
              on: {
                ...whileUp,
                'drift.suspected': {},
                'actor.recovered': [...reboot, { actions: ['claimForwarding', 'adopt', 'waitOn'] }],
                'steps.applied': [
                  { ...whileUp['steps.applied'][0], target: 'settled' },
                  whileUp['steps.applied'][1],
                  whileUp['steps.applied'][2],
                ],
              },
            },
            closing: {
              description:
                'No port is published on loopback any more, so the bridge stops routing loopback addresses. New members wait for that.',
              entry: 'close',
              on: {
                ...whileUp,
                'drift.suspected': {},
                'lease.request': [replacement, { actions: 'wait' }],
                'lease.release': release,
                'actor.recovered': [...reboot, { actions: ['claimForwarding', 'waitOn'] }],
                'steps.applied': [
                  { guard: 'isClose', target: 'settled', actions: ['keepClosed', 'suspectPublishers', 'grantWaiting'] },
                  ...whileUp['steps.applied'],
                ],
                // the bridge is gone, which the kernel reports
                'steps.failed': [
                  {
                    guard: 'isClose',
                    target: 'settled',
                    actions: ['announceFailed', 'keepClosed', 'suspect', 'grantWaiting'],
                  },
                  ...whileUp['steps.failed'],
                ],
              },
            },
            degraded: {
              description:
                'Something is missing and cannot be restored. The next notice of the kernel, or the next member, starts another try.',
              on: {
                ...refuseMeanwhile,
                ...removal,
                'definition.found': [
                  { guard: 'isTransient', actions: ['forgetNews', 'noteSuccessor'] },
                  {
                    guard: 'isAnotherNetwork',
                    target: 'lowering',
                    actions: ['forgetNews', 'keepSuccessor', 'keepLoss'],
                  },
                  { actions: ['forgetNews', 'noteSuccessor'] },
                ],
                'definition.lost': lossOfDefinition,
                // the host may have refused its claim
                'lease.request': [replacement, { actions: ['wait', 'claimForwarding', 'mend'] }],
                'lease.release': release,
                'drift.suspected': { actions: ['claimForwarding', 'mend'] },
                'forwarding.refused': { actions: ['keepFault', 'refuseWaiting'] },
                'actor.recovered': [...reboot, { actions: ['claimForwarding', 'adopt', 'waitOn'] }],
                'steps.applied': [
                  { guard: 'isMend', target: 'settled', actions: ['announceMended', 'keepDevice', 'grantWaiting'] },
                  { guard: 'isDefine', actions: 'announceWritten' },
                ],
                'steps.failed': [
                  { guard: 'isMend', actions: ['keepFault', 'refuseWaiting'] },
                  { guard: 'isDefine', actions: 'announceFailed' },
                ],
              },
            },
            emptying: {
              description:
                'Waits until its members have left, then removes the network: members that are leaving, or that a forced removal asked to leave. Containers can no longer join.',
              entry: 'empty',
              always: [
                { guard: 'isEmpty', target: 'lowering' },
                { guard: 'isRefusedByAll', target: 'settled', actions: ['refuseRemoval', ...staying] },
              ],
              on: {
                ...refuseMeanwhile,
                // the caller takes over from the loss of the file
                'network.remove': [
                  { guard: 'isLost', target: 'emptying', reenter: true, actions: 'keepRemoval' },
                  { actions: 'refuseBusy' },
                ],
                'network.prune': [{ guard: 'isPruned' }, { actions: 'answerUnpruned' }],
                'membership.refused': { actions: 'keepRefusal' },
                // its release follows, or its claim if it stays
                'place.asked': {},
                'definition.found': [
                  { guard: 'isFileBack', target: 'settled', actions: staying },
                  { guard: 'isLost', actions: 'keepSuccessor' },
                  { actions: 'keepNews' },
                ],
                'definition.lost': [{ guard: 'isLost' }, { actions: 'keepNews' }],
                'lease.request': [
                  { guard: 'bringsDefinition', actions: 'wait' },
                  { guard: 'isOfDefault', actions: 'wait' },
                  { actions: 'refuseLeaseBusy' },
                ],
                'drift.suspected': { actions: 'mend' },
                'deadline.passed': waitOver,
                'actor.recovered': [
                  { guard: 'wasRebooted', target: 'lowering', actions: ['forgetLeases', 'forgetDevice'] },
                  // a claim would mean that it stays
                  { actions: ['leavePlace', 'adopt', 'waitOn'] },
                ],
                'steps.applied': [
                  { guard: 'isWait', actions: ['keepWait', 'askToLeave'] },
                  { guard: 'isMend', actions: ['announceMended', 'keepDevice'] },
                  { guard: 'isLook', actions: 'keepDevice' },
                  { guard: 'isClose', actions: 'keepClosed' },
                  { guard: 'isDefine', actions: 'announceWritten' },
                ],
                'steps.failed': [
                  ...waitOver,
                  { guard: 'isMend', actions: ['keepFault', 'announceDegraded'] },
                  { guard: 'isLook', actions: ['keepFault', 'announceDegraded'] },
                  { guard: 'isClose', actions: ['announceFailed', 'keepClosed', 'suspect'] },
                  { guard: 'isDefine', actions: 'announceFailed' },
                ],
              },
            },
            lowering: {
              description: 'Removes the device and the definition. Containers can no longer join.',
              entry: ['lower', 'forgetNews', 'queueHeld'],
              on: {
                ...refuseMeanwhile,
                // one answer for all callers
                'network.prune': [{ guard: 'isPruned' }, { actions: 'answerUnpruned' }],
                'definition.found': { actions: 'keepSuccessor' },
                'definition.lost': { actions: 'forgetSuccessor' },
                // its release follows
                'place.asked': {},
                'lease.request': [
                  { guard: 'bringsDefinition', actions: 'wait' },
                  { guard: 'isOfDefault', actions: 'wait' },
                  { actions: 'refuseLease' },
                ],
                'steps.applied': [
                  {
                    guard: 'isLowerOfDefault',
                    target: '#network.claiming',
                    actions: [
                      'announceRemoved',
                      'answered',
                      'forgetDevice',
                      'releaseSubnets',
                      'releaseForwarding',
                      'becomeDefault',
                      'claimSubnets',
                    ],
                  },
                  {
                    guard: 'isLowerForFile',
                    target: ['#network.present.definition.filed', '#network.present.device.down'],
                    actions: replaced,
                  },
                  {
                    guard: 'isLowerForBrought',
                    target: ['#network.present.definition.transient', '#network.present.device.down'],
                    actions: replaced,
                  },
                  {
                    guard: 'isLower',
                    target: '#network.removed',
                    actions: ['releaseSubnets', 'releaseForwarding', 'announceRemoved', 'refuseRest'],
                  },
                ],
                'steps.failed': {
                  guard: 'isLower',
                  target: 'down',
                  // a request that waits would have it removed again
                  actions: [
                    'announceFailed',
                    'replyFailed',
                    'failedToGo',
                    'forgetDevice',
                    'releaseForwarding',
                    'refuseWaiting',
                  ],
                },
                'actor.recovered': {
                  // the plan went with the host, but not the file
                  guard: 'wasRebooted',
                  target: 'lowering',
                  reenter: true,
                },
              },
            },
          },
        },
        verification: {
          initial: 'none',
          on: {
            'actor.recovered': [
              { guard: 'wasRebooted', target: '.none' },
              { guard: 'isAdoptedLater', target: '.adoption' },
            ],
            // its result came while something else was under way
            'steps.applied': [
              { guard: 'isAdoptInVain', target: '.adoption' },
              { guard: 'isMendInVain', target: '.due' },
              { guard: 'isLower', target: '.none' },
            ],
            'steps.failed': [
              { guard: 'isAdoptInVain', target: '.adoption' },
              { guard: 'isMendInVain', target: '.due' },
            ],
          },
          states: {
            none: {
              description: 'No reason to verify the device, or it is being verified.',
              on: {
                'drift.suspected': { guard: 'isBusy', target: 'due' },
                'device.suspected': { target: 'due' },
              },
            },
            due: {
              description: 'A loss was noticed while it was being changed or verified: it is verified after that.',
              on: { 'verification.begun': { target: 'none' } },
            },
            adoption: {
              description: 'The daemon was restarted while it was being changed: it is adopted after that.',
              on: { 'verification.begun': { target: 'none' } },
            },
          },
        },
      },
    },
    removed: { type: 'final', description: 'Forgotten. Its bridge and its subnets are free.' },
  },
});

export type NetworkValue = StateFrom<typeof networkMachine>['value'];
