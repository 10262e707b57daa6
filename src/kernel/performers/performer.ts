import type { Step, StepOutput, Verb } from '../../core/steps/step.ts';
import type { StepFailure } from '../kernel.ts';
import type { NamespaceSockets } from '../netns/netns-steps.ts';
import type { RtnetlinkStep } from '../rtnetlink/requests.ts';

/** Progress of a plan that is being carried out. */
export interface Run {
  outputs: StepOutput[];
  done: number[];
  changed: number[];
  failure: StepFailure | null;
  /** the plan found something there already: links are checked before they are set */
  found: boolean;
  sockets: NamespaceSockets;
}

/** Outcome of a step. */
export interface Outcome {
  output: StepOutput;
  /** something missing was added */
  changed: boolean;
}

/** Performs the step at that index; throws a SystemFault. */
export type Performer<V extends Verb> = (step: Step<V>, run: Run, index: number) => Outcome | Promise<Outcome>;

/** The table of a noun. */
export type Performers<V extends Verb> = { readonly [P in V]: Performer<P> };

/** Verbs that are not sent in a batch. */
export type SingleVerb = Exclude<Verb, RtnetlinkStep['verb']>;

const nothingNew: Outcome = { output: {}, changed: false };

/** Outcome of a step that took effect or found its work done; the previous state is not known. */
export const unchanged = (output?: StepOutput): Outcome => (output ? { output, changed: false } : nothingNew);

export const changedIf = (changed: boolean): Outcome => (changed ? { output: {}, changed } : nothingNew);

/** Performer of a step that only acts. */
export const acts =
  <S>(act: (step: S) => void) =>
  (step: S): Outcome => {
    act(step);
    return nothingNew;
  };
