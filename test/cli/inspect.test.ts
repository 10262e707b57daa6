import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
  await client.network.create({ name: 'web', subnets: [{ subnet: '10.7.0.0/24' }, { subnet: 'fd07::/64' }] });
  await client.network.create({ name: 'db', subnets: [{ subnet: '10.8.0.0/24' }] });
  const networks = [{ network: 'web', staticMac: '02:00:00:00:00:01' }, { network: 'db' }];
  await client.container.create({ id: 'c1', networks, ports: [{ hostPort: 8080, containerPort: 80 }] });
});
afterAll(() => lab.close());

const inspect = async (...args: string[]) => (await netloom(daemon, ['inspect', ...args])).stdout;
const settingsOf = async (id: string) => JSON.parse(await inspect(id, '--json')).NetworkSettings;

describe('inspect', () => {
  it('D02 inspect lists the networks of a container that is down, with their IDs and aliases', async () => {
    const { networks } = await client.network.list();
    const idOf = (wanted: string) => networks.find(({ name }) => name === wanted)?.id;
    expect(await settingsOf('c1')).toMatchObject({
      SandboxKey: '',
      IPAddress: '',
      Networks: {
        web: { NetworkID: idOf('web'), Aliases: ['c1'], IPAddress: '' },
        db: { NetworkID: idOf('db'), Aliases: ['c1'], IPAddress: '' },
      },
    });
  });

  it('D01 inspect shows all details of a container that is up', async () => {
    await client.container.setup({ id: 'c1' });
    expect(await settingsOf('c1')).toMatchObject({
      SandboxKey: `${daemon.netnsDirectory}/netloom-c1`,
      Ports: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] },
      IPAddress: '10.7.0.2',
      Networks: {
        web: {
          IPAddress: '10.7.0.2',
          IPPrefixLen: 24,
          Gateway: '10.7.0.1',
          GlobalIPv6Address: 'fd07::2',
          GlobalIPv6PrefixLen: 64,
          IPv6Gateway: 'fd07::1',
          MacAddress: '02:00:00:00:00:01',
        },
        db: { IPAddress: '10.8.0.2', Gateway: '10.8.0.1', GlobalIPv6Address: '' },
      },
    });
  });

  it('D01 B04 inspect shows a container in a shared namespace on the networks of the other one', async () => {
    await client.container.setup({ id: 'c2', mode: 'container:c1' });
    expect(await settingsOf('c2')).toEqual(await settingsOf('c1'));
  });

  it('inspect accepts the templates of podman', async () => {
    expect(await inspect('-f', '{{.NetworkSettings.IPAddress}} {{.Name}} {{.State}}', 'c1')).toBe(
      '10.7.0.2 c1 configured',
    );
    expect(await inspect('-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}', 'c1')).toBe(
      '10.7.0.2 10.8.0.2 ',
    );
    expect(await inspect('-f', '{{json .NetworkSettings.Ports}}', 'c1')).toBe(
      '{"80/tcp":[{"HostIp":"","HostPort":"8080"}]}',
    );
    expect(JSON.parse(await inspect('--format', 'json', 'c1'))).toMatchObject([{ id: 'c1', NetworkSettings: {} }]);
  });
});
