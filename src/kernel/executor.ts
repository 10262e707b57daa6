import { type Fault, fault, type LeftBehind } from '../core/fault.ts';
import type { Plan } from '../core/plan/plan.ts';
import { netnsGoneText } from '../core/steps/netns.ts';
import {
  describeStep,
  endsPlan,
  faultKindOf,
  inverse,
  isPrivate,
  linkMade,
  linkUsed,
  protocolOf,
  type Step,
  type StepOutput,
} from '../core/steps/step.ts';
import type { Kernel, StepFailure } from './kernel.ts';

export type PlanResult = ({ ok: true } | { ok: false; fault: Fault }) & {
  outputs: StepOutput[];
  /** of an extending or mending plan, which checks first: the steps whose work was missing */
  changed: Step[];
};

/** Carries out a plan: a build stops at its first failure and is undone; other plans try every step. */
export function execute(kernel: Kernel, { kind, steps }: Plan): Promise<PlanResult> {
  switch (kind) {
    case 'build':
    case 'extend':
      return build(kernel, steps, kind);
    case 'mend':
      return mend(kernel, steps);
    case 'dismantle':
      return dismantle(kernel, steps);
  }
}

async function build(kernel: Kernel, steps: readonly Step[], kind: 'build' | 'extend'): Promise<PlanResult> {
  // undo only what this plan has made: an extending plan checks first what is there
  const { outputs, done, changed, failure } = await kernel.perform(steps, kind === 'extend');
  const stepAt = (index: number) => steps[index] as Step;
  const made = kind === 'build' ? done : done.filter((index) => changed.includes(index) || isPrivate(stepAt(index)));
  if (!failure) return { ok: true, outputs, changed: kind === 'build' ? [] : changed.map(stepAt) };
  const taken = await takeBack(kernel, made.map(stepAt));
  return {
    ok: false,
    outputs: [],
    changed: [],
    fault: { ...stepFault(stepAt(failure.index), failure), ...taken },
  };
}

/** Undoes steps, newest first; reports failures to undo beside the first error, never instead of it. */
async function takeBack(
  kernel: Kernel,
  done: readonly Step[],
): Promise<{ undone: string[]; leftBehind: LeftBehind[] }> {
  const undone: string[] = [];
  const leftBehind: LeftBehind[] = [];
  for (const step of done.toReversed()) {
    const undo = inverse(step);
    if (!undo) continue;
    const { failure } = await kernel.perform([undo]);
    if (failure) leftBehind.push(left(step, failure));
    else undone.push(describeStep(step));
  }
  return { undone, leftBehind };
}

async function mend(kernel: Kernel, steps: readonly Step[]): Promise<PlanResult> {
  const { outputs, changed, first } = await tryAll(kernel, steps, true);
  return first ? { ok: false, outputs, changed, fault: first } : { ok: true, outputs, changed };
}

async function dismantle(kernel: Kernel, steps: readonly Step[]): Promise<PlanResult> {
  const { outputs, first, leftBehind } = await tryAll(kernel, steps);
  return first
    ? { ok: false, outputs, changed: [], fault: { ...first, leftBehind } }
    : { ok: true, outputs, changed: [] };
}

/** Continues after every failure; returns the first one, and everything that could not be done. */
async function tryAll(
  kernel: Kernel,
  steps: readonly Step[],
  mending = false,
): Promise<{ outputs: StepOutput[]; changed: Step[]; first: Fault | null; leftBehind: LeftBehind[] }> {
  const outputs: StepOutput[] = [];
  const changed: Step[] = [];
  const leftBehind: LeftBehind[] = [];
  let first: Fault | null = null;
  for (let rest = [...steps]; rest.length > 0; ) {
    const performed = await kernel.perform(rest, mending);
    outputs.push(...performed.outputs);
    changed.push(...performed.changed.map((index) => rest[index] as Step));
    if (!performed.failure) break;
    const step = rest[performed.failure.index] as Step;
    first ??= stepFault(step, performed.failure);
    leftBehind.push(left(step, performed.failure));
    if (endsPlan(step)) break;
    const foreign = performed.failure.errno === 'EEXIST' ? linkMade(step) : null;
    rest = rest.slice(performed.failure.index + 1).filter((later) => foreign === null || linkUsed(later) !== foreign);
  }
  return { outputs, changed, first, leftBehind };
}

function left(step: Step, { errno, detail }: StepFailure): LeftBehind {
  return { step: describeStep(step), errno, detail };
}

/**
 * Checks whether a step failed because its namespace, or that of a veth's peer, could not be entered: the addon then has the path as
 * detail. EINVAL: the file at the path is not a namespace any more.
 */
function isNetnsGone(step: Step, errno: string, detail: string | null): boolean {
  if (detail === null || (errno !== 'ENOENT' && errno !== 'EINVAL')) return false;
  return ('netns' in step && step.netns === detail) || ('peer' in step && step.peer.netns === detail);
}

/** Returns the fault of a failed step, as callers get it. */
export function stepFault(step: Step, { op, errno, detail, port }: StepFailure): Fault {
  const said = detail ? `${errno} (${detail})` : errno;
  const common = { step: describeStep(step), errno, ...(detail ? { detail } : {}) };
  if (isNetnsGone(step, errno, detail)) return fault('netns.gone', netnsGoneText(detail as string), common);
  const kind = faultKindOf(step, errno);
  const words = kind?.words?.(step, detail);
  const protocol = protocolOf(step);
  return fault(kind?.code ?? 'kernel.refused', words ?? `${describeStep(step)}: ${op}: ${said}`, {
    ...common,
    ...(protocol !== null && port !== undefined && { port: { protocol, port } }),
  });
}
