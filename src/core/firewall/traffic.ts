import type { Family } from '../address.ts';

/**
 * What of a network's traffic passes other firewalls. `outbound`: containers to the outside, and the answers; `published`:
 * from other machines to published ports; `names`: containers to the resolver; `host`: the host to containers; `neighbours`:
 * containers of one network, where packets of bridges pass the firewall too (br_netfilter).
 */
export const ways = ['outbound', 'published', 'names', 'host', 'neighbours'] as const;
export type Way = (typeof ways)[number];

export interface Stopped {
  network: string;
  family: Family;
  way: Way;
}

/** Where questions to the resolver arrive. */
export const resolverPort = 53;
