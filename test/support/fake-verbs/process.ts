import type { ProcessSteps } from '../../../src/core/steps/process.ts';
import type { Deadlines } from '../../../src/kernel/deadlines.ts';
import type { FakeLinux } from '../fake-linux.ts';
import { type FakeVerbs, Refused } from './verb.ts';

/** `watched`: owner → process whose end it hears of */
export const processVerbs = (
  linux: FakeLinux,
  watched: Map<string, number>,
  deadlines: Deadlines,
): FakeVerbs<keyof ProcessSteps> => ({
  'process.watch': {
    perform: ({ owner, pid, startTicks }) => {
      const process = linux.processes.get(pid);
      if (!process || (startTicks !== null && startTicks !== process.startTicks))
        throw new Refused('watch process', 'ESRCH', `process ${pid} has ended`);
      watched.set(owner, pid);
      return { startTicks: process.startTicks };
    },
  },
  'process.unwatch': { perform: ({ owner }) => void watched.delete(owner) },
  'deadline.set': { perform: (step) => ({ deadlineAt: deadlines.set(step) }) },
  'deadline.clear': { perform: ({ owner, claimant }) => deadlines.clear(owner, claimant) },
});
