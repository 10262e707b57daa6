import type { PortSteps } from '../../core/steps/port.ts';
import type { GatewayNames } from '../nft/gateway-names.ts';
import type { PortHolder } from '../port-holder.ts';
import { acts, type Performers, unchanged } from './performer.ts';

export const portPerformers = (ports: PortHolder, names: GatewayNames): Performers<keyof PortSteps> => ({
  'port.hold': async (step) => {
    names.refuseGateway(step);
    return unchanged({ port: await ports.hold(step) });
  },
  'port.release': acts(({ owner, ports: held }) => ports.release(owner, held ?? null)),
});
