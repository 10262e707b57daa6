import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { runDoor } from '../doors/door.ts';
import { untilAnswered } from '../support/daemon.ts';
import { ipWithin } from '../support/fresh-host.ts';
import { Lab } from '../support/lab.ts';
import { hostAddress, ipBatch, OtherHost } from '../support/other-host.ts';

// The same cases as podman meets them: it brings the definitions of its networks, the namespaces and the addresses, and drops
// a namespace after the teardown, or without one.

const subnetsOf = (net: number) => [
  { subnet: `10.${net}.0.0/24`, gateway: `10.${net}.0.1` },
  { subnet: `fd00:${net}::/64`, gateway: `fd00:${net}::1` },
];
const network = (name: string, net: number, more: Record<string, unknown> = {}) => ({
  name,
  id: `${net}`.repeat(32),
  driver: 'bridge',
  network_interface: `podman${net}`,
  created: '2026-01-01T00:00:00Z',
  subnets: subnetsOf(net),
  ipv6_enabled: true,
  internal: false,
  dns_enabled: false,
  ipam_options: { driver: 'host-local' },
  ...more,
});
const networks = {
  web: network('web', 71),
  back: network('back', 72),
  lan: network('lan', 73, { driver: 'macvlan', network_interface: 'lan0' }),
};
type Net = keyof typeof networks;

let lab: Lab;
let other: OtherHost;
const pins: string[] = [];
beforeAll(async () => {
  lab = await Lab.open();
  other = new OtherHost(lab.directory.path);
  ipBatch(null, [
    'link add lan0 type veth peer name lan1',
    'link set lan0 up',
    'link set lan1 up',
    // a VPN that takes everything, and a host that checks the source of packets
    `route add 0.0.0.0/1 via ${hostAddress[4].replace(/1$/, '2')}`,
    `route add 128.0.0.0/1 via ${hostAddress[4].replace(/1$/, '2')}`,
  ]);
  for (const key of ['all', 'default']) native.setSysctl(null, `net.ipv4.conf.${key}.rp_filter`, '1');
});
afterEach(async () => {
  await lab.peers.end();
  for (const path of pins.splice(0)) native.removeNetns(path);
  // the last teardown removes the container and the networks that it brought
  await untilAnswered(async () => {
    expect((await lab.client.container.list()).containers).toEqual([]);
    expect((await lab.client.network.list()).networks).toEqual([]);
  });
});
afterAll(async () => {
  execFileSync('ip', ['link', 'delete', 'lan0']);
  other.remove();
  await lab.close();
});

interface Wish {
  id: string;
  netns: string;
  input: Record<string, unknown>;
}

/** Requests a container as podman does, with the same last part of its address on each network. */
function wishFor(name: string, host: number, on: Net[], port_mappings: unknown[] = []): Wish {
  const id = Buffer.from(name).toString('hex').padEnd(64, '0');
  const netns = `${lab.directory.path}/${name}`;
  native.createNetns(netns).socket.close();
  pins.push(netns);
  const asked = on.map((net, index) => {
    const static_ips = networks[net].subnets.map(({ gateway }) => gateway.replace(/1$/, `${host}`));
    return [net, { static_ips, interface_name: `eth${index}` }] as const;
  });
  const network_info = Object.fromEntries(on.map((net) => [net, networks[net]]));
  const input = {
    container_id: id,
    container_name: name,
    port_mappings,
    networks: Object.fromEntries(asked),
    network_info,
  };
  return { id, netns, input };
}

async function ask(verb: 'setup' | 'teardown', { netns, input }: Wish): Promise<void> {
  const result = await runDoor([verb, netns], { env: { NETLOOM_RUN_DIR: lab.daemon.runDirectory }, input });
  expect(result).toMatchObject({ code: 0 });
}

const macWithin = (netns: string, link: string) =>
  ipWithin<[{ address: string }]>(netns, 'link', 'show', link)[0].address;

it('N02 N05 an address that passes from one container of the door to the next is reached at once', async () => {
  const bystander = wishFor('bystander', 200, ['web']);
  await ask('setup', bystander);
  const neighbour = lab.peers.in(bystander.netns, 'neighbour');
  const macs: string[] = [];
  for (const name of ['first', 'second', 'third']) {
    const wish = wishFor(name, 5, ['web']);
    await ask('setup', wish);
    const server = lab.peers.in(wish.netns, name);
    expect(await server.serve('tcp', 80)).toBe('ready');
    for (const address of ['10.71.0.5', 'fd00:71::5'])
      expect(await neighbour.reach('tcp', address, 80, 1_000)).toContain(`${name}:80`);
    macs.push(macWithin(wish.netns, 'eth0'));
    await ask('teardown', wish);
  }
  expect(new Set(macs).size).toBe(1);
  await ask('teardown', bystander);
});

it('C10 a macvlan whose namespace podman dropped without a teardown releases its address', async () => {
  const wish = wishFor('dropped', 5, ['lan']);
  await ask('setup', wish);
  native.removeNetns(wish.netns);
  await lab.facts.event(`container/${wish.id} lost`);
  await untilAnswered(async () => {
    const next = wishFor(`next${pins.length}`, 5, ['lan']);
    await ask('setup', next);
    await ask('teardown', next);
  });
  await ask('teardown', wish);
});

it('C12 N04 a container of the door has its default route by the LAN, and accepts packets by either network', async () => {
  const wish = wishFor('both', 5, ['web', 'lan']);
  await ask('setup', wish);
  for (const family of ['-4', '-6']) {
    const routes = ipWithin<{ dev: string; metric: number }[]>(wish.netns, family, 'route', 'show', 'default');
    expect(routes.map(({ dev, metric }) => [dev, metric]).sort()).toEqual([
      ['eth0', 100],
      ['eth1', 99],
    ]);
  }
  for (const link of ['eth0', 'eth1'])
    expect(native.getSysctl(wish.netns, `net/ipv4/conf/${link}/rp_filter`), link).toBe('2');
  await ask('teardown', wish);
});

it('B13 N09 a bridge of the door has its settings, which go with it, and loopback is routed for a published port only', async () => {
  const file = `${lab.daemon.runDirectory}/sysctl.d/10-netloom-podman71.conf`;
  const loopback = () => native.getSysctl(null, 'net.ipv4.conf.podman71.route_localnet');
  const plain = wishFor('plain', 5, ['web']);
  await ask('setup', plain);
  expect([loopback(), existsSync(file)]).toEqual(['0', true]);
  const port = { host_ip: '127.0.0.1', host_port: 8088, container_port: 80, protocol: 'tcp', range: 1 };
  const serving = wishFor('serving', 6, ['web', 'back'], [port]);
  await ask('setup', serving);
  expect(loopback()).toBe('1');
  native.setSysctl(null, 'net.ipv6.conf.podman71.accept_ra', '2');
  await untilAnswered(async () => expect(native.getSysctl(null, 'net.ipv6.conf.podman71.accept_ra')).toBe('0'));
  await ask('teardown', serving);
  await untilAnswered(async () => expect(loopback()).toBe('0'));
  await ask('teardown', plain);
  await untilAnswered(async () => expect(existsSync(file)).toBe(false));
});
