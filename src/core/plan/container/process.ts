import { containerAddress } from '../../actor-address.ts';
import type { ContainerWish } from '../../container/wish.ts';
import type { Step } from '../../steps/step.ts';
import type { Plan } from '../plan.ts';
import type { ContainerPurpose } from '../purpose.ts';

/** Waiting for the process that lives in a container's network. */

export function watchPlan(wish: ContainerWish, pid: number, startTicks: number | null): Plan<ContainerPurpose> {
  const owner = containerAddress(wish.id);
  return { purpose: { kind: 'watch' }, kind: 'build', steps: [{ verb: 'process.watch', owner, pid, startTicks }] };
}

/** P18: sets the deadline: unless the process starts in time, the network is torn down again. `at`: the moment, if known. */
export function startDeadlineSteps({ id, startWithinMs }: ContainerWish, at: number | null): Step[] {
  if (startWithinMs === undefined) return [];
  return [{ verb: 'deadline.set', owner: containerAddress(id), deadline: 'start', withinMs: startWithinMs, at }];
}

/** Minimum time that a container stays if its process was not reported in time, although one lives in its namespace. */
const lookAgainMs = 60_000;

/** Checks whether a process lives in the namespace, although none was reported in time; if so, sets the time of the next check. */
export function lookPlan(
  { id, startWithinMs = 0 }: ContainerWish,
  path: string,
  inode: number,
): Plan<ContainerPurpose> {
  const withinMs = Math.max(startWithinMs, lookAgainMs);
  const again: Step = { verb: 'deadline.set', owner: containerAddress(id), deadline: 'start', withinMs, at: null };
  return { purpose: { kind: 'look' }, kind: 'mend', steps: [{ verb: 'netns.inhabited', path, inode }, again] };
}

/** Time that an engine that reports exit codes may take to do so. */
const exitCodeWithinMs = 2_000;

export function exitCodePlan({ id }: ContainerWish): Plan<ContainerPurpose> {
  const step = { deadline: 'exit-code', withinMs: exitCodeWithinMs, at: null } as const;
  return {
    purpose: { kind: 'exit-code' },
    kind: 'build',
    steps: [{ verb: 'deadline.set', owner: containerAddress(id), ...step }],
  };
}
