import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseSubnet, type Subnet, subnetsOverlap } from '../../src/core/address.ts';
import { ip } from '../support/fresh-host.ts';
import { Lab, refusal } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

/** A host on 192.0.2.0/24 and fd00:2::/64 by up0, with a tunnel tun0 into which a VPN leads routes. */

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(() => lab.close());

beforeEach(() =>
  ipBatch(null, [
    'link add up0 type veth peer name up0x',
    'link set up0x up',
    'link set up0 up',
    'address add 192.0.2.1/24 dev up0',
    'address add fd00:2::1/64 dev up0 nodad',
    'route add default via 192.0.2.254',
    'link add tun0 type veth peer name tun0x',
    'link set tun0x up',
    'link set tun0 up',
    'address add 198.51.100.2/32 dev tun0',
    'address add fd00:51::2/128 dev tun0 nodad',
  ]),
);
afterEach(async () => {
  await lab.empty();
  ipBatch(null, ['link delete up0', 'link delete tun0']);
  await lab.clear();
});

const create = (name: string, ...subnets: string[]) =>
  lab.client.network.create({ name, subnets: subnets.map((subnet) => ({ subnet })), ipv6_enabled: true });

const subnetsOf = async (name: string) =>
  (await lab.client.network.inspect({ name })).network.subnets.map(({ subnet }) => subnet);

/** Checks that the container answers its host, which finds it by the bridge and not by the tunnel. */
async function expectReached(network: string): Promise<void> {
  const { netns, status } = await lab.client.container.setup({ id: network, networks: [{ network }] });
  const inside = lab.peers.in(netns.path, network);
  const host = lab.peers.in(null, 'host');
  await inside.serve('tcp', 80);
  for (const { ipnet } of Object.values(status[network]?.interfaces ?? {}).flatMap(({ subnets }) => subnets))
    expect(await host.reach('tcp', ipnet.split('/')[0] as string, 80)).toMatch(new RegExp(`^${network}:80`));
  await lab.peers.end();
}

describe.each([
  ['by a gateway', 'via 192.0.2.254 dev up0', 'via fd00:2::fe dev up0'],
  ['by the tunnel alone', 'dev tun0', 'dev tun0'],
])('wide routes %s', (_, way4, way6) => {
  it('N05 routes of a VPN that takes everything block no network, picked or given', async () => {
    ipBatch(null, [
      ...['0.0.0.0/1', '128.0.0.0/1', '10.0.0.0/8'].map((to) => `route add ${to} ${way4}`),
      ...['::/1', '8000::/1', 'fc00::/7'].map((to) => `route add ${to} ${way6}`),
    ]);
    await create('o1');
    await create('o2', '172.30.5.0/24', 'fd00:5::/64');
    expect(await subnetsOf('o1')).toEqual(['10.89.0.0/24', 'fd4e:6c6d:6f6f::/64']);
    expect(await subnetsOf('o2')).toEqual(['172.30.5.0/24', 'fd00:5::/64']);
    await expectReached('o1');
    await expectReached('o2');
  });

  it('N05 picked subnets avoid the routes of a VPN while there is room beside them', async () => {
    ipBatch(null, [
      `route add 10.89.0.0/16 ${way4}`,
      `route add 10.90.0.0/24 ${way4}`,
      `route add fd4e:6c6d:6f6f::/60 ${way6}`,
    ]);
    await create('o1');
    expect(await subnetsOf('o1')).toEqual(['10.90.1.0/24', 'fd4e:6c6d:6f6f:10::/64']);
  });
});

describe('a subnet that the host is on', () => {
  it.each([
    ['192.0.2.128/25', '192.0.2.0/24 by up0'],
    ['192.0.0.0/16', '192.0.2.0/24 by up0'],
    ['fd00:2::/80', 'fd00:2::/64 by up0'],
    // an address without a subnet
    ['198.51.100.0/24', '198.51.100.2/32 by tun0'],
    ['fd00:51::/64', 'fd00:51::2/128 by tun0'],
  ])('N05 a given subnet that clashes with the host is refused: %s', async (subnet, named) => {
    expect(await refusal(create('o1', subnet))).toEqual({
      code: 'subnet.taken',
      message: `subnet ${subnet} overlaps the host's route to ${named}`,
    });
  });

  it('N05 a subnet of the host counts even while its link is down or another program makes its route', async () => {
    ipBatch(null, [
      'address add 203.0.113.1/24 dev tun0 noprefixroute',
      'address add fd00:113::1/64 dev tun0 nodad noprefixroute',
    ]);
    for (const subnet of ['203.0.113.0/25', 'fd00:113::/80'])
      expect(await refusal(create('o1', subnet)), subnet).toMatchObject({ code: 'subnet.taken' });
    ipBatch(null, ['link set tun0 down']);
    expect(await refusal(create('o1', '203.0.113.0/25'))).toMatchObject({ code: 'subnet.taken' });
  });

  it('N05 a subnet of the host is never picked, whatever routes lead there', async () => {
    ipBatch(null, ['route add 0.0.0.0/1 dev tun0', 'address add 10.89.0.1/17 dev up0']);
    await create('o1');
    expect((await subnetsOf('o1'))[0]).toBe('10.89.128.0/24');
  });
});

it('N05 a given subnet is refused when an equally narrow route would lead it elsewhere', async () => {
  ipBatch(null, ['route add 172.30.5.0/25 via 192.0.2.254', 'route add blackhole 172.30.6.0/24']);
  for (const [subnet, route] of [
    ['172.30.5.0/24', '172.30.5.0/25 by up0'],
    ['172.30.6.0/24', '172.30.6.0/24'],
  ])
    expect(await refusal(create('o1', subnet as string))).toMatchObject({
      code: 'subnet.taken',
      message: `subnet ${subnet} overlaps the host's route to ${route}`,
    });
});

it('N05 networks within a wide route are kept apart from each other', async () => {
  ipBatch(null, ['route add 0.0.0.0/1 dev tun0']);
  await create('o1');
  await create('o2');
  const [one, other] = await Promise.all(['o1', 'o2'].map(subnetsOf));
  for (const own of one ?? [])
    for (const foreign of other ?? [])
      expect(subnetsOverlap(parseSubnet(own) as Subnet, parseSubnet(foreign) as Subnet)).toBe(false);
  expect(await refusal(create('o3', '10.89.1.128/25'))).toMatchObject({
    message: 'subnet 10.89.1.128/25 overlaps 10.89.1.0/24 of network o2',
  });
  expect(ip('route', 'show', '0.0.0.0/1')).toHaveLength(1);
});
