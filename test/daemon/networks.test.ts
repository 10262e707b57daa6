import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ip, ipWithin } from '../support/fresh-host.ts';
import { codeOf, Lab, refusal } from '../support/lab.ts';

interface IpLink {
  ifname: string;
  mtu: number;
  linkinfo?: { info_kind?: string; info_data?: { mode?: string } };
}
interface IpRoute {
  dst: string;
  gateway?: string;
  dev?: string;
  metric?: number;
  type?: string;
}

let lab: Lab;
let definitions: string;
beforeAll(async () => {
  lab = await Lab.open();
  definitions = `${lab.daemon.directory}/state/networks`;
});
afterAll(() => lab.close());
afterEach(() => lab.clear());

const podman = (...args: string[]) => execa('podman', ['--network-config-dir', definitions, 'network', ...args]);
const fileOf = (name: string) => `${definitions}/${name}.json`;

/** Checks whether an address answers: only a live host refuses a port that nothing listens on. */
function reaches(netns: string, address: string): boolean {
  const script = `require('node:net').connect({ port: 9, host: process.argv[1], timeout: 2000 })
    .on('error', ({ code }) => process.exit(code === 'ECONNREFUSED' ? 0 : 1)).on('timeout', () => process.exit(1));`;
  try {
    execFileSync('nsenter', [`--net=${netns}`, process.execPath, '-e', script, address]);
    return true;
  } catch {
    return false;
  }
}

describe("the files of podman's networks", () => {
  it("podman's network files created by netloom are valid for podman inspect", async () => {
    const { definition } = await lab.client.network.create({ name: 'ours', ipv6_enabled: true, labels: { a: 'b' } });
    const { stdout } = await podman('inspect', 'ours');
    const { routes: _, network_dns_servers: __, options: ___, ...known } = definition;
    // podman writes no zeroes at the end of a second's fraction
    const [told] = JSON.parse(stdout);
    expect({ ...told, created: new Date(told.created).toISOString() }).toMatchObject(known);
  });

  it("podman's network files created by podman are loaded, also while the daemon runs, until podman removes them", async () => {
    await podman('create', '--subnet', '10.62.0.0/24', 'theirs');
    await expect
      .poll(async () => (await lab.client.network.list()).networks.map(({ name }) => name))
      .toEqual(['theirs']);
    const { status } = await lab.client.container.setup({ id: 'guest', networks: [{ network: 'theirs' }] });
    expect(status.theirs?.interfaces.eth0?.subnets[0]?.ipnet).toBe('10.62.0.2/24');
    expect(await codeOf(lab.client.network.create({ name: 'near', subnets: [{ subnet: '10.62.0.0/25' }] }))).toBe(
      'subnet.taken',
    );
    await lab.remove('guest');
    await podman('rm', 'theirs');
    await expect.poll(async () => (await lab.client.network.list()).networks).toEqual([]);
  });

  it("podman's network files are restored, and reported, when they vanish while containers use the network", async () => {
    await lab.client.network.create({ name: 'used' });
    await lab.client.container.setup({ id: 'guest', networks: [{ network: 'used' }] });
    const before = readFileSync(fileOf('used'), 'utf8');
    rmSync(fileOf('used'));
    await expect.poll(() => readFileSync(fileOf('used'), 'utf8')).toBe(before);
    await expect.poll(() => lab.facts.events.map(({ type }) => type.split('.').at(-1))).toContain('drift-healed');
  });

  it("podman's network files are reported by name when damaged, are left unchanged, and stop no other work", async () => {
    writeFileSync(fileOf('broken'), '{"name": "broken"');
    await expect.poll(async () => (await lab.client.network.list()).damaged).toMatchObject([{ file: 'broken.json' }]);
    const damaged = {
      code: 'network.damaged',
      message: expect.stringMatching(
        new RegExp(`^${fileOf('broken')} is damaged: the file is not valid JSON: .*; correct or remove the file$`),
      ),
    };
    expect(await refusal(lab.client.network.inspect({ name: 'broken' }))).toMatchObject(damaged);
    expect(await refusal(lab.client.network.remove({ name: 'broken' }))).toMatchObject(damaged);
    expect(await refusal(lab.client.network.create({ name: 'broken' }))).toMatchObject(damaged);
    expect(readFileSync(fileOf('broken'), 'utf8')).toBe('{"name": "broken"');
    await lab.restart('stop');
    expect((await lab.client.network.list()).damaged).toMatchObject([{ file: 'broken.json' }]);
    await lab.client.network.create({ name: 'whole' });
    rmSync(fileOf('broken'));
    await expect.poll(async () => (await lab.client.network.list()).damaged).toEqual([]);
  });

  it("podman's network files outlive the run directory, as they outlive a reboot", async () => {
    const { definition } = await lab.client.network.create({ name: 'lasting', options: { isolate: 'strict' } });
    await lab.end('stop');
    rmSync(lab.daemon.runDirectory, { recursive: true });
    await lab.start();
    await expect.poll(async () => (await lab.client.network.list()).networks).toMatchObject([definition]);
  });
});

describe('A07 networks are found', () => {
  it('A07 networks are found by name, ID, and the unique beginning of an ID, in every command', async () => {
    const { definition } = await lab.client.network.create({ name: 'one' });
    const prefix = definition.id.slice(0, 12);
    expect((await lab.client.network.inspect({ name: definition.id })).network.name).toBe('one');
    expect((await lab.client.network.inspect({ name: prefix })).network.name).toBe('one');
    const { status } = await lab.client.container.setup({ id: 'guest', networks: [{ network: prefix }] });
    expect(Object.keys(status)).toEqual(['one']);
    expect(await codeOf(lab.client.container.connect({ id: 'guest', network: definition.id }))).toBe(
      'container.connected',
    );
    await lab.client.container.disconnect({ id: 'guest', network: prefix });
    expect(await codeOf(lab.client.network.inspect({ name: 'zz' }))).toBe('network.unknown');
  });
});

describe('changes of a network', () => {
  it('a changed network applies new name servers at once, and writes them to its file', async () => {
    await lab.client.network.create({ name: 'asking', network_dns_servers: ['192.0.2.1'] });
    const { definition } = await lab.client.network.update({
      name: 'asking',
      addDnsServers: ['192.0.2.2'],
      removeDnsServers: ['192.0.2.1'],
    });
    expect(definition.network_dns_servers).toEqual(['192.0.2.2']);
    expect(JSON.parse(readFileSync(fileOf('asking'), 'utf8')).network_dns_servers).toEqual(['192.0.2.2']);
  });

  it('a prune removes unused networks; with force, containers leave first', async () => {
    for (const name of ['used', 'idle', 'idler']) await lab.client.network.create({ name });
    await lab.client.container.setup({ id: 'guest', networks: [{ network: 'used' }] });
    expect((await lab.client.network.prune({})).removed.sort()).toEqual(['idle', 'idler']);
    expect(await codeOf(lab.client.network.remove({ name: 'used' }))).toBe('network.in-use');
    const msgId = 'prune-once';
    await lab.client.network.create({ name: 'first' });
    expect(await lab.client.network.prune({}, { msgId })).toEqual({ removed: ['first'] });
    await lab.client.network.create({ name: 'second' });
    // the same command again changes nothing, and gets its first reply
    expect(await lab.client.network.prune({}, { msgId })).toEqual({ removed: ['first'] });
    expect((await lab.client.network.list()).networks.map(({ name }) => name)).toEqual(['second', 'used']);
    await lab.client.network.remove({ name: 'second' });
    await lab.client.network.remove({ name: 'used', force: true });
    expect((await lab.client.container.inspect({ id: 'guest' })).container.attachments).toEqual([]);
  });

  it('a removal that fails halfway says what it has done: which containers have left, which networks are removed', async () => {
    for (const name of ['kept', 'idle']) await lab.client.network.create({ name });
    await lab.client.container.setup({ id: 'guest', networks: [{ network: 'kept' }] });
    // the file of a mount cannot be removed
    execFileSync('mount', ['--bind', fileOf('kept'), fileOf('kept')]);
    const forced = await refusal(lab.client.network.remove({ name: 'kept', force: true }));
    expect(forced.detail).toContain('containers that have left the network: guest');
    const pruned = await refusal(lab.client.network.prune({}));
    expect(pruned.detail).toContain('networks that were removed: idle');
    expect((await lab.client.network.list()).networks.map(({ name }) => name)).toEqual(['kept']);
    execFileSync('umount', [fileOf('kept')]);
    expect(await lab.client.network.prune({})).toEqual({ removed: ['kept'] });
  });
});

describe('drivers and options', () => {
  const links = (netns: string) => ipWithin<IpLink[]>(netns, '-d', 'link').filter(({ ifname }) => ifname !== 'lo');
  const routes = (netns: string, ...more: string[]) => ipWithin<IpRoute[]>(netns, ...more, 'route');

  it('macvlan has a parent, addresses assigned by netloom and no bridge', async () => {
    execFileSync('ip', ['link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'downlink']);
    for (const name of ['uplink', 'downlink']) execFileSync('ip', ['link', 'set', name, 'up']);
    execFileSync('ip', ['address', 'add', '10.63.0.1/24', 'dev', 'downlink']);
    await lab.client.network.create({
      name: 'upon',
      driver: 'macvlan',
      options: { parent: 'uplink', mode: 'bridge' },
      subnets: [{ subnet: '10.63.0.0/24' }],
    });
    const { netns } = await lab.client.container.setup({ id: 'guest', networks: [{ network: 'upon' }] });
    expect(links(netns.path)).toMatchObject([
      { ifname: 'eth0', linkinfo: { info_kind: 'macvlan', info_data: { mode: 'bridge' } } },
    ]);
    expect(reaches(netns.path, '10.63.0.1')).toBe(true);
    const reloaded = await lab.client.container.reload({ id: 'guest' });
    expect(reloaded.netns).toEqual(netns);
    await lab.restart('kill');
    expect(reaches(netns.path, '10.63.0.1')).toBe(true);
    await lab.remove('guest');
    await lab.client.network.remove({ name: 'upon' });
    expect(ip<IpLink[]>('link').map(({ ifname }) => ifname)).toContain('uplink');
    execFileSync('ip', ['link', 'delete', 'uplink']);
  });

  it('macvlan is refused with a clear error when the parent is missing, or there is no default route to choose it by', async () => {
    const subnets = [{ subnet: '10.63.0.0/24' }];
    const lost = { name: 'upon', driver: 'macvlan', subnets, network_interface: 'nowhere0' };
    expect(await codeOf(lab.client.network.create(lost))).toBe('link.unknown');
    await lab.client.network.create({ name: 'upon', driver: 'macvlan', subnets });
    expect(await codeOf(lab.client.container.setup({ id: 'guest', networks: [{ network: 'upon' }] }))).toBe(
      'link.unknown',
    );
  });

  it('ipvlan is refused where this kernel does not support it', async () => {
    execFileSync('ip', ['link', 'add', 'parent0', 'type', 'bridge']);
    await lab.client.network.create({
      name: 'thin',
      driver: 'ipvlan',
      network_interface: 'parent0',
      subnets: [{ subnet: '10.64.0.0/24' }],
    });
    const fault = await refusal(lab.client.container.setup({ id: 'guest', networks: [{ network: 'thin' }] }));
    expect(fault).toMatchObject({ code: 'mode.unsupported', message: expect.stringContaining('ipvlan') });
    execFileSync('ip', ['link', 'delete', 'parent0']);
  });

  it('an unmanaged bridge is used unchanged, and stays', async () => {
    execFileSync('ip', ['link', 'add', 'shared0', 'type', 'bridge']);
    execFileSync('ip', ['address', 'add', '10.65.0.1/24', 'dev', 'shared0']);
    execFileSync('ip', ['link', 'set', 'shared0', 'up']);
    const before = ip<object[]>('address', 'show', 'dev', 'shared0');
    await lab.client.network.create({
      name: 'shared',
      network_interface: 'shared0',
      subnets: [{ subnet: '10.65.0.0/24' }],
      options: { mode: 'unmanaged' },
    });
    const { netns } = await lab.client.container.setup({ id: 'guest', networks: [{ network: 'shared' }] });
    expect(reaches(netns.path, '10.65.0.1')).toBe(true);
    expect(execFileSync('nft', ['list', 'table', 'inet', 'netloom'], { encoding: 'utf8' })).not.toContain('shared0');
    await lab.remove('guest');
    await lab.client.network.remove({ name: 'shared' });
    const after = ip<{ addr_info: unknown[] }[]>('address', 'show', 'dev', 'shared0');
    expect(after[0]?.addr_info.length).toBe((before[0] as { addr_info: unknown[] }).addr_info.length);
    execFileSync('ip', ['link', 'delete', 'shared0']);
  });

  it('metric, no_default_route, static routes of every type and MTU are applied', async () => {
    await lab.client.network.create({
      name: 'routed',
      subnets: [{ subnet: '10.66.0.0/24' }],
      options: { metric: '77', mtu: '1380' },
      routes: [
        { destination: '10.99.0.0/16', gateway: '10.66.0.9', metric: 5 },
        { destination: '10.98.0.0/16', type: 'blackhole' },
        { destination: '10.97.0.0/16', type: 'unreachable' },
        { destination: '10.96.0.0/16', type: 'prohibit' },
      ],
    });
    await lab.client.network.create({ name: 'aside', options: { no_default_route: '1' } });
    const networks = [{ network: 'routed' }, { network: 'aside' }];
    const { netns } = await lab.client.container.setup({ id: 'guest', networks });
    expect(routes(netns.path).filter(({ dst }) => dst === 'default')).toMatchObject([{ dev: 'eth0', metric: 77 }]);
    expect(routes(netns.path)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ dst: '10.99.0.0/16', gateway: '10.66.0.9', metric: 5 }),
        expect.objectContaining({ dst: '10.98.0.0/16', type: 'blackhole' }),
        expect.objectContaining({ dst: '10.97.0.0/16', type: 'unreachable' }),
        expect.objectContaining({ dst: '10.96.0.0/16', type: 'prohibit' }),
      ]),
    );
    expect(links(netns.path)).toMatchObject([{ mtu: 1380 }, { mtu: 1500 }]);
    const before = routes(netns.path);
    await lab.client.container.reload({ id: 'guest' });
    expect(routes(netns.path)).toEqual(before);
    expect(lab.facts.events.some(({ type }) => type.endsWith('container.drift-detected'))).toBe(false);
  });

  it('the MTU of the uplink is the default', async () => {
    execFileSync('ip', ['link', 'add', 'wan', 'mtu', '1412', 'type', 'veth', 'peer', 'name', 'wanpeer']);
    for (const name of ['wan', 'wanpeer']) execFileSync('ip', ['link', 'set', name, 'up']);
    execFileSync('ip', ['address', 'add', '192.0.2.2/24', 'dev', 'wan']);
    execFileSync('ip', ['route', 'add', 'default', 'via', '192.0.2.1']);
    await lab.client.network.create({ name: 'narrow' });
    const { netns } = await lab.client.container.setup({ id: 'guest', networks: [{ network: 'narrow' }] });
    expect(links(netns.path)).toMatchObject([{ mtu: 1412 }]);
    await lab.remove('guest');
    await lab.client.network.remove({ name: 'narrow' });
    execFileSync('ip', ['link', 'delete', 'wan']);
  });

  it('an overlap names the conflicting route of the host; automatic subnets avoid routes', async () => {
    execFileSync('ip', ['link', 'add', 'lan', 'type', 'bridge']);
    execFileSync('ip', ['link', 'set', 'lan', 'up']);
    execFileSync('ip', ['address', 'add', '10.67.3.1/24', 'dev', 'lan']);
    const fault = await refusal(lab.client.network.create({ name: 'near', subnets: [{ subnet: '10.67.0.0/16' }] }));
    expect(fault).toMatchObject({ code: 'subnet.taken', message: expect.stringContaining('10.67.3.0/24 by lan') });
    execFileSync('ip', ['link', 'delete', 'lan']);
  });
});
