import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NetloomClient } from '../../src/client.ts';
import { inventory, type TestDaemon } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';
import { launch, netloom } from './netloom.ts';

let lab: Lab;
let daemon: TestDaemon;
let client: NetloomClient;

beforeAll(async () => {
  lab = await Lab.open();
  ({ daemon, client } = lab);
});
afterEach(() => lab.clear());
afterAll(() => lab.close());

const call = (...args: string[]) => netloom(daemon, args);
const lines = (text: unknown) => String(text).split('\n');

describe('network commands', () => {
  it('network commands create, list, show and remove networks', async () => {
    const options = ['--subnet', '10.7.0.0/24', '--gateway', '10.7.0.254', '--label', 'team=web', '--opt', 'mtu=1400'];
    expect(await call('network', 'create', 'web', ...options)).toMatchObject({ exitCode: 0, stdout: 'web' });
    const [head, row] = lines((await call('network', 'ls')).stdout);
    expect(head).toMatch(/^NETWORK ID +NAME +DRIVER +STATE +INTERFACE +SUBNETS +USED BY$/);
    expect(row).toMatch(/^[0-9a-f]{12} +web +bridge +defined +netloom0 +10\.7\.0\.0\/24 +0$/);
    const { stdout } = await call('network', 'inspect', 'web', '--format', 'facts');
    expect(stdout).toMatch(/^Subnet +10\.7\.0\.0\/24 via 10\.7\.0\.254$/m);
    expect(stdout).toMatch(/^Labels +team=web$/m);
    expect(await call('network', 'rm', 'web')).toMatchObject({ exitCode: 0, stdout: 'web' });
    expect((await client.network.list()).networks).toEqual([]);
  });

  it("network commands print the daemon's reply with --json", async () => {
    const created = JSON.parse((await call('network', 'create', 'web', '--ipv6', '--internal', '--json')).stdout);
    expect(created.definition).toMatchObject({ name: 'web', internal: true, ipv6_enabled: true });
    expect(JSON.parse((await call('network', 'ls', '--json')).stdout)).toEqual(await client.network.list());
    expect(JSON.parse((await call('network', 'inspect', 'web', '--json')).stdout)).toEqual(
      await client.network.inspect({ name: 'web' }),
    );
    expect(JSON.parse((await call('network', 'rm', 'web', '--json')).stdout)).toEqual([{ name: 'web' }]);
  });

  it('network rm removes networks one by one: an unknown one does not keep the others, and decides the exit code', async () => {
    await client.network.create({ name: 'one' });
    await client.network.create({ name: 'two' });
    const { stdout, stderr, exitCode } = await call('network', 'rm', 'one', 'nowhere', 'two');
    expect({ exitCode, gone: lines(stdout) }).toEqual({ exitCode: 1, gone: ['one', 'two'] });
    expect(stderr).toBe('netloom: network.unknown: no network nowhere');
  });
});

describe('container commands', () => {
  it('container commands lead a container through its life step by step', async () => {
    await client.network.create({ name: 'web' });
    expect(await call('container', 'create', 'c1', '--network', 'web', '-p', '8080:80')).toMatchObject({
      stdout: 'c1',
    });
    expect((await call('ps')).stdout).toBe('ID  NAME  CREATED  STATE  NETWORKS  ADDRESSES  PORTS');
    expect((await call('ps', '-a')).stdout).toMatch(/^c1 +c1 +.* ago +created +web +8080->80\/tcp$/m);

    const setup = await call('container', 'setup', 'c1');
    expect(setup.stdout).toMatch(/^Namespace +\/.*\/netns\/netloom-c1$/m);
    expect(setup.stdout).toMatch(/^Addresses +10\.89\.0\.2$/m);
    const sleeper = spawn('sleep', ['60']);
    expect(await call('container', 'started', 'c1', `${sleeper.pid}`)).toMatchObject({ stdout: 'c1', exitCode: 0 });
    expect((await call('ps')).stdout).toMatch(/^c1 +c1 +.* ago +running +web +10\.89\.0\.2 +8080->80\/tcp$/m);
    expect((await call('inspect', 'c1')).stdout).toMatch(new RegExp(`^Process +${sleeper.pid}$`, 'm'));
    expect((await call('inspect', 'c1')).stdout).toMatch(/^On web +eth0 {2}10\.89\.0\.2\/24 via 10\.89\.0\.1/m);
    expect((await call('stats')).stdout).toMatch(/^c1 +eth0 +\d/m);

    expect(await call('container', 'teardown', 'c1')).toMatchObject({ stdout: '', exitCode: 1 });
    expect(await call('container', 'teardown', '--force', 'c1')).toMatchObject({ stdout: 'c1', exitCode: 0 });
    expect(await call('container', 'rm', 'c1')).toMatchObject({ stdout: 'c1', exitCode: 0 });
    expect((await call('container', 'ls')).stdout).toBe('ID  NAME  CREATED  STATE  NETWORKS  ADDRESSES  PORTS');
    sleeper.kill();
  });

  it('container setup accepts a request as JSON on stdin, which options override', async () => {
    await client.network.create({ name: 'web' });
    const wish = JSON.stringify({ id: 'c1', name: 'one', networks: [{ network: 'web' }] });
    await netloom(daemon, ['container', 'setup', '--file', '-', '--name', 'two', '--remove-on-exit'], wish);
    expect((await client.container.inspect({ id: 'c1' })).container).toMatchObject({
      id: 'c1',
      name: 'two',
      removeOnExit: true,
      attachments: [{ network: 'web' }],
    });
  });

  it.each([
    ['{"id": "c1"', 'payload.malformed'],
    ['[]', 'payload.invalid'],
    ['{"id": ".c1"}', 'id.invalid'],
  ])('container create refuses a request on stdin as %s', async (wish, code) => {
    const { stderr, exitCode } = await netloom(daemon, ['container', 'create', '--file', '-'], wish);
    expect(stderr).toContain(`netloom: ${code}: `);
    expect(exitCode).toBe(2);
  });

  it('reachability shows which ends reach a container', async () => {
    await client.network.create({ name: 'web', ipv6_enabled: true });
    await client.network.create({ name: 'back', internal: true });
    const ports = [{ hostPort: 8080, containerPort: 80 }];
    await client.container.setup({ id: 'c1', networks: [{ network: 'web' }], ports });
    await client.container.setup({ id: 'c2', networks: [{ network: 'back' }] });
    expect(lines((await call('reachability')).stdout)).toEqual([
      'FROM     c1                  c2',
      'outside  8080/tcp            -',
      'host     IPv4 IPv6 8080/tcp  IPv4',
      'c1       IPv4 IPv6 8080/tcp  -',
      'c2       -                   IPv4',
    ]);
    const { stdout } = await call('reachability', '--why');
    expect(stdout).toMatch(/^FROM +TO +BY +FAMILY +REACHES +WHY$/m);
    expect(stdout).toMatch(/^c1 +c2 +address +IPv4 +no +internal$/m);
    expect(stdout).toMatch(/^outside +c1 +port 8080\/tcp +IPv6 +yes +published 8080\/tcp$/m);
    const { cells } = JSON.parse((await call('reachability', '--json')).stdout);
    expect(cells).toHaveLength(4 * 2 * 4);
    expect(cells).toContainEqual({
      from: 'container/c2',
      to: 'c1',
      by: 'address',
      family: 4,
      port: null,
      reachable: false,
      reason: 'internal',
    });
  });

  it("plan shows a container's steps without a change", async () => {
    await client.network.create({ name: 'web' });
    const { stdout } = await call('plan', 'c1', '--network', 'web', '-p', '8080:80');
    expect(stdout).toMatch(
      /^Network web is not up: it is built first\n( +\d+\. .*\n)+\nTo set up c1\n {3}1\. netns\.create /,
    );
    expect(stdout).toMatch(/^ +\d+\. link\.bridge netloom0\b/m);
    // after the namespace: the guards of the links
    const teardown = stdout.slice(stdout.indexOf('To take it down'));
    for (const set of ['held_links', 'leased_macs', 'sources4']) expect(teardown).toContain(set);
    expect(stdout).toMatch(/^To take it down\n {2}1\. /m);
    const planned = JSON.parse((await call('plan', '--id', 'c1', '--network', 'web', '--json')).stdout);
    expect(stdout).toContain('net.ipv6.conf.eth0.accept_ra=0  the container must not use a neighbour as a router');
    expect(planned.steps.length).toBeGreaterThan(3);
    expect(planned.networks).toEqual([{ name: 'web', link: 'netloom0', steps: expect.any(Array) }]);
    expect(inventory(daemon)).toMatchObject({ namespaces: [], links: [] });
    await client.container.setup({ id: 'c2', networks: [{ network: 'web' }] });
    expect((await client.container.plan({ id: 'c1', networks: [{ network: 'web' }] })).networks).toEqual([]);
    expect((await call('plan', 'c1', '--network', 'web')).stdout).toMatch(/^To set up c1\n/);
  });
});

describe('a refused command', () => {
  it.each([
    [1, 'container.exists', ['container', 'create', 'c1']],
    [2, 'mode.unknown', ['container', 'create', 'c2', '--mode', 'magic']],
    [3, 'container.unknown', ['inspect', 'nobody']],
    [3, 'network.unknown', ['container', 'setup', 'c2', '--network', 'nowhere']],
    [4, 'bus.unreachable', ['ps', '--node', 'elsewhere']],
    [4, 'bus.unreachable', ['ps', '--run-dir', '/nowhere']],
    [4, 'bus.unreachable', ['ps', '--nats-url', 'nats://127.0.0.1:1']],
    [4, 'bus.unauthorized', ['ps', '--nats-url', 'nats://nobody:wrong@127.0.0.1:4222']],
  ])('a refused command ends with %d and prints %s', async (exitCode, code, args) => {
    await client.container.create({ id: 'c1' });
    const words = await call(...args);
    expect(words).toMatchObject({ exitCode, stdout: '' });
    expect(words.stderr).toMatch(new RegExp(`^netloom: ${code}: .`));
    expect(JSON.parse((await call(...args, '--json')).stderr)).toMatchObject({ code, message: expect.any(String) });
  });
});

describe('netloom events', () => {
  it('events replays the events of all or of one container', async () => {
    await client.network.create({ name: 'web' });
    await client.container.setup({ id: 'e1', networks: [{ network: 'web' }] });
    await client.container.remove({ id: 'e1' });
    const facts = ['created', 'netns-ready', 'configured', 'tearing-down', 'torn-down', 'removed'];
    const printed = lines((await call('events', '--container', 'e1')).stdout);
    expect(printed.map((line) => line.split(/ {2,}/)[2])).toEqual(facts);
    expect((await call('events')).stdout).toContain('node/testnode');
    expect((await call('events', '--network', 'web')).stdout).not.toContain('container/');
  });

  it('events prints CloudEvents with --json, one per line, and continues after the last one seen', async () => {
    await client.container.create({ id: 'e2' });
    await client.container.remove({ id: 'e2' });
    const args = ['events', '--json', '--container', 'e2', '--since'];
    const [first, ...others] = lines((await call(...args, 'all')).stdout).map((line) => JSON.parse(line));
    expect(first).toMatchObject({ specversion: '1.0', type: 'dev.netloom.container.created', subject: 'e2' });
    const rest = lines((await call(...args, `${first.streamsequence + 1}`)).stdout).map((line) => JSON.parse(line));
    expect(rest).toEqual(others);
  });

  it('events prints events as they happen with --follow', async () => {
    const following = launch(daemon, ['events', '--follow', '--container', 'e3', '--since', 'all']);
    const printed = createInterface({ input: following.stdout as Readable });
    await client.container.create({ id: 'e3' });
    expect(String(await once(printed, 'line'))).toContain('created');
    await client.container.remove({ id: 'e3' });
    expect(String(await once(printed, 'line'))).toContain('removed');
    following.kill('SIGTERM');
    expect((await following).signal).toBe('SIGTERM');
  });

  it('events --follow ends successfully at Ctrl-C', async () => {
    await client.container.create({ id: 'e5' });
    const following = launch(daemon, ['events', '--follow', '--since', 'all', '--container', 'e5']);
    await once(createInterface({ input: following.stdout as Readable }), 'line');
    following.kill('SIGINT');
    expect((await following).exitCode).toBe(0);
    await client.container.remove({ id: 'e5' });
  });

  it.each([
    [['--since', '1000000'], 'no events since 1000000; try --since all or --follow'],
    [['--since', 'all', '--type', 'node', '--filter', 'event=lost'], 'no matching events; try --follow'],
    [['--since', '1m', '--type', 'node', '--filter', 'event=lost'], 'no matching events since 1m; try --since all or'],
    [['--until', '100h'], 'no events until 100h'],
  ])('events explains an empty result of %j', async (more, words) => {
    const { stderr, stdout, exitCode } = await call('events', ...more);
    expect({ stderr, stdout, exitCode }).toEqual({ stderr: expect.stringContaining(words), stdout: '', exitCode: 0 });
  });

  it('events reports on stderr that there are no recent events', async () => {
    await client.container.create({ id: 'e4' });
    await client.container.remove({ id: 'e4' });
    expect(await call('events', '--container', 'e4', '--since', '1000000')).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: expect.stringContaining('no matching events since 1000000'),
    });
  });

  it.each(['container', 'network'])('events refuses an unknown %s', async (noun) => {
    expect(await call('events', `--${noun}`, 'never')).toMatchObject({
      exitCode: 3,
      stdout: '',
      stderr: expect.stringContaining(`netloom: ${noun}.unknown: no ${noun} never, and no events of a ${noun}`),
    });
  });

  it('events follows a container that does not exist yet', async () => {
    const following = launch(daemon, ['events', '--follow', '--container', 'late']);
    const [printed, noted] = [following.stdout, following.stderr].map((of) =>
      createInterface({ input: of as Readable }),
    );
    expect(String(await once(noted as Interface, 'line'))).toContain('there is no container late yet');
    const line = once(printed as Interface, 'line');
    await client.container.create({ id: 'late' });
    expect(String(await line)).toContain('created');
    await client.container.remove({ id: 'late' });
    following.kill('SIGTERM');
    await following;
  });
});

describe('a container of podman', () => {
  const id = 'c0ffee'.padEnd(64, '0');
  const short = id.slice(0, 12);
  beforeEach(async () => {
    await client.network.create({ name: 'web' });
    await client.container.setup({ id, name: 'my.app', networks: [{ network: 'web' }] });
  });

  it('a container of podman is shown with twelve digits of its ID, or in full with --no-trunc', async () => {
    expect((await call('ps')).stdout).toMatch(/^c0ffee000000 +my\.app +.* ago +configured/m);
    expect((await call('ps', '--no-trunc')).stdout).toMatch(new RegExp(`^${id} +my\\.app`, 'm'));
    expect((await call('stats')).stdout).toMatch(/^c0ffee000000 +eth0/m);
    expect(lines((await call('reachability')).stdout)).toContainEqual(expect.stringMatching(/^FROM +c0ffee000000$/));
    expect((await call('reachability', '--why')).stdout).toMatch(/^c0ffee000000 +c0ffee000000 +address/m);
    expect((await call('events')).stdout).toContain('container/c0ffee000000  ');
    expect((await call('events', '--no-trunc')).stdout).toContain(`container/${id}  `);
    expect(JSON.parse((await call('ps', '--json')).stdout)).toMatchObject({ containers: [{ id }] });
  });

  it.each(['my.app', short, id])('a container of podman is accepted as %s by every command', async (name) => {
    expect((await call('inspect', name, '--format', '{{.id}}')).stdout).toBe(id);
    expect((await call('stats', name)).stdout).toMatch(/^c0ffee000000 +eth0/m);
    expect(await call('port', 'publish', name, '8080:80')).toMatchObject({ stdout: '80/tcp -> 0.0.0.0:8080' });
    expect(await call('port', 'list', name)).toMatchObject({ stdout: '80/tcp -> 0.0.0.0:8080' });
    expect(await call('port', 'unpublish', name, '8080:80')).toMatchObject({ exitCode: 0 });
    expect(await call('network', 'disconnect', 'web', name)).toMatchObject({ exitCode: 0 });
    expect(await call('network', 'connect', 'web', name)).toMatchObject({ exitCode: 0 });
    expect(await call('network', 'reload', name)).toMatchObject({ exitCode: 0, stdout: name });
    expect(await call('run', '--network', `container:${name}`, '--', 'true')).toMatchObject({ exitCode: 0 });
    expect(await call('container', 'teardown', name)).toMatchObject({ exitCode: 0, stdout: name });
    expect((await call('events', '--container', name)).stdout).toContain('torn-down');
    expect(await call('container', 'rm', name)).toMatchObject({ exitCode: 0, stdout: name });
  });

  it('a removed container of podman is found among the events by its ID and by the beginning of it', async () => {
    await client.container.remove({ id });
    for (const name of [id, short]) expect((await call('events', '--container', name)).stdout).toContain('removed');
    expect(await call('events', '--container', 'my.app')).toMatchObject({ exitCode: 3 });
  });

  it('a container is not confused with another one whose ID begins with its own', async () => {
    await client.container.create({ id: 'decade' });
    await client.container.remove({ id: 'decade' });
    await client.container.create({ id: 'decade'.padEnd(64, '0') });
    const { stdout } = await call('events', '--container', 'decade');
    expect(stdout).toMatch(/^.* container\/decade +removed/m);
    expect(stdout).not.toContain('decade000000');
    expect(await call('container', 'rm', '--exact', 'decade')).toMatchObject({ exitCode: 3 });
    expect(await call('container', 'rm', 'decade')).toMatchObject({ exitCode: 0 });
  });
});

describe('an ambiguous ID of a container', () => {
  it('an ambiguous ID is refused with a list of both containers', async () => {
    for (const beginning of ['dddddd1', 'dddddd2']) await client.container.create({ id: beginning.padEnd(64, '0') });
    const { stderr, exitCode } = await call('inspect', 'dddddd');
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^netloom: container\.ambiguous: dddddd may be any of the containers /),
    });
  });
});

describe('netloom node info', () => {
  it('node info describes the node', async () => {
    const { stdout } = await call('node', 'info');
    expect(stdout).toMatch(/^Node +testnode\nState +serving$/m);
    expect(stdout).toContain(`\nSettings         ${daemon.runDirectory}/sysctl.d\n`);
    expect(JSON.parse((await call('--json', 'node', 'info')).stdout)).toMatchObject({ node: 'testnode', workers: 2 });
  });
});
