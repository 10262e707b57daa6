import { type Family, familyOf, parseSubnet, type Subnet, subnetsOverlap } from '../../address.ts';
import type { Condition, ForeignRule, ForeignTable } from './ruleset.ts';

/** A kind of packet, with the properties that rules match. */
export interface Packet {
  family: Family;
  /** null: a link of which only one thing is known: it is not a netloom bridge */
  iif: string | null;
  oif: string | null;
  /** null: anywhere outside */
  source: Subnet | null;
  destination: Subnet | null;
  protocol: 'tcp' | 'udp' | null;
  destinationPort: number | null;
  state: 'new' | 'established';
  /** it is for this host, not to be forwarded; undefined: unknown */
  local?: boolean;
  /** its source was translated: rules see an address of the host */
  masked?: boolean;
  /** its destination was translated */
  dnat: boolean;
}

export interface Drop {
  table: ForeignTable;
  chain: string;
  hook: string;
  priority: number;
  /** null: the policy of the chain */
  rule: ForeignRule | null;
  /** the chain of the rule, if not the base chain */
  within: string;
  /** false: an earlier rule may let the packet pass */
  certain: boolean;
}

/** Finds where a packet of that kind is dropped at a hook, or may be; null: it passes. */
export function dropAt(tables: readonly ForeignTable[], hook: string, packet: Packet): Drop | null {
  const drops = tables.flatMap((table) => (concerns(table, packet) ? dropsIn(table, hook, packet) : []));
  return drops.find(({ certain }) => certain) ?? drops[0] ?? null;
}

const concerns = ({ family }: ForeignTable, packet: Packet): boolean =>
  family === 'inet' || family === (packet.family === 4 ? 'ip' : 'ip6');

function dropsIn(table: ForeignTable, hook: string, packet: Packet): Drop[] {
  return Object.entries(table.chains).flatMap(([chain, { base }]): Drop[] => {
    if (base?.hook !== hook) return [];
    const where = { table, chain, hook, priority: base.priority };
    const seen = { ...packet, masked: hook === 'postrouting' && base.priority > sourceTranslation };
    const end = walk(table, chain, seen, true, 0);
    if (end.kind === 'drop') return [{ ...where, rule: end.rule, within: end.within, certain: end.certain }];
    return end.kind === 'through' && base.policy === 'drop'
      ? [{ ...where, rule: null, within: chain, certain: end.certain }]
      : [];
  });
}

/** nft's `srcnat` */
const sourceTranslation = 100;

type End =
  | { kind: 'accept' }
  | { kind: 'through'; certain: boolean }
  | { kind: 'drop'; certain: boolean; rule: ForeignRule; within: string };

/** nft allows 16 levels. */
const deepest = 16;

/**
 * Walks through a chain. A rule that may or may not match may let the packet pass: what follows is not certain. Such a rule is
 * ignored if it drops, because most of these rules concern few packets (a rate, an address, a port).
 */
function walk(table: ForeignTable, name: string, packet: Packet, reached: boolean, depth: number): End {
  let certain = reached;
  for (const rule of depth > deepest ? [] : (table.chains[name]?.rules ?? [])) {
    const { verdict } = rule;
    const matches = verdict && all(rule.conditions.map((condition) => holds(condition, packet)));
    if (!verdict || matches === false) continue;
    switch (verdict.kind) {
      case 'accept':
        if (matches) return { kind: 'accept' };
        certain = false;
        break;
      case 'drop':
        if (matches) return { kind: 'drop', certain, rule, within: name };
        break;
      case 'return':
        if (matches) return { kind: 'through', certain };
        certain = false;
        break;
      case 'elsewhere':
        certain = false;
        break;
      default: {
        const end = walk(table, verdict.chain, packet, certain, depth + 1);
        if (matches && end.kind !== 'through') return end;
        if (end.kind === 'accept') certain = false;
        if (end.kind === 'through') certain &&= end.certain;
        if (matches && verdict.kind === 'goto') return { kind: 'through', certain };
      }
    }
  }
  return { kind: 'through', certain };
}

type Truth = boolean | null;

function all(truths: Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes(null) ? null : true;
}

function any(truths: Truth[]): Truth {
  if (truths.includes(true)) return true;
  return truths.includes(null) ? null : false;
}

function holds(condition: Condition, packet: Packet): Truth {
  // the address is of another family: such a rule matches nothing, negated or not
  if ((condition.on === 'saddr' || condition.on === 'daddr') && condition.family !== packet.family) return false;
  const truth = plainly(condition, packet);
  return truth === null ? null : truth !== condition.not;
}

function plainly(condition: Condition, packet: Packet): Truth {
  switch (condition.on) {
    case 'iif':
    case 'oif':
      return any(condition.names.map((name) => isLink(name, packet[condition.on as 'iif' | 'oif'])));
    case 'saddr':
      return any(condition.subnets.map((subnet) => isWithin(sourceSeen(condition, packet), subnet)));
    case 'daddr':
      return any(condition.subnets.map((subnet) => isWithin(packet.destination, subnet)));
    case 'family':
      return condition.family === packet.family;
    case 'protocol':
      return packet.protocol === null ? null : condition.protocols.some((name) => isProtocol(name, packet));
    case 'dport': {
      const { destinationPort: port } = packet;
      return port === null ? null : condition.ranges.some(([first, last]) => first <= port && port <= last);
    }
    case 'state':
      return condition.states.includes(packet.state) || (packet.dnat && condition.states.includes('dnat'));
    case 'dnat':
      return packet.dnat;
    case 'destination':
      return packet.local === undefined ? null : condition.types.includes(packet.local ? 'local' : 'unicast');
    case 'unknown':
      return null;
  }
}

const sourceSeen = ({ original }: { original?: true }, { source, masked }: Packet): Subnet | null =>
  masked && !original ? null : source;

const isProtocol = (name: string, { protocol }: Packet): boolean =>
  name === protocol || name === { tcp: '6', udp: '17' }[protocol as 'tcp' | 'udp'];

function isLink(pattern: string, link: string | null): Truth {
  if (link === null) return null;
  return pattern.endsWith('*') ? link.startsWith(pattern.slice(0, -1)) : link === pattern;
}

/**
 * Checks whether an address is in a range. For an address anywhere outside that is unknown, except that the whole range contains
 * everything.
 */
function isWithin(inner: Subnet | null, text: string): Truth {
  const outer = parseSubnet(text.includes('/') ? text : `${text}/${familyOf(text) === 6 ? 128 : 32}`);
  if (outer === null) return null;
  if (outer.prefixLength === 0) return true;
  if (inner === null) return null;
  if (!subnetsOverlap(outer, inner)) return false;
  return outer.prefixLength <= inner.prefixLength ? true : null;
}
