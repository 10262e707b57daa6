import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { untilAnswered } from '../support/daemon.ts';
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
afterAll(async () => {
  ipBatch(null, ['link delete lan0']);
  await lab.close();
});

const subnets = [{ subnet: '10.8.0.0/24', gateway: '10.8.0.1' }];
type Driver = 'bridge' | 'macvlan' | 'ipvlan';
const defined = (driver: Driver, options: Record<string, string>) =>
  podmanNetwork('web', {
    driver,
    subnets,
    options,
    ipv6_enabled: false,
    ...(driver !== 'bridge' && { network_interface: 'lan0' }),
  });

const wrong: [Driver, string, string][] = [
  ['bridge', 'mode', 'foo'],
  ['bridge', 'mtu', 'abc'],
  ['bridge', 'mtu', ''],
  ['bridge', 'metric', 'x'],
  ['bridge', 'no_default_route', 'maybe'],
  ['bridge', 'isolate', 'perhaps'],
  ['bridge', 'vlan', '5000'],
  ['bridge', 'vrf', 'a/b'],
  ['bridge', 'outbound_addr4', 'fd00::1'],
  ['bridge', 'outbound_addr6', 'x'],
  ['bridge', 'inbound', 'closed'],
  ['bridge', 'com.docker.network.driver.mtu', 'big'],
  ['macvlan', 'mode', 'foo'],
  ['macvlan', 'mtu', 'abc'],
  ['macvlan', 'metric', 'x'],
  ['macvlan', 'bclim', 'x'],
  ['macvlan', 'no_default_route', 'maybe'],
  ['ipvlan', 'mode', 'bridge'],
  ['ipvlan', 'mtu', '-1'],
  ['ipvlan', 'metric', '1.5'],
  ['ipvlan', 'no_default_route', 'yes'],
];

describe('through the door', () => {
  afterEach(() => engine.clear());

  it('C08 an invalid option value is refused with its option before anything is built', async () => {
    for (const [index, [driver, option, value]] of wrong.entries()) {
      const container = engine.container(`c${index}`, [
        defined(driver, { [option]: value }),
        { static_ips: ['10.8.0.5'] },
      ]);
      const complaint = await engine.refusal(container);
      expect(complaint).toContain(`option ${option}=${value}: ${option} must be `);
    }
    await lab.clear(['lan0', 'lan1']);
  });

  it('C08 unknown options are ignored, and a default may be given explicitly', async () => {
    for (const [driver, options] of [
      ['bridge', { new_in_podman: 'x', mtu: '0', mode: '', bclim: 'x' }],
      ['macvlan', { new_in_podman: 'x', mode: '', isolate: 'perhaps' }],
    ] as [Driver, Record<string, string>][]) {
      const container = engine.container(`known-${driver}`, [defined(driver, options), { static_ips: ['10.8.0.5'] }]);
      await engine.setUp(container);
      await engine.tearDown(container);
      await engine.clear();
    }
  });
});

describe('the file of a network', () => {
  const directory = () => `${lab.daemon.directory}/state/networks`;
  const file = () => `${directory()}/web.json`;
  const write = (options: Record<string, string>) => {
    mkdirSync(directory(), { recursive: true });
    writeFileSync(file(), JSON.stringify(defined('bridge', options)));
  };
  const damage = async () => (await lab.client.network.list()).damaged.map(({ reason }) => reason);

  it('C08 an invalid option in a network file is reported, and no container is set up by the file until it is corrected', async () => {
    write({ mtu: 'abc' });
    await untilAnswered(async () => expect(await damage()).toEqual([expect.stringContaining('option mtu=abc')]));
    const setUp = () => lab.client.container.setup({ id: 'c', networks: [{ network: 'web' }] });
    expect(await refusal(setUp())).toMatchObject({
      code: 'network.damaged',
      message: expect.stringContaining('option mtu=abc: mtu must be a whole number'),
    });
    expect((await lab.client.container.list()).containers).toEqual([]);
    write({ mtu: '1400' });
    await untilAnswered(async () => expect(await damage()).toEqual([]));
    const { netns } = await untilAnswered(setUp);
    expect(ipWithin<{ mtu: number }[]>(netns.path, 'link', 'show', 'eth0')[0]?.mtu).toBe(1400);
    // a change of the file does not disturb existing containers
    write({ mtu: '1400', metric: 'x' });
    await untilAnswered(async () => expect(await damage()).toEqual([expect.stringContaining('option metric=x')]));
    await lab.client.container.reload({ id: 'c' });
    await lab.restart('kill');
    expect((await lab.client.container.inspect({ id: 'c' })).container.state).toBe('configured');
    expect(existsSync(file())).toBe(true);
    await lab.remove('c');
    rmSync(file());
    await untilAnswered(async () => expect((await lab.client.network.list()).networks).toEqual([]));
    await lab.clear(['lan0', 'lan1']);
  });
});

describe('macvlan', () => {
  it('C08 a macvlan with different parents in option and interface is refused', async () => {
    const both = { network_interface: 'lan0', options: { parent: 'lan1' } };
    expect(
      await refusal(lab.client.network.create({ name: 'net', driver: 'macvlan', subnets, ...both })),
    ).toMatchObject({
      code: 'payload.invalid',
      message: '--interface-name lan0 and option parent=lan1 name different interfaces; give one of them',
    });
  });

  it('C08 a macvlan in mode=source is made in that mode, and unknown modes are refused', async () => {
    await lab.client.network.create({
      name: 'net',
      driver: 'macvlan',
      network_interface: 'lan0',
      subnets,
      options: { mode: 'source' },
    });
    const { netns, status } = await lab.client.container.setup({ id: 'c', networks: [{ network: 'net' }] });
    const [link] = ipWithin<{ address: string; linkinfo: { info_data: { mode: string } } }[]>(
      netns.path,
      '-d',
      'link',
      'show',
      'eth0',
    );
    expect(link).toMatchObject({
      address: status.net?.interfaces.eth0?.mac_address,
      linkinfo: { info_data: { mode: 'source' } },
    });
    await lab.client.container.reload({ id: 'c' });
    await lab.remove('c');
    await lab.empty();
    for (const mode of ['foo', 'l2'])
      expect(
        await refusal(lab.client.network.create({ name: 'net', driver: 'macvlan', subnets, options: { mode } })),
      ).toMatchObject({ code: 'payload.invalid', message: expect.stringContaining(`option mode=${mode}`) });
    await lab.clear(['lan0', 'lan1']);
  });
});
