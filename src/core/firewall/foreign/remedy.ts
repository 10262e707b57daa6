import { familyOf } from '../../address.ts';
import type { NetworkDefinition } from '../../network/definition.ts';
import type { Drop } from './judge.ts';
import type { ForeignTable } from './ruleset.ts';
import { type ResolverPorts, resolverPort, type Stopped } from './traffic.ts';

/** Commands that let netloom's traffic pass a firewall, in that firewall's own words (docs/firewalls.md). */

type Program = 'firewalld' | 'ufw' | 'docker' | 'iptables' | 'nftables';

export function remedyOf(
  { table, chain, hook }: Drop,
  stops: readonly Stopped[],
  networks: readonly NetworkDefinition[],
  resolver: ResolverPorts,
): string[] {
  const names = [...new Set(stops.map(({ network }) => network))].slice(0, mostNetworks);
  const stopped = networks.filter(({ name }) => names.includes(name));
  const program = programOf(table);
  if (program === 'firewalld')
    return stopped.flatMap(({ subnets }) =>
      subnets.map(({ subnet }) => `firewall-cmd --zone=trusted --add-source=${subnet}`),
    );
  return stopped.flatMap(({ name, network_interface: bridge, subnets }) =>
    forNetwork({
      port: resolverPort(resolver, subnets.find(({ gateway }) => gateway)?.gateway ?? ''),
      program,
      table,
      chain,
      hook,
      bridge: bridge as string,
      subnets: subnets.map(({ subnet }) => subnet),
      stops: stops.filter(({ network }) => network === name),
    }),
  );
}

/** More commands would hide the message. */
const mostNetworks = 3;

function programOf({ name, tool, family, chains }: ForeignTable): Program {
  const names = Object.keys(chains);
  if (name === 'firewalld') return 'firewalld';
  if (names.some((chain) => /^ufw6?-/.test(chain))) return 'ufw';
  if (names.includes('DOCKER-USER')) return 'docker';
  const isIptables = tool !== 'nftables' || ((family === 'ip' || family === 'ip6') && /^[A-Z]+$/.test(names[0] ?? ''));
  return isIptables ? 'iptables' : 'nftables';
}

interface Where {
  program: Program;
  table: ForeignTable;
  chain: string;
  hook: string;
  bridge: string;
  /** of the resolver */
  port: number;
  subnets: string[];
  stops: readonly Stopped[];
}

function forNetwork(where: Where): string[] {
  const { program, table, chain, hook, bridge, port, stops } = where;
  const asks = stops.some(({ way }) => way === 'names');
  const answers = stops.some(({ way }) => way !== 'names');
  if (program === 'ufw' && hook === 'forward')
    return [`ufw route allow in on ${bridge}`, `ufw route allow out on ${bridge}`];
  if (program === 'ufw' && hook === 'input') return [`ufw allow in on ${bridge} to any port ${port}`];
  if (program === 'nftables') {
    const insert = `nft insert rule ${table.family} ${table.name} ${chain}`;
    if (hook === 'input')
      return [
        ...(asks ? [`${insert} iifname ${bridge} meta l4proto { tcp, udp } th dport ${port} accept`] : []),
        ...(answers ? [`${insert} iifname ${bridge} ct state established,related accept`] : []),
      ];
    if (hook === 'forward')
      return [
        `${insert} iifname ${bridge} accept`,
        `${insert} oifname ${bridge} ct state established,related accept`,
        `${insert} oifname ${bridge} ct status dnat accept`,
      ];
    return elsewhere(
      where,
      (subnet) => `${insert} ct original ${familyOf(subnet) === 6 ? 'ip6' : 'ip'} saddr ${subnet} accept`,
    ).concat(byLink(where).map((direction) => `${insert} ${direction}name ${bridge} accept`));
  }
  const command = `${table.family === 'ip6' ? 'ip6tables' : 'iptables'}${table.tool === 'iptables-legacy' ? '-legacy' : ''}`;
  const insert = `${command}${table.name === 'filter' ? '' : ` -t ${table.name}`} -I ${program === 'docker' && hook === 'forward' ? 'DOCKER-USER' : chain}`;
  if (hook === 'forward')
    return [
      `${insert} -i ${bridge} -j ACCEPT`,
      `${insert} -o ${bridge} -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT`,
    ];
  if (hook === 'input')
    return [
      ...(asks
        ? ['udp', 'tcp'].map((protocol) => `${insert} -i ${bridge} -p ${protocol} --dport ${port} -j ACCEPT`)
        : []),
      ...(answers ? [`${insert} -i ${bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`] : []),
    ];
  return elsewhere(where, (subnet) => `${insert} -m conntrack --ctorigsrc ${subnet} -j ACCEPT`).concat(
    byLink(where).map((direction) => `${insert} -${direction.charAt(0)} ${bridge} -j ACCEPT`),
  );
}

/** Writes a command per subnet: after routing, traffic to the outside is known by its source only, which may be translated by then. */
function elsewhere({ hook, stops, subnets }: Where, command: (subnet: string) => string): string[] {
  if (hook !== 'postrouting') return [];
  const isStopped = (subnet: string) =>
    stops.some(({ way, family }) => way === 'outbound' && family === familyOf(subnet));
  return subnets.filter(isStopped).map(command);
}

/** Returns the sides on which the bridge is. */
function byLink({ hook, stops }: Where): ('iif' | 'oif')[] {
  if (hook === 'prerouting') return ['iif'];
  return hook === 'output' || stops.some(({ way }) => way !== 'outbound') ? ['oif'] : [];
}
