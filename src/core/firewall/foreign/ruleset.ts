import type { Family } from '../../address.ts';

/** Rules of foreign firewalls, as far as they decide about netloom's traffic. Plain data. */

export interface ForeignTable {
  /** spelt as in nft; `ip` and `ip6` for iptables */
  family: 'ip' | 'ip6' | 'inet' | 'bridge' | 'netdev' | 'arp';
  name: string;
  /** the program that made it, if it shows */
  tool: 'nftables' | 'iptables' | 'iptables-legacy';
  chains: Record<string, ForeignChain>;
}

export interface ForeignChain {
  /** null: only reached by a jump */
  base: { hook: string; priority: number; policy: 'accept' | 'drop'; devices: string[] | null } | null;
  rules: ForeignRule[];
}

export interface ForeignRule {
  /** all of them must hold */
  conditions: Condition[];
  verdict: Verdict | null;
  /** nft's name of the rule, for users */
  handle: number | null;
}

export type Verdict =
  | { kind: 'accept' | 'drop' | 'return' }
  /** another program decides: a queue, for instance */
  | { kind: 'elsewhere' }
  | { kind: 'jump' | 'goto'; chain: string };

export type Condition = { not: boolean } & (
  | { on: 'iif' | 'oif'; names: string[] }
  /** original: the connection's address before any translation */
  | { on: 'saddr' | 'daddr'; family: Family; subnets: string[]; original?: true }
  | { on: 'family'; family: Family }
  | { on: 'protocol'; protocols: string[] }
  | { on: 'dport'; ranges: [number, number][] }
  | { on: 'state'; states: string[] }
  | { on: 'dnat' }
  /** routing's kinds of the destination: `local`, `unicast`, `broadcast`, `multicast` */
  | { on: 'destination'; types: string[] }
  /** a condition that only a real packet can answer */
  | { on: 'unknown' }
);

export const unknown: Condition = { on: 'unknown', not: false };
