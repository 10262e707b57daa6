import type { Family } from '../../address.ts';

/**
 * Kinds of a network's traffic that pass foreign firewalls. `outbound`: containers to the outside, and the answers; `published`:
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

/** Where queries to the resolver arrive: `input` chains see the port that netloom's table has redirected them to. */
export interface ResolverPorts {
  /** queries are redirected to another port than 53 */
  redirected: boolean;
  /** gateway address → port, of networks that are up */
  ports: Readonly<Record<string, number>>;
}

const askedPort = 53;
/** the resolver's usual port (docs/dns.md) */
const usualPort = 353;

export const resolverPort = ({ redirected, ports }: ResolverPorts, gateway: string): number =>
  redirected ? (ports[gateway] ?? usualPort) : askedPort;
