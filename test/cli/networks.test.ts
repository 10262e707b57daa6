import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NetloomClient } from '../../src/client.ts';
import type { TestDaemon } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';
import { netloom } from './netloom.ts';

let lab: Lab;
let daemon: TestDaemon;
let client: NetloomClient;

beforeAll(async () => {
  lab = await Lab.open();
  ({ daemon, client } = lab);
});
afterEach(() => lab.clear());
afterAll(() => lab.close());

const call = (...args: string[]) => netloom(daemon, ['network', ...args]);
const lines = async (...args: string[]) => (await call(...args)).stdout.split('\n');

describe('network create', () => {
  it("network create accepts podman's options", async () => {
    const first = ['--subnet', '10.7.0.0/24', '--ip-range', '10.7.0.128/25', '--gateway', '10.7.0.254'];
    const second = ['--subnet', 'fd07::/64', '--ip-range', 'fd07::10-fd07::20'];
    const more = ['-d', 'bridge', '--internal', '--disable-dns', '-o', 'mtu=1400', '--label', 'team=web'];
    const named = ['--interface-name', 'weblink', '--ipam-driver', 'host-local'];
    expect(await call('create', ...first, ...second, ...more, ...named, 'web')).toMatchObject({ stdout: 'web' });
    expect((await client.network.inspect({ name: 'web' })).network).toMatchObject({
      driver: 'bridge',
      network_interface: 'weblink',
      subnets: [
        { subnet: '10.7.0.0/24', gateway: '10.7.0.254', lease_range: { start_ip: '10.7.0.129', end_ip: '10.7.0.255' } },
        { subnet: 'fd07::/64', gateway: 'fd07::1', lease_range: { start_ip: 'fd07::10', end_ip: 'fd07::20' } },
      ],
      internal: true,
      dns_enabled: false,
      options: { mtu: '1400' },
      labels: { team: 'web' },
    });
  });

  it('network create accepts routes, name servers, and the options of other drivers', async () => {
    const routes = ['--route', '10.21.0.0/24,10.7.0.9,7', '--route', '10.22.0.0/16,blackhole'];
    const servers = ['--dns', '9.9.9.9', '--dns', '2620:fe::fe'];
    expect(await call('create', '--subnet', '10.7.0.0/24', ...routes, ...servers, 'web')).toMatchObject({
      exitCode: 0,
    });
    expect((await client.network.inspect({ name: 'web' })).network).toMatchObject({
      routes: [
        { destination: '10.21.0.0/24', gateway: '10.7.0.9', metric: 7, type: 'unicast' },
        { destination: '10.22.0.0/16', gateway: null, metric: null, type: 'blackhole' },
      ],
      network_dns_servers: ['9.9.9.9', '2620:fe::fe'],
    });
    const facts = await lines('inspect', 'web', '--format', 'facts');
    expect(facts).toContainEqual(expect.stringMatching(/^Routes +10\.21\.0\.0\/24 via 10\.7\.0\.9 metric 7$/));
    expect(facts).toContainEqual(expect.stringMatching(/^ +blackhole 10\.22\.0\.0\/16$/));
    expect(facts).toContainEqual(expect.stringMatching(/^Name servers +9\.9\.9\.9$/));

    execFileSync('ip', ['link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'up1']);
    const upon = ['-d', 'macvlan', '-o', 'parent=up0', '--subnet', '10.8.0.0/24'];
    expect(await call('create', ...upon, 'lan')).toMatchObject({ exitCode: 0 });
    expect((await client.network.inspect({ name: 'lan' })).network).toMatchObject({
      driver: 'macvlan',
      network_interface: 'up0',
    });
    await client.network.remove({ name: 'lan' });
    execFileSync('ip', ['link', 'delete', 'up0']);
  });

  it('network create picks a free name when none is given', async () => {
    await client.network.create({ name: 'netloom1' });
    expect(await call('create')).toMatchObject({ exitCode: 0, stdout: 'netloom2' });
  });

  it('network create refuses a name that is taken, unless --ignore is given', async () => {
    await client.network.create({ name: 'web' });
    expect(await call('create', 'web')).toMatchObject({
      exitCode: 125,
      stderr: expect.stringMatching(/^netloom: network.exists: /),
    });
    expect(await call('create', '--ignore', 'web')).toMatchObject({ exitCode: 0, stdout: 'web' });
  });

  it('network create refuses an option that the driver does not have, in quotes', async () => {
    expect(await call('create', '-o', 'speed=9', 'web')).toMatchObject({
      exitCode: 125,
      stderr: expect.stringContaining('speed'),
    });
  });
});

describe('network ls', () => {
  beforeEach(async () => {
    await client.network.create({
      name: 'one',
      subnets: [{ subnet: '10.1.0.0/24' }],
      labels: { team: 'web', old: '' },
    });
    await client.network.create({ name: 'two', subnets: [{ subnet: '10.2.0.0/24' }], labels: { team: 'db' } });
    await client.container.setup({ id: 'c1', networks: [{ network: 'one' }] });
  });

  it.each([
    [['name=o'], ['one', 'two']],
    [['name=^o', 'name=nothing'], ['one']],
    [['label=team'], ['one', 'two']],
    [['label=team=web'], ['one']],
    [['label=team', 'label=old'], ['one']],
    [['label!=old'], ['two']],
    [['driver=bridge', 'dangling=true'], ['two']],
    [['dangling=false'], ['one']],
    [['driver=macvlan'], ['']],
    [['until=24h'], ['']],
    [['until=2100-01-01'], ['one', 'two']],
  ])('network ls shows the networks that match %j', async (filters, names) =>
    expect(await lines('ls', '-q', ...filters.flatMap((filter) => ['--filter', filter]))).toEqual(names),
  );

  it('network ls shows the networks whose IDs begin with a given text', async () => {
    const { id } = (await client.network.inspect({ name: 'two' })).network;
    expect(await lines('ls', '-q', '--filter', `id=${id.slice(0, 8)}`)).toEqual(['two']);
  });

  it('network ls prints each network by a template', async () => {
    expect(await lines('ls', '--format', '{{.Name}} {{range .Subnets}}{{.Subnet}}{{end}}')).toEqual([
      'one 10.1.0.0/24',
      'two 10.2.0.0/24',
    ]);
    const table = 'table {{.Name}}\\t{{.Driver}}';
    expect(await lines('ls', '--format', table)).toEqual(['NAME  DRIVER', 'one   bridge', 'two   bridge']);
    expect(await lines('ls', '--noheading', '--format', table)).toEqual(['one   bridge', 'two   bridge']);
    expect(JSON.parse((await call('ls', '--format', 'json')).stdout)).toMatchObject([{ name: 'one' }, { name: 'two' }]);
    expect(await call('ls', '--format', '{{.Nope}}')).toMatchObject({
      exitCode: 125,
      stderr: expect.stringContaining('there is no field .Nope'),
    });
  });

  it('network ls reports files that are left out, by name and with the reason', async () => {
    const file = `${lab.directory.path}/state/networks/my net.json`;
    writeFileSync(file, JSON.stringify({ name: 'my net', id: 'a'.repeat(64), driver: 'bridge' }));
    await expect.poll(async () => (await client.network.list()).damaged).toMatchObject([{ file: 'my net.json' }]);
    const { stdout, stderr } = await call('ls', '-q');
    rmSync(file);
    expect({ stdout, stderr }).toEqual({
      stdout: 'one\ntwo',
      stderr: expect.stringMatching(/^my net\.json is left out: name: "my net" must be 1 to 250 .* letter or a digit$/),
    });
    await expect.poll(async () => (await client.network.list()).damaged).toEqual([]);
  });

  it('network ls shortens IDs unless --no-trunc is given', async () => {
    const { id } = (await client.network.inspect({ name: 'one' })).network;
    expect((await lines('ls', '--noheading'))[0]).toMatch(new RegExp(`^${id.slice(0, 12)} +one +bridge `));
    expect((await lines('list', '--noheading', '--no-trunc'))[0]).toMatch(new RegExp(`^${id} +one +bridge `));
  });
});

describe('network inspect', () => {
  it('A07 network inspect prints the JSON of networks by name, ID and the beginning of an ID', async () => {
    await client.network.create({ name: 'one' });
    const { id } = (await client.network.create({ name: 'two' })).definition;
    const networks = JSON.parse((await call('inspect', 'one', id, id.slice(0, 10))).stdout);
    expect(networks.map(({ name }: { name: string }) => name)).toEqual(['one', 'two', 'two']);
    expect(await lines('inspect', '-f', '{{.Name}}:{{.Internal}}', 'one', 'two')).toEqual(['one:false', 'two:false']);
  });

  it('network inspect prints the networks that exist, and ends with 125 when one does not', async () => {
    await client.network.create({ name: 'one' });
    const { stdout, stderr, exitCode } = await call('inspect', 'nowhere', 'one');
    expect(exitCode).toBe(125);
    expect(stderr).toBe('netloom: network.unknown: no network nowhere');
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'one' }]);
  });
});

describe('network exists', () => {
  it('network exists answers by its exit code alone', async () => {
    await client.network.create({ name: 'web' });
    expect(await call('exists', 'web')).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    expect(await call('exists', 'nowhere')).toMatchObject({ exitCode: 1, stdout: '', stderr: '' });
    expect(await call('exists', 'web', '--node', 'elsewhere')).toMatchObject({ exitCode: 125 });
  });
});

describe('network update', () => {
  it('network update changes the name servers', async () => {
    await client.network.create({ name: 'web' });
    const serversOf = async () => (await client.network.inspect({ name: 'web' })).network.network_dns_servers;
    expect(await call('update', 'web', '--dns-add', '9.9.9.9,1.1.1.1')).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await serversOf()).toEqual(['9.9.9.9', '1.1.1.1']);
    expect(await call('update', 'web', '--dns-drop', '9.9.9.9')).toMatchObject({ exitCode: 0 });
    expect(await serversOf()).toEqual(['1.1.1.1']);
  });

  it('network update changes the traffic that the guards accept, and refuses other options', async () => {
    await client.network.create({ name: 'web', options: { mtu: '1400' } });
    expect(await call('update', 'web', '--opt', 'inbound=open')).toMatchObject({ exitCode: 0, stdout: '' });
    const { options } = JSON.parse((await call('inspect', 'web')).stdout)[0];
    expect(options).toEqual({ mtu: '1400', inbound: 'open' });
    expect(await call('update', 'web', '-o', 'mtu=1300')).toMatchObject({
      exitCode: 125,
      stderr: expect.stringContaining('option mtu of a network cannot be changed'),
    });
  });
});

describe('network rm', () => {
  it('network rm ends with 1 for a missing network, with 2 for one in use, and removes its containers with --force', async () => {
    await client.network.create({ name: 'web' });
    await client.container.setup({ id: 'c1', networks: [{ network: 'web' }] });
    expect(await call('rm', 'nowhere')).toMatchObject({ exitCode: 1 });
    expect(await call('rm', 'web')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^netloom: network.in-use: /),
    });
    expect(await call('remove', '--force', '-t', '3', 'web')).toMatchObject({ exitCode: 0, stdout: 'web' });
    expect((await client.container.inspect({ id: 'c1' })).container.attachments).toEqual([]);
  });
});

describe('network prune', () => {
  beforeEach(async () => {
    await client.network.create({ name: 'used', subnets: [{ subnet: '10.1.0.0/24' }] });
    await client.network.create({ name: 'old', subnets: [{ subnet: '10.2.0.0/24' }], labels: { age: 'old' } });
    await client.network.create({ name: 'new', subnets: [{ subnet: '10.3.0.0/24' }] });
    await client.container.setup({ id: 'c1', networks: [{ network: 'used' }] });
  });
  const names = async () => (await client.network.list()).networks.map(({ name }) => name).sort();

  it('network prune asks for confirmation, and accepts only a yes', async () => {
    for (const answer of ['n\n', '', 'perhaps\n']) {
      const { stderr, exitCode } = await netloom(daemon, ['network', 'prune'], answer);
      expect({ exitCode, left: await names() }).toEqual({ exitCode: 0, left: ['new', 'old', 'used'] });
      expect(stderr).toContain('Are you sure you want to continue? [y/N]');
    }
    expect((await netloom(daemon, ['network', 'prune'], 'y\n')).stdout.split('\n').sort()).toEqual(['new', 'old']);
    expect(await names()).toEqual(['used']);
  });

  it('network prune removes the networks that match the filters', async () => {
    expect(await call('prune', '-f', '--filter', 'label=age')).toMatchObject({ exitCode: 0, stdout: 'old' });
    expect(await call('prune', '-f', '--filter', 'label=age')).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await names()).toEqual(['new', 'used']);
  });
});

/** podman needs netavark even to list its networks. */
const hasPodman = ['podman', '/usr/lib/podman/netavark'].every((file) => spawnSync(file, ['--version']).status === 0);

/** podman itself, on the same definitions. */
describe.skipIf(!hasPodman)('podman and netloom on the same networks', () => {
  let podman: (...args: string[]) => { exitCode: number | null; stdout: string };

  beforeAll(() => {
    const { path } = lab.directory;
    writeFileSync(
      `${path}/containers.conf`,
      `[network]\nnetwork_backend="netavark"\nnetwork_config_dir="${path}/state/networks"\n`,
    );
    const places = ['--root', `${path}/root`, '--runroot', `${path}/runroot`, '--storage-driver', 'vfs'];
    podman = (...args) => {
      const env = { ...process.env, CONTAINERS_CONF: `${path}/containers.conf` };
      const { status, stdout } = spawnSync('podman', [...places, 'network', ...args], { env, encoding: 'utf8' });
      return { exitCode: status, stdout: stdout.replace(/\n$/, '') };
    };
  });
  beforeEach(async () => {
    await client.network.create({ name: 'one', subnets: [{ subnet: '10.1.0.0/24' }], labels: { team: 'web' } });
    await client.network.create({ name: 'two', subnets: [{ subnet: '10.2.0.0/24' }, { subnet: 'fd02::/64' }] });
  });
  const bothNetworks = ['--filter', 'name=^one$', '--filter', 'name=^two$'];

  it.each([
    [['ls', '-q', ...bothNetworks]],
    [['ls', '--format', '{{.Name}} {{.Driver}} {{.ID}}', ...bothNetworks]],
    [['ls', '-q', '--filter', 'label=team=web']],
    [['ls', '-q', '--filter', 'driver=macvlan']],
    [['inspect', '-f', '{{range .Subnets}}{{.Subnet}} {{.Gateway}} {{end}}', 'two']],
    [['inspect', '-f', '{{.Internal}} {{.IPv6Enabled}} {{.NetworkInterface}}', 'one', 'two']],
    [['exists', 'one']],
    [['exists', 'nowhere']],
    [['rm', 'nowhere']],
    [['inspect', 'nowhere', 'one', '-f', '{{.Name}}']],
    [['create', 'one']],
    [['ls', '--filter', 'nonsense=1']],
    [['ls', '--loud']],
  ])('podman and netloom print the same for %j', async (args) => {
    const { exitCode, stdout } = await call(...args);
    expect({ exitCode, stdout }).toEqual(podman(...args));
  });

  it('podman and netloom print the same JSON', async () => {
    const [shown] = JSON.parse((await call('inspect', 'two')).stdout);
    const [wanted] = JSON.parse(podman('inspect', 'two').stdout);
    expect(shown).toMatchObject({ ...wanted, created: expect.anything() });
  });

  it('podman and netloom make the same definition of a range', async () => {
    const args = ['create', '--subnet', '10.9.0.0/24', '--ip-range', '10.9.0.128/25', '--disable-dns'];
    podman(...args, 'podmans');
    const [wanted] = JSON.parse(podman('inspect', 'podmans').stdout);
    podman('rm', 'podmans');
    await call(...args, 'netlooms');
    const [shown] = JSON.parse((await call('inspect', 'netlooms')).stdout);
    expect(shown.subnets).toEqual(wanted.subnets);
    expect(execFileSync('ls', [`${lab.directory.path}/state/networks`], { encoding: 'utf8' })).not.toContain('podmans');
  });
});
