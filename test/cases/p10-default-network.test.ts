import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cli, netloom } from '../cli/netloom.ts';
import { DoorEngine, podmanNetwork } from '../support/door-engine.ts';
import { linkNames } from '../support/fresh-host.ts';
import { codeOf, Lab, refusal } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

let lab: Lab;
let engine: DoorEngine;
beforeAll(async () => {
  lab = await Lab.open();
  engine = new DoorEngine(lab);
});
afterEach(async () => {
  delete process.env.NETLOOM_DEFAULT_NETWORK;
  await lab.clear();
});
afterAll(() => lab.close());

const run = (...args: string[]) => netloom(lab.daemon, ['run', ...args]);
const call = (...args: string[]) => cli('--run-dir', lab.daemon.runDirectory, ...args);
const inspect = async (name = 'podman') => (await lab.client.network.inspect({ name })).network;
const names = async () => (await lab.client.network.list()).networks.map(({ name }) => name);

const id = '2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9';
/** As podman 4.3 has it in memory. */
const podmans = {
  id,
  driver: 'bridge',
  network_interface: 'podman0',
  subnets: [{ subnet: '10.88.0.0/16', gateway: '10.88.0.1' }],
  ipv6_enabled: false,
  internal: false,
  dns_enabled: false,
  ipam_options: { driver: 'host-local' },
};
const brought = podmanNetwork('podman', podmans);

interface Shown {
  ifname: string;
  addr_info: { local: string; prefixlen: number }[];
}
const shown = (stdout: string) =>
  (JSON.parse(stdout) as Shown[])
    .filter(({ ifname }) => ifname !== 'lo')
    .flatMap(({ addr_info }) => addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`))
    .filter((address) => !address.startsWith('fe80'));

const address = ['--', 'ip', '-j', 'address'];

describe('P10 the default network', () => {
  it.each([[[]], [['--network', 'bridge']], [['--network', 'default']], [['--mode', 'bridge']]])(
    "P10 the default network is made like podman's own when the first command joins it: run %j",
    async (options) => {
      const { stdout, exitCode, stderr } = await run(...options, ...address);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(shown(stdout)).toEqual(['10.88.128.1/16']);
      expect(await inspect()).toMatchObject({ name: 'podman', ...podmans });
      const file = JSON.parse(readFileSync(`${lab.directory.path}/state/networks/podman.json`, 'utf8'));
      expect(file).toMatchObject({ name: 'podman', ...podmans });
      await lab.facts.event('network/podman configured');
    },
  );

  it('P10 the default network is made by set-up, connect and attach over NATS, and not by a stored wish', async () => {
    await lab.client.container.create({ id: 'kept', mode: 'bridge' });
    expect(await names()).toEqual([]);
    await lab.client.container.setup({ id: 'kept' });
    expect(await names()).toEqual(['podman']);
    await lab.empty();
    const { status } = await lab.client.container.setup({ id: 'one', mode: 'bridge' });
    expect(Object.keys(status)).toEqual(['podman']);
    await lab.empty();
    await lab.client.container.setup({ id: 'alone', networks: [] });
    expect(await names()).toEqual([]);
    await lab.client.container.connect({ id: 'alone', network: 'podman' });
    expect(await inspect()).toMatchObject(podmans);
    await lab.empty();
    await lab.client.container.attach({ id: 'engines', networks: [{ network: 'podman' }] });
    expect(await inspect()).toMatchObject(podmans);
    await lab.empty();
    await lab.client.container.setup({ id: 'other', networks: [], networkOverrides: [{ network: 'podman' }] });
    expect(await names()).toEqual(['podman']);
  });

  it('P10 the default network accepts requested settings, beside other networks', async () => {
    await lab.client.network.create({ name: 'web', subnets: [{ subnet: '10.89.0.0/24' }] });
    const { stdout } = await run(
      '--network',
      'bridge:ip=10.88.0.9,interface_name=out0',
      '--network',
      'web',
      ...address,
    );
    expect(shown(stdout).sort()).toEqual(['10.88.0.9/16', '10.89.0.2/24']);
    expect(shown((await run('--ip', '10.88.0.10', ...address)).stdout)).toEqual(['10.88.0.10/16']);
  });

  it('P10 the default network is made once for many simultaneous set-ups, and again after its removal', async () => {
    const ids = Array.from({ length: 10 }, (_, n) => `c${n}`);
    const set = await Promise.all(ids.map((one) => lab.client.container.setup({ id: one, mode: 'bridge' })));
    const given = set.map(({ status }) => status.podman?.interfaces.eth0?.subnets[0]?.ipnet);
    expect(new Set(given).size).toBe(ids.length);
    await lab.empty();
    await lab.client.container.setup({ id: 'again', mode: 'bridge' });
    expect(await inspect()).toMatchObject(podmans);
  });

  it('P10 the default network is kept by prune, as podman keeps its own', async () => {
    await lab.client.network.create({ name: 'web' });
    await lab.client.container.setup({ id: 'c1', mode: 'bridge' });
    await lab.remove('c1');
    expect(await lab.client.network.prune({})).toEqual({ removed: ['web'] });
    expect(await names()).toEqual(['podman']);
  });

  it('P10 the default network exists again for a container that joins during its removal', async () => {
    for (let n = 0; n < 10; n++) {
      const first = await lab.client.container.setup({ id: `first${n}`, mode: 'bridge' });
      await lab.client.container.remove({ id: first.id });
      await lab.settled();
      const removed = lab.client.network.remove({ name: 'podman' });
      const { status } = await lab.client.container.setup({ id: `next${n}`, mode: 'bridge' });
      expect(status.podman?.interfaces.eth0?.subnets[0]?.ipnet).toMatch(/^10\.88\.128\./);
      await removed.catch(() => undefined); // it may be in use by then
      await lab.remove(`next${n}`);
    }
  });

  it('P10 the default network follows an existing definition of its name', async () => {
    await lab.client.network.create({ name: 'podman', subnets: [{ subnet: '10.77.0.0/24' }] });
    const { status } = await lab.client.container.setup({ id: 'c1', mode: 'bridge' });
    expect(status.podman?.interfaces.eth0?.subnets[0]?.ipnet).toMatch(/^10\.77\.0\.\d+\/24$/);
  });

  it('P10 the default network survives a restart of the daemon', async () => {
    await lab.client.container.setup({ id: 'c1', mode: 'bridge' });
    await lab.restart('kill');
    expect(await inspect()).toMatchObject(podmans);
    expect(await run(...address)).toMatchObject({ exitCode: 0 });
  });

  it('P10 the default network is shown by a plan, and not made', async () => {
    const { networks, steps } = await lab.client.container.plan({ id: 'c1', mode: 'bridge' });
    expect(networks).toMatchObject([{ name: 'podman', link: 'podman0' }]);
    expect(steps.join('\n')).toContain('10.88.128.1/16');
    expect(await names()).toEqual([]);
  });

  it.each([
    [
      'an address of the host is in its subnet',
      ['link add wan0 type bridge', 'address add 10.88.7.1/24 dev wan0', 'link set wan0 up'],
    ],
    ['another program has its bridge', ['link add podman0 type bridge']],
  ])('P10 the default network is refused with the reason where %s, and nothing is left', async (_, commands) => {
    const own = commands[0]?.split(' ')[2] as string;
    ipBatch(null, commands);
    try {
      const { message, code } = await refusal(lab.client.container.setup({ id: 'c1', mode: 'bridge' }));
      expect(['subnet.taken', 'link.exists']).toContain(code);
      expect(message).toContain('network podman cannot be built: ');
      expect(await run('--', 'true')).toMatchObject({ exitCode: 125, stderr: expect.stringContaining(message) });
      expect(await names()).toEqual([]);
      await lab.empty();
    } finally {
      ipBatch(null, [`link delete ${own}`]);
    }
    expect(await run('--', 'true')).toMatchObject({ exitCode: 0 });
  });
});

describe('P10 the default network of another name', () => {
  it('P10 the default network is made under the name in the environment of the command line', async () => {
    process.env.NETLOOM_DEFAULT_NETWORK = 'lan';
    expect(await call('container', 'setup', 'c1', '--network', 'bridge')).toMatchObject({ exitCode: 0 });
    expect(await inspect('lan')).toMatchObject({ name: 'lan', ...podmans });
    expect(await names()).toEqual(['lan']);
  });

  it('P10 the default network is made under the name in a request, and no other network is', async () => {
    await lab.client.container.setup({ id: 'c1', mode: 'bridge', defaultNetwork: 'lan' });
    expect(await names()).toEqual(['lan']);
    expect(await codeOf(lab.client.container.setup({ id: 'c2', networks: [{ network: 'other' }] }))).toBe(
      'network.unknown',
    );
  });
});

describe('P10 the default network beside an engine that brings it', () => {
  it('P10 the default network is shared with an engine, in any order of arrival', async () => {
    const first = engine.container('first', [brought, { static_ips: ['10.88.0.2'] }]);
    await engine.setUp(first);
    expect(shown((await run(...address)).stdout)).toEqual(['10.88.128.1/16']);
    await engine.tearDown(first);
    await lab.empty();
    await lab.client.container.setup({ id: 'ours', mode: 'bridge' });
    const second = engine.container('second', [brought, { static_ips: ['10.88.0.2'] }]);
    await engine.setUp(second);
    expect((await inspect()).leases).toMatchObject({ [second.id]: ['10.88.0.2'], ours: expect.anything() });
    expect(linkNames().filter((name) => name.startsWith('podman'))).toEqual(['podman0']);
    await engine.tearDown(second);
    await lab.settled();
    expect(await names()).toEqual(['podman']);
  });
});
