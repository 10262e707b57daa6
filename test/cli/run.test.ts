import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { ResultPromise } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { greeting } from '../../src/cli/run-container.ts';
import type { NetloomClient } from '../../src/client.ts';
import { inventory, nothing, processesOf, TestDaemon, untilAnswered } from '../support/daemon.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';
import { launch, netloom } from './netloom.ts';

let directory: { path: string; remove(): void };
let daemon: TestDaemon;
let client: NetloomClient;

beforeAll(async () => {
  await becomeFreshHost();
  directory = temporaryDirectory();
  daemon = new TestDaemon(directory.path);
  client = await daemon.start();
  await client.network.create({ name: 'web' });
});
afterAll(async () => {
  try {
    await client.network.remove({ name: 'web' });
    expect(inventory(daemon)).toEqual({ ...nothing, processes: expect.anything() });
  } finally {
    await client?.close();
    await daemon.stop();
  }
  expect(processesOf(daemon)).toEqual([]);
  directory.remove();
});

const run = (...args: string[]) => netloom(daemon, ['run', ...args]);
const containers = async () => (await client.container.list()).containers.map(({ id, state }) => `${id} ${state}`);
/** Waits until these are all existing containers. */
const untilContainers = (...wanted: string[]) =>
  untilAnswered(async () => expect(await containers()).toEqual(wanted), 10_000);

const launched: ResultPromise[] = [];
afterEach(async () => {
  for (const running of launched.splice(0)) {
    running.kill('SIGTERM');
    await running;
  }
  for (const { id } of (await client.container.list()).containers) await client.container.remove({ id, force: true });
});

/** Starts a run that continues, after the first line of its command (in an object, for the run itself can be awaited). */
async function started(...args: string[]) {
  const running = launch(daemon, ['run', ...args]);
  launched.push(running);
  await once(createInterface({ input: running.stdout as Readable }), 'line');
  return { running };
}

const sleeping = ['--', 'sh', '-c', 'echo ready; exec sleep 60'];

describe('the greeting at a terminal', () => {
  const status = {
    web: {
      interfaces: { eth0: { mac_address: '02:00:00:00:00:01', subnets: [{ ipnet: '10.89.0.2/24' }] } },
      dns_server_ips: [],
      dns_search_domains: [],
    },
  };

  it('the greeting shows the address of the container', () =>
    expect(greeting({ id: 'c1', status, ports: [] })).toBe('c1  10.89.0.2'));

  it('the greeting shows the ID of a container on no network', () =>
    expect(greeting({ id: 'c1', status: {}, ports: [] })).toBe('c1'));
});

describe('netloom run', () => {
  it('netloom run gives the command a network of its own, and leaves nothing behind', async () => {
    const { stdout, exitCode } = await run('--network', 'web', '--ip', '10.89.0.50', 'ip', '-j', 'address');
    const links = JSON.parse(stdout) as { ifname: string; addr_info: { local: string }[] }[];
    expect(links.map(({ ifname }) => ifname)).toEqual(['lo', 'eth0']);
    expect(links[1]?.addr_info.map(({ local }) => local)).toContain('10.89.0.50');
    expect(exitCode).toBe(0);
    expect(await containers()).toEqual([]);
    expect(inventory(daemon)).toMatchObject({ namespaces: [], links: ['netloom0'] });
  });

  it('netloom run needs no -- before a command without options', async () => {
    expect((await run('--network', 'web', 'hostname')).exitCode).toBe(0);
    expect((await run('--network', 'none', 'sh', '-c', 'exit 9')).exitCode).toBe(9);
  });

  it.each([
    [0, ['true']],
    [7, ['sh', '-c', 'exit 7']],
    [137, ['sh', '-c', 'kill -KILL $$']],
    [127, ['no-such-command']],
  ])('netloom run ends with %d as its command does', async (exitCode, command) => {
    expect(await run('--network', 'web', '--', ...command)).toMatchObject({ exitCode });
    expect(await containers()).toEqual([]);
  });

  it('netloom run ends with 126 when the command cannot be executed', async () => {
    const file = `${directory.path}/plain-file`;
    writeFileSync(file, 'no program');
    chmodSync(file, 0o644);
    expect(await run('--network', 'none', '--', file)).toMatchObject({
      exitCode: 126,
      stderr: `netloom: command.unusable: ${file}: cannot be executed: permission denied`,
    });
    expect(await containers()).toEqual([]);
  });

  it('netloom run passes stdin, stdout and stderr through', async () => {
    const { stdout, stderr } = await netloom(
      daemon,
      ['run', '--network', 'none', '--', 'sh', '-c', 'cat; echo oh >&2'],
      'hello',
    );
    expect({ stdout, stderr }).toEqual({ stdout: 'hello', stderr: 'oh' });
  });

  it("netloom run passes signals on, and waits for the command's reaction", async () => {
    const script = 'trap "exit 5" TERM; trap "echo usr1" USR1; echo ready; while :; do sleep 0.02; done';
    const { running } = await started('--network', 'web', '--id', 'c1', '--', 'sh', '-c', script);
    await untilContainers('c1 running');
    const line = once(createInterface({ input: running.stdout as Readable }), 'line');
    running.kill('SIGUSR1');
    expect(await line).toEqual(['usr1']);
    running.kill('SIGTERM');
    expect((await running).exitCode).toBe(5);
    expect(await containers()).toEqual([]);
  });

  it('netloom run publishes ports', async () => {
    const page = 'require("http").createServer((q, r) => r.end("page")).listen(80, () => console.log("up"))';
    const { running } = await started('--network', 'web', '-p', '8080:80', '--', process.execPath, '-e', page);
    expect(await (await fetch('http://127.0.0.1:8080/', { headers: { connection: 'close' } })).text()).toBe('page');
    expect(await run('--network', 'web', '-p', '8080:80', '--', 'true')).toMatchObject({
      exitCode: 125,
      stderr: expect.stringContaining('netloom: port.taken: '),
    });
    running.kill('SIGTERM');
    expect((await running).exitCode).toBe(143);
    expect(await containers()).toEqual([]);
  });

  it('netloom run leaves an existing container with the same ID alone', async () => {
    await started('--network', 'web', '--name', 'c2', ...sleeping);
    expect(await run('--network', 'web', '--name', 'c2', '--', 'true')).toMatchObject({
      exitCode: 125,
      stderr: 'netloom: container.exists: container c2 already exists',
    });
    await untilContainers('c2 running');
  });

  it('netloom run runs nothing and leaves nothing behind when the network is not available', async () => {
    expect(await run('--network', 'nowhere', '--', 'echo', 'hello')).toMatchObject({ exitCode: 125, stdout: '' });
    expect(await containers()).toEqual([]);
  });

  it('netloom run ends with 2 when the command is empty', async () => {
    expect(await run('--network', 'web', '--', '')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('<command> must not be empty'),
    });
    expect(await run('--nonsense')).toMatchObject({ exitCode: 2 });
  });

  it('netloom run joins the network of another container', async () => {
    await started('--network', 'web', '--id', 'c3', ...sleeping);
    const { stdout } = await run('--mode', 'container:c3', '--', 'readlink', '/proc/self/ns/net');
    const { container } = await client.container.inspect({ id: 'c3' });
    expect(stdout).toBe(`net:[${container.netns?.inode}]`);
  });
});

describe('netloom run and the end of its daemon', () => {
  const script = 'echo ready; read x; exit 3';

  it('the command continues without the daemon, and the next daemon cleans up', async () => {
    const { running } = await started('--network', 'web', '--id', 'c4', '--', 'sh', '-c', script);
    await untilContainers('c4 running');
    await daemon.kill();
    running.stdin?.end('now\n');
    const { exitCode, stderr } = await running;
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^netloom: bus\.unreachable: /);
    expect(stderr).toContain('the network of container c4 will be taken down as soon as its daemon serves again');

    await (await daemon.start()).close();
    await untilContainers();
  });

  it('a process that the killed daemon did not record is reported to the next one', async () => {
    const { running } = await started('--network', 'web', '--id', 'c5', '--', 'sh', '-c', script);
    await daemon.kill();
    await (await daemon.start()).close();
    await untilContainers('c5 running');
    running.stdin?.end('now\n');
    expect((await running).exitCode).toBe(3);
    expect(await containers()).toEqual([]);
  });
});
