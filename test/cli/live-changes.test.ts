import { execFileSync } from 'node:child_process';
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
beforeEach(async () => {
  await client.network.create({ name: 'web' });
  await client.network.create({ name: 'db' });
});
afterEach(() => lab.clear());
afterAll(() => lab.close());

const call = (...args: string[]) => netloom(daemon, args);
const done = { exitCode: 0, stdout: '', stderr: '' };

interface Link {
  ifname: string;
  address: string;
  addr_info: { local: string }[];
}
/** Runs `ip` inside the container's namespace. */
const linksOf = (id: string): Link[] =>
  JSON.parse(
    execFileSync('nsenter', [`--net=${daemon.netnsDirectory}/netloom-${id}`, 'ip', '-j', 'address'], {
      encoding: 'utf8',
    }),
  );
const namesOf = (id: string) => linksOf(id).map(({ ifname }) => ifname);

describe('network connect and disconnect', () => {
  beforeEach(async () => {
    await client.container.setup({ id: 'c1', networks: [{ network: 'web' }] });
  });

  it('C03 network connect joins a running container to a further network', async () => {
    const { definition } = await client.network
      .inspect({ name: 'db' })
      .then(({ network }) => ({ definition: network }));
    const address = `${definition.subnets[0]?.subnet.replace(/0\/24$/, '')}50`;
    const options = ['--ip', address, '--mac-address', '02:00:00:00:00:50', '--interface-name', 'db0'];
    expect(await call('network', 'connect', ...options, 'db', 'c1')).toMatchObject(done);
    expect(namesOf('c1')).toEqual(['lo', 'eth0', 'db0']);
    expect(linksOf('c1')[2]).toMatchObject({ address: '02:00:00:00:00:50' });
    expect(linksOf('c1')[2]?.addr_info.map(({ local }) => local)).toContain(address);
  });

  it('C03 network connect refuses a network that the container is on, and a missing one', async () => {
    expect(await call('network', 'connect', 'web', 'c1')).toMatchObject({
      stderr: 'netloom: container.connected: container c1 is already on network web',
    });
    expect((await call('network', 'connect', 'nowhere', 'c1')).stderr).toMatch(/^netloom: network.unknown: /);
  });

  it("A07 network connect and disconnect accept the beginning of a network's ID", async () => {
    const { network } = await client.network.inspect({ name: 'db' });
    expect(await call('network', 'connect', network.id.slice(0, 12), 'c1')).toMatchObject(done);
    expect(await call('network', 'disconnect', network.id, 'c1')).toMatchObject(done);
    expect(namesOf('c1')).toEqual(['lo', 'eth0']);
  });

  it('C04 network disconnect takes a container off a network, once', async () => {
    await call('network', 'connect', 'db', 'c1');
    expect(await call('network', 'disconnect', 'web', 'c1')).toMatchObject(done);
    expect(namesOf('c1')).toEqual(['lo', 'eth1']);
    const again = await call('network', 'disconnect', 'web', 'c1');
    expect(again.stderr).toBe('netloom: container.not-connected: container c1 is not on network web');
    expect(again.exitCode).not.toBe(0);
    expect(await call('network', 'disconnect', '--force', 'web', 'c1')).toMatchObject(done);
  });
});

describe('network reload', () => {
  it('C06 network reload restores what is missing and names its container', async () => {
    await client.container.setup({ id: 'c1', networks: [{ network: 'web' }] });
    await client.container.create({ id: 'c2', networks: [{ network: 'web' }] });
    execFileSync('nsenter', [`--net=${daemon.netnsDirectory}/netloom-c1`, 'ip', 'address', 'flush', 'dev', 'eth0']);
    expect(await call('network', 'reload', '--all')).toMatchObject({ exitCode: 0, stdout: 'c1' });
    expect(linksOf('c1')[1]?.addr_info.map(({ local }) => local)).toContain('10.89.0.2');
    expect(await call('network', 'reload', 'c1')).toMatchObject({ exitCode: 0, stdout: 'c1' });
    expect((await call('network', 'reload', 'c2')).stderr).toMatch(/^netloom: container.state: /);
  });

  it('network reload refuses a call without a container', async () => {
    expect((await call('network', 'reload')).stderr).toContain('which container?');
    expect((await call('network', 'reload', '--all', 'c1')).stderr).toContain('--all: cannot be used with');
  });
});

describe('netloom port', () => {
  beforeEach(async () => {
    await client.container.setup({
      id: 'c1',
      networks: [{ network: 'web' }],
      ports: [{ hostPort: 8080, containerPort: 80 }],
    });
  });

  it('port publish adds to the ports of a container that is up, and prints where they are', async () => {
    expect((await call('port', 'publish', 'c1', '127.0.0.1:5353:53/tcp,udp', '9000-9001:9000-9001')).stdout).toBe(
      '53/tcp -> 127.0.0.1:5353\n53/udp -> 127.0.0.1:5353\n9000/tcp -> 0.0.0.0:9000\n9001/tcp -> 0.0.0.0:9001',
    );
    expect((await call('port', 'publish', 'c1', '443')).stdout).toMatch(/^443\/tcp -> 0\.0\.0\.0:\d+$/);
    const conflict = await call('port', 'publish', 'c1', '8080:81');
    expect(conflict.stderr).toMatch(/^netloom: port.taken: 8080->81\/tcp conflicts with 8080->80\/tcp: /);
    expect(conflict.exitCode).toBe(1);
    const contradiction = await call('port', 'publish', 'c1', '8090:80', '8090:81');
    expect(contradiction.stderr).toMatch(/^netloom: port.overlap: /);
    expect(contradiction.exitCode).toBe(2);
  });

  it('port publish changes the wish of a container that is down', async () => {
    await client.container.create({ id: 'c2', networks: [{ network: 'web' }] });
    expect((await call('port', 'publish', 'c2', '9000:90,443')).stdout).toBe(
      '90/tcp -> 0.0.0.0:9000\n443/tcp -> 0.0.0.0:(free)',
    );
    await client.container.setup({ id: 'c2' });
    expect((await call('port', 'list', 'c2')).stdout).toMatch(/^90\/tcp -> 0.0.0.0:9000\n443\/tcp -> 0.0.0.0:\d+$/);
  });

  it('port list shows all ports, or one', async () => {
    expect(await call('port', 'list', 'c1')).toMatchObject({ exitCode: 0, stdout: '80/tcp -> 0.0.0.0:8080' });
    expect(await call('port', 'list', 'c1', '80')).toMatchObject({ exitCode: 0, stdout: '0.0.0.0:8080' });
    expect(await call('port', 'list', 'c1', '80/udp')).toMatchObject({
      stderr: 'netloom: port.unknown: container c1 does not publish 80/udp',
    });
  });

  it('port unpublish removes a port, whatever its host port', async () => {
    await call('port', 'publish', 'c1', '443');
    expect(await call('port', 'unpublish', 'c1', '443')).toMatchObject(done);
    expect((await call('port', 'list', 'c1')).stdout).toBe('80/tcp -> 0.0.0.0:8080');
    expect((await call('port', 'unpublish', 'c1', '443')).stderr).toBe(
      'netloom: port.unknown: container c1 does not publish 443/tcp',
    );
  });
});

describe('--network of a set-up', () => {
  it('A01 --network accepts several networks in order, each with its settings', async () => {
    const settings = 'db:interface_name=db0,mac=02:00:00:00:00:07';
    expect((await call('container', 'setup', 'c1', '--network', settings, '--network', 'web')).exitCode).toBe(0);
    expect(namesOf('c1')).toEqual(['lo', 'db0', 'eth0']);
    expect(linksOf('c1')[1]?.address).toBe('02:00:00:00:00:07');
  });

  it('A01 --network accepts none, host, and the namespace of another container', async () => {
    await call('container', 'setup', 'c1', '--network', 'none');
    expect(namesOf('c1')).toEqual(['lo']);
    await call('container', 'setup', 'c2', '--network', 'container:c1');
    await call('container', 'setup', 'c3', '--network', 'host');
    const { containers } = await client.container.list();
    expect(containers.map(({ id, mode }) => `${id} ${mode}`).sort()).toEqual(['c1 none', 'c2 container:c1', 'c3 host']);
  });

  it('A06 --pod names the pod of the container', async () => {
    const { stdout } = await call('plan', 'c1', '--network', 'web', '--pod', 'shop', '--json');
    expect(JSON.parse(stdout).id).toBe('c1');
  });
});
