import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { type Family, families } from '../../core/address.ts';
import { parseIptablesSave } from '../../core/firewall/foreign/iptables-save.ts';
import { parseNftRuleset, parsePortMap } from '../../core/firewall/foreign/nft-json.ts';
import { type ForeignFirewalls, foreignDrops, type Surroundings } from '../../core/firewall/foreign/obstacles.ts';
import type { ForeignTable } from '../../core/firewall/foreign/ruleset.ts';
import type { ResolverPorts } from '../../core/firewall/foreign/traffic.ts';
import { nftTable } from '../../core/firewall/nft.ts';
import type { NetworkDefinition } from '../../core/network/definition.ts';

/** Finds what other firewalls of this network namespace drop of these networks' traffic. */
export async function lookAtFirewalls(networks: readonly NetworkDefinition[]): Promise<ForeignFirewalls> {
  const { unread, ...around } = await readForeignRules();
  return { drops: foreignDrops(networks, around), unread };
}

/**
 * Reads the rules of other firewalls in this process's network namespace, with the programs that made them. No command waits
 * for it. `unread` describes what could not be read.
 */
async function readForeignRules(): Promise<Surroundings & { unread: string[] }> {
  const unread: string[] = [];
  const nft = await listed('nft', ['--json', '--terse', 'list', 'ruleset']);
  if (nft === null) unread.push('nft cannot list the ruleset: apt install nftables');
  const { tables, hidden } = nft === null ? { tables: [], hidden: new Set<ForeignTable>() } : parseNftRuleset(nft);
  const foreign = tables.filter(({ name }) => name !== nftTable);
  const named = await withIptablesNames(foreign, hidden);
  const legacy = await Promise.all(families.map((family) => legacyTables(family, unread)));
  return {
    tables: [...named, ...legacy.flat()],
    unread,
    uplinks: {
      4: uplink('route', ipv4Uplink),
      6: uplink('ipv6_route', ipv6Uplink),
    },
    resolver: await resolverPorts(),
    bridged: { 4: isOn('bridge-nf-call-iptables'), 6: isOn('bridge-nf-call-ip6tables') },
  };
}

const patienceMs = 5_000;

/** Returns null if the program is missing or fails. */
async function listed(file: string, args: string[] = []): Promise<string | null> {
  const { failed, stdout } = await execa(file, args, { reject: false, timeout: patienceMs, stdin: 'ignore' });
  return failed ? null : stdout;
}

/** Adds details that nft does not show: it lists iptables matches without their content. */
async function withIptablesNames(tables: ForeignTable[], hidden: ReadonlySet<ForeignTable>): Promise<ForeignTable[]> {
  const shown = new Map<string, ForeignTable>();
  for (const family of families) {
    if (!tables.some((table) => hidden.has(table) && table.family === familyName(family))) continue;
    const text = await listed(`${family === 4 ? 'iptables' : 'ip6tables'}-nft-save`);
    for (const table of text === null ? [] : parseIptablesSave(text, family, 'iptables'))
      shown.set(`${table.family} ${table.name}`, table);
  }
  return tables.map((table) => (hidden.has(table) && shown.get(`${table.family} ${table.name}`)) || table);
}

const familyName = (family: Family) => (family === 4 ? 'ip' : 'ip6');

/** Reads iptables-legacy, which does not use nftables. Runs it only if it has tables, because running it creates them. */
async function legacyTables(family: Family, unread: string[]): Promise<ForeignTable[]> {
  const prefix = familyName(family);
  const names = readOr(`/proc/thread-self/net/${prefix}_tables_names`, '').split('\n').filter(Boolean);
  if (names.length === 0) return [];
  const program = `${prefix}tables-legacy-save`;
  const text = await listed(program);
  if (text !== null) return parseIptablesSave(text, family, 'iptables-legacy');
  unread.push(`${prefix}tables-legacy has rules (${names.join(', ')}), and there is no ${program} to read them`);
  return [];
}

async function resolverPorts(): Promise<ResolverPorts> {
  const listen = (map: string) => listed('nft', ['--json', 'list', 'map', 'inet', nftTable, map]);
  const maps = await Promise.all(['resolver4', 'resolver6'].map(listen));
  const texts = maps.filter((text) => text !== null);
  return { redirected: texts.length > 0, ports: Object.assign({}, ...texts.map(parsePortMap)) };
}

function uplink(file: 'route' | 'ipv6_route', nameIn: (line: string) => string | null): string | null {
  for (const line of readOr(`/proc/thread-self/net/${file}`, '').split('\n')) {
    const name = nameIn(line);
    if (name) return name;
  }
  return null;
}

const ipv4Uplink = (line: string): string | null => {
  const [name = '', destination, , , , , , mask] = line.split('\t');
  return destination === '00000000' && mask === '00000000' ? name : null;
};

/** Returns the link of a `::/0` route, unless the route is a dead end (`lo`). */
function ipv6Uplink(line: string): string | null {
  const [destination = '', length, ...rest] = line.trim().split(/\s+/);
  const name = rest.at(-1) ?? '';
  return /^0{32}$/.test(destination) && length === '00' && name !== 'lo' ? name : null;
}

const isOn = (key: string): boolean => readOr(`/proc/sys/net/bridge/${key}`, '0').trim() === '1';

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return fallback;
  }
}
