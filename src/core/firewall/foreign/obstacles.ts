import { type Family, families, familyOf, parseSubnet } from '../../address.ts';
import { answersNames, gatewaysOf, type NetworkDefinition, ownsBridge } from '../../network/definition.ts';
import { type Drop, dropAt, type Packet } from './judge.ts';
import { remedyOf } from './remedy.ts';
import type { ForeignTable } from './ruleset.ts';
import { type ResolverPorts, resolverPort, type Stopped, type Way, ways } from './traffic.ts';

/** A network's traffic that foreign firewalls drop. */

export interface FirewallDrop {
  /** spelt as in nft: `ip filter` */
  table: string;
  tool: ForeignTable['tool'];
  /** the chain that is hooked into the kernel */
  chain: string;
  hook: string;
  priority: number;
  /** null: the chain's policy */
  rule: { chain: string; handle: number | null } | null;
  /** false: an earlier rule may let some of it pass */
  certain: boolean;
  stops: Stopped[];
  /** commands that let it pass */
  remedy: string[];
}

/** All drops found in one inspection. */
export interface ForeignFirewalls {
  drops: FirewallDrop[];
  /** descriptions of rules that could not be read */
  unread: string[];
}

export interface Surroundings {
  tables: readonly ForeignTable[];
  /** link of the default route, by family; null: no default route */
  uplinks: Readonly<Record<Family, string | null>>;
  /** packets between ports of a bridge pass the firewall too, by family */
  bridged: Readonly<Record<Family, boolean>>;
  resolver: ResolverPorts;
}

/** Finds each chain that drops traffic of these networks: once, with all that it stops. */
export function foreignDrops(networks: readonly NetworkDefinition[], around: Surroundings): FirewallDrop[] {
  const found = new Map<string, { drop: Drop; stops: Stopped[] }>();
  for (const network of networks.filter(isBridged))
    for (const family of families)
      for (const way of ways) {
        const drop = firstDrop(journeys(network, family, way, around), around.tables);
        if (!drop) continue;
        const key = keyOf(drop);
        const entry = found.get(key) ?? { drop, stops: [] };
        found.set(key, entry);
        entry.stops.push({ network: network.name, family, way });
      }
  return [...found.values()].map(({ drop, stops }) => described(drop, stops, networks, around));
}

const isBridged = (network: NetworkDefinition): boolean => ownsBridge(network) && network.network_interface !== null;

function firstDrop(steps: Journey, tables: readonly ForeignTable[]): Drop | null {
  const drops = steps.flatMap(([hook, packet]) => dropAt(tables, hook, packet) ?? []);
  return drops.find(({ certain }) => certain) ?? drops[0] ?? null;
}

const keyOf = ({ table, chain, rule, certain }: Drop): string =>
  [table.family, table.name, table.tool, chain, rule?.handle ?? JSON.stringify(rule), certain].join(' ');

function described(
  drop: Drop,
  stops: Stopped[],
  networks: readonly NetworkDefinition[],
  { resolver }: Surroundings,
): FirewallDrop {
  const { table, chain, hook, priority, rule, within, certain } = drop;
  return {
    table: `${table.family} ${table.name}`,
    tool: table.tool,
    chain,
    hook,
    priority,
    rule: rule && { chain: within, handle: rule.handle },
    certain,
    stops,
    remedy: remedyOf(drop, stops, networks, resolver),
  };
}

// ------------------------------------------------------------------------------------------------------ what passes

/** Hooks that a kind of traffic passes, each with the packet as it is there. */
type Journey = (readonly [hook: string, packet: Packet])[];

function journeys(network: NetworkDefinition, family: Family, way: Way, around: Surroundings): Journey {
  const subnet = network.subnets.map((each) => parseSubnet(each.subnet)).find((each) => each?.family === family);
  if (!subnet) return [];
  const bridge = network.network_interface as string;
  const uplink = around.uplinks[family];
  const plain = { source: null, destination: null, protocol: 'tcp', destinationPort: null, dnat: false } as const;
  const any: Packet = { family, iif: null, oif: null, state: 'new', ...plain };
  const inwards = { ...any, iif: uplink, oif: bridge, destination: subnet, local: false };
  const outwards = { ...any, iif: bridge, oif: uplink, source: subnet, local: false };
  const answer = (packet: Packet): Packet => ({ ...packet, state: 'established' });
  switch (way) {
    case 'outbound':
      if (network.internal) return [];
      return [
        ['prerouting', { ...outwards, oif: null }],
        ['forward', outwards],
        ['postrouting', outwards],
        ['prerouting', answer({ ...any, iif: uplink })],
        ['forward', answer(inwards)],
      ];
    case 'published': {
      if (network.internal) return [];
      const translated = { ...inwards, dnat: true };
      return [
        ['prerouting', { ...any, iif: uplink, local: true }],
        ['forward', translated],
        ['postrouting', translated],
        ['prerouting', answer({ ...outwards, oif: null, dnat: true })],
        ['forward', answer({ ...outwards, dnat: true })],
      ];
    }
    case 'names': {
      const gateway = gatewaysOf(network).find((address) => familyOf(address) === family);
      if (!answersNames(network) || gateway === undefined) return [];
      const port = resolverPort(around.resolver, gateway);
      return (['udp', 'tcp'] as const).flatMap((protocol): Journey => {
        const asked: Packet = {
          ...any,
          iif: bridge,
          source: subnet,
          destination: parseSubnet(`${gateway}/${family === 4 ? 32 : 128}`),
          protocol,
          destinationPort: 53,
          local: true,
        };
        const question = { ...asked, destinationPort: port, dnat: around.resolver.redirected };
        return [
          ['prerouting', asked],
          ['input', question],
          ['output', answer({ ...any, oif: bridge, destination: subnet, protocol })],
        ];
      });
    }
    case 'host': {
      const request = { ...any, oif: bridge, destination: subnet, local: false };
      return [
        ['output', request],
        ['postrouting', request],
        ['prerouting', answer({ ...any, iif: bridge, source: subnet, local: true })],
        ['input', answer({ ...any, iif: bridge, source: subnet, local: true })],
      ];
    }
    case 'neighbours': {
      const within = { ...any, iif: bridge, oif: bridge, source: subnet, destination: subnet, local: false };
      return around.bridged[family]
        ? [
            ['prerouting', { ...within, oif: null }],
            ['forward', within],
          ]
        : [];
    }
  }
}

// ----------------------------------------------------------------------------------------------------------- in words

/** Names a drop: `table ip filter, chain FORWARD (hook forward, priority 0): policy drop`. */
export function dropText({ table, tool, chain, hook, priority, rule }: FirewallDrop): string {
  const made = tool === 'nftables' ? '' : ` of ${tool}`;
  const what = rule === null ? 'policy drop' : ruleText(rule, chain);
  return `table ${table}${made}, chain ${chain} (hook ${hook}, priority ${priority}): ${what}`;
}

function ruleText({ chain, handle }: NonNullable<FirewallDrop['rule']>, base: string): string {
  return `a rule${handle === null ? '' : ` (handle ${handle})`}${chain === base ? '' : ` of its chain ${chain}`}`;
}

const wayTexts: Record<Way, string> = {
  outbound: 'what containers send outside',
  published: 'published ports',
  names: 'queries to the resolver',
  host: "the host's own traffic to containers",
  neighbours: 'containers of one network to each other',
};

/** Describes it: `drops what containers send outside, published ports (IPv4; networks web, back)`. */
export function stopsText({ certain, stops }: FirewallDrop): string {
  const distinct = <Item>(items: Item[]): Item[] => [...new Set(items)];
  const networks = distinct(stops.map(({ network }) => network));
  const families = distinct(stops.map(({ family }) => `IPv${family}`)).join(' and ');
  const texts = distinct(stops.map(({ way }) => wayTexts[way])).join(', ');
  const shown = networks.slice(0, 5).join(', ');
  const more = networks.length > 5 ? ` and ${networks.length - 5} more` : '';
  const which = `${networks.length > 1 ? 'networks' : 'network'} ${shown}${more}`;
  return `${certain ? 'drops' : 'may drop'} ${texts} (${families}; ${which})`;
}
