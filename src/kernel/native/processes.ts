import type { PortSteps } from '../../core/steps/port.ts';
import type { ProcessSteps } from '../../core/steps/process.ts';
import type { Deadlines } from '../deadlines.ts';
import type { GatewayNames } from '../nft/gateway-names.ts';
import type { PortHolder } from '../port-holder.ts';
import type { ProcessWatch } from '../processes/process-watch.ts';
import { acts, type Performers, unchanged } from './performer.ts';

export const processPerformers = (processes: ProcessWatch, deadlines: Deadlines): Performers<keyof ProcessSteps> => ({
  'process.watch': ({ owner, pid, startTicks }) => unchanged({ startTicks: processes.watch(owner, pid, startTicks) }),
  'process.unwatch': acts(({ owner }) => processes.unwatch(owner)),
  'deadline.set': (step) => unchanged({ deadlineAt: deadlines.set(step) }),
  'deadline.clear': acts(({ owner, claimant }) => deadlines.clear(owner, claimant)),
});

export const portPerformers = (ports: PortHolder, names: GatewayNames): Performers<keyof PortSteps> => ({
  'port.hold': async (step) => {
    names.refuseGateway(step);
    return unchanged({ port: await ports.hold(step) });
  },
  'port.release': acts(({ owner, ports: held }) => ports.release(owner, held ?? null)),
});
