import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ipWithin } from '../support/fresh-host.ts';
import { Lab } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

/** Networks upon up0 (macvlan) beside bridges, each with a gateway per family. */

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
  ipBatch(null, ['link add up0 type veth peer name up0x', 'link set up0x up', 'link set up0 up']);
  const subnets = (third: number) => [{ subnet: `10.66.${third}.0/24` }, { subnet: `fd00:66:${third}::/64` }];
  const { network } = lab.client;
  await network.create({ name: 'first', subnets: subnets(1) });
  await network.create({ name: 'second', subnets: subnets(2) });
  const macvlan = { driver: 'macvlan', network_interface: 'up0' };
  await network.create({ name: 'lan', ...macvlan, subnets: subnets(3) });
  await network.create({ name: 'lan2', ...macvlan, subnets: subnets(4) });
  await network.create({ name: 'four', ...macvlan, subnets: subnets(5).slice(0, 1) });
  await network.create({ name: 'given', ...macvlan, subnets: subnets(6), options: { metric: '700' } });
  await network.create({ name: 'closed', ...macvlan, subnets: subnets(7), options: { no_default_route: 'true' } });
});
afterAll(() => lab.close(['up0']));

type Family = 4 | 6;

/** `eth1 99`, in order of preference. */
function defaultRoutes(netns: string, family: Family): string[] {
  const routes = ipWithin<{ dev: string; metric: number }[]>(netns, `-${family}`, 'route', 'show', 'default');
  return routes.sort((one, other) => one.metric - other.metric).map(({ dev, metric }) => `${dev} ${metric}`);
}

async function setUp(...networks: string[]): Promise<string> {
  const { netns } = await lab.client.container.setup({ id: 'c', networks: networks.map((network) => ({ network })) });
  return netns.path;
}

describe.each<Family>([4, 6])('default routes of IPv%i', (family) => {
  it.each([
    [
      ['first', 'lan'],
      ['eth1 99', 'eth0 100'],
    ],
    [
      ['lan', 'first'],
      ['eth0 99', 'eth1 101'],
    ],
    [
      ['first', 'second', 'lan'],
      ['eth2 99', 'eth0 100', 'eth1 101'],
    ],
    [['lan'], ['eth0 99']],
    [
      ['first', 'lan', 'lan2'],
      ['eth1 99', 'eth0 100', 'eth2 102'],
    ],
    [
      ['first', 'given'],
      ['eth0 100', 'eth1 700'],
    ],
    [
      ['first', 'given', 'lan'],
      ['eth2 99', 'eth0 100', 'eth1 700'],
    ],
    [['first', 'closed'], ['eth0 100']],
    [
      ['first', 'second'],
      ['eth0 100', 'eth1 101'],
    ],
  ])('C12 a container on %s has its default routes in order of preference', async (networks, expected) => {
    expect(defaultRoutes(await setUp(...networks), family)).toEqual(expected);
    await lab.remove('c');
  });
});

it('C12 the first LAN of each family gets the default route', async () => {
  const netns = await setUp('first', 'four', 'lan');
  expect(defaultRoutes(netns, 4)).toEqual(['eth1 99', 'eth0 100', 'eth2 102']);
  expect(defaultRoutes(netns, 6)).toEqual(['eth2 99', 'eth0 100']);
  await lab.remove('c');
});

it('C12 the default route stays right through connect and reload, and moves to the next LAN at a disconnect', async () => {
  const netns = await setUp('first');
  const all = () => ([4, 6] as const).map((family) => defaultRoutes(netns, family));
  const both = (...routes: string[]) => [routes, routes];
  await lab.client.container.connect({ id: 'c', network: 'lan' });
  await lab.client.container.connect({ id: 'c', network: 'lan2' });
  expect(all()).toEqual(both('eth1 99', 'eth0 100', 'eth2 102'));
  await lab.client.container.disconnect({ id: 'c', network: 'lan' });
  expect(all()).toEqual(both('eth2 99', 'eth0 100'));
  await lab.client.container.connect({ id: 'c', network: 'lan' });
  expect(all()).toEqual(both('eth2 99', 'eth0 100', 'eth1 101'));
  await lab.client.container.reload({ id: 'c' });
  await lab.restart('kill');
  expect(all()).toEqual(both('eth2 99', 'eth0 100', 'eth1 101'));
  await lab.client.container.disconnect({ id: 'c', network: 'lan2' });
  await lab.client.container.disconnect({ id: 'c', network: 'lan' });
  expect(all()).toEqual(both('eth0 100'));
  await lab.remove('c');
});
