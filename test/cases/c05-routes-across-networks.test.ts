import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { DhcpLan } from '../support/dhcp-lan.ts';
import { DoorEngine, podmanNetwork } from '../support/door-engine.ts';
import { ipWithin, linkNames } from '../support/fresh-host.ts';
import { Lab, refusal } from '../support/lab.ts';
import { addLan, ipBatch } from '../support/other-host.ts';

/** Network `far` has routes whose gateways, 10.55.1.9 and fd00:55:1::9, are on network `near`, or on the macvlan `lan`. */

const subnetsOf = (net: number) => [{ subnet: `10.55.${net}.0/24` }, { subnet: `fd00:55:${net}::/64` }];
const routesBy = (net: number) => [
  { destination: `10.66.${net}.0/24`, gateway: `10.55.${net}.9` },
  { destination: `fd00:66:${net}::/64`, gateway: `fd00:55:${net}::9` },
];

let lab: Lab;
let engine: DoorEngine;
beforeAll(async () => {
  lab = await Lab.open();
  engine = new DoorEngine(lab);
  addLan();
  const lan = { driver: 'macvlan', network_interface: 'lan0' };
  await lab.client.network.create({ name: 'near', subnets: subnetsOf(1) });
  await lab.client.network.create({ name: 'far', subnets: subnetsOf(2), routes: routesBy(1) });
  await lab.client.network.create({ name: 'lan', subnets: subnetsOf(3), ...lan });
  await lab.client.network.create({ name: 'byLan', subnets: subnetsOf(4), routes: routesBy(3) });
  await lab.client.network.create({ name: 'inside', subnets: subnetsOf(5), routes: routesBy(1), internal: true });
});
afterEach(async () => {
  await lab.peers.end();
  const { containers } = await lab.client.container.list();
  for (const { id } of containers) await lab.remove(id);
});
afterAll(() => lab.close(['lan0']));

interface Route {
  dst: string;
  gateway?: string;
  dev: string;
}
/** `10.66.1.0/24 via 10.55.1.9 dev eth0`, of both families. */
function across(netns: string): string[] {
  const found = [4, 6].flatMap((family) => ipWithin<Route[]>(netns, `-${family}`, 'route', 'show'));
  return found
    .filter(({ dst }) => dst.startsWith('10.66.') || dst.startsWith('fd00:66:'))
    .map(({ dst, gateway, dev }) => `${dst} via ${gateway} dev ${dev}`)
    .sort();
}
const expected = (net: number, dev: string) =>
  routesBy(net)
    .map(({ destination, gateway }) => `${destination} via ${gateway} dev ${dev}`)
    .sort();

const setUp = (...networks: string[]) =>
  lab.client.container.setup({ id: 'c', networks: networks.map((network) => ({ network })) });

it.each([
  [['near', 'far'], 1, 'eth0'],
  [['far', 'near'], 1, 'eth1'],
  [['lan', 'byLan'], 3, 'eth0'],
  [['byLan', 'lan'], 3, 'eth1'],
  [['inside', 'near'], 1, 'eth1'],
] as const)(
  'C05 a container on %s has the routes across networks, in any order of its networks',
  async (networks, net, dev) => {
    const { netns } = await setUp(...networks);
    expect(across(netns.path)).toEqual(expected(net, dev));
    await lab.client.container.reload({ id: 'c' });
    await lab.restart('kill');
    expect(across(netns.path)).toEqual(expected(net, dev));
    expect((await lab.client.container.inspect({ id: 'c' })).container.state).toBe('configured');
  },
);

it('C05 a route whose gateway no interface reaches is refused by name, and nothing is built', async () => {
  const named = {
    code: 'route.unreachable',
    message: 'network far: its route to 10.66.1.0/24 leads through 10.55.1.9, which is on no network of container c',
  };
  expect(await refusal(setUp('far'))).toMatchObject(named);
  expect(await refusal(setUp('lan', 'far'))).toMatchObject(named);
  expect(
    await refusal(lab.client.request('plan.container', { id: 'c', networks: [{ network: 'far' }] })),
  ).toMatchObject(named);
  await lab.remove('c');
  const { netns } = await setUp('lan');
  // the kernel checks the state of a link's carrier once a second
  const read = () =>
    ipWithin<{ operstate: string }[]>(netns.path, 'address', 'show').map(({ operstate: _, ...link }) => link);
  const before = read();
  expect(await refusal(lab.client.container.connect({ id: 'c', network: 'far' }))).toMatchObject(named);
  expect(read()).toEqual(before);
  for (const name of ['far', 'lan']) {
    const { leases } = (await lab.client.network.inspect({ name })).network;
    expect(Object.keys(leases)).toEqual(name === 'lan' ? ['c'] : []);
  }
});

it('C05 a conflicting route beside a DHCP network is refused, at once or when the server gives its address, and nothing is left', async () => {
  const leased = new DhcpLan(lab.directory.path, 'dhcp0');
  const server = await leased.dnsmasq();
  const via = (gateway: string, destination = '10.66.9.0/24') => [{ destination, gateway }];
  const parent = { driver: 'macvlan', network_interface: 'dhcp0', ipam_options: { driver: 'dhcp' } };
  const made = {
    leased: parent,
    byLeased: { subnets: subnetsOf(9), routes: via('192.0.2.9') },
    elsewhere: { subnets: subnetsOf(10), routes: via('198.51.100.9') },
    never: { subnets: subnetsOf(11), routes: via('fd00:99::9', 'fd00:66:9::/64') },
    lost: { ...parent, routes: via('198.51.100.9') },
  };
  for (const [name, request] of Object.entries(made)) await lab.client.network.create({ name, ...request });
  try {
    const { netns } = await setUp('byLeased', 'leased');
    expect(across(netns.path)).toEqual(['10.66.9.0/24 via 192.0.2.9 dev eth1']);
    const before = linkNames();
    const fault = await refusal(lab.client.container.connect({ id: 'c', network: 'lost' }));
    expect(fault).toMatchObject({ code: 'route.unreachable', message: expect.stringContaining('network lost') });
    await server.printed(/DHCPRELEASE/);
    expect(linkNames()).toEqual(before);
    await lab.remove('c');
    await server.printed(/DHCPRELEASE/, 2);

    const served = server.count(/DHCPACK/);
    expect(await refusal(setUp('leased', 'elsewhere'))).toMatchObject({
      code: 'route.unreachable',
      message: expect.stringContaining('10.66.9.0/24 leads through 198.51.100.9'),
    });
    await server.printed(/DHCPRELEASE/, 3);
    expect(server.count(/DHCPACK/)).toBe(served + 1);
    await lab.settled();
    expect((await lab.client.container.inspect({ id: 'c' })).container).toMatchObject({
      state: 'created',
      lastFault: { code: 'route.unreachable' },
    });
    expect(native.netnsIdentity(`${lab.daemon.netnsDirectory}/netloom-c`)).toBeNull();
    expect(await refusal(setUp('leased', 'never'))).toMatchObject({ code: 'route.unreachable' });
    expect(server.count(/DHCPACK/)).toBe(served + 1);
    await lab.remove('c');
  } finally {
    const { containers } = await lab.client.container.list();
    for (const { id } of containers) await lab.remove(id);
    for (const name of Object.keys(made)) await lab.client.network.remove({ name });
    await server.stop();
    leased.remove();
  }
});

it('C05 plan names the same fault as the set-up when several things are wrong', async () => {
  await lab.client.network.create({ name: 'mute', subnets: subnetsOf(12), dns_enabled: false, routes: routesBy(1) });
  const taken = { hostPort: 8055, containerPort: 80 };
  await lab.client.container.setup({ id: 'other', networks: [{ network: 'near' }], ports: [taken] });
  const mute = { network: 'mute', aliases: ['db'], staticIps: ['192.0.2.1'] };
  for (const [wish, code] of [
    [{ networks: [mute] }, 'mode.conflict'],
    [{ networks: [{ network: 'mute', staticIps: ['192.0.2.1'] }] }, 'address.outside-subnet'],
    [{ networks: [{ network: 'mute' }], ports: [{ hostIp: '::1', hostPort: 1, containerPort: 80 }] }, 'mode.conflict'],
    [{ networks: [{ network: 'mute' }], ports: [taken] }, 'port.taken'],
    [{ networks: [{ network: 'mute' }] }, 'route.unreachable'],
  ] as const) {
    const [planned, set] = [
      await refusal(lab.client.request('plan.container', { id: 'c', ...wish } as never)),
      await refusal(lab.client.container.setup({ id: 'c', ...wish } as never)),
    ];
    expect([planned.code, planned.message]).toEqual([code, set.message]);
    await lab.remove('c');
  }
});

it('C05 routes across networks appear with connect, go when either network leaves, and return', async () => {
  const { netns } = await setUp('near');
  await lab.client.container.connect({ id: 'c', network: 'far' });
  expect(across(netns.path)).toEqual(expected(1, 'eth0'));
  // the kernel removes them with their link: the network itself stays
  await lab.client.container.disconnect({ id: 'c', network: 'near' });
  expect(across(netns.path)).toEqual([]);
  await lab.client.container.reload({ id: 'c' });
  expect((await lab.client.container.inspect({ id: 'c' })).container.state).toBe('configured');
  await lab.client.container.connect({ id: 'c', network: 'near' });
  expect(across(netns.path)).toEqual(expected(1, 'eth0'));
  await lab.client.container.disconnect({ id: 'c', network: 'far' });
  expect(across(netns.path)).toEqual([]);
});

it('C05 deleted routes across networks are restored', async () => {
  const { netns } = await setUp('far', 'near');
  ipBatch(netns.path, ['route delete 10.66.1.0/24', 'route delete fd00:66:1::/64']);
  await lab.facts.event('container/c drift-healed');
  expect(across(netns.path)).toEqual(expected(1, 'eth1'));
});

it('C05 a container that is the gateway of such a route forwards the packets of others', async () => {
  const asked = { network: 'near', staticIps: ['10.55.1.9', 'fd00:55:1::9'] };
  const gateway = await lab.client.container.setup({ id: 'gw', networks: [asked, { network: 'far' }] });
  const beyond = ['10.66.1.1/24', 'fd00:66:1::1/64'];
  ipBatch(gateway.netns.path, [
    'link add beyond type veth peer name beyondx',
    'link set beyond up',
    'link set beyondx up',
    ...beyond.map((address) => `address add ${address} dev beyond${address.includes(':') ? ' nodad' : ''}`),
  ]);
  native.setSysctl(gateway.netns.path, 'net.ipv4.ip_forward', '1');
  const { netns } = await setUp('far', 'near');
  expect(await lab.peers.in(gateway.netns.path, 'beyond').serve('tcp', 80)).toBe('ready');
  const peer = lab.peers.in(netns.path, 'c');
  for (const address of beyond.map((one) => one.split('/')[0] as string))
    expect(await peer.reach('tcp', address, 80), address).toContain('beyond:80');
});

it("C05 routes across networks work through the door in any order of podman's networks", async () => {
  const subnets = (net: number) => [
    { subnet: `10.55.${net}.0/24`, gateway: `10.55.${net}.1` },
    { subnet: `fd00:55:${net}::/64`, gateway: `fd00:55:${net}::1` },
  ];
  const near = podmanNetwork('podnear', { subnets: subnets(7) });
  const far = podmanNetwork('podfar', { subnets: subnets(8), routes: routesBy(7) });
  const on = (net: number) => ({ static_ips: [`10.55.${net}.20`, `fd00:55:${net}::20`] });
  for (const [name, networks] of [
    [
      'first',
      [
        [near, on(7)],
        [far, on(8)],
      ],
    ],
    [
      'second',
      [
        [far, on(8)],
        [near, on(7)],
      ],
    ],
  ] satisfies [string, Parameters<DoorEngine['container']>[1][]][]) {
    const container = engine.container(name, ...networks);
    await engine.setUp(container);
    expect(across(container.netns)).toEqual(expected(7, name === 'first' ? 'eth0' : 'eth1'));
    await engine.tearDown(container);
  }
  const alone = engine.container('alone', [far, on(8)]);
  expect(await engine.refusal(alone)).toMatch(
    /network podfar: its route to 10\.66\.7\.0\/24 leads through 10\.55\.7\.9/,
  );
  native.removeNetns(alone.netns);
  await lab.settled();
});
