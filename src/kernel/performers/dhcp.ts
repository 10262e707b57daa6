import type { DhcpSteps } from '../../core/steps/dhcp.ts';
import type { DhcpKeeper } from '../dhcp/keeper.ts';
import { acts, type Performers } from './performer.ts';

export const dhcpPerformers = (keeper: DhcpKeeper): Performers<keyof DhcpSteps> => ({
  'dhcp.ask': acts((step) => keeper.ask(step)),
  'dhcp.keep': acts((step) => keeper.keep(step)),
  'dhcp.release': acts((step) => keeper.release(step)),
  'dhcp.stop': acts(({ owner }) => keeper.stop(owner)),
});
