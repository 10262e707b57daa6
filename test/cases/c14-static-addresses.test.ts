import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { macOfAddress } from '../../src/core/object-names.ts';
import { DoorEngine, podmanNetwork } from '../support/door-engine.ts';
import { ipWithin } from '../support/fresh-host.ts';
import { Lab, refusal } from '../support/lab.ts';
import { addLan, ipBatch } from '../support/other-host.ts';

let lab: Lab;
let engine: DoorEngine;
beforeAll(async () => {
  lab = await Lab.open();
  engine = new DoorEngine(lab);
  addLan('link add br14 type bridge', 'link set br14 up');
});
afterEach(async () => {
  await lab.peers.end();
  await lab.empty();
});
afterAll(() => lab.close(['lan0', 'br14']));

const subnets = [{ subnet: '10.14.0.0/24' }, { subnet: 'fd00:14::/64' }];
const asked = ['10.14.0.20', '10.14.0.10', 'fd00:14::20', 'fd00:14::10'];
const prefixed = asked.map((address) => `${address}/${address.includes(':') ? 64 : 24}`);

/** In the order of the kernel: the address that it sends from is the first. */
function addressesWithin(netns: string, link = 'eth0'): string[] {
  const [found] = ipWithin<{ addr_info: { local: string; prefixlen: number; scope: string }[] }[]>(
    netns,
    'address',
    'show',
    link,
  );
  const global = (found?.addr_info ?? []).filter(({ scope }) => scope === 'global');
  return global.map(({ local, prefixlen }) => `${local}/${prefixlen}`).sort();
}

/** Asks the resolver for a name, within a namespace. */
function resolved(netns: string, name: string, family: 4 | 6): string[] {
  const script = `
    const resolver = new (require('node:dns').promises.Resolver)({ timeout: 1000, tries: 3 });
    resolver.setServers(['10.14.0.1']);
    resolver.resolve${family}('${name}').then((found) => console.log(JSON.stringify(found)));`;
  const text = execFileSync('nsenter', [`--net=${netns}`, process.execPath, '-e', script], { encoding: 'utf8' });
  return JSON.parse(text).sort();
}

it('C14 several addresses of one subnet are leased, shown, resolved and reached; ports lead to the first of a family', async () => {
  await lab.client.network.create({ name: 'web', subnets });
  const { netns, status } = await lab.client.container.setup({
    id: 'many',
    networks: [{ network: 'web', staticIps: asked }],
    ports: [{ hostPort: 8014, containerPort: 80 }],
  });
  const near = await lab.client.container.setup({ id: 'near', networks: [{ network: 'web' }] });
  const { mac_address, subnets: told } = status.web?.interfaces.eth0 ?? {};
  expect(told?.map(({ ipnet }) => ipnet)).toEqual(prefixed);
  expect(mac_address).toBe(macOfAddress('web', '10.14.0.20'));
  expect(addressesWithin(netns.path)).toEqual([...prefixed].sort());
  expect(resolved(near.netns.path, 'many', 4)).toEqual(['10.14.0.10', '10.14.0.20']);
  expect(resolved(near.netns.path, 'many', 6)).toEqual(['fd00:14::10', 'fd00:14::20']);
  const neighbour = lab.peers.in(near.netns.path, 'near');
  const host = lab.peers.in(null, 'host');
  for (const [index, address] of asked.entries())
    expect(await lab.peers.in(netns.path, `server${index}`).serve('tcp', 80, address)).toBe('ready');
  for (const [index, address] of asked.entries())
    expect(await neighbour.reach('tcp', address, 80), address).toContain(`server${index}:80`);
  expect(await host.reach('tcp', '10.14.0.1', 8014)).toContain('server0:80');
  expect(await host.reach('tcp', 'fd00:14::1', 8014)).toContain('server2:80');
  const { NetworkSettings } = await lab.client.container.inspect({ id: 'many' });
  expect(NetworkSettings).toMatchObject({
    IPAddress: '10.14.0.20',
    SecondaryIPAddresses: [{ Addr: '10.14.0.10', PrefixLength: 24 }],
    GlobalIPv6Address: 'fd00:14::20',
    SecondaryIPv6Addresses: [{ Addr: 'fd00:14::10', PrefixLength: 64 }],
  });
  const { network } = await lab.client.network.inspect({ name: 'web' });
  expect(network.leases.many).toEqual(asked);
});

it('C14 several static addresses survive a reload, healing, a killed daemon and a repeated set-up, and are free after removal', async () => {
  await lab.client.network.create({ name: 'web', subnets });
  const wish = { id: 'many', networks: [{ network: 'web', staticIps: asked.slice(0, 3) }] };
  const { netns } = await lab.client.container.setup(wish);
  const all = () => addressesWithin(netns.path);
  const expected = prefixed.slice(0, 3).sort();
  await lab.client.container.reload({ id: 'many' });
  expect(all()).toEqual(expected);
  // takes the other address of its subnet along
  ipBatch(netns.path, ['address delete 10.14.0.20/24 dev eth0']);
  await lab.facts.event('container/many drift-healed');
  expect(all()).toEqual(expected);
  await lab.restart('kill');
  expect(all()).toEqual(expected);
  await lab.tearDown('many');
  const again = await lab.client.container.setup({ id: 'many' });
  expect(addressesWithin(again.netns.path)).toEqual(expected);
  await lab.remove('many');
  // the address that had another MAC address before is reached at once
  const near = await lab.client.container.setup({ id: 'near', networks: [{ network: 'web' }] });
  const neighbour = lab.peers.in(near.netns.path, 'near');
  for (const [id, staticIps] of [
    ['both', ['10.14.0.20', '10.14.0.10']],
    ['one', ['10.14.0.10']],
  ] as const) {
    const { netns } = await lab.client.container.setup({
      id,
      networks: [{ network: 'web', staticIps: [...staticIps] }],
    });
    expect(await lab.peers.in(netns.path, id).serve('tcp', 80)).toBe('ready');
    expect(await neighbour.reach('tcp', '10.14.0.10', 80, 1_000)).toContain(`${id}:80`);
    await lab.remove(id);
  }
});

it('C14 a set-up with an address that is taken, repeated or the gateway is refused as a whole, and nothing is leased', async () => {
  await lab.client.network.create({ name: 'web', subnets });
  const leases = async () => (await lab.client.network.inspect({ name: 'web' })).network.leases;
  const setUp = (id: string, staticIps: string[]) =>
    lab.client.container.setup({ id, networks: [{ network: 'web', staticIps }] });
  await setUp('first', ['10.14.0.10', '10.14.0.11']);
  const before = await leases();
  for (const [staticIps, code, words] of [
    [['10.14.0.20', '10.14.0.11'], 'address.taken', '10.14.0.11 is leased to container first'],
    [['10.14.0.20', '10.14.0.1'], 'address.taken', '10.14.0.1 is the gateway'],
    [['10.14.0.20', '10.15.0.1'], 'address.outside-subnet', '10.15.0.1'],
    [['10.14.0.20', '10.14.0.20'], 'address.invalid', '10.14.0.20 is asked for twice'],
    [['fd00:14::20', 'fd00:14:0::20'], 'address.invalid', 'fd00:14::20 is asked for twice'],
  ] as const) {
    expect(await refusal(setUp('second', [...staticIps]))).toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
    expect(await leases()).toEqual(before);
  }
  // a subnet without a static address gives the next free one, not that of a container which has just gone
  const picked = async (id: string) => {
    const { status } = await setUp(id, ['10.14.0.30', '10.14.0.31']);
    await lab.remove(id);
    return status.web?.interfaces.eth0?.subnets[2]?.ipnet;
  };
  expect([await picked('third'), await picked('fourth')]).toEqual(['fd00:14::3/64', 'fd00:14::4/64']);
});

it.each([
  ['macvlan', { driver: 'macvlan', network_interface: 'lan0' }],
  ['unmanaged', { network_interface: 'br14', options: { mode: 'unmanaged' } }],
  ['internal', { internal: true }],
])('C14 several static addresses work by set-up and connect on a network that is %s', async (_, more) => {
  await lab.client.network.create({ name: 'net', subnets, dns_enabled: false, ...more });
  await lab.client.network.create({ name: 'other', subnets: [{ subnet: '10.15.0.0/24' }] });
  const attachment = { network: 'net', staticIps: ['10.14.0.40', '10.14.0.41', 'fd00:14::40'] };
  const expected = ['10.14.0.40/24', '10.14.0.41/24', 'fd00:14::40/64'];
  const first = await lab.client.container.setup({ id: 'a', networks: [attachment] });
  expect(addressesWithin(first.netns.path)).toEqual(expected);
  await lab.remove('a');
  const { netns } = await lab.client.container.setup({ id: 'b', networks: [{ network: 'other' }] });
  const { status } = await lab.client.container.connect({ id: 'b', ...attachment });
  expect(addressesWithin(netns.path, 'eth1')).toEqual(expected);
  expect(status.net?.interfaces.eth1?.subnets.map(({ ipnet }) => ipnet)).toEqual(expected);
  await lab.client.container.disconnect({ id: 'b', network: 'net' });
});

it('C14 several static addresses work through the door, as podman 6 gives them', async () => {
  const web = podmanNetwork('web', {
    subnets: [
      { subnet: '10.16.0.0/24', gateway: '10.16.0.1' },
      { subnet: 'fd00:16::/64', gateway: 'fd00:16::1' },
    ],
  });
  const container = engine.container('six', [web, { static_ips: ['10.16.0.9', '10.16.0.8', 'fd00:16::9'] }]);
  const blocks = await engine.setUp(container);
  expect(blocks.web?.interfaces.eth0?.subnets).toEqual([
    { ipnet: '10.16.0.9/24', gateway: '10.16.0.1' },
    { ipnet: '10.16.0.8/24', gateway: '10.16.0.1' },
    { ipnet: 'fd00:16::9/64', gateway: 'fd00:16::1' },
  ]);
  expect(addressesWithin(container.netns)).toEqual(['10.16.0.8/24', '10.16.0.9/24', 'fd00:16::9/64']);
  await engine.tearDown(container);
  await engine.clear();
});
