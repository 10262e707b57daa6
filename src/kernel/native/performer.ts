import type { Step, StepOutput, Verb } from '../../core/steps/step.ts';
import type { StepFailure } from '../kernel.ts';
import type { RouteStep } from '../links/route-steps.ts';
import type { NamespaceSockets } from '../netns/netns-steps.ts';

/** A plan that is being carried out, as far as it got. */
export interface Run {
  outputs: StepOutput[];
  done: number[];
  changed: number[];
  failure: StepFailure | null;
  /** something that the plan is about was there already: links are looked at before they are set */
  found: boolean;
  sockets: NamespaceSockets;
}

/** What performing a step led to. */
export interface Outcome {
  output: StepOutput;
  /** something was added that was not there */
  changed: boolean;
}

/** Performs the step of that index; throws a SystemFault. */
export type Performer<V extends Verb> = (step: Step<V>, run: Run, index: number) => Outcome | Promise<Outcome>;

/** The table of a noun. */
export type Performers<V extends Verb> = { readonly [P in V]: Performer<P> };

/** What is not sent in a batch. */
export type SingleVerb = Exclude<Verb, RouteStep['verb']>;

const nothingNew: Outcome = { output: {}, changed: false };

/** The step took effect, or found its work done; what was there before is not known. */
export const unchanged = (output?: StepOutput): Outcome => (output ? { output, changed: false } : nothingNew);

export const changedIf = (changed: boolean): Outcome => (changed ? { output: {}, changed } : nothingNew);

/** For a step that only acts. */
export const acts =
  <S>(act: (step: S) => void) =>
  (step: S): Outcome => {
    act(step);
    return nothingNew;
  };
