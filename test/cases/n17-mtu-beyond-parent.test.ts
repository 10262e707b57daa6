import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { DoorEngine, podmanNetwork } from '../support/door-engine.ts';
import { ipWithin } from '../support/fresh-host.ts';
import { Lab, refusal } from '../support/lab.ts';
import { addLan, ipBatch } from '../support/other-host.ts';

let lab: Lab;
let engine: DoorEngine;
beforeAll(async () => {
  lab = await Lab.open();
  engine = new DoorEngine(lab);
  addLan();
});
afterEach(async () => {
  await lab.empty();
  ipBatch(null, ['link set lan0 mtu 1500']);
});
afterAll(() => lab.close(['lan0']));

const subnets = [{ subnet: '10.17.0.0/24', gateway: '10.17.0.1' }];
const upon = (mtu: string, more: Record<string, string> = {}) => ({
  name: 'lan',
  driver: 'macvlan',
  network_interface: 'lan0',
  subnets,
  options: { mtu, ...more },
});
const wish = { id: 'c', networks: [{ network: 'lan' }] };
const both = expect.stringMatching(/mtu 9000 exceeds the parent's MTU \(1500 on lan0\)/);
const mtuWithin = (netns: string) => ipWithin<{ mtu: number }[]>(netns, 'link', 'show', 'eth0')[0]?.mtu;

it.each(['bridge', 'private', 'vepa', 'passthru', 'source'])(
  'N17 a macvlan in mode %s with a larger MTU than its parent is refused with both numbers',
  async (mode) => {
    await lab.client.network.create(upon('9000', { mode }));
    expect(await refusal(lab.client.container.setup(wish))).toMatchObject({ code: 'mtu.too-large', message: both });
    expect((await lab.client.network.inspect({ name: 'lan' })).network.leases).toEqual({});
  },
);

it('N17 an ipvlan, a connect and a plan with too large an MTU are refused in the same way', async () => {
  await lab.client.network.create(upon('9000'));
  const planned = lab.client.request('plan.container', { ...wish, id: 'd' });
  expect(await refusal(planned)).toMatchObject({ code: 'mtu.too-large', message: both });
  await lab.client.container.setup({ id: 'c', networks: [] });
  const connect = lab.client.container.connect({ id: 'c', network: 'lan' });
  expect(await refusal(connect)).toMatchObject({ code: 'mtu.too-large', message: both });
  expect(await refusal(lab.client.request('plan.container', { ...wish, id: 'd' }))).toMatchObject({
    code: 'mtu.too-large',
  });
  await lab.empty();
  await lab.client.network.create({ ...upon('9000'), driver: 'ipvlan' });
  expect(await refusal(lab.client.container.setup(wish))).toMatchObject({ code: 'mtu.too-large', message: both });
});

it('N17 an MTU that fits is accepted, also when the parent has grown since, and 65535 is the maximum on a bridge', async () => {
  await lab.client.network.create(upon('9000'));
  expect(await refusal(lab.client.container.setup(wish))).toMatchObject({ code: 'mtu.too-large' });
  ipBatch(null, ['link set lan0 mtu 9000']);
  const { netns } = await lab.client.container.setup(wish);
  expect(mtuWithin(netns.path)).toBe(9000);
  await lab.client.network.create({ name: 'web', subnets: [{ subnet: '10.18.0.0/24' }], options: { mtu: '65535' } });
  const wide = await lab.client.container.setup({ id: 'wide', networks: [{ network: 'web' }] });
  expect(mtuWithin(wide.netns.path)).toBe(65535);
});

it('N17 IPv6 subnets upon a parent whose MTU is too small for them are refused with both numbers', async () => {
  ipBatch(null, ['link set lan0 mtu 1200']);
  const { options: _, ...six } = { ...upon(''), subnets: [...subnets, { subnet: 'fd00:17::/64' }] };
  await lab.client.network.create(six);
  expect(await refusal(lab.client.container.setup(wish))).toMatchObject({
    code: 'mtu.too-small',
    message: expect.stringMatching(/1280.*lan0 has 1200/),
  });
});

it.each(['bridge', 'passthru'])(
  'N17 a macvlan in mode %s upon a link other than Ethernet is refused with the reason',
  async (mode) => {
    ipBatch(null, ['tuntap add mode tun name tun9', 'link set tun9 up']);
    try {
      await lab.client.network.create({ ...upon('1400', { mode }), network_interface: 'tun9' });
      expect(await refusal(lab.client.container.setup(wish))).toMatchObject({
        code: 'mode.unsupported',
        message: expect.stringContaining('tun9 is not an Ethernet interface'),
      });
      await lab.empty();
    } finally {
      ipBatch(null, ['tuntap delete mode tun name tun9']);
    }
  },
);

it("N17 an MTU beyond the parent's is refused through the door", async () => {
  const lan = podmanNetwork('lan', { ...upon('9000'), ipv6_enabled: false });
  const container = engine.container('c', [lan, { static_ips: ['10.17.0.9'] }]);
  expect(await engine.refusal(container)).toMatch(/mtu 9000 exceeds the parent's MTU \(1500 on lan0\)/);
  await engine.clear();
});
