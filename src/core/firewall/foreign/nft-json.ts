import type { Family } from '../../address.ts';
import {
  type Condition,
  type ForeignChain,
  type ForeignRule,
  type ForeignTable,
  unknown,
  type Verdict,
} from './ruleset.ts';

/** Output of `nft --json --terse list ruleset` (man libnftables-json), as far as netloom knows it; the rest is `unknown`. */

type Json = Record<string, unknown>;

interface Listed {
  table?: { family: ForeignTable['family']; name: string };
  chain?: {
    family: string;
    table: string;
    name: string;
    hook?: string;
    prio?: number;
    policy?: string;
    dev?: string | string[];
  };
  rule?: { family: string; table: string; chain: string; handle?: number; expr?: Json[] };
}

/** Parses a ruleset, and finds tables with matches that only iptables' own listing shows (`xt`). */
export function parseNftRuleset(text: string): { tables: ForeignTable[]; hidden: Set<ForeignTable> } {
  const listed = (JSON.parse(text) as { nftables: Listed[] }).nftables;
  const tables = new Map<string, ForeignTable>();
  const hidden = new Set<ForeignTable>();
  const tableOf = ({ family, table }: { family: string; table: string }) => tables.get(`${family} ${table}`);
  for (const { table, chain, rule } of listed) {
    if (table)
      tables.set(`${table.family} ${table.name}`, {
        family: table.family,
        name: table.name,
        tool: 'nftables',
        chains: {},
      });
    const chains = chain && tableOf(chain)?.chains;
    if (chain && chains) chains[chain.name] = chainOf(chain);
    const owner = rule && tableOf(rule);
    if (!rule || !owner) continue;
    owner.chains[rule.chain]?.rules.push(...rulesOf(rule.expr ?? [], rule.handle ?? null));
    if (rule.expr?.some(({ xt }) => xt !== undefined)) hidden.add(owner);
  }
  return { tables: [...tables.values()], hidden };
}

/** Parses a map of addresses to addresses and ports, as `nft --json list map` prints it: key → port. */
export function parsePortMap(text: string): Record<string, number> {
  type Element = [key: string | { elem: { val: string } }, value: { concat: [string, number] }];
  const listed = (JSON.parse(text) as { nftables: { map?: { elem?: Element[] } }[] }).nftables;
  const elements = listed.flatMap(({ map }) => map?.elem ?? []);
  return Object.fromEntries(
    elements.map(([key, { concat }]) => [typeof key === 'string' ? key : key.elem.val, concat[1]]),
  );
}

function chainOf({ hook, prio, policy, dev }: NonNullable<Listed['chain']>): ForeignChain {
  if (hook === undefined) return { base: null, rules: [] };
  const devices = dev === undefined ? null : [dev].flat();
  return { base: { hook, priority: prio ?? 0, policy: policy === 'drop' ? 'drop' : 'accept', devices }, rules: [] };
}

/** Parses a rule; a verdict map makes several of it. */
function rulesOf(expressions: Json[], handle: number | null): ForeignRule[] {
  const conditions: Condition[] = [];
  for (const expression of expressions) {
    const [[kind, value] = ['', null]] = Object.entries(expression);
    if (kind === 'match') conditions.push(...protocolOf(value as Match), conditionOf(value as Match));
    else if (kind === 'limit' || kind === 'connlimit' || kind === 'quota') conditions.push(unknown);
    else if (kind === 'vmap') return mappedRules(value as { key: Json; data: unknown }, conditions, handle);
    else if (kind === 'xt') {
      const { type, name } = value as { type?: string; name?: string };
      if (type === 'target') return [{ conditions, verdict: targetVerdict(name ?? ''), handle }];
      if (name !== 'comment') conditions.push(unknown);
    } else {
      const verdict = verdictOf(kind, value);
      if (verdict) return [{ conditions, verdict, handle }];
    }
  }
  return [{ conditions, verdict: null, handle }];
}

function verdictOf(kind: string, value: unknown): Verdict | null {
  switch (kind) {
    case 'accept':
    case 'drop':
    case 'return':
      return { kind };
    case 'reject':
      return { kind: 'drop' };
    case 'jump':
    case 'goto':
      return { kind, chain: (value as { target: string }).target };
    case 'queue':
    case 'synproxy':
    case 'tproxy':
      return { kind: 'elsewhere' };
    default:
      return null;
  }
}

export function targetVerdict(name: string): Verdict | null {
  if (name === 'ACCEPT') return { kind: 'accept' };
  if (name === 'DROP' || name === 'REJECT') return { kind: 'drop' };
  if (name === 'RETURN') return { kind: 'return' };
  return name === 'NFQUEUE' || name === 'TPROXY' || name === 'SYNPROXY' ? { kind: 'elsewhere' } : null;
}

/** Parses `ct state vmap { established : accept, … }`; a named map is unknown. */
function mappedRules(
  { key, data }: { key: Json; data: unknown },
  before: Condition[],
  handle: number | null,
): ForeignRule[] {
  const pairs = (data as { set?: [unknown, Json][] }).set;
  if (!Array.isArray(pairs)) return [{ conditions: [...before, unknown], verdict: { kind: 'elsewhere' }, handle }];
  return pairs.map(([right, verdict]) => {
    const [[kind, value] = ['', null]] = Object.entries(verdict);
    const condition = conditionOf({ op: '==', left: key, right });
    return { conditions: [...before, condition], verdict: verdictOf(kind, value), handle };
  });
}

interface Match {
  op: string;
  left: Json;
  right: unknown;
}

function conditionOf({ op, left, right }: Match): Condition {
  const not = op === '!=';
  if (!['==', '!=', 'in'].includes(op)) return unknown;
  const values = valuesOf(right);
  if (values === null) return unknown;
  const { meta, payload, ct, fib } = left as Record<string, Json | undefined>;
  if (meta) return ofMeta(String(meta.key), values, not);
  if (payload) return ofPayload(String(payload.protocol), String(payload.field), values, not);
  if (fib?.result === 'type' && [fib.flags].flat().join() === 'daddr')
    return { on: 'destination', types: values.map(String), not };
  if (ct?.key === 'state') return { on: 'state', states: values.map(String), not };
  if (ct?.dir === 'original' && (ct.key === 'ip saddr' || ct.key === 'ip6 saddr'))
    return { on: 'saddr', family: ct.key === 'ip saddr' ? 4 : 6, subnets: values.map(String), original: true, not };
  if (ct?.key === 'status' && values.length === 1 && values[0] === 'dnat') return { on: 'dnat', not };
  return unknown;
}

/** Returns the protocol that a match implies: a header's field exists in packets of that protocol only. */
function protocolOf({ left }: Match): Condition[] {
  const protocol = String((left.payload as Json | undefined)?.protocol);
  return transports.has(protocol) ? [{ on: 'protocol', protocols: [protocol], not: false }] : [];
}

const transports = new Set(['tcp', 'udp', 'udplite', 'sctp', 'dccp', 'icmp', 'icmpv6', 'igmp', 'ah', 'esp', 'comp']);

function ofMeta(key: string, values: Value[], not: boolean): Condition {
  switch (key) {
    case 'iif':
    case 'iifname':
      return { on: 'iif', names: values.map(String), not };
    case 'oif':
    case 'oifname':
      return { on: 'oif', names: values.map(String), not };
    case 'nfproto':
      return values.length === 1 ? { on: 'family', family: values[0] === 'ipv6' ? 6 : 4, not } : unknown;
    case 'protocol':
      return values.length === 1 && ['ip', 'ip6'].includes(String(values[0]))
        ? { on: 'family', family: values[0] === 'ip6' ? 6 : 4, not }
        : unknown;
    case 'l4proto':
      return { on: 'protocol', protocols: values.map(String), not };
    default:
      return unknown;
  }
}

function ofPayload(protocol: string, field: string, values: Value[], not: boolean): Condition {
  const family: Family | null = protocol === 'ip' ? 4 : protocol === 'ip6' ? 6 : null;
  if (family && (field === 'saddr' || field === 'daddr'))
    return { on: field, family, subnets: values.map(String), not };
  if (protocol === 'ip' && field === 'protocol') return { on: 'protocol', protocols: values.map(String), not };
  if (field !== 'dport') return unknown;
  const ranges = values.map((value): [number, number] =>
    Array.isArray(value) ? value : [Number(value), Number(value)],
  );
  return { on: 'dport', ranges, not };
}

type Value = string | number | [number, number];

/** Returns plain values; null if the match depends on something outside the rule. */
function valuesOf(right: unknown): Value[] | null {
  if (typeof right === 'number') return [right];
  if (typeof right === 'string') return right.startsWith('@') ? null : [right];
  const list = Array.isArray(right) ? right : (right as { set?: unknown } | null)?.set;
  if (Array.isArray(list)) {
    const values = list.map(valuesOf);
    return values.every((one) => one !== null) ? values.flat() : null;
  }
  const { prefix, range } = (right ?? {}) as { prefix?: { addr: string; len: number }; range?: [number, number] };
  if (prefix) return [`${prefix.addr}/${prefix.len}`];
  return range?.every((end) => typeof end === 'number') ? [range] : null;
}
