import type { Element } from '../firewall/nft.ts';
import { holdAddresses, type PublishedPort } from '../port.ts';
import type { HeldPorts, Plan, Step } from '../steps/step.ts';

/** The ruleset, with the host's own elements in it; and without those that another daemon was told to have. */
export function basePlan(elements: Element[] = [], unwanted: Element[] = []): Plan {
  const without: Step[] = unwanted.length > 0 ? [{ verb: 'nft.delete', elements: unwanted }] : [];
  return { name: 'base', kind: 'extend', steps: [...rulesetSteps(elements), ...without] };
}

/** Changes nothing where the whole ruleset is there. */
export function mendBasePlan(elements: Element[] = []): Plan {
  return { name: 'mend base', kind: 'mend', steps: rulesetSteps(elements) };
}

const rulesetSteps = (elements: Element[]): Step[] => [
  { verb: 'nft.load' },
  ...(elements.length > 0 ? [{ verb: 'nft.add', elements } as const] : []),
];

export function forwardingSurveyPlan(name: string): Plan {
  return { name, kind: 'build', steps: [{ verb: 'forwarding.survey' }] };
}

export function surveyPlan(name: string): Plan {
  return { name, kind: 'build', steps: [{ verb: 'host.survey' }] };
}

/** Removes what has no owner; what is gone already is no failure. */
export function sweepPlan(name: string, steps: Step[]): Plan {
  return { name, kind: 'dismantle', steps };
}

/** Holds every port of a claim; the outputs name the ports that were picked, in order. */
export function holdPlan(
  name: string,
  owner: string,
  ports: readonly PublishedPort[],
  kind: 'build' | 'mend' = 'build',
): Plan {
  const steps = ports.map((port): Step => ({ verb: 'port.hold', owner, ...heldPorts(port) }));
  return { name, kind, steps };
}

/** Without ports: all that the owner holds. */
export function letGoPlan(name: string, owner: string, ports: readonly PublishedPort[] | null = null): Plan {
  const some = ports ? { ports: ports.map(heldPorts) } : {};
  return { name, kind: 'dismantle', steps: [{ verb: 'port.release', owner, ...some }] };
}

function heldPorts(port: PublishedPort): HeldPorts {
  return { protocol: port.protocol, addresses: holdAddresses(port), port: port.hostPort, range: port.range };
}
