/** Transitions that several states of a network share. */

export const refuseMeanwhile = {
  'network.create': { actions: 'refuseExists' },
  'network.remove': { actions: 'refuseBusy' },
  'network.prune': { actions: 'answerUnpruned' },
  'network.update': { actions: 'refuseBusy' },
} as const;

/** Waits for members that are leaving; with force, asks the others to leave. */
export const removal = {
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
export const lossOfDefinition = [
  { guard: 'isBeingLeft', target: 'emptying', actions: 'keepLoss' },
  { actions: ['askMembers', 'loseFile'] },
] as const;

/** The last member leaves a network that only its members know, or whose file now defines another one (`successor`). */
export const release = [
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
export const replacement = { guard: 'isReplaced', target: 'lowering', actions: ['wait', 'keepLoss'] } as const;

/** Neither kernel objects nor members are left; a network that only its members knew is forgotten. */
export const reboot = [
  { guard: 'wasRebootedTransient', target: 'lowering', actions: ['forgetLeases', 'forgetDevice', 'keepLoss'] },
  { guard: 'wasRebooted', target: 'down', actions: ['forgetLeases', 'forgetDevice'] },
] as const;

/** News about its file while it is being changed takes effect at the end of the change. */
export const newsMeanwhile = {
  'definition.found': { actions: 'keepNews' },
  'definition.lost': { actions: 'keepNews' },
  'membership.confirmed': { guard: 'isTransient', actions: 'keepLossAsNews' },
} as const;

/** The last news about its file, heard while it was being raised or changed. */
export const news = [
  { guard: 'newsReplace', target: 'lowering', actions: ['keepSuccessor', 'keepLoss'] },
  { guard: 'newsSaysOther', target: 'updating', actions: ['keepUpdate', 'noteSuccessor', 'forgetNews'] },
  { guard: 'isLossOfLeft', target: 'emptying', actions: ['keepLoss', 'forgetNews'] },
  { guard: 'isLoss', actions: ['askMembers', 'loseFile', 'forgetNews'] },
  { guard: 'hasNews', actions: ['noteSuccessor', 'forgetNews'] },
] as const;

export const update = [
  { guard: 'cannotBeUpdated', actions: 'refuseUnfit' },
  { target: 'updating', actions: 'keepUpdate' },
] as const;

export const definitionFound = [
  { guard: 'isTransient', actions: 'noteSuccessor' },
  // removed and made again so soon that only the new file was seen
  { guard: 'isAnotherNetwork', target: 'lowering', actions: ['keepSuccessor', 'keepLoss'] },
  { guard: 'saysOther', target: 'updating', actions: ['keepUpdate', 'noteSuccessor'] },
  { actions: 'noteSuccessor' },
] as const;

/** Events while the device exists and works. */
export const whileUp = {
  'network.create': { actions: 'refuseExists' },
  'network.update': update,
  ...removal,
  'definition.found': definitionFound,
  'definition.lost': lossOfDefinition,
  'lease.request': [
    replacement,
    // another program may have given it an address, or another MTU
    { guard: 'sharesLink', actions: ['wait', 'look'] },
    { actions: ['wait', 'grantWaiting'] },
  ],
  'lease.release': releaseOfUp,
  'drift.suspected': { target: 'verifying', actions: 'mend' },
  'forwarding.refused': { target: 'degraded', actions: ['keepFault', 'announceUnrouted', 'refuseWaiting'] },
  'actor.recovered': [...reboot, { target: 'verifying', actions: ['claimForwarding', 'adopt', 'waitOn'] }],
  'steps.applied': [
    { guard: 'isMend', actions: ['announceMended', 'keepDevice'] },
    { guard: 'isLook', actions: ['keepDevice', 'grantWaiting'] },
    { guard: 'isDefine', actions: 'announceWritten' },
  ],
  'steps.failed': [
    // something has changed since this attempt began
    {
      guard: 'isMendAndDue',
      target: 'degraded',
      actions: ['keepFault', 'announceDegraded', 'refuseWaiting', 'mend', 'beginVerification'],
    },
    { guard: 'isMend', target: 'degraded', actions: ['keepFault', 'announceDegraded', 'refuseWaiting'] },
    { guard: 'isLook', target: 'degraded', actions: ['keepFault', 'announceDegraded', 'refuseWaiting'] },
    { guard: 'isDefine', actions: 'announceFailed' },
  ],
} as const;

/** It is not removed: it keeps its place, and waiting containers join. */
export const staying = ['endRemoval', 'claimForwarding', 'grantWaiting'] as const;

/** Members have not left in time: it stays. A network that has lost its file asks them whether they live. */
export const waitOver = [
  { guard: 'isLossOver', target: 'settled', actions: ['askMembers', 'loseFile', ...staying] },
  { guard: 'isWaitOver', target: 'settled', actions: ['refuseRemoval', ...staying] },
] as const;

/** Reasons to change or remove a network whose device is up. */
export const whileUnchanged = [
  { guard: 'isDegraded', target: 'degraded', actions: 'mend' },
  ...news,
  { guard: 'isForsaken', target: 'lowering', actions: 'keepLoss' },
  { guard: 'isSucceeded', target: 'lowering', actions: 'keepLoss' },
  { guard: 'isReplacedByHeld', target: 'lowering', actions: 'keepLoss' },
  { guard: 'wantsOtherFirewall', target: 'updating', actions: 'keepFirewall' },
  { guard: 'isOpenInVain', target: 'closing' },
] as const;

/** The network that follows is another one. */
export const replaced = [
  'announceRemoved',
  'answered',
  'forgetDevice',
  'releaseForwarding',
  'note',
  'announceFound',
] as const;
