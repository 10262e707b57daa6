import type { ProcessSteps } from '../../core/steps/process.ts';
import type { Deadlines } from '../deadlines.ts';
import type { ProcessWatch } from '../processes/process-watch.ts';
import { acts, type Performers, unchanged } from './performer.ts';

export const processPerformers = (processes: ProcessWatch, deadlines: Deadlines): Performers<keyof ProcessSteps> => ({
  'process.watch': ({ owner, pid, startTicks }) => unchanged({ startTicks: processes.watch(owner, pid, startTicks) }),
  'process.unwatch': acts(({ owner }) => processes.unwatch(owner)),
  'deadline.set': (step) => unchanged({ deadlineAt: deadlines.set(step) }),
  'deadline.clear': acts(({ owner, claimant }) => deadlines.clear(owner, claimant)),
});
