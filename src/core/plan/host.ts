import { type ActorAddress, containerAddress, hostAddress } from '../actor-address.ts';
import type { CommandId } from '../actor-event.ts';
import type { Element } from '../firewall/nft.ts';
import { holdAddresses, type PublishedPort } from '../port.ts';
import type { HeldPorts } from '../steps/port.ts';
import type { Step } from '../steps/step.ts';
import type { Plan } from './plan.ts';
import type { HostPurpose } from './purpose.ts';

/** Loads the ruleset with the host's own elements, and removes those that a daemon with another setting left. */
export function basePlan(elements: Element[] = [], unwanted: Element[] = []): Plan<HostPurpose> {
  const without: Step[] = unwanted.length > 0 ? [{ verb: 'nft.delete', elements: unwanted }] : [];
  return { purpose: { kind: 'base' }, kind: 'extend', steps: [...rulesetSteps(elements), ...without] };
}

/** Restores the ruleset; changes nothing if it is complete. */
export function mendBasePlan(elements: Element[] = []): Plan<HostPurpose> {
  return { purpose: { kind: 'mend' }, kind: 'mend', steps: rulesetSteps(elements) };
}

const rulesetSteps = (elements: Element[]): Step[] => [
  { verb: 'nft.load' },
  ...(elements.length > 0 ? [{ verb: 'nft.add', elements } as const] : []),
];

export function forwardingSurveyPlan(): Plan<HostPurpose> {
  const purpose = { kind: 'forwarding', work: { kind: 'look' } } as const;
  return { purpose, kind: 'build', steps: [{ verb: 'forwarding.survey' }] };
}

export function surveyPlan(): Plan<HostPurpose> {
  return { purpose: { kind: 'survey' }, kind: 'build', steps: [{ verb: 'host.survey' }] };
}

/** Removes objects without an owner; one that is missing already is no failure. */
export function sweepPlan(command: CommandId, steps: Step[]): Plan<HostPurpose> {
  return { purpose: { kind: 'sweep', command }, kind: 'dismantle', steps };
}

/** Holds every port of a claim; the outputs name the ports that were picked, in order. */
export function holdPlan(container: string, attempt: number, ports: readonly PublishedPort[]): Plan<HostPurpose> {
  return { purpose: { kind: 'hold', container, attempt }, kind: 'build', steps: holdSteps(container, ports) };
}

/** Holds a container's published ports again; a port that another program has taken meanwhile does not cost the others. */
export function holdAgainPlan(container: string, ports: readonly PublishedPort[]): Plan<HostPurpose> {
  return { purpose: { kind: 'hold-again', container }, kind: 'mend', steps: holdSteps(container, ports) };
}

const holdSteps = (container: string, ports: readonly PublishedPort[]): Step[] =>
  ports.map((port) => ({ verb: 'port.hold', owner: containerAddress(container), ...heldPorts(port) }));

/** Releases ports. null: all that the container holds. */
export function letGoPlan(container: string, ports: readonly PublishedPort[] | null = null): Plan<HostPurpose> {
  const some = ports ? { ports: ports.map(heldPorts) } : {};
  const step: Step = { verb: 'port.release', owner: containerAddress(container), ...some };
  return { purpose: { kind: 'release', container }, kind: 'dismantle', steps: [step] };
}

/** Time that a claim waits for what others are about to release. */
const leavingWithinMs = 2_000;

/** Sets the deadline of a waiting claim. `at`: the moment, if an earlier run of the daemon has set it. */
export function awaitPlan(claimant: ActorAddress, at: number | null): Plan<HostPurpose> {
  const step = { owner: hostAddress, deadline: 'leaving', withinMs: leavingWithinMs, at, claimant } as const;
  return { purpose: { kind: 'wait', claimant }, kind: 'build', steps: [{ verb: 'deadline.set', ...step }] };
}

function heldPorts(port: PublishedPort): HeldPorts {
  return { protocol: port.protocol, addresses: holdAddresses(port), port: port.hostPort, range: port.range };
}
