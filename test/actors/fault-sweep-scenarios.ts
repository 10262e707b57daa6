import { execFileSync } from 'node:child_process';
import * as native from '#native';
import { containerAddress, networkAddress } from '../../src/core/actor-address.ts';
import type { AttachmentRequest, ContainerRequest } from '../../src/core/container/request.ts';
import { containerWish } from '../../src/core/container/wish.ts';
import type { NetworkDefinition } from '../../src/core/network/definition.ts';
import type { NetworkRequest } from '../../src/core/network/request.ts';
import { hostVethName } from '../../src/core/object-names.ts';
import { type PortMapping, publishedPorts } from '../../src/core/port.ts';
import { definitionOf, networkWishOf } from '../core/samples.ts';
import { DhcpLan, type Dnsmasq } from '../support/dhcp-lan.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';
import { killed, type Living, startSleeper } from '../support/sleepers.ts';
import { changeScenarios, type Terrain } from './fault-sweep-changes.ts';
import type { Command } from './fault-sweep-site.ts';

/** One command, what there is before it, and the ways on from wherever it ends. Addresses are static: states compare. */
export interface Scenario {
  /** events that come by themselves, before all commands */
  found?: NetworkDefinition[];
  before: Command[];
  /** what another program does just before the command; `directory`: where the daemon's files are */
  meanwhile?: (directory: string) => void;
  command: Command;
  /**
   * build: after a failure nothing of it is left. mend: what could not be mended is named, and mended by the next try.
   * dismantle: what could not be undone is named, and undone by the next try
   */
  kind: 'build' | 'mend' | 'dismantle';
  /** a dismantle that can be refused before its first change */
  isRefusable?: true;
  /** from its success to where a failed build may stop as well: a network stays raised for the next container */
  halfBack?: Command[];
  /** from there, or from its success, back to the state before */
  back: Command[];
  /** after a failure: completes it; default: the command once more */
  again?: Command[];
  /** the same, after a failure of which not even the first steps could be taken back */
  againAfterLeftovers?: Command[];
  /** after a failure of a build: from there to the state before; its network, if degraded, mends itself at its next check */
  giveUp?: Command[];
  /** from the state before to a host on which nothing is */
  end: Command[];
}

const parent = 'par0';
const lanLink = 'lan0';

/**
 * What is not netloom's: a parent for macvlan, a LAN with a DHCP server, a process in a namespace of its own, and a namespace that
 * is only pinned.
 */
export class Surroundings {
  readonly #directory = temporaryDirectory();
  readonly path = `${this.#directory.path}/theirs`;
  readonly #lan = new DhcpLan(this.#directory.path, lanLink);
  #server: Dnsmasq | null = null;

  private constructor(readonly process: Living) {
    execFileSync('ip', ['link', 'add', parent, 'type', 'veth', 'peer', 'name', 'par1']);
    for (const name of [parent, 'par1']) execFileSync('ip', ['link', 'set', name, 'up']);
    native.createNetns(this.path).socket.close();
    // a network turns these on and leaves them so: others may rely on it by then
    for (const key of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']) native.setSysctl(null, key, '1');
  }

  static async make(): Promise<Surroundings> {
    const made = new Surroundings(await startSleeper(['unshare', '--net']));
    made.#server = await made.#lan.dnsmasq();
    for (const path of made.namespaces) execFileSync('nsenter', [`--net=${path}`, 'ip', 'link', 'set', 'lo', 'up']);
    return made;
  }

  get pid(): number {
    return this.process.pid;
  }

  get processNetns(): string {
    return `/proc/${this.pid}/ns/net`;
  }

  get namespaces(): string[] {
    return [this.path, this.processNetns];
  }

  isOurs(link: string): boolean {
    return ['lo', parent, 'par1', lanLink].includes(link);
  }

  async remove(): Promise<void> {
    await killed(this.process);
    await this.#server?.stop();
    this.#lan.remove();
    native.removeNetns(this.path);
    this.#directory.remove();
  }
}

// -------------------------------------------------------------------------------------------------------- commands

const create = (request: NetworkRequest): Command => [
  networkAddress(request.name),
  { type: 'network.create', wish: networkWishOf(request), created: '2026-01-01T00:00:00Z' },
];
const removeNetwork = (name: string): Command => [networkAddress(name), { type: 'network.remove' }];
const update = (name: string, change: { addDnsServers?: string[]; removeDnsServers?: string[] }): Command => [
  networkAddress(name),
  { type: 'network.update', addDnsServers: [], removeDnsServers: [], ...change },
];

const check = (network: string): Command => [networkAddress(network), { type: 'drift.suspected' }];

const setup = (request: ContainerRequest): Command => [
  containerAddress(request.id),
  { type: 'container.setup', wish: containerWish(request) },
];
const ofContainer = (id: string, type: string, more: object = {}): Command => [containerAddress(id), { type, ...more }];
const remove = (id: string): Command => ofContainer(id, 'container.remove');
const teardown = (id: string): Command => ofContainer(id, 'container.teardown');
const reload = (id: string): Command => ofContainer(id, 'container.reload');
const connect = (id: string, attachment: AttachmentRequest): Command =>
  ofContainer(id, 'container.connect', { attachment });
const disconnect = (id: string, network: string): Command => ofContainer(id, 'container.disconnect', { network });
const ports = (id: string, verb: 'publish' | 'unpublish', mappings: PortMapping[]): Command =>
  ofContainer(id, `container.${verb}`, { ports: publishedPorts(mappings) });

// ------------------------------------------------------------------------------------------------------------ nouns

const web = { name: 'web', network_interface: 'nlweb', subnets: [{ subnet: '10.88.0.0/24' }], dns_enabled: false };
const dual = {
  name: 'dual',
  network_interface: 'nldual',
  subnets: [{ subnet: '10.89.0.0/24' }, { subnet: 'fd89::/64' }],
  routes: [{ destination: '10.66.0.0/16', type: 'blackhole' as const }],
};
const back = { name: 'back', network_interface: 'nlback', subnets: [{ subnet: '10.90.0.0/24' }], internal: true };
const mac: NetworkDefinition = {
  ...definitionOf({ name: 'mac', subnets: [{ subnet: '10.91.0.0/24' }], dns_enabled: false }, parent),
  driver: 'macvlan',
};

const lan: NetworkDefinition = definitionOf(
  { name: 'lan', driver: 'macvlan', network_interface: lanLink, subnets: null, ipam_options: { driver: 'dhcp' } },
  lanLink,
);

const onWeb = { network: 'web', staticIps: ['10.88.0.9'] };
const onDual = { network: 'dual', staticIps: ['10.89.0.9', 'fd89::9'], aliases: ['www'] };
const onBack = { network: 'back', staticIps: ['10.90.0.9'] };
const onMac = { network: 'mac', staticIps: ['10.91.0.9'] };

const onePort: PortMapping[] = [{ hostPort: 8080, containerPort: 80 }];
const manyPorts: PortMapping[] = [
  { hostPort: 8080, containerPort: 80 },
  { hostPort: 8081, containerPort: 8000, range: 3 },
  { hostPort: 8084, containerPort: 81, hostIp: '127.0.0.1' },
  { hostPort: 5353, containerPort: 53, protocol: 'udp,tcp' },
];
const morePorts: PortMapping[] = [
  { hostPort: 8086, containerPort: 86, range: 2 },
  { hostPort: 5354, containerPort: 54, protocol: 'udp' },
];

/** Somebody who lives on the network all the time, so that it is raised: and must not notice anything. */
const neighbour = (network: string, address: string, hostPort: number): Command =>
  setup({
    id: `n-${network}`,
    networks: [{ network, staticIps: [address] }],
    ports: network === 'mac' ? [] : [{ hostPort, containerPort: 80 }],
  });
const webUp = [create(web), neighbour('web', '10.88.0.200', 8090)];
const webDown = [remove('n-web'), removeNetwork('web')];
const dualUp = [create(dual), neighbour('dual', '10.89.0.200', 8091)];
const dualDown = [remove('n-dual'), removeNetwork('dual')];
const backUp = [create(back), setup({ id: 'n-back', networks: [{ network: 'back', staticIps: ['10.90.0.200'] }] })];
const backDown = [remove('n-back'), removeNetwork('back')];
const macUp = [neighbour('mac', '10.91.0.200', 0)];
const macDown = [remove('n-mac'), removeNetwork('mac')];

const lanUp = [setup({ id: 'n-lan', networks: [{ network: 'lan' }] })];
const lanDown = [remove('n-lan'), removeNetwork('lan')];

const setupV4 = setup({ id: 'c', networks: [onWeb], ports: onePort });
const setupDual = setup({ id: 'c', networks: [onDual], ports: manyPorts, dnsServers: ['192.0.2.53'] });
const setupTwo = setup({ id: 'c', networks: [onBack, onDual], ports: onePort });
const setupMac = setup({ id: 'c', networks: [onMac] });
const setupLan = setup({ id: 'c', networks: [{ network: 'lan' }] });

const built = (
  before: Command[],
  command: Command,
  end: Command[],
): Pick<Scenario, 'before' | 'command' | 'kind' | 'back' | 'giveUp' | 'end'> => ({
  before,
  command,
  kind: 'build',
  back: [remove('c')],
  giveUp: [remove('c')],
  end,
});

const dismantled = (
  before: Command[],
  command: Command,
  back: Command[],
  end: Command[],
): Pick<Scenario, 'before' | 'command' | 'kind' | 'back' | 'end'> => ({
  before,
  command,
  kind: 'dismantle',
  back,
  end,
});

const terrain: Terrain = {
  up: [...webUp, ...backUp, ...dualUp],
  down: [...webDown, ...backDown, ...dualDown],
  create: create(dual),
  removeNetwork: removeNetwork('dual'),
  attachments: { onWeb, onBack, onDual },
  setup,
  connect,
  remove,
  reload,
  unpublish: (id) => ports(id, 'unpublish', onePort),
  backUp,
  backDown,
  ports: onePort,
};

export function scenariosIn({ pid, path }: Surroundings): Record<string, Scenario> {
  const setupAdopted = setup({ id: 'c', networks: [onDual], ports: onePort, pid });
  const named = { ...onDual, hostInterfaceName: 'veth-c' };
  const setupForeign = setup({ id: 'c', mode: `ns:${path}`, networks: [named], ports: onePort });
  const removed = [remove('c')];
  return {
    'network.create': { before: [], command: create(dual), kind: 'build', back: [removeNetwork('dual')], end: [] },
    'the first member raises its network': {
      ...built([create(dual)], setupDual, [removeNetwork('dual')]),
      halfBack: removed,
      back: [removeNetwork('dual'), create(dual)],
      giveUp: [...removed, removeNetwork('dual'), create(dual)],
    },
    'network.update': {
      before: dualUp,
      command: update('dual', { addDnsServers: ['192.0.2.1'] }),
      kind: 'build',
      back: [update('dual', { removeDnsServers: ['192.0.2.1'] })],
      end: dualDown,
    },
    'network.remove': dismantled(
      [create(dual), setupDual, ...removed],
      removeNetwork('dual'),
      [create(dual), setupDual, ...removed],
      [removeNetwork('dual')],
    ),
    'bridge IPv4': built(webUp, setupV4, webDown),
    'dual stack with ports': built(dualUp, setupDual, dualDown),
    'two networks': built([...dualUp, ...backUp], setupTwo, [...dualDown, ...backDown]),
    macvlan: { ...built(macUp, setupMac, macDown), giveUp: [remove('c'), check('mac')], found: [mac] },
    'C13 an address by DHCP': {
      ...built(lanUp, setupLan, lanDown),
      giveUp: [remove('c'), check('lan')],
      found: [lan],
    },
    "a process's namespace": built(dualUp, setupAdopted, dualDown),
    'a namespace that is not ours': built(dualUp, setupForeign, dualDown),
    'the namespace of another container': built(dualUp, setup({ id: 'c', mode: 'container:n-dual' }), dualDown),
    connect: {
      before: [...dualUp, ...backUp, setup({ id: 'c', networks: [onBack], ports: onePort })],
      command: connect('c', onDual),
      kind: 'build',
      back: [disconnect('c', 'dual')],
      againAfterLeftovers: [reload('c')],
      end: [...removed, ...dualDown, ...backDown],
    },
    disconnect: {
      ...dismantled(
        [...dualUp, ...backUp, setup({ id: 'c', networks: [onBack, onDual], ports: onePort })],
        disconnect('c', 'dual'),
        [connect('c', onDual)],
        [...removed, ...dualDown, ...backDown],
      ),
      again: [reload('c'), disconnect('c', 'dual')],
    },
    publish: {
      before: [...dualUp, setup({ id: 'c', networks: [onDual] })],
      command: ports('c', 'publish', morePorts),
      kind: 'build',
      back: [ports('c', 'unpublish', morePorts)],
      againAfterLeftovers: [reload('c')],
      end: [...removed, ...dualDown],
    },
    'publish beside other ports': {
      before: [...dualUp, setupDual],
      command: ports('c', 'publish', morePorts),
      kind: 'build',
      back: [ports('c', 'unpublish', morePorts)],
      againAfterLeftovers: [reload('c')],
      end: [...removed, ...dualDown],
    },
    unpublish: {
      ...dismantled(
        [...dualUp, setupDual],
        ports('c', 'unpublish', manyPorts.slice(1)),
        [ports('c', 'publish', manyPorts.slice(1))],
        [...removed, ...dualDown],
      ),
      again: [reload('c'), ports('c', 'unpublish', manyPorts.slice(1))],
    },
    'reload of what is whole': {
      before: [...dualUp, ...backUp, setupTwo],
      command: reload('c'),
      kind: 'mend',
      back: [],
      end: [...removed, ...dualDown, ...backDown],
    },
    'reload of what has vanished': {
      before: [...dualUp, setupDual],
      meanwhile: () => {
        execFileSync('ip', ['link', 'delete', hostVethName('c', 'dual')]);
        for (const map of ['published_any4', 'published_any6'])
          execFileSync('nft', ['delete', 'element', 'inet', 'netloom', map, '{ tcp . 8080, udp . 5353 }']);
      },
      command: reload('c'),
      kind: 'mend',
      back: [],
      end: [...removed, ...dualDown],
    },
    teardown: dismantled(
      [...dualUp, ...backUp, setupTwo],
      teardown('c'),
      [setupTwo],
      [...removed, ...dualDown, ...backDown],
    ),
    'remove of a macvlan': {
      ...dismantled([...macUp, setupMac], remove('c'), [setupMac], [...removed, ...macDown]),
      found: [mac],
    },
    "teardown in a process's namespace": dismantled(
      [...dualUp, setupAdopted],
      teardown('c'),
      [setupAdopted],
      [...removed, ...dualDown],
    ),
    'teardown in a namespace that is not ours': dismantled(
      [...dualUp, setupForeign],
      teardown('c'),
      [setupForeign],
      [...removed, ...dualDown],
    ),
    ...changeScenarios(terrain),
  };
}
