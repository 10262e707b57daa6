import { networkSetup } from './actions.ts';
import { firstContext } from './context.ts';

export type { NetworkContext, NetworkInput } from './context.ts';

const refuseMeanwhile = {
  'network.create': { actions: 'refuseExists' },
  'network.remove': { actions: 'refuseBusy' },
  'network.prune': { actions: 'answerUnpruned' },
  'network.update': { actions: 'refuseBusy' },
} as const;

/** Waits for members that are leaving; with force, asks the others to leave. */
const removal = {
  'network.remove': [
    { guard: 'isBeingLeftOrForced', target: 'emptying', actions: 'keepRemoval' },
    { actions: 'refuseInUse' },
  ],
  'network.prune': [
    { guard: 'isBeingLeft', target: 'emptying', actions: 'keepRemoval' },
    { actions: 'answerUnpruned' },
  ],
} as const;
/**
 * Its file is gone: so is the network, unless a live container uses it. Asks members: until one confirms, and the file is restored,
 * the network goes with its last member, like a network that is known by its members only.
 */
const lossOfDefinition = [
  { guard: 'isBeingLeft', target: 'emptying', actions: 'keepLoss' },
  { actions: 'askMembers' },
] as const;

/** The last member leaves a network that only its members know, or whose file now defines another one (`successor`). */
const release = [
  { guard: 'isLastOfTransient', target: 'lowering', actions: ['release', 'keepLoss'] },
  { guard: 'isLastOfReplaced', target: 'lowering', actions: ['release', 'keepLoss'] },
  { actions: 'release' },
] as const;

const releaseOfUp = [
  release[0],
  release[1],
  { guard: 'hasHeld', actions: ['release', 'grantWaiting'] },
  release[2],
] as const;

/** No container uses it, and the request is for another network of that name: the engine has made it again. */
const replacement = { guard: 'isReplaced', target: 'lowering', actions: ['wait', 'keepLoss'] } as const;

/** Neither kernel objects nor members are left; a network that only its members knew is forgotten. */
const reboot = [
  { guard: 'wasRebootedTransient', target: 'lowering', actions: ['forgetLeases', 'forgetDevice', 'keepLoss'] },
  { guard: 'wasRebooted', target: 'defined', actions: ['forgetLeases', 'forgetDevice'] },
] as const;

/** News about its file while it is being changed takes effect at the end of the change. */
const newsMeanwhile = {
  'definition.found': { actions: ['keepFile', 'keepNews'] },
  'definition.lost': { actions: 'keepNews' },
  'membership.confirmed': { guard: 'isTransient', actions: 'keepLossAsNews' },
} as const;

const confirmation = { guard: 'isTransient', actions: ['write', 'keepFile'] } as const;

const news = [
  { guard: 'newsReplace', target: 'lowering', actions: ['keepSuccessor', 'keepLoss'] },
  { guard: 'newsSaysOther', target: 'updating', actions: ['keepUpdate', 'noteSuccessor', 'forgetNews'] },
  { guard: 'isLossOfLeft', target: 'emptying', actions: ['keepLoss', 'forgetNews'] },
  { guard: 'isLoss', actions: ['askMembers', 'forgetNews'] },
  { guard: 'hasNews', actions: ['noteSuccessor', 'forgetNews'] },
] as const;

const update = [
  { guard: 'cannotBeUpdated', actions: 'refuseUnfit' },
  { target: 'updating', actions: 'keepUpdate' },
] as const;

const definitionFound = [
  { guard: 'isTransient', actions: ['keepFile', 'noteSuccessor'] },
  // removed and made again so soon that only the new file was seen
  { guard: 'isAnotherNetwork', target: 'lowering', actions: ['keepSuccessor', 'keepLoss'] },
  { guard: 'saysOther', target: 'updating', actions: ['keepUpdate', 'noteSuccessor'] },
  { actions: 'noteSuccessor' },
] as const;

/** Events while the device exists and works. */
const whileUp = {
  'network.create': { actions: 'refuseExists' },
  'network.update': update,
  ...removal,
  'definition.found': definitionFound,
  'definition.lost': lossOfDefinition,
  'membership.confirmed': confirmation,
  'lease.request': [
    replacement,
    // another program may have given it an address, or another MTU
    { guard: 'sharesLink', actions: ['wait', 'look'] },
    { actions: ['wait', 'grantWaiting'] },
  ],
  'lease.release': releaseOfUp,
  'drift.suspected': { actions: 'mend' },
  'actor.recovered': [...reboot, { actions: ['keepAdopting', 'claimForwarding', 'mend', 'waitOn'] }],
  'steps.applied': [
    { guard: 'isMend', actions: ['announceMended', 'keepDevice', 'adopted'] },
    { guard: 'isLook', actions: ['keepDevice', 'grantWaiting'] },
    { guard: 'isDefine', actions: 'announceWritten' },
  ],
  'steps.failed': [
    { guard: 'isMend', target: 'degraded', actions: ['keepFault', 'announceDegraded', 'adopted', 'refuseWaiting'] },
    { guard: 'isLook', target: 'degraded', actions: ['keepFault', 'announceDegraded', 'refuseWaiting'] },
    { guard: 'isDefine', actions: 'announceFailed' },
  ],
} as const;

/** It is not removed: it keeps its place, and waiting containers join. */
const staying = ['endRemoval', 'claimForwarding', 'grantWaiting'] as const;

/** Members have not left in time: it stays. A network that has lost its file asks them whether they live. */
const waitOver = [
  { guard: 'isLossOver', target: 'up', actions: ['askMembers', ...staying] },
  { guard: 'isWaitOver', target: 'up', actions: ['refuseRemoval', ...staying] },
] as const;

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
  },
  states: {
    absent: {
      description: 'Not created yet.',
      on: {
        'network.create': { target: 'claiming', actions: ['keepWish', 'claimSubnets'] },
        'network.update': { actions: 'refuseUnknown' },
        'network.remove': { actions: 'refuseUnknown' },
        'definition.found': { target: 'defined', actions: ['note', 'announceFound'] },
        'lease.request': [
          { guard: 'bringsDefinition', target: 'routing', actions: ['note', 'announceFound', 'wait'] },
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
        'steps.applied': { guard: 'isDefine', target: 'defined', actions: ['announceCreated', 'answered'] },
        // the plan went with the host
        'actor.recovered': { guard: 'wasRebooted', target: 'defining', reenter: true },
        'steps.failed': {
          guard: 'isDefine',
          target: 'absent',
          actions: ['refuseDefinition', 'refuseWaiting', 'forgetWish'],
        },
      },
    },
    defined: {
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
        'membership.confirmed': confirmation,
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
        'drift.suspected': { actions: 'suspect' },
        'steps.applied': [
          {
            guard: 'isUpdateOfDevice',
            target: 'up',
            actions: ['announceUpdated', 'tellGuard', 'keepUpdated', 'answered', 'grantWaiting'],
          },
          {
            guard: 'isUpdate',
            target: 'defined',
            actions: ['announceUpdated', 'tellGuard', 'keepUpdated', 'answered'],
          },
        ],
        'steps.failed': [
          { guard: 'isUpdateOfFirewall', target: 'up', actions: ['announceFailed', 'dropUpdate', 'refuseWaiting'] },
          {
            guard: 'isUpdateOfDevice',
            target: 'up',
            actions: ['announceFailed', 'replyUpdateFailed', 'dropUpdate', 'answered', 'grantWaiting'],
          },
          {
            guard: 'isUpdate',
            target: 'defined',
            actions: ['announceFailed', 'replyUpdateFailed', 'dropUpdate', 'answered'],
          },
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
            target: 'defined',
            actions: ['forgetLeases', 'forgetDevice', 'refuseUpdate', 'dropUpdate', 'answered'],
          },
          { actions: ['keepAdopting', 'suspect', 'waitOn'] },
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
        'drift.suspected': { actions: 'suspect' },
        'forwarding.granted': { target: 'raising' },
        'forwarding.refused': [
          { guard: 'isTransient', target: 'lowering', actions: ['announceFailed', 'refuseWaiting', 'keepLoss'] },
          { target: 'defined', actions: ['announceFailed', 'refuseWaiting'] },
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
        'drift.suspected': { actions: 'suspect' },
        'steps.applied': { guard: 'isRaise', target: 'up', actions: ['keepDevice', 'announceUp', 'grantWaiting'] },
        'steps.failed': [
          { guard: 'isRaiseOfTransient', target: 'lowering', actions: ['announceFailed', 'refuseWaiting', 'keepLoss'] },
          { guard: 'isRaise', target: 'defined', actions: ['announceFailed', 'refuseWaiting', 'releaseForwarding'] },
        ],
        'actor.recovered': reboot,
      },
    },
    up: {
      description: 'The device is up.',
      always: [
        { guard: 'isDegraded', target: 'degraded', actions: 'mend' },
        ...news,
        { guard: 'isForsaken', target: 'lowering', actions: 'keepLoss' },
        { guard: 'isSucceeded', target: 'lowering', actions: 'keepLoss' },
        { guard: 'isReplacedByHeld', target: 'lowering', actions: 'keepLoss' },
        { guard: 'wantsOtherFirewall', target: 'updating', actions: 'keepFirewall' },
        { guard: 'isOpenInVain', target: 'closing' },
        { guard: 'isSuspected', actions: ['forgetSuspicion', 'mend'] },
      ],
      on: whileUp,
    },
    closing: {
      description:
        'No port is published on loopback any more, so the bridge stops routing loopback addresses. New members wait for that.',
      entry: 'close',
      on: {
        ...whileUp,
        'lease.request': [replacement, { actions: 'wait' }],
        'lease.release': release,
        'drift.suspected': { actions: 'suspect' },
        'actor.recovered': [...reboot, { actions: ['keepAdopting', 'claimForwarding', 'suspect', 'waitOn'] }],
        'steps.applied': [
          { guard: 'isClose', target: 'up', actions: ['keepClosed', 'suspectPublishers', 'grantWaiting'] },
          ...whileUp['steps.applied'],
        ],
        // the bridge is gone, which the kernel reports
        'steps.failed': [
          { guard: 'isClose', target: 'up', actions: ['announceFailed', 'keepClosed', 'suspect', 'grantWaiting'] },
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
          { guard: 'isTransient', actions: ['forgetNews', 'keepFile', 'noteSuccessor'] },
          { guard: 'isAnotherNetwork', target: 'lowering', actions: ['forgetNews', 'keepSuccessor', 'keepLoss'] },
          { actions: ['forgetNews', 'noteSuccessor'] },
        ],
        'definition.lost': lossOfDefinition,
        'membership.confirmed': confirmation,
        'lease.request': [replacement, { actions: ['wait', 'mend'] }],
        'lease.release': release,
        'drift.suspected': { actions: 'mend' },
        'actor.recovered': [...reboot, { actions: ['keepAdopting', 'claimForwarding', 'mend', 'waitOn'] }],
        'steps.applied': [
          { guard: 'isMend', target: 'up', actions: ['announceMended', 'keepDevice', 'adopted', 'grantWaiting'] },
          { guard: 'isDefine', actions: 'announceWritten' },
        ],
        'steps.failed': [
          { guard: 'isMend', actions: ['keepFault', 'adopted', 'refuseWaiting'] },
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
        { guard: 'isRefusedByAll', target: 'up', actions: ['refuseRemoval', ...staying] },
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
        'definition.found': [
          { guard: 'isFileBack', target: 'up', actions: staying },
          { guard: 'isLost', actions: 'keepSuccessor' },
          { actions: ['keepFile', 'keepNews'] },
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
          { actions: ['keepAdopting', 'claimForwarding', 'mend', 'waitOn'] },
        ],
        'steps.applied': [
          { guard: 'isWait', actions: ['keepWait', 'askToLeave'] },
          { guard: 'isMend', actions: ['announceMended', 'keepDevice', 'adopted'] },
          { guard: 'isLook', actions: 'keepDevice' },
          { guard: 'isClose', actions: 'keepClosed' },
          { guard: 'isDefine', actions: 'announceWritten' },
        ],
        'steps.failed': [
          ...waitOver,
          { guard: 'isMend', actions: ['keepFault', 'announceDegraded', 'adopted'] },
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
        'lease.request': [
          { guard: 'bringsDefinition', actions: 'wait' },
          { guard: 'isOfDefault', actions: 'wait' },
          { actions: 'refuseLease' },
        ],
        'steps.applied': [
          {
            guard: 'isLowerOfDefault',
            target: 'claiming',
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
            guard: 'hasSuccessor',
            target: 'defined',
            actions: ['announceRemoved', 'answered', 'forgetDevice', 'releaseForwarding', 'note', 'announceFound'],
          },
          {
            guard: 'isLower',
            target: 'removed',
            actions: ['releaseSubnets', 'releaseForwarding', 'announceRemoved', 'refuseRest'],
          },
        ],
        'steps.failed': {
          guard: 'isLower',
          target: 'defined',
          actions: ['announceFailed', 'replyFailed', 'failedToGo', 'forgetDevice', 'releaseForwarding'],
        },
        'actor.recovered': {
          // the plan went with the host, but not the file
          guard: 'wasRebooted',
          target: 'lowering',
          reenter: true,
        },
      },
    },
    removed: { type: 'final', description: 'Forgotten. Its bridge and its subnets are free.' },
  },
});
