import { NetloomError } from '../core/fault.ts';
import type { FoundLink } from '../core/steps/link.ts';
import type { Step } from '../core/steps/step.ts';
import { stepFault } from './executor.ts';
import type { Kernel } from './kernel.ts';
import { systemFaultOf } from './system-fault.ts';

type LinkFind = Extract<Step, { verb: 'link.find' }>;

/** Returns what the step would find, for a preview. Throws the fault that the step would have. */
export function foundLink(kernel: Pick<Kernel, 'findLink'>, step: LinkFind): FoundLink {
  try {
    return kernel.findLink(step.name, step.mtuOf ?? null);
  } catch (error) {
    throw new NetloomError(stepFault(step, { index: 0, ...systemFaultOf(error, step.verb) }));
  }
}
