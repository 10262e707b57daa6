import type { Family } from '../address.ts';

/** Rules of other firewalls, as far as they decide what becomes of netloom's traffic. Plain data. */

export interface ForeignTable {
  /** as nft names them; `ip` and `ip6` for iptables */
  family: 'ip' | 'ip6' | 'inet' | 'bridge' | 'netdev' | 'arp';
  name: string;
  /** of which program's making it is, where that shows */
  tool: 'nftables' | 'iptables' | 'iptables-legacy';
  chains: Record<string, ForeignChain>;
}

export interface ForeignChain {
  /** null: only others jump to it */
  base: { hook: string; priority: number; policy: 'accept' | 'drop'; devices: string[] | null } | null;
  rules: ForeignRule[];
}

export interface ForeignRule {
  /** all of them must hold */
  conditions: Condition[];
  verdict: Verdict | null;
  /** of it: a name of nft's for people */
  handle: number | null;
}

export type Verdict =
  | { kind: 'accept' | 'drop' | 'return' }
  /** for others to decide: a queue, for instance */
  | { kind: 'elsewhere' }
  | { kind: 'jump' | 'goto'; chain: string };

export type Condition = { not: boolean } & (
  | { on: 'iif' | 'oif'; names: string[] }
  /** original: as it was before any translation, by the connection */
  | { on: 'saddr' | 'daddr'; family: Family; subnets: string[]; original?: true }
  | { on: 'family'; family: Family }
  | { on: 'protocol'; protocols: string[] }
  | { on: 'dport'; ranges: [number, number][] }
  | { on: 'state'; states: string[] }
  | { on: 'dnat' }
  /** kinds of the destination, as routing has them: `local`, `unicast`, `broadcast`, `multicast` */
  | { on: 'destination'; types: string[] }
  /** what cannot be said of a packet that is not there */
  | { on: 'unknown' }
);

export const unknown: Condition = { on: 'unknown', not: false };
