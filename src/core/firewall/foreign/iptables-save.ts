import type { Family } from '../../address.ts';
import { targetVerdict } from './nft-json.ts';
import { type Condition, type ForeignRule, type ForeignTable, unknown } from './ruleset.ts';

/** Parses the output of `iptables-save`: the matches of iptables, which nft does not show, and the tables of iptables-legacy. */
export function parseIptablesSave(text: string, family: Family, tool: ForeignTable['tool']): ForeignTable[] {
  const tables: ForeignTable[] = [];
  for (const line of text.split('\n')) {
    const table = tables.at(-1);
    if (line.startsWith('*'))
      tables.push({ family: family === 4 ? 'ip' : 'ip6', name: line.slice(1).trim(), tool, chains: {} });
    else if (line.startsWith(':') && table) {
      const [name = '', policy = '-'] = line.slice(1).split(' ');
      const hook = { hook: name.toLowerCase(), priority: priorities[table.name] ?? 0, devices: null };
      const base = policy === '-' ? null : ({ ...hook, policy: policy === 'DROP' ? 'drop' : 'accept' } as const);
      table.chains[name] = { base, rules: [] };
    } else if (table) {
      const [, chain = '', rest = ''] = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/.exec(line) ?? [];
      table.chains[chain]?.rules.push(ruleOf(wordsOf(rest), family));
    }
  }
  // translates addresses, and lets all else pass
  return tables.filter(({ name }) => name !== 'nat');
}

const priorities: Record<string, number> = { raw: -300, mangle: -150, filter: 0, security: 50 };

const wordsOf = (text: string): string[] =>
  (text.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []).map((word) => (word.startsWith('"') ? word.slice(1, -1) : word));

function ruleOf(words: string[], family: Family): ForeignRule {
  const conditions: Condition[] = [];
  for (let at = 0; at < words.length; at++) {
    const not = words[at] === '!';
    if (not) at++;
    const option = words[at] as string;
    const value = words[at + 1] ?? '';
    if (option === '-j' || option === '-g') {
      const verdict = value === value.toUpperCase() ? targetVerdict(value) : null;
      const isChain = verdict === null && !targets.has(value);
      return {
        conditions,
        verdict: isChain ? { kind: option === '-j' ? 'jump' : 'goto', chain: value } : verdict,
        handle: null,
      };
    }
    if (!option.startsWith('-')) continue;
    const condition = conditionOf(option, value, not, family);
    if (condition) conditions.push(condition);
  }
  return { conditions, verdict: null, handle: null };
}

/** Targets that are not chains: the packet continues with the next rule, whatever they do. */
const targets = new Set(
  'AUDIT CHECKSUM CLASSIFY CONNMARK CONNSECMARK CT DNAT DSCP ECN HL HMARK IDLETIMER LED LOG MARK MASQUERADE NETMAP NFLOG NOTRACK RATEEST REDIRECT SECMARK SET SNAT TCPMSS TCPOPTSTRIP TEE TOS TRACE TTL ULOG'.split(
    ' ',
  ),
);

/** Parses one condition. null: it does not restrict the packet. */
function conditionOf(option: string, value: string, not: boolean, family: Family): Condition | null {
  const values = value.split(',');
  switch (option) {
    case '-m':
    case '--comment':
      return null;
    case '-i':
    case '-o':
      return { on: option === '-i' ? 'iif' : 'oif', names: [value.replace(/\+$/, '*')], not };
    case '-s':
    case '-d':
      return { on: option === '-s' ? 'saddr' : 'daddr', family, subnets: [value], not };
    case '--ctorigsrc':
      return { on: 'saddr', family, subnets: [value], original: true, not };
    case '-p':
      return { on: 'protocol', protocols: [value], not };
    case '--dport':
    case '--dports':
      return { on: 'dport', ranges: values.map(rangeOf), not };
    case '--dst-type':
      return { on: 'destination', types: values.map((type) => type.toLowerCase()), not };
    case '--state':
    case '--ctstate':
      return ofStates(
        values.map((state) => state.toLowerCase()),
        not,
      );
    default:
      return unknown;
  }
}

/** Parses connection states: iptables counts address translation among them. */
function ofStates(states: string[], not: boolean): Condition {
  if (states.every((state) => state === 'dnat')) return { on: 'dnat', not };
  return { on: 'state', states, not };
}

function rangeOf(text: string): [number, number] {
  const [first = '0', last = first] = text.split(':');
  return [Number(first), Number(last)];
}
