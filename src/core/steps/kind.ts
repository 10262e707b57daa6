import type { FaultCode } from '../fault.ts';
import type { Protocol } from '../port.ts';
import type { Step, Verb } from './step.ts';

/** All that is known of a verb beside the fields of its steps. */
export interface StepKind<V extends Verb> {
  /** the step that takes it back, from its own data alone; null: there is nothing to take back */
  inverse: ((step: Step<V>) => Step) | null;
  /** text after the verb in a line for users; `''`: no text */
  describe: (step: Step<V>) => string;
  /** by errno: what a failure means to the caller. Other failures are `kernel.refused`, in the kernel's own words */
  faults?: Readonly<Record<string, StepFaultKind<V>>>;
  /** only netloom has such objects, so a build that extends takes it back even if it was there before */
  isPrivate?: true;
  /** its failure ends every plan: what later steps would find is not netloom's */
  endsPlan?: true;
  /** name of the link of this host that it makes, or for which it keeps the name: after EEXIST, a foreign link has it */
  linkMade?: (step: Step<V>) => string;
  /** name of the link of this host that it uses, and that an earlier step of its plan may make; null: it uses none */
  linkUsed?: (step: Step<V>) => string | null;
  /** protocol of the host port that a failure is about */
  protocol?: (step: Step<V>) => Protocol;
  /** concerns a network as a whole: its members have nothing of it */
  isOfWholeNetwork?: true;
}

export interface StepFaultKind<V extends Verb> {
  /** default: `kernel.refused` */
  code?: FaultCode;
  /** one sentence; null, or absent: the kernel's own words. `detail`: what was found */
  words?: (step: Step<V>, detail: string | null) => string | null;
}

/** The table of a noun: its verbs, and no other. */
export type StepKinds<V extends Verb> = { readonly [P in V]: StepKind<P> };

/** Returns what was found, which is the best message. */
export const inDetail = (_: unknown, detail: string | null): string | null => detail;

export const within = (netns: string | null): string => (netns === null ? '' : ` in ${netns}`);
