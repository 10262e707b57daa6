import type { ActorAddress } from '../actor-address.ts';
import type { StepKinds } from './kind.ts';

/** What is waited for: that a container's process starts, that its engine reports the exit code, or that containers have left. */
export type Deadline = 'start' | 'exit-code' | 'leaving';

export interface ProcessSteps {
  /** reports the end of the process to the owner. Output: its start time, by which a reused pid is told apart */
  'process.watch': { owner: string; pid: number; startTicks: number | null };
  'process.unwatch': { owner: string };
  /**
   * reports to the owner that that long has passed (`deadline.passed`), instead of what it waited for before. `at`: when that is, in
   * ms since 1970, where an earlier life of the daemon has set it; then not before commands have been taken for a while. `claimant`:
   * whose claim waits in the owner; each has a deadline of its own. Output: when
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
