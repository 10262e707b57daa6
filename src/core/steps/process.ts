import type { ActorAddress } from '../actor-address.ts';
import type { StepKinds } from './kind.ts';

/** Awaited events with a deadline: that a container's process starts, that its engine reports the exit code, or that containers leave. */
export type Deadline = 'start' | 'exit-code' | 'leaving';

export interface ProcessSteps {
  /** reports the end of the process to the owner. Output: its start time, which distinguishes it from a later process with the same pid */
  'process.watch': { owner: ActorAddress; pid: number; startTicks: number | null };
  'process.unwatch': { owner: ActorAddress };
  /**
   * reports to the owner that the time has passed (`deadline.passed`); replaces its earlier deadline. `at`: when that is, in ms
   * since 1970, if an earlier run of the daemon has set it; then not before the daemon has accepted commands for a while.
   * `claimant`: the actor whose claim waits in the owner; each has a separate deadline. Output: when
   */
  'deadline.set': {
    owner: ActorAddress;
    deadline: Deadline;
    withinMs: number;
    at: number | null;
    claimant?: ActorAddress;
  };
  'deadline.clear': { owner: ActorAddress; claimant?: ActorAddress };
}

export const processSteps: StepKinds<keyof ProcessSteps> = {
  'process.watch': {
    inverse: ({ owner }) => ({ verb: 'process.unwatch', owner }),
    describe: ({ pid }) => `${pid}`,
    faults: { ESRCH: { code: 'process.gone', words: ({ pid }) => `process ${pid} has ended` } },
  },
  'process.unwatch': { inverse: null, describe: () => '' },
  'deadline.set': {
    inverse: ({ owner, claimant }) => ({ verb: 'deadline.clear', owner, ...(claimant && { claimant }) }),
    describe: ({ deadline, withinMs, claimant }) =>
      `${deadline}${claimant ? ` for ${claimant}` : ''} within ${withinMs} ms`,
  },
  'deadline.clear': { inverse: null, describe: () => '' },
};
