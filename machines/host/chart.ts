import { hostSetup } from './actions.ts';
import { firstContext } from './context.ts';

export type { HostContext } from './context.ts';

export const hostMachine = hostSetup.createMachine({
  id: 'host',
  description:
    'This host. Loads the base ruleset before it serves, and grants what must be unique on the host: ports, subnets, bridge names.',
  context: firstContext,
  initial: 'absent',
  // every state answers claims: a claim in the inbox at a restart must not be lost
  on: {
    'ports.claim': { actions: 'claimPorts' },
    'ports.leaving': { actions: 'notePortsLeaving' },
    'ports.release': { actions: 'releasePorts' },
    'deadline.passed': [
      { guard: 'isPortsDeadline', actions: 'refuseWaitingPorts' },
      { guard: 'isPlaceDeadline', actions: 'refuseDeferred' },
    ],
    'subnet.claim': { actions: 'survey' },
    'subnet.release': { actions: 'releaseSubnets' },
    'subnet.note': { actions: 'noteSubnets' },
    'forwarding.claim': { actions: 'claimForwarding' },
    'forwarding.leave': { actions: 'noteLeaving' },
    'forwarding.release': { actions: 'releaseForwarding' },
    'place.kept': { actions: 'refuseForKept' },
    'links.seen': { actions: 'lookAtLinks' },
    'ruleset.loaded': { actions: ['suspectOwners', 'mendGuards'] },
    'steps.applied': [
      { guard: 'isHoldOfThisAttempt', actions: 'grantPorts' },
      { guard: 'isWaitForPorts', actions: 'keepUntil' },
      { guard: 'isWaitForPlace', actions: 'keepPlaceDeadline' },
      { guard: 'isSurvey', actions: 'grantSubnets' },
      { guard: 'isForwarding', actions: 'takeForwarding' },
      { guard: 'isSweep', actions: 'takeSwept' },
      // also after a restart of the daemon: the elements may be gone
      { guard: 'isMend', actions: 'announceMended' },
    ],
    'steps.failed': [
      { guard: 'isHoldOfThisAttempt', actions: 'refuseHeld' },
      { guard: 'isHoldAgain', actions: 'announcePortLost' },
      { guard: 'isWaitForPorts', actions: 'refuseWaitingPorts' },
      { guard: 'isWaitForPlace', actions: 'refuseDeferred' },
      { guard: 'isRelease', actions: 'announcePortStuck' },
      { guard: 'isSurvey', actions: 'refuseSurvey' },
      { guard: 'isForwarding', actions: 'takeForwarding' },
      { guard: 'isSweep', actions: 'takeSwept' },
    ],
    'actor.recovered': { guard: 'wasRebooted', actions: ['surveyAgain', 'replySweptByReboot', 'forgetForwarding'] },
    'node.gc': { actions: 'sweep' },
    'networks.prune': { actions: 'pruneNetworks' },
    'network.pruned': { actions: 'takePruned' },
    'container.abandoned': { actions: 'takeAbandoned' },
    'uplink.changed': { actions: 'announceUplink' },
    'definitions.read': { actions: ['announceDamaged', 'keepDamaged'] },
    'journal.rebuilt': { actions: 'announceRebuilt' },
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
        // the previous daemon stopped here, and its ports are no longer bound
        'host.start': { target: 'starting', reenter: true, actions: ['keepSettings', 'holdAgain', 'deferAgain'] },
      },
    },
    serving: {
      description: 'The ruleset is loaded. Grants ports and subnets.',
      on: {
        // the daemon was started again: the ruleset may be gone, and no port is bound
        'host.start': { target: 'starting', actions: ['keepSettings', 'holdAgain', 'deferAgain'] },
        'drift.suspected': { actions: ['mend', 'lookForForwarding'] },
        'steps.failed': { guard: 'isMend', target: 'degraded', actions: ['keepFault', 'announceDegraded'] },
      },
    },
    degraded: {
      description:
        'The ruleset was damaged and could not be loaded again. The next notice of the kernel starts another try.',
      on: {
        'host.start': { target: 'starting', actions: ['keepSettings', 'holdAgain', 'deferAgain'] },
        'drift.suspected': { actions: ['mend', 'lookForForwarding'] },
        'steps.applied': { guard: 'isMend', target: 'serving', actions: 'announceMended' },
        'steps.failed': { guard: 'isMend', actions: 'keepFault' },
      },
    },
    failed: {
      description:
        'The base ruleset could not be loaded: ports cannot be published, and traffic cannot be masqueraded.',
      on: { 'host.start': { target: 'starting', actions: ['keepSettings', 'holdAgain', 'deferAgain'] } },
    },
  },
});
