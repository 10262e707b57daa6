import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { untilAnswered } from '../support/daemon.ts';
import { ipWithin } from '../support/fresh-host.ts';
import { Lab } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

/** A host with a default route by eth0 (1500), where a VPN leads everything into tun0 (1420). */

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(() => lab.close());

const vpn = ['0.0.0.0/1', '128.0.0.0/1'].map((half) => `${half} dev tun0`);
const vpn6 = ['::/1', '8000::/1'].map((half) => `${half} dev tun0`);
const add = (routes: string[]) =>
  ipBatch(
    null,
    routes.map((route) => `route add ${route}`),
  );
const remove = (routes: string[]) =>
  ipBatch(
    null,
    routes.map((route) => `route delete ${route}`),
  );

const links = ['eth0', 'tun0'];
beforeEach(() =>
  ipBatch(null, [
    ...links.flatMap((name) => [`link add ${name} type veth peer name ${name}x`, `link set ${name}x up`]),
    'link set tun0 mtu 1420',
    ...links.map((name) => `link set ${name} up`),
    'address add 192.0.2.1/24 dev eth0',
    'address add 198.51.100.1/32 dev tun0',
    'route add default via 192.0.2.254',
  ]),
);
afterEach(async () => {
  await lab.empty();
  ipBatch(
    null,
    links.map((name) => `link delete ${name}`),
  );
  await lab.clear();
});

async function mtuOf(id: string, network: string): Promise<number> {
  const { netns } = await lab.client.container.setup({ id, networks: [{ network }] });
  return ipWithin<{ mtu: number }[]>(netns.path, 'link', 'show', 'eth0')[0]?.mtu ?? 0;
}

const view = async (name: string) => (await lab.client.network.inspect({ name })).network;

/** Waits until the network has noticed it. */
const follows = (name: string, device: { name?: string; mtuBytes: number }) =>
  untilAnswered(async () => expect(await view(name)).toMatchObject({ device }), 2_000);

describe('a bridge', () => {
  it('N18 a bridge has the MTU of the link that reaches a public address, not of the first default route', async () => {
    add(vpn);
    await lab.client.network.create({ name: 'web' });
    expect(await mtuOf('a', 'web')).toBe(1420);
    expect(await view('web')).toMatchObject({ device: { name: 'netloom0', mtuBytes: 1420 } });
  });

  it('N18 a bridge has the MTU of the IPv6 route where IPv4 has none', async () => {
    ipBatch(null, ['route delete default', 'address add fd00:51::1/64 dev tun0 nodad']);
    add(vpn6);
    await lab.client.network.create({ name: 'web' });
    expect(await mtuOf('a', 'web')).toBe(1420);
  });

  it('N18 a bridge has the minimum MTU of IPv6 where the outward link has less', async () => {
    ipBatch(null, ['link set tun0 mtu 1200']);
    add(vpn);
    await lab.client.network.create({ name: 'web', ipv6_enabled: true });
    expect(await mtuOf('a', 'web')).toBe(1280);
    const { netns } = (await lab.client.container.inspect({ id: 'a' })).container;
    const [eth0] = ipWithin<{ addr_info: { family: string; scope: string }[] }[]>(
      netns?.path as string,
      'address',
      'show',
      'eth0',
    );
    expect(
      eth0?.addr_info
        .filter(({ scope }) => scope === 'global')
        .map(({ family }) => family)
        .sort(),
    ).toEqual(['inet', 'inet6']);
    expect(await view('web')).toMatchObject({ device: { mtuBytes: 1280 } });
    await lab.client.container.reload({ id: 'a' });
  });

  it('N18 new containers get the new MTU when the VPN comes, changes and goes; existing ones keep theirs', async () => {
    await lab.client.network.create({ name: 'web', ipv6_enabled: true });
    expect(await mtuOf('a', 'web')).toBe(1500);
    add(vpn);
    await follows('web', { mtuBytes: 1420 });
    expect(await mtuOf('b', 'web')).toBe(1420);
    ipBatch(null, ['link set tun0 mtu 1380']);
    await follows('web', { mtuBytes: 1380 });
    expect(await mtuOf('c', 'web')).toBe(1380);
    remove(vpn);
    await follows('web', { mtuBytes: 1500 });
    expect(await mtuOf('d', 'web')).toBe(1500);
    const { netns } = (await lab.client.container.inspect({ id: 'b' })).container;
    expect(ipWithin(netns?.path as string, 'link', 'show', 'eth0')).toMatchObject([{ mtu: 1420 }]);
    const ways = () =>
      lab.facts
        .all('node', 'drift-healed')
        .filter(({ data }) => data.what === 'uplink')
        .map(({ data }) => `${data.link} ${data.mtuBytes}`);
    await untilAnswered(async () => expect(ways().slice(-3)).toEqual(['tun0 1420', 'tun0 1380', 'eth0 1500']), 2_000);
  });

  it('N18 a bridge keeps the MTU of its option, and its former MTU on a host without a default route', async () => {
    add(vpn);
    await lab.client.network.create({ name: 'fixed', options: { mtu: '1300' } });
    expect(await mtuOf('a', 'fixed')).toBe(1300);
    remove(vpn);
    ipBatch(null, ['route delete default']);
    await lab.client.network.create({ name: 'lonely' });
    expect(await mtuOf('b', 'lonely')).toBe(1500);
  });

  it('N18 a bridge follows a VPN that came while the daemon was down', async () => {
    await lab.client.network.create({ name: 'web' });
    expect(await mtuOf('a', 'web')).toBe(1500);
    await lab.restart('stop', () => add(vpn));
    await follows('web', { mtuBytes: 1420 });
    expect(await mtuOf('b', 'web')).toBe(1420);
  });
});

describe('a macvlan without a named parent', () => {
  it('N18 a macvlan without a parent is made upon the link that leads outside, and shows which', async () => {
    add(vpn);
    await lab.client.network.create({ name: 'lan', driver: 'macvlan', subnets: [{ subnet: '192.168.66.0/24' }] });
    expect(await view('lan')).toMatchObject({ network_interface: null, device: null });
    expect(await mtuOf('a', 'lan')).toBe(1420);
    expect(await view('lan')).toMatchObject({ network_interface: null, device: { name: 'tun0', mtuBytes: 1420 } });
    remove(vpn);
    await follows('lan', { name: 'eth0', mtuBytes: 1500 });
    expect(await mtuOf('b', 'lan')).toBe(1500);
  });

  it("N18 a new container on a macvlan gets its parent's new MTU at once, named or not", async () => {
    for (const [name, network_interface] of [
      ['open', null],
      ['named', 'eth0'],
    ] as const) {
      const third = network_interface === null ? 66 : 67;
      const subnets = [{ subnet: `192.168.${third}.0/24` }];
      await lab.client.network.create({ name, driver: 'macvlan', network_interface, subnets });
      expect(await mtuOf(`${name}-before`, name)).toBe(1500);
    }
    ipBatch(null, ['link set eth0 mtu 1450']);
    for (const name of ['open', 'named']) expect(await mtuOf(`${name}-after`, name)).toBe(1450);
  });
});

it('N18 containers on an unmanaged bridge get the MTU of that bridge', async () => {
  add(vpn);
  ipBatch(null, ['link add br0 type bridge', 'link set br0 up mtu 1340']);
  const subnets = [{ subnet: '192.168.33.0/24' }];
  const options = { mode: 'unmanaged' };
  await lab.client.network.create({ name: 'lan', network_interface: 'br0', subnets, options });
  expect(await mtuOf('a', 'lan')).toBe(1340);
  ipBatch(null, ['link set br0 mtu 1320']);
  expect(await mtuOf('b', 'lan')).toBe(1320);
  await lab.empty();
  ipBatch(null, ['link delete br0']);
});
