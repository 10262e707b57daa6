import { isHostEnd } from '../../core/object-names.ts';
import type { Step } from '../../core/steps/step.ts';
import { isRtnetlinkVerb, type RtnetlinkStep } from './requests.ts';

export const isRtnetlinkStep = (step: Step): step is RtnetlinkStep => isRtnetlinkVerb(step.verb);

/** Returns the namespace in which a step is made: for a link on a parent, the parent's. */
export function namespaceOf(step: RtnetlinkStep): string | null {
  if (step.verb === 'link.macvlan' || step.verb === 'link.ipvlan') return null;
  return 'netns' in step ? step.netns : null;
}

/**
 * Checks whether the next steps wait for this one's result, because another link may have its name (no other program uses netloom's
 * own names), or whether it depends on what former steps removed.
 */
const goesAlone = (step: RtnetlinkStep): boolean =>
  step.verb === 'link.bridge' ||
  (step.verb === 'link.veth' && !isHostEnd({ name: step.name, group: 0 })) ||
  (step.verb === 'link.delete' && step.bridge !== undefined);

export function batchFrom(steps: readonly Step[], start: number): RtnetlinkStep[] {
  const first = steps[start];
  if (!first || !isRtnetlinkStep(first)) return [];
  const group = [first];
  for (let index = start + 1; !goesAlone(first); index++) {
    const step = steps[index];
    if (!step || !isRtnetlinkStep(step) || goesAlone(step) || namespaceOf(step) !== namespaceOf(first)) break;
    group.push(step);
  }
  return group;
}

/** Lists the verbs: `link.veth, link.set ×2`. */
export function verbsOf(steps: readonly Step[]): string {
  const counts = new Map<string, number>();
  for (const { verb } of steps) counts.set(verb, (counts.get(verb) ?? 0) + 1);
  return [...counts].map(([verb, count]) => (count === 1 ? verb : `${verb} ×${count}`)).join(', ');
}
