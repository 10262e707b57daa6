import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NetloomClient } from '../../src/client.ts';
import type { ContainerStatistics } from '../../src/core/view.ts';
import type { TestDaemon } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';
import { Peer } from '../support/peer.ts';
import { launch, netloom } from './netloom.ts';

let lab: Lab;
let daemon: TestDaemon;
let client: NetloomClient;
const peers: Peer[] = [];

beforeAll(async () => {
  lab = await Lab.open();
  ({ daemon, client } = lab);
  await client.network.create({ name: 'web', subnets: [{ subnet: '10.7.0.0/24' }] });
  await client.network.create({ name: 'db', subnets: [{ subnet: '10.8.0.0/24' }] });
  const ports = [
    { hostPort: 8080, containerPort: 80 },
    { hostPort: 9090, containerPort: 80 },
  ];
  await client.container.setup({ id: 'c1', networks: [{ network: 'web' }, { network: 'db' }], ports });
  await client.container.setup({ id: 'c2', networks: [{ network: 'db' }] });
  for (const id of ['c1', 'c2']) peers.push(new Peer(id, `${daemon.netnsDirectory}/netloom-${id}`));
});
afterAll(async () => {
  for (const peer of peers) peer.end();
  await lab.close();
});

const call = (...args: string[]) => netloom(daemon, ['stats', ...args]);
const statisticsOf = async (id: string): Promise<ContainerStatistics> =>
  JSON.parse((await call(id, '--json')).stdout)[0];

describe('netloom stats', () => {
  it('D04 stats count on every interface, and for each published port its own traffic', async () => {
    const [server, asker] = peers as [Peer, Peer];
    expect(await server.serve('tcp', 80)).toBe('ready');
    expect(await asker.reach('tcp', '10.8.0.1', 8080)).toMatch(/^c1:80 /);
    const { interfaces, ports } = await statisticsOf('c1');
    expect(Object.keys(interfaces)).toEqual(['eth0', 'eth1']);
    const [used, other] = ports;
    expect(used).toMatchObject({ protocol: 'tcp', hostIp: null, hostPort: 8080, containerPort: 80, range: 1 });
    // SYN, ACK, FIN at the least, and a reply of some bytes
    expect(used?.toContainer.packets).toBeGreaterThanOrEqual(3);
    expect(used?.fromContainer.bytes).toBeGreaterThan(40);
    const nothing = { packets: 0, bytes: 0 };
    expect(other).toMatchObject({ hostPort: 9090, toContainer: nothing, fromContainer: nothing });
    expect((await call('c1')).stdout).toMatch(/^c1 +8080->80\/tcp +\d+(\.\d)? K?i?B +\d/m);
  });

  it('D04 stats count sent packets on the interface that sends them', async () => {
    const before = (await statisticsOf('c2')).interfaces.eth0;
    await (peers[1] as Peer).reach('tcp', '10.8.0.1', 8080);
    const after = (await statisticsOf('c2')).interfaces.eth0;
    expect(after?.txPackets).toBeGreaterThan(before?.txPackets as number);
  });

  it("D04 stats cover shared namespaces and the host's, and leave out a container with loopback only", async () => {
    await client.container.setup({ id: 'shared', mode: 'container:c1' });
    await client.container.setup({ id: 'host', mode: 'host' });
    await client.container.setup({ id: 'none', mode: 'none' });
    expect(Object.keys((await statisticsOf('shared')).interfaces)).toEqual(['eth0', 'eth1']);
    expect((await statisticsOf('shared')).ports.map(({ hostPort }) => hostPort)).toEqual([8080, 9090]);
    expect(Object.keys((await statisticsOf('host')).interfaces)).toEqual(
      expect.arrayContaining(['netloom0', 'netloom1']),
    );
    expect(await statisticsOf('none')).toEqual({ id: 'none', interfaces: {}, ports: [] });
  });

  it('stats refuses a container whose network is down', async () => {
    await client.container.create({ id: 'down' });
    expect(await call('down')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('container.state') });
  });
});

describe('stats --watch', () => {
  it('stats --watch continues until Ctrl-C', async () => {
    const watching = launch(daemon, ['stats', '--watch=0.1', '--json', 'c1']);
    const lines = createInterface({ input: watching.stdout as Readable });
    for (let round = 0; round < 3; round++) {
      const [line] = (await once(lines, 'line')) as [string];
      expect(JSON.parse(line)).toMatchObject([{ id: 'c1', interfaces: { eth0: {} } }]);
    }
    watching.kill('SIGINT');
    expect((await watching).exitCode).toBe(0);
  });

  it.each(['0', 'soon', '1e3'])('stats --watch refuses an interval of %s seconds', async (seconds) =>
    expect(await call(`--watch=${seconds}`)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`--watch ${seconds}: expected seconds`),
    }),
  );
});
