import { containerAddress } from '../../actor-address.ts';
import type { ContainerWish } from '../../container/wish.ts';
import type { Step } from '../../steps/step.ts';
import type { Plan } from '../plan.ts';
import type { ContainerPurpose } from '../purpose.ts';

/** What is waited for of the process that lives in a container's network. */

export function watchPlan(wish: ContainerWish, pid: number, startTicks: number | null): Plan<ContainerPurpose> {
  const owner = containerAddress(wish.id);
  return { purpose: { kind: 'watch' }, kind: 'build', steps: [{ verb: 'process.watch', owner, pid, startTicks }] };
}

/** P18: unless the process starts in time, the network is torn down again. `at`: by which moment, where that is known. */
export function startDeadlineSteps({ id, startWithinMs }: ContainerWish, at: number | null): Step[] {
  if (startWithinMs === undefined) return [];
  return [{ verb: 'deadline.set', owner: containerAddress(id), deadline: 'start', withinMs: startWithinMs, at }];
}

/** How long a container stays at least whose process was not reported in time, although one lives in its namespace. */
const lookAgainMs = 60_000;

/** Whether a process lives in its namespace, although none was reported in time; and when that is looked at again if there is one. */
export function lookPlan(
  { id, startWithinMs = 0 }: ContainerWish,
  path: string,
  inode: number,
): Plan<ContainerPurpose> {
  const withinMs = Math.max(startWithinMs, lookAgainMs);
  const again: Step = { verb: 'deadline.set', owner: containerAddress(id), deadline: 'start', withinMs, at: null };
  return { purpose: { kind: 'look' }, kind: 'mend', steps: [{ verb: 'netns.inhabited', path, inode }, again] };
}

/** How long an engine that reports exit codes may take to do so. */
const exitCodeWithinMs = 2_000;

export function exitCodePlan({ id }: ContainerWish): Plan<ContainerPurpose> {
  const step = { deadline: 'exit-code', withinMs: exitCodeWithinMs, at: null } as const;
  return {
    purpose: { kind: 'exit-code' },
    kind: 'build',
    steps: [{ verb: 'deadline.set', owner: containerAddress(id), ...step }],
  };
}
