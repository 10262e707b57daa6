import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { DoorEngine, podmanNetwork } from '../support/door-engine.ts';
import { ip, ipWithin } from '../support/fresh-host.ts';
import { Lab, refusal } from '../support/lab.ts';
import { addLan, ipBatch } from '../support/other-host.ts';

/** A macvlan that has its parent, lan0, for itself: it uses the parent's MAC address, whatever was requested. */

const subnets = [
  { subnet: '10.7.0.0/24', gateway: '10.7.0.1' },
  { subnet: 'fd00:7::/64', gateway: 'fd00:7::1' },
];
const staticMac = '02:00:00:00:07:01';

let lab: Lab;
let engine: DoorEngine;
let parentMac: string;
const macOf = (name: string) => ip<{ address: string }[]>('link', 'show', name)[0]?.address;
const macWithin = (netns: string) => ipWithin<{ address: string }[]>(netns, 'link', 'show', 'eth0')[0]?.address;

beforeAll(async () => {
  lab = await Lab.open();
  engine = new DoorEngine(lab);
  addLan('address add 10.7.0.1/24 dev lan1');
  parentMac = macOf('lan0') as string;
});
afterEach(async () => {
  await lab.peers.end();
  await lab.empty();
  expect(macOf('lan0')).toBe(parentMac);
});
afterAll(() => lab.close(['lan0']));

const create = (ipam: object) =>
  lab.client.network.create({
    name: 'whole',
    driver: 'macvlan',
    network_interface: 'lan0',
    options: { mode: 'passthru' },
    ...ipam,
  });

it.each([
  ['addresses', { subnets }, {}],
  ['addresses and a MAC address that is asked for', { subnets }, { staticMac }],
  ['no addresses', { ipam_options: { driver: 'none' } }, {}],
])('C07 with %s, status and inspect show the MAC address of the link', async (_, ipam, asked) => {
  await create(ipam);
  const { netns, status } = await lab.client.container.setup({ id: 'c', networks: [{ network: 'whole', ...asked }] });
  expect(macWithin(netns.path)).toBe(parentMac);
  expect(status.whole?.interfaces.eth0?.mac_address).toBe(parentMac);
  const shownMac = async () => (await lab.client.container.inspect({ id: 'c' })).NetworkSettings.MacAddress;
  expect(await shownMac()).toBe(parentMac);
  const reloaded = await lab.client.container.reload({ id: 'c' });
  expect(reloaded.status.whole?.interfaces.eth0?.mac_address).toBe(parentMac);
  await lab.restart('kill');
  expect([macWithin(netns.path), await shownMac()]).toEqual([parentMac, parentMac]);
});

it("C07 a macvlan in passthru follows the parent's changed MAC address, also after a connect", async () => {
  await create({ subnets });
  const other = '02:00:00:00:07:02';
  ipBatch(null, [`link set lan0 address ${other}`]);
  try {
    await lab.client.container.setup({ id: 'c', networks: [] });
    const { status } = await lab.client.container.connect({ id: 'c', network: 'whole' });
    expect(status.whole?.interfaces.eth0?.mac_address).toBe(other);
    await lab.remove('c');
    expect(macOf('lan0')).toBe(other);
  } finally {
    ipBatch(null, [`link set lan0 address ${parentMac}`]);
  }
  const { status } = await lab.client.container.setup({ id: 'd', networks: [{ network: 'whole' }] });
  expect(status.whole?.interfaces.eth0?.mac_address).toBe(parentMac);
});

it('C07 a second container is refused, for it would have the same MAC address', async () => {
  await create({ subnets });
  await lab.client.container.setup({ id: 'c', networks: [{ network: 'whole' }] });
  expect(await refusal(lab.client.container.setup({ id: 'd', networks: [{ network: 'whole' }] }))).toMatchObject({
    code: 'mac.taken',
    message: 'a macvlan network with mode=passthru takes one container, and another interface has lan0 already',
  });
  await lab.remove('c');
  await lab.client.container.setup({ id: 'd', networks: [{ network: 'whole' }] });
});

it('C07 the parent gets its own MAC address back when a container goes that had changed it', async () => {
  await create({ subnets });
  const { netns } = await lab.client.container.setup({ id: 'c', networks: [{ network: 'whole' }] });
  ipBatch(netns.path, [`link set eth0 address ${staticMac}`]);
  expect(macOf('lan0')).toBe(staticMac);
  await lab.remove('c');
  expect(macOf('lan0')).toBe(parentMac);
});

it('C07 a macvlan in passthru works through the door', async () => {
  const whole = podmanNetwork('whole', {
    driver: 'macvlan',
    network_interface: 'lan0',
    subnets,
    options: { mode: 'passthru' },
  });
  for (const static_mac of [undefined, staticMac]) {
    const asked = { static_ips: ['10.7.0.9', 'fd00:7::9'], ...(static_mac && { static_mac }) };
    const container = engine.container('c', [whole, asked]);
    const blocks = await engine.setUp(container);
    expect(blocks.whole?.interfaces.eth0?.mac_address).toBe(macWithin(container.netns));
    expect(macWithin(container.netns)).toBe(parentMac);
    await engine.tearDown(container);
    await engine.clear();
  }
});
