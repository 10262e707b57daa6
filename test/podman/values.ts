import { type Mapping, type PortRow, portRows, titleOf } from './port-rows.ts';

/** The values of netavark and netloom that are accepted where they differ; undefined: only the other one has it. */
export type Values = (netavark: unknown, netloom: unknown, path: string) => boolean;

/** Both are text, each of its kind. */
export const texts =
  (netavark: RegExp, netloom: RegExp): Values =>
  (its, ours) =>
    typeof its === 'string' && typeof ours === 'string' && netavark.test(its) && netloom.test(ours);

/** Both are exactly this. */
export const exactly =
  (netavark: unknown, netloom: unknown): Values =>
  (its, ours) =>
    its === netavark && ours === netloom;

/** Only netloom has it: text of that kind. */
export const onlyNetloom =
  (text: RegExp): Values =>
  (its, ours) =>
    its === undefined && typeof ours === 'string' && text.test(ours);

/** Names with a space between them: some of netavark's, and no others. */
export const fewer: Values = (its, ours) => {
  const [all, left] = [its, ours].map((text) => String(text).split(' ').filter(Boolean)) as [string[], string[]];
  return left.length < all.length && left.every((name) => all.includes(name));
};

/** The same default route, with another metric than netavark's 100. */
export const withMetric =
  (metric: number): Values =>
  (its, ours) =>
    texts(/^default via \S+ dev \S+ metric 100$/, /^default /)(its, ours, '') &&
    ours === String(its).replace(/100$/, `${metric}`);

const refused = (netavark: string, netloom: string): [RegExp, RegExp] => [
  new RegExp(`^Error: netavark: .*${netavark}`),
  new RegExp(`^Error: netavark: .*${netloom}`),
];

/** Refusals with the same meaning: netavark's words (or podman's, where it refuses first), and netloom's. */
const refusals = {
  'a link that is no bridge': refused(
    'bridge interface mine0 already exists but is a Veth interface$',
    'interface mine0 already exists but is a veth interface$',
  ),
  'a parent that is not there': refused('No such device \\(os error 19\\)$', 'this host has no interface par0$'),
  'a name that another link has': refused(
    'interface eth0 already exists on container namespace or veth-a exists on host namespace',
    '(this host already has an interface veth-a$|interface veth-a already exists but does not lead to )',
  ),
  // podman 4.3 binds the port only after the network is up; netloom finds its holder before that
  'a port that is taken': [
    /^Error: cannot listen on the TCP port: listen tcp4 :8080: bind: address already in use$/,
    /^Error: netavark: 8080->80\/tcp: container <short id> publishes 8080->80\/tcp$/,
  ],
  'a gateway that no route can have': refused(
    'Invalid argument \\(os error 22\\)',
    'its gateway 10\\.6\\.0\\.255 is the broadcast address of its subnet',
  ),
  'a network that is there': refused('network already exists plain$', 'network already exists: plain has id '),
  'an option that is not known': refused('unsupported bridge network option: ?colour', 'unknown option colour; '),
  'a gateway outside': refused(
    'gateway 10\\.8\\.0\\.1 not in subnet 10\\.7\\.0\\.0/24',
    'gateway 10\\.8\\.0\\.1 is outside 10\\.7\\.0\\.0/24$',
  ),
  'no room for a gateway': refused(
    'could not create gateway for subnet 10\\.7\\.0\\.0/31',
    'could not create gateway for subnet 10\\.7\\.0\\.0/31: it is too small$',
  ),
  'a range outside': refused(
    '10\\.8\\.0\\.\\d+ not in subnet 10\\.7\\.0\\.0/24',
    '10\\.8\\.0\\.\\d+ is outside 10\\.7\\.0\\.0/24$',
  ),
  'overlapping subnets': refused(
    'overlapping subnets: .*10\\.7\\.',
    '10\\.7\\.3\\.0/24 overlaps another subnet of the same network$',
  ),
  'a route to an address': refused('route destination invalid$', 'route to 10\\.9\\.0\\.1/24: not a subnet; '),
  'subnets without IPAM': refused(
    'None ipam driver is set but subnets are given$',
    '--ipam-driver none gives no addresses, so the network cannot have a --subnet$',
  ),
  'an IPAM that is not known': refused('Unsupported ipam driver: magic$', 'ipam driver magic is not supported: '),
  'name servers without names': refused(
    'cannot set NetworkDNSServers if DNS is not enabled for the network$',
    '--dns: .* answers no names',
  ),
  'host-local without a subnet': refused(
    'macvlan driver needs at least one subnet specified when the host-local ipam driver is set$',
    'a macvlan network needs a subnet of its parent: ',
  ),
  'DHCP with ipvlan': refused(
    'ipam driver dhcp is not supported with ipvlan$',
    'ipam driver dhcp is not supported with ipvlan: ',
  ),
  'a driver that is not known': refused('(plugin|driver).*overlay', 'unknown driver overlay'),
} satisfies Record<string, [RegExp, RegExp]>;

/** One of these refusals, in the words of each. */
export const refusedAs =
  (...names: (keyof typeof refusals)[]): Values =>
  (its, ours) =>
    names.some((name) => texts(...refusals[name])(its, ours, ''));

// ------------------------------------------------------------------------------------------------------ published ports

/** `-p [::]:8080:80 …` and where it was asked: the path of one answer of published ports, taken apart. */
interface Asked {
  row: PortRow;
  /** `host [fd77::1]` */
  place: string;
  /** as in the table, where the first port of every row is 8080 */
  port: number;
  protocol: Mapping['protocol'];
}

function asked(path: string): Asked | null {
  const [, title, place = '', port, protocol = 'tcp'] =
    /^(-p .*)\.((?:host|outside) \S+) (\d+)(?:\/(udp))?$/.exec(path) ?? [];
  const row = portRows.find((one) => titleOf(one) === title);
  return row ? { row, place, port: Number(port) - 8080, protocol: protocol as Mapping['protocol'] } : null;
}

/** The container's port that those mappings of the row lead to. */
function target({ row, port, protocol }: Asked, isMeant: (mapping: Mapping) => boolean): string | null {
  const covering = row.mappings.find(
    (one) => isMeant(one) && one.protocol === protocol && port >= one.at && port < one.at + one.count,
  );
  return covering ? `${covering.inside + port - covering.at}` : null;
}

const ofIpv6 = ({ hostIp }: Mapping): boolean => hostIp === '::';
/** podman before 6 passes on 0.0.0.0 as if no address had been given */
const ofAny = ({ hostIp }: Mapping): boolean => hostIp === null || hostIp === '0.0.0.0';

/**
 * By fd77::1, netloom leads to the target of [::]. netavark 1.4 leads to no port, or to the target of 0.0.0.0. Its rules
 * for [::] match nothing, and iptables takes a rule that differs from another one in that alone for the same: where both lead to one
 * port, it depends on which came first.
 */
export const servedByIpv6: Values = (its, ours, path) => {
  const question = asked(path);
  if (!question || !/^(host|outside) \[fd77::1\]$/.test(question.place)) return false;
  const served = target(question, ofIpv6);
  const any = target(question, ofAny);
  return served !== null && ours === served && its === (any === null || any === served ? '-' : any);
};

/** netavark 1.14 follows the order that podman happens to give; netloom the narrower one. */
export const narrowerCounts: Values = (its, ours, path) => {
  const question = asked(path);
  if (!question || !/^(host|outside) \[fd77::1\]$/.test(question.place)) return false;
  const served = target(question, ofIpv6);
  return served !== null && ours === served && its === target(question, ofAny);
};

/** The rules of a container whose mappings meet in IPv6 stay when it goes. */
export const rulesStay: Values = (its, ours, path) => {
  const row = portRows.find((one) => `${titleOf(one)}.left` === path);
  return row?.stuck === true && its === 'rules' && ours === 'nothing';
};
