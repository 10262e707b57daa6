import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import { addressBytes } from '../../src/core/address.ts';
import { hostVethName } from '../../src/core/object-names.ts';
import { runDoor } from '../doors/door.ts';
import { untilAnswered } from '../support/daemon.ts';
import { FrameListener } from '../support/frames.ts';
import { ip, ipWithin } from '../support/fresh-host.ts';
import { Lab } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';
import { advertiseRouter } from '../support/router-advertiser.ts';

// A container claims to be the link's router (CVE-2020-13401, CVE-2020-10749). A believer on the same link, with the defaults
// of Linux, shows that the advertisement has arrived; no other host may believe it.

const prefix = '2001:db8:bad::';
const source = 'fe80::bad';
const report: string[] = [];

let lab: Lab;
const pins: string[] = [];
beforeAll(async () => {
  lab = await Lab.open();
});
afterEach(async () => {
  await lab.clear();
  for (const path of pins.splice(0)) native.removeNetns(path);
});
afterAll(async () => {
  console.log(`hosts that believe a container's router advertisement:\n  ${report.join('\n  ')}`);
  await lab.close();
});

function freshNetns(name: string): string {
  const path = `${lab.directory.path}/${name}`;
  native.createNetns(path).socket.close();
  pins.push(path);
  return path;
}

/** Makes a host on the bridge that believes every router. */
function believerOn(bridge: string): string {
  const netns = freshNetns(`believer${pins.length}`);
  execFileSync('ip', ['link', 'add', 'believer', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns]);
  ipBatch(null, [`link set believer master ${bridge} up`]);
  native.setSysctls(netns, [
    { key: 'net/ipv6/conf/eth0/accept_ra', value: '1' },
    { key: 'net/ipv6/conf/eth0/accept_dad', value: '0' },
  ]);
  ipBatch(netns, ['link set eth0 up']);
  return netns;
}

const ipOf = <T>(netns: string | null, ...args: string[]): T =>
  netns === null ? ip<T>(...args) : ipWithin<T>(netns, ...args);
/** Returns what it learnt: routes by router advertisement, and addresses in the advertised prefix. */
function learnt(netns: string | null): string[] {
  const routes = ipOf<{ dst: string }[]>(netns, '-6', 'route', 'show', 'proto', 'ra');
  const links = ipOf<{ addr_info: { local?: string }[] }[]>(netns, '-6', 'address');
  const addresses = links.flatMap(({ addr_info }) => addr_info.flatMap(({ local }) => local ?? []));
  return [
    ...routes.map(({ dst }) => `route ${dst}`),
    ...addresses.filter((address) => address.startsWith('2001:db8:bad:')).map((address) => `address ${address}`),
  ];
}

const believes = (netns: string) => untilAnswered(async () => expect(learnt(netns)).toContain('route default'));

function attack(netns: string, interfaceName = 'eth0'): void {
  ipBatch(netns, [`address replace ${source}/64 dev ${interfaceName} nodad`]);
  advertiseRouter({ netns, interfaceName, source, prefix });
}

/** Advertises from one container; the believer accepts it, the host and the neighbour do not. */
async function expectUnbelieved(what: string, bridge: string, attacker: string, neighbour: string): Promise<void> {
  const believer = believerOn(bridge);
  attack(attacker);
  await believes(believer);
  expect(learnt(null), `${what}: the host`).toEqual([]);
  expect(learnt(neighbour), `${what}: a neighbour`).toEqual([]);
  report.push(`${what}: a default Linux believes it (${learnt(believer).length} entries), host and neighbour do not`);
  execFileSync('ip', ['link', 'delete', 'believer']);
}

it('N01 the attack works on a foreign bridge, and netloom does not change that bridge', async () => {
  ipBatch(null, ['link add theirs type bridge', 'link add port type veth peer name portx']);
  native.setSysctl(null, 'net.ipv6.conf.theirs.accept_ra', '1');
  const attacker = freshNetns('attacker');
  ipBatch(null, [`link set portx netns ${attacker} name eth0`, 'link set port master theirs up', 'link set theirs up']);
  ipBatch(attacker, ['link set eth0 up']);
  await lab.client.network.create({
    name: 'theirs',
    network_interface: 'theirs',
    subnets: [{ subnet: '10.65.0.0/24' }],
    options: { mode: 'unmanaged' },
  });
  const { netns } = await lab.client.container.setup({ id: 'guest', networks: [{ network: 'theirs' }] });
  attack(attacker);
  await untilAnswered(async () => expect(learnt(null)).toContain('route default'));
  expect(native.getSysctl(null, 'net.ipv6.conf.theirs.accept_ra')).toBe('1');
  expect(learnt(netns.path)).toEqual([]);
  report.push('bridge of others: the host believes it (its own setting), our container on it does not');
  await lab.remove('guest');
  ipBatch(null, ['link delete theirs', 'link delete port']);
});

describe.each([
  ['IPv4 only', { subnets: [{ subnet: '10.80.0.0/24' }] }],
  ['internal', { subnets: [{ subnet: '10.80.0.0/24' }], internal: true }],
  ['internal, dual-stack', { subnets: [{ subnet: '10.80.0.0/24' }, { subnet: 'fd00:80::/64' }], internal: true }],
  ['dual-stack', { subnets: [{ subnet: '10.80.0.0/24' }, { subnet: 'fd00:80::/64' }] }],
  ['without addresses', { dns_enabled: false, ipam_options: { driver: 'none' } }],
] as const)('N01 on a network that is %s', (kind, request) => {
  it('N01 C02 neither the host nor a neighbour believes an advertisement, not even after healing and reload', async () => {
    // otherwise the bridge's guard drops the advertisement before it reaches a listener (B14)
    const options = { spoofing: 'allow' };
    const { definition } = await lab.client.network.create({ name: 'net', options, ...request } as never);
    const bridge = definition.network_interface as string;
    const one = await lab.client.container.setup({ id: 'one', networks: [{ network: 'net' }] });
    const two = await lab.client.container.setup({ id: 'two', networks: [{ network: 'net' }] });
    await expectUnbelieved(kind, bridge, one.netns.path, two.netns.path);

    const healed = lab.facts.of('network', 'net').filter((fact) => fact === 'drift-healed').length;
    execFileSync('ip', ['link', 'delete', bridge]);
    await lab.facts.event('network/net drift-healed', healed + 1);
    await lab.client.container.reload({ id: 'one' });
    await lab.client.container.reload({ id: 'two' });
    await expectUnbelieved(`${kind}, healed`, bridge, one.netns.path, two.netns.path);
  });
});

it('N01 C02 a container does not believe its neighbours on a macvlan', async () => {
  ipBatch(null, ['link add lan type bridge', 'link set lan up', 'address add 10.70.0.1/24 dev lan']);
  await lab.client.network.create({
    name: 'lan',
    driver: 'macvlan',
    network_interface: 'lan',
    subnets: [{ subnet: '10.70.0.0/24' }],
  });
  await lab.client.network.create({
    name: 'open',
    driver: 'macvlan',
    network_interface: 'lan',
    ipv6_enabled: true,
    ipam_options: { driver: 'none' },
  });
  const [attacker, neighbour, asking] = await Promise.all(
    [
      ['one', 'lan'],
      ['two', 'lan'],
      ['three', 'open'],
    ].map(async ([id, network]) => {
      const { netns } = await lab.client.container.setup({
        id: id as string,
        networks: [{ network: network as string }],
      });
      return netns.path;
    }),
  );
  attack(attacker as string);
  // this network requests router advertisements: its container believes them
  await believes(asking as string);
  expect(learnt(asking as string).some((one) => one.startsWith('address 2001:db8:bad:'))).toBe(true);
  expect(learnt(neighbour as string)).toEqual([]);
  expect(learnt(null)).toEqual([]);
  report.push('macvlan: a network that asks for advertisements gets them, its neighbour network and the host do not');
  await lab.empty();
  execFileSync('ip', ['link', 'delete', 'lan']);
});

it('N01 containers of a bridge network with accept_ra=1 believe its router, and the host does not', async () => {
  const options = { accept_ra: '1' };
  const { definition } = await lab.client.network.create({
    name: 'net',
    subnets: [{ subnet: '10.80.0.0/24' }],
    options,
  });
  const one = await lab.client.container.setup({ id: 'one', networks: [{ network: 'net' }] });
  const router = believerOn(definition.network_interface as string);
  attack(router);
  await believes(one.netns.path);
  expect(learnt(null)).toEqual([]);
  execFileSync('ip', ['link', 'delete', 'believer']);
});

it('N01 an advertisement of a guarded container does not even reach its neighbours', async () => {
  const { definition } = await lab.client.network.create({ name: 'net', subnets: [{ subnet: '10.80.0.0/24' }] });
  const { netns } = await lab.client.container.setup({ id: 'one', networks: [{ network: 'net' }] });
  const bridge = definition.network_interface as string;
  const [believer, router] = [believerOn(bridge), freshNetns('router')];
  execFileSync('ip', ['link', 'add', 'router', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', router]);
  ipBatch(null, [`link set router master ${bridge} up`]);
  ipBatch(router, ['link set eth0 up']);
  attack(netns.path);
  // a later router of the link shows that all earlier frames have arrived
  ipBatch(router, ['address replace fe80::600d/64 dev eth0 nodad']);
  advertiseRouter({ netns: router, interfaceName: 'eth0', source: 'fe80::600d', prefix: '2001:db8:600d::' });
  await believes(believer);
  expect(learnt(believer).filter((one) => one.startsWith('address'))).toEqual([]);
  ipBatch(null, ['link delete believer', 'link delete router']);
});

it("N01 a container in an engine's namespace does not believe advertisements, through the door and after a connect", async () => {
  const { definition } = await lab.client.network.create({ name: 'one', subnets: [{ subnet: '10.80.0.0/24' }] });
  await lab.client.network.create({ name: 'two', subnets: [{ subnet: '10.81.0.0/24' }] });
  const netns = freshNetns('engine');
  const result = await runDoor(['setup', netns], {
    env: { NETLOOM_RUN_DIR: lab.daemon.runDirectory },
    input: {
      container_id: 'c'.repeat(64),
      container_name: 'web',
      networks: { one: { static_ips: ['10.80.0.9'], interface_name: 'eth0' } },
      network_info: { one: definition },
    },
  });
  expect(result).toMatchObject({ code: 0 });
  await lab.client.container.connect({ id: 'c'.repeat(64), network: 'two' });
  for (const name of ['eth0', 'eth1'])
    for (const [setting, value] of [
      ['ipv6/conf/%/accept_ra', '0'],
      ['ipv6/conf/%/autoconf', '0'],
      ['ipv6/conf/%/accept_dad', '0'],
      ['ipv4/conf/%/rp_filter', '2'],
      ['ipv4/conf/%/arp_notify', '1'],
    ] as const)
      expect(native.getSysctl(netns, `net/${setting.replace('%', name)}`), `${name} ${setting}`).toBe(value);
});

it('N22 an IPv6 address of a container is usable at once, its link-local one as well', async () => {
  await lab.client.network.create({ name: 'net', subnets: [{ subnet: '10.80.0.0/24' }, { subnet: 'fd00:80::/64' }] });
  await lab.client.network.create({ name: 'more', subnets: [{ subnet: 'fd00:81::/64' }] });
  const { netns } = await lab.client.container.setup({ id: 'one', networks: [{ network: 'net' }] });
  const tentative = (path: string) =>
    ipWithin<{ ifname: string; addr_info: { tentative?: boolean }[] }[]>(path, '-6', 'address')
      .filter(({ addr_info }) => addr_info.some((address) => address.tentative))
      .map(({ ifname }) => ifname);
  expect(tentative(netns.path)).toEqual([]);
  await lab.client.container.connect({ id: 'one', network: 'more' });
  expect(tentative(netns.path)).toEqual([]);
  const addresses = ipWithin<{ addr_info: { scope: string }[] }[]>(netns.path, '-6', 'address', 'show', 'dev', 'eth0');
  expect(addresses.flatMap(({ addr_info }) => addr_info.map(({ scope }) => scope)).sort()).toEqual(['global', 'link']);
});

it('N01 the host believes no advertisement by a veth that another program took off its bridge, nor when it is back', async () => {
  const subnets = [{ subnet: '10.80.0.0/24' }, { subnet: 'fd00:80::/64' }];
  await lab.client.network.create({ name: 'net', subnets });
  const { netns } = await lab.client.container.setup({ id: 'attacker', networks: [{ network: 'net' }] });
  const veth = hostVethName('attacker', 'net');
  await lab.end('kill');
  ipBatch(null, [`link set ${veth} nomaster`]);
  // as for every link that appears while the host forwards
  expect(native.getSysctl(null, `net.ipv6.conf.${veth}.accept_ra`)).toBe('2');
  const wire = await FrameListener.open(null, veth);
  attack(netns.path);
  await wire.hears(Buffer.from(addressBytes(source)));
  expect(learnt(null)).toEqual([]);
  await wire.close();
  await lab.start();
  await untilAnswered(async () =>
    expect(ip('link', 'show', veth)[0]).toMatchObject({ master: 'netloom0', group: '28268' }),
  );
  expect(learnt(null)).toEqual([]);
  report.push('a veth off its bridge: the frames arrive, the host believes none');
  await lab.remove('attacker');
  await lab.client.network.remove({ name: 'net' });
});
