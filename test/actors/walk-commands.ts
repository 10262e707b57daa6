import type { CommandName } from '../../src/contract/commands.ts';
import { networkId } from '../../src/core/object-names.ts';
import type { WalkSettings } from './walk-hosts.ts';

/** Something that is said to both daemons, or done to both hosts. A pid is the number of a process of the walk. */
export type Move =
  | { kind: 'command'; name: CommandName; request: Record<string, unknown>; id: string | null }
  | { kind: 'end-process'; slot: number }
  | { kind: 'delete-link'; container: string; network: string }
  | { kind: 'lose-definition'; network: string };

export const processSlots = 3;
/** what stands for the pid of the process in a slot, until it is said to a daemon */
export const pidOf = (slot: number): string => `pid of process ${slot}`;

const containers = Array.from({ length: 7 }, (_, index) => `c${index}`);
const networks = Array.from({ length: 5 }, (_, index) => `n${index}`);
const bridges = ['lo', 'br-a', 'br-b', 'netloom1', 'up0'];
const subnets = [
  { subnet: '10.40.0.0/24' },
  { subnet: '10.40.0.128/25' },
  { subnet: '10.41.0.0/29', gateway: '10.41.0.6' },
  { subnet: '10.42.0.0/24', lease_range: { start_ip: '10.42.0.10', end_ip: '10.42.0.11' } },
  { subnet: '10.50.1.0/24' },
  { subnet: 'fd40::/64' },
  { subnet: 'fd41::/126' },
  { subnet: '10.89.1.0/24', gateway: '10.89.1.9' },
];
const nonsenseSubnets = [
  { subnet: '10.40.0.0/33' },
  { subnet: '10.43.0.0/24', gateway: '10.44.0.1' },
  { subnet: '10.43.0.0/24', gateway: '10.43.0.255' },
  { subnet: '127.1.0.0/24' },
  { subnet: '10.43.0.0/24', lease_range: { start_ip: '10.43.0.9', end_ip: '10.43.0.3' } },
  { subnet: 'here' },
];
const addresses = [
  '10.40.0.9',
  '10.40.0.200',
  '10.41.0.2',
  '10.41.0.6',
  '10.42.0.10',
  '10.89.0.7',
  'fd40::9',
  '10.99.0.1',
  'x',
];
const modes = [
  'bridge',
  'none',
  'host',
  'container:c0',
  'container:c1',
  'container:c6',
  'slirp4netns',
  'what',
  'bridge:',
];

/** What there is: most commands are about that. */
export interface Known {
  containers: string[];
  networks: string[];
}

/** Random moves: as a rule sensible ones, that meet each other often, since there are few of everything. */
export class Moves {
  readonly #said: Extract<Move, { kind: 'command' }>[] = [];

  constructor(
    private readonly random: () => number,
    private readonly settings: WalkSettings,
    private readonly netnsDirectory: string,
    private readonly known: () => Known,
  ) {}

  next(): Move {
    const roll = this.random();
    if (roll < 0.02) return { kind: 'end-process', slot: this.#below(processSlots) };
    if (roll < 0.04) return { kind: 'delete-link', container: this.#one(containers), network: this.#one(networks) };
    if (roll < 0.05) return { kind: 'lose-definition', network: this.#likely(this.known().networks, networks) };
    if (roll < 0.1 && this.#said.length > 0) return this.#one(this.#said);
    const name = this.#weighted();
    const move: Move = {
      kind: 'command',
      name,
      request: this.#odd(requests[name]?.(this) ?? {}),
      id: this.random() < 0.3 ? `m${this.#said.length}` : null,
    };
    if (move.id !== null) this.#said.push(move);
    return move;
  }

  // --------------------------------------------------------------------------------------------------- what is said

  newContainer = (): string => this.#one(containers);
  container = (): string => this.#likely(this.known().containers, containers);

  /** By name, at times by id or the beginning of it, at times one that there cannot be. */
  network = (): string => {
    const name = this.#likely(this.known().networks, networks);
    const roll = this.random();
    if (roll < 0.04) return networkId(name).slice(0, 3 + this.#below(62));
    if (roll < 0.06) return 'nowhere';
    return name;
  };

  wish(id: string): Record<string, unknown> {
    const mode = this.#maybe(0.15, () => this.#mode());
    const joins = mode === undefined ? 0.95 : 0.3;
    return {
      id,
      ...optional('mode', mode),
      ...optional(
        'networks',
        this.#maybe(joins, () => this.#some(1, 3, () => this.attachment())),
      ),
      ...optional(
        'ports',
        this.#maybe(0.5, () => this.#some(1, 3, () => this.port())),
      ),
      ...optional(
        'staticIps',
        this.#maybe(0.05, () => [this.#one(addresses)]),
      ),
      ...optional(
        'staticMac',
        this.#maybe(0.03, () => this.#mac()),
      ),
      ...optional(
        'pid',
        this.#maybe(0.1, () => this.#pid()),
      ),
      ...optional(
        'name',
        this.#maybe(0.1, () => this.#one(['front', 'back'])),
      ),
      ...optional(
        'pod',
        this.#maybe(0.05, () => 'pod'),
      ),
      ...optional(
        'dnsServers',
        this.#maybe(0.05, () => [this.#one(addresses)]),
      ),
      ...optional(
        'removeOnExit',
        this.#maybe(0.2, () => true),
      ),
    };
  }

  attachment(): Record<string, unknown> {
    return {
      network: this.network(),
      ...optional(
        'interfaceName',
        this.#maybe(0.1, () => this.#one(['eth0', 'eth1', 'web', 'lo', 'much-too-long-a-name'])),
      ),
      ...optional(
        'staticIps',
        this.#maybe(0.1, () => this.#some(1, 2, () => this.#one(addresses))),
      ),
      ...optional(
        'staticMac',
        this.#maybe(0.05, () => this.#mac()),
      ),
      ...optional(
        'aliases',
        this.#maybe(0.2, () => this.#some(1, 2, () => this.#one(['db', 'cache', 'db']))),
      ),
    };
  }

  /** Few numbers, so that they meet; none that the kernel would pick. */
  port(): Record<string, unknown> {
    const { takenPort } = this.settings;
    const numbers = [0, 0, 8000, 8001, 8002, 8003, 8010, takenPort, 53];
    return {
      containerPort: 80 + this.#below(4),
      ...optional(
        'hostPort',
        this.#maybe(0.9, () => this.#one(numbers)),
      ),
      ...optional(
        'range',
        this.#maybe(0.2, () => 1 + this.#below(4)),
      ),
      ...optional(
        'protocol',
        this.#maybe(0.3, () => this.#one(['tcp', 'udp', 'tcp,udp', 'UDP', 'icmp'])),
      ),
      ...optional(
        'hostIp',
        this.#maybe(0.3, () => this.#one(['127.0.0.1', '127.0.0.2', '0.0.0.0', '::', '::1', '192.0.2.1', ''])),
      ),
    };
  }

  networkWish(): Record<string, unknown> {
    return {
      name: this.#one(networks),
      ...optional(
        'subnets',
        this.#maybe(0.5, () => this.#some(1, 2, () => this.#subnet())),
      ),
      ...optional(
        'ipv6_enabled',
        this.#maybe(0.3, () => true),
      ),
      ...optional(
        'internal',
        this.#maybe(0.15, () => true),
      ),
      ...optional(
        'dns_enabled',
        this.#maybe(0.4, () => this.random() < 0.3),
      ),
      ...optional(
        'network_interface',
        this.#maybe(0.1, () => this.#one(bridges)),
      ),
      ...optional(
        'driver',
        this.#maybe(0.1, () => this.#one(['bridge', 'macvlan', 'ipvlan', 'what'])),
      ),
      ...optional(
        'options',
        this.#maybe(0.2, () => this.#options()),
      ),
      ...optional(
        'labels',
        this.#maybe(0.1, () => ({ a: 'b' })),
      ),
      ...optional(
        'ipam_options',
        this.#maybe(0.05, () => ({ driver: this.#one(['host-local', 'none', 'dhcp']) })),
      ),
    };
  }

  networkChange(): Record<string, unknown> {
    const servers = () =>
      this.#some(1, 2, () => this.#one(['192.0.2.53', '192.0.2.54', '2001:db8::53', 'x', '192.0.2.53']));
    return {
      name: this.network(),
      ...optional('addDnsServers', this.#maybe(0.7, servers)),
      ...optional('removeDnsServers', this.#maybe(0.4, servers)),
    };
  }

  setup(): Record<string, unknown> {
    const id = this.newContainer();
    const overrides = optional(
      'networkOverrides',
      this.#maybe(0.1, () => this.#some(1, 2, () => this.attachment())),
    );
    return this.random() < 0.3 ? { id, ...overrides } : { ...this.wish(id), ...overrides };
  }

  /** As an engine says it, once per network or with all of them: at times it brings a network that only it knows. */
  attach(): Record<string, unknown> {
    const id = this.random() < 0.6 ? this.container() : this.newContainer();
    const networks = this.#some(1, 3, () => (this.random() < 0.25 ? this.#brought() : this.attachment()));
    return {
      id,
      networks,
      ...optional(
        'ports',
        this.#maybe(0.4, () => this.#some(1, 2, () => this.port())),
      ),
      ...optional(
        'owner',
        this.#maybe(0.3, () => 'engine'),
      ),
    };
  }

  detach(): Record<string, unknown> {
    return { id: this.container(), networks: this.#some(1, 3, () => this.network()) };
  }

  #brought(): Record<string, unknown> {
    const index = this.#below(4);
    const name = `e${index}`;
    // two of them need the place of another one of them, or of a network that netloom made
    const [base = '', bridge] =
      [
        ['10.60.0', 'eng0'],
        ['10.60.1', 'eng1'],
        ['10.60.0', 'eng2'],
        ['10.40.0', 'eng1'],
      ][index] ?? [];
    const subnets = [{ subnet: `${base}.0/24`, gateway: `${base}.1` }];
    const definition = {
      ...{ name, id: networkId(name), driver: 'bridge', network_interface: bridge, subnets },
      ...{ created: '2026-01-01T00:00:00Z', ipv6_enabled: false, internal: false, dns_enabled: false },
      ipam_options: { driver: 'host-local' },
    };
    return { network: name, definition };
  }

  ports = (): unknown[] => this.#some(1, 2, () => this.port());
  startedPid = (): unknown => this.#pid();
  force = (): Record<string, unknown> =>
    optional(
      'force',
      this.#maybe(0.4, () => true),
    );
  pruneNames = (): Record<string, unknown> =>
    optional(
      'names',
      this.#maybe(0.7, () => this.#some(1, 2, () => this.#one(networks))),
    );

  // ----------------------------------------------------------------------------------------------------------- dice

  #mode(): string {
    const paths = [
      `${this.netnsDirectory}/${this.settings.foreignNetns}`,
      `${this.netnsDirectory}/netloom-c0`,
      '/nowhere',
      'x',
    ];
    return this.random() < 0.3 ? `ns:${this.#one(paths)}` : this.#one(modes);
  }

  #options(): Record<string, string> {
    const [key, values] = this.#one([
      ['mtu', ['1400', '1200', '9000', '12', 'much']],
      ['isolate', ['true', 'strict', 'false', 'perhaps']],
      ['metric', ['50', '200', '-1']],
      ['no_default_route', ['true', 'false', '1']],
      ['what', ['ever']],
    ] as [string, string[]][]);
    return { [key]: this.#one(values) };
  }

  #subnet = (): unknown => this.#one(this.random() < 0.1 ? nonsenseSubnets : subnets);
  #mac = (): string => this.#one(['02:00:00:00:00:77', '01:00:00:00:00:01', 'x']);
  #pid = (): unknown => (this.random() < 0.1 ? 0x3f_ff_ff : pidOf(this.#below(processSlots)));

  /** At times something is of a kind that it cannot be, or is not there. */
  #odd(request: Record<string, unknown>): Record<string, unknown> {
    const keys = Object.keys(request);
    if (keys.length === 0 || this.random() > 0.03) return request;
    // 7 is somebody's on one of the hosts
    if ('pid' in request) return request;
    const key = this.#one(keys);
    const { [key]: _, ...rest } = request;
    return this.random() < 0.3 ? rest : { ...rest, [key]: this.#one([null, 7, '', [], {}, 'a b', '../..']) };
  }

  #weighted(): CommandName {
    let left = this.random() * Object.values(weights).reduce((sum, weight) => sum + weight, 0);
    for (const [name, weight] of Object.entries(weights)) {
      left -= weight;
      if (left < 0) return name as CommandName;
    }
    return 'container.setup';
  }

  #likely = (known: readonly string[], all: readonly string[]): string =>
    this.#one(known.length > 0 && this.random() < 0.85 ? known : all);
  #below = (count: number): number => Math.floor(this.random() * count);
  #one = <T>(from: readonly T[]): T => from[this.#below(from.length)] as T;
  #maybe = <T>(chance: number, make: () => T): T | undefined => (this.random() < chance ? make() : undefined);
  #some = <T>(least: number, most: number, make: () => T): T[] =>
    Array.from({ length: least + this.#below(most - least + 1) }, make);
}

const optional = (key: string, value: unknown): Record<string, unknown> =>
  value === undefined ? {} : { [key]: value };

const weights: Partial<Record<CommandName, number>> = {
  'network.create': 10,
  'network.update': 4,
  'network.remove': 6,
  'network.prune': 2,
  'network.inspect': 2,
  'container.create': 5,
  'container.setup': 22,
  'container.started': 6,
  'container.exited': 3,
  'container.connect': 8,
  'container.disconnect': 6,
  'container.attach': 10,
  'container.detach': 7,
  'container.publish': 8,
  'container.unpublish': 6,
  'container.reload': 5,
  'container.teardown': 10,
  'container.remove': 6,
  'container.inspect': 4,
  'container.stats': 2,
  'plan.container': 4,
};

const requests: Partial<Record<CommandName, (moves: Moves) => Record<string, unknown>>> = {
  'network.create': (moves) => moves.networkWish(),
  'network.update': (moves) => moves.networkChange(),
  'network.remove': (moves) => ({ name: moves.network(), ...moves.force() }),
  'network.prune': (moves) => moves.pruneNames(),
  'network.inspect': (moves) => ({ name: moves.network() }),
  'container.create': (moves) => moves.wish(moves.newContainer()),
  'container.setup': (moves) => moves.setup(),
  'container.started': (moves) => ({ id: moves.container(), pid: moves.startedPid() }),
  'container.connect': (moves) => ({ id: moves.container(), ...moves.attachment() }),
  'container.disconnect': (moves) => ({ id: moves.container(), network: moves.network() }),
  'container.attach': (moves) => moves.attach(),
  'container.detach': (moves) => moves.detach(),
  'container.publish': (moves) => ({ id: moves.container(), ports: moves.ports() }),
  'container.unpublish': (moves) => ({ id: moves.container(), ports: moves.ports() }),
  'container.reload': (moves) => ({ id: moves.container() }),
  'container.exited': (moves) => ({ id: moves.container(), pid: moves.startedPid(), exitCode: 3 }),
  'container.teardown': (moves) => ({ id: moves.container(), ...moves.force() }),
  'container.remove': (moves) => ({ id: moves.container(), ...moves.force() }),
  'container.inspect': (moves) => ({ id: moves.container() }),
  'container.stats': (moves) => ({ id: moves.container() }),
  'plan.container': (moves) => moves.wish(moves.newContainer()),
};
