import * as native from '#native';
import { publishedFlows } from '../../core/port.ts';
import type { NftSteps } from '../../core/steps/nft.ts';
import type { Firewall } from '../nft/firewall.ts';
import { acts, changedIf, type Performers, unchanged } from './performer.ts';

export const nftPerformers = (firewall: Firewall, nft: native.NftSocket): Performers<keyof NftSteps> => ({
  'nft.load': () => changedIf(firewall.load()),
  'nft.add': ({ elements }, { found }) => changedIf(firewall.add(elements, found)),
  'nft.delete': acts(({ elements }) => firewall.change(elements, [])),
  'nft.replace': ({ remove, add }) => {
    firewall.change(remove, add);
    return changedIf(true);
  },
  'conntrack.flush': ({ ports }, { found, changed }, index) => {
    if (!found || changed.includes(index - 1)) native.deleteConntrack(nft, ports.flatMap(publishedFlows));
    return unchanged();
  },
});
