import { fault, NetloomError } from '../core/fault.ts';
import type { FoundLink, Step } from '../core/plan/step.ts';
import type { Kernel } from './kernel.ts';
import { failureOf } from './system-fault.ts';

export type WantedLink = Omit<Extract<Step, { verb: 'link.find' }>, 'verb'>;

/** What the step `link.find` finds, for a preview. Throws link.unknown, as the step does. */
export function foundLink(kernel: Pick<Kernel, 'findLink'>, { name, mtuOf }: WantedLink): FoundLink {
  try {
    return kernel.findLink(name, mtuOf ?? null);
  } catch (error) {
    const { errno, detail } = failureOf(error, 'find link');
    throw errno === 'ENODEV'
      ? new NetloomError(fault('link.unknown', `link.find ${name ?? 'uplink'}: ${detail}`))
      : error;
  }
}
