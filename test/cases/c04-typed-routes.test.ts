import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { DoorEngine, podmanNetwork } from '../support/door-engine.ts';
import { ipWithin } from '../support/fresh-host.ts';
import { Lab } from '../support/lab.ts';
import { addLan, ipBatch } from '../support/other-host.ts';

/** Refusing routes of networks: they have no link, and still go with their network. */

const types = ['blackhole', 'unreachable', 'prohibit'] as const;
const routesOf = (net: number) =>
  types.flatMap((type, index) => [
    { destination: `10.${net}.${index}.0/24`, type },
    { destination: `fd00:${net}:${index}::/64`, type },
  ]);
const subnetsOf = (net: number) => [{ subnet: `10.4.${net}.0/24` }, { subnet: `fd00:4:${net}::/64` }];
const shared = [
  { destination: '10.99.0.0/16', type: 'blackhole' as const },
  { destination: 'fd00:99::/48', type: 'unreachable' as const },
];

let lab: Lab;
let engine: DoorEngine;
beforeAll(async () => {
  lab = await Lab.open();
  engine = new DoorEngine(lab);
  addLan();
  const lan = { driver: 'macvlan', network_interface: 'lan0' };
  await lab.client.network.create({ name: 'one', subnets: subnetsOf(1), routes: [...routesOf(41), ...shared] });
  await lab.client.network.create({ name: 'two', subnets: subnetsOf(2), routes: shared });
  await lab.client.network.create({ name: 'lan', subnets: subnetsOf(3), routes: routesOf(43), ...lan });
  await lab.client.network.create({
    name: 'other',
    subnets: subnetsOf(4),
    routes: shared.map(({ destination }) => ({ destination, type: 'prohibit' as const })),
  });
});
const pins: string[] = [];
afterEach(() => {
  for (const path of pins.splice(0)) native.removeNetns(path);
});
afterAll(() => lab.close(['lan0']));

function engineNetns(name: string): string {
  const path = `${lab.directory.path}/${name}`;
  native.createNetns(path).socket.close();
  pins.push(path);
  return path;
}

interface Route {
  type?: string;
  dst: string;
}
/** `blackhole 10.99.0.0/16`, in order; without the routes that the kernel makes by itself. */
function refusing(netns: string): string[] {
  const found = [4, 6].flatMap((family) => ipWithin<Route[]>(netns, `-${family}`, '-d', 'route', 'show'));
  return found
    .filter(({ type, dst }) => type !== undefined && type !== 'unicast' && dst.includes('/'))
    .map(({ type, dst }) => `${type} ${dst}`)
    .sort();
}
const routeLines = (routes: readonly { destination: string; type: string }[]) =>
  routes.map(({ destination, type }) => `${type} ${destination.replace(':0::', '::')}`).sort();
const ofOne = routeLines([...routesOf(41), ...shared]);

it.each(['one', 'lan'])(
  'C04 refusing routes of network %s go when the container leaves it, and return when it joins again',
  async (network) => {
    const routes = network === 'one' ? ofOne : routeLines(routesOf(43));
    const { netns } = await lab.client.container.setup({ id: 'c', networks: [{ network: 'two' }, { network }] });
    const ofTwo = routeLines(shared);
    const all = [...new Set([...routes, ...ofTwo])].sort();
    expect(refusing(netns.path)).toEqual(all);
    await lab.client.container.reload({ id: 'c' });
    expect(refusing(netns.path)).toEqual(all);
    await lab.client.container.disconnect({ id: 'c', network });
    expect(refusing(netns.path)).toEqual(ofTwo);
    await lab.client.container.connect({ id: 'c', network });
    expect(refusing(netns.path)).toEqual(all);
    await lab.remove('c');
  },
);

it('C04 refusing routes shared by two networks stay until both have gone, in either order', async () => {
  for (const [first, last] of [
    ['one', 'two'],
    ['two', 'one'],
  ] as const) {
    const networks = [{ network: 'one' }, { network: 'two' }];
    const { netns } = await lab.client.container.setup({ id: 'c', networks });
    await lab.client.container.disconnect({ id: 'c', network: first });
    expect(refusing(netns.path)).toEqual(last === 'one' ? ofOne : routeLines(shared));
    await lab.client.container.disconnect({ id: 'c', network: last });
    expect(refusing(netns.path)).toEqual([]);
    await lab.remove('c');
  }
});

it('C04 refusing routes of another type replace those of a network that left', async () => {
  const networks = [{ network: 'two' }, { network: 'other' }];
  const { netns } = await lab.client.container.setup({ id: 'c', networks });
  expect(refusing(netns.path)).toEqual(routeLines(shared));
  await lab.client.container.disconnect({ id: 'c', network: 'two' });
  expect(refusing(netns.path)).toEqual(['prohibit 10.99.0.0/16', 'prohibit fd00:99::/48']);
  await lab.client.container.disconnect({ id: 'c', network: 'other' });
  expect(refusing(netns.path)).toEqual([]);
  await lab.remove('c');
});

it('C04 deleted refusing routes are restored, and survive a killed daemon', async () => {
  const { netns } = await lab.client.container.setup({ id: 'c', networks: [{ network: 'one' }] });
  ipBatch(netns.path, ['route delete blackhole 10.41.0.0/24', 'route delete prohibit fd00:41:2::/64']);
  await lab.facts.event('container/c drift-healed');
  expect(refusing(netns.path)).toEqual(ofOne);
  await lab.restart('kill');
  expect(refusing(netns.path)).toEqual(ofOne);
  await lab.client.container.disconnect({ id: 'c', network: 'one' });
  expect(refusing(netns.path)).toEqual([]);
  await lab.remove('c');
});

it('C04 refusing routes go at the end of a container in a foreign namespace, given by path or by process', async () => {
  const path = engineNetns('given');
  ipBatch(path, ['route add blackhole 10.200.0.0/16']);
  const networks = [{ network: 'one' }, { network: 'lan' }];
  await lab.client.container.setup({ id: 'c', mode: `ns:${path}`, networks });
  expect(refusing(path)).toEqual([...ofOne, ...routeLines(routesOf(43)), 'blackhole 10.200.0.0/16'].sort());
  await lab.remove('c');
  expect(refusing(path)).toEqual(['blackhole 10.200.0.0/16']);
  const process = lab.peers.in(engineNetns('lived-in'), 'process');
  expect(await process.serve('tcp', 80)).toBe('ready');
  await lab.client.container.setup({ id: 'c', pid: process.pid, networks });
  expect(refusing(pins[1] as string)).toEqual([...ofOne, ...routeLines(routesOf(43))].sort());
  await lab.remove('c');
  expect(refusing(pins[1] as string)).toEqual([]);
  await lab.peers.end();
});

it('C04 refusing routes come and go with a container through the door', async () => {
  const web = podmanNetwork('web', {
    subnets: [
      { subnet: '10.5.0.0/24', gateway: '10.5.0.1' },
      { subnet: 'fd00:5::/64', gateway: 'fd00:5::1' },
    ],
    routes: routesOf(45).map(({ destination, type }) => ({ destination, route_type: type })),
  });
  const container = engine.container('c', [web, { static_ips: ['10.5.0.9', 'fd00:5::9'] }]);
  await engine.setUp(container);
  expect(refusing(container.netns)).toEqual(routeLines(routesOf(45)));
  expect(await engine.call('teardown', container)).toMatchObject({ code: 0 });
  expect(refusing(container.netns)).toEqual([]);
});
