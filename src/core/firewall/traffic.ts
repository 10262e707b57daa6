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

/** Where queries to the resolver arrive: `input` chains see the port that netloom's table has led them to. */
export interface ResolverPorts {
  /** they are led to another port than 53 */
  redirected: boolean;
  /** gateway address → port, of networks that are up */
  ports: Readonly<Record<string, number>>;
}

const askedPort = 53;
/** where it listens as a rule (docs/dns.md) */
const usualPort = 353;

export const resolverPort = ({ redirected, ports }: ResolverPorts, gateway: string): number =>
  redirected ? (ports[gateway] ?? usualPort) : askedPort;
