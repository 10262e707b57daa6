import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { untilAnswered } from '../support/daemon.ts';
import { askFrom, askFromHost, askFromOutside, definition, failure, networkSettings, seenWithin } from './ask.ts';
import { cli, PodmanHost } from './host.ts';
import { missing } from './missing.ts';
import { noFirewall } from './scenarios/no-firewall.ts';

// several hosts, daemons and engines share the processors of the machine
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

// What only a podman on netloom can show.
const nothing = { links: [], namespaces: [], processes: [] };

describe.skipIf(missing())('podman on netloom', () => {
  let host: PodmanHost;

  beforeAll(async () => {
    host = await PodmanHost.open('netloom');
  });
  afterEach(async () => {
    await host.clear();
    await host.settled();
    await untilAnswered(async () => expect(await host.remains()).toEqual(nothing));
    expect(await containers()).toEqual([]);
  });
  afterAll(() => host.close());

  const jsonOf = async <T>(command: string): Promise<T> => {
    const { stdout, stderr, exitCode } = await host.netloom(`${command} --json`);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    return JSON.parse(stdout) as T;
  };
  interface Seen {
    id: string;
    name: string;
    state: string;
  }
  const containers = async () => (await jsonOf<{ containers: Seen[] }>('ps')).containers;

  it('podman lists the networks that netloom made, and netloom those that podman made', async () => {
    await host.sh(`${cli} network create --subnet 10.5.0.0/24 --opt mtu=1400 --label tier=front ours`);
    expect(await definition(host, 'ours')).toMatchObject({
      name: 'ours',
      subnets: [{ subnet: '10.5.0.0/24', gateway: '10.5.0.1' }],
      options: { mtu: '1400' },
      labels: { tier: 'front' },
      dns_enabled: true,
    });
    await host.start('a', '--network ours');
    expect((await seenWithin(host, 'a')).addresses).toEqual({ eth0: ['10.5.0.2/24'] });

    await host.must('network create --subnet 10.6.0.0/24 theirs');
    const [podmans] = JSON.parse((await host.netloom('network inspect theirs')).stdout);
    expect(podmans).toMatchObject({ name: 'theirs', subnets: [{ subnet: '10.6.0.0/24', gateway: '10.6.0.1' }] });
    expect((await host.podman('network create --subnet 10.5.0.0/25 overlapping')).stderr).toContain('already used');
    expect((await host.netloom('network rm theirs')).exitCode).toBe(0);
    expect((await host.podman('network exists theirs')).exitCode).toBe(1);
  });

  it("podman's containers appear in netloom ps, inspect and events", async () => {
    await host.must('network create web');
    const id = (await host.start('a', '--network web -p 8080:80')).trim();
    expect(await containers()).toMatchObject([{ id, name: 'a', state: 'configured' }]);
    const { NetworkSettings } = await jsonOf<{ NetworkSettings: { Networks: object } }>(`inspect ${id}`);
    const { Networks } = await networkSettings(host, 'a');
    const same = ['IPAddress', 'IPPrefixLen', 'Gateway', 'MacAddress', 'Aliases'];
    expect(pick(NetworkSettings.Networks, same)).toEqual(pick(Networks as object, same));
    await host.must('rm -f -t 0 a');
    const { stdout } = await host.netloom(`events --container ${id}`);
    for (const word of ['created', 'configured', 'torn-down', 'removed']) expect(stdout).toContain(word);
  });

  it('podman moves to a network that is removed and created elsewhere at once', async () => {
    for (const subnet of ['10.7.0.0/24', '10.8.0.0/24', '10.9.0.0/24']) {
      await host.must(`network create --subnet ${subnet} web`);
      await host.start('a', '--network web -p 8080:80');
      expect((await seenWithin(host, 'a')).addresses).toEqual({ eth0: [subnet.replace('.0/24', '.2/24')] });
      expect(await askFromOutside(host, '10.77.0.1:8080')).toBe('a saw [10.77.0.2]');
      await host.must('rm -f -t 0 a');
      await host.must('network rm web');
    }
  });

  it('N19 podman configured without a firewall gets no rules for a container, and rules for the next one otherwise', async () => {
    const [scenario] = noFirewall;
    expect(await scenario?.run(host)).toEqual({
      port: 'nothing',
      address: 'a saw [10.77.0.2]',
      host: 'a saw [10.5.0.1]',
      outwards: expect.stringContaining('10.5.0.2'),
      between: 'a saw [10.5.0.3]',
      name: ['10.5.0.2'],
    });
    await host.must('rm -f -t 0 a b');
    await host.start('c', '--network web --ip 10.5.0.9 -p 8080:80');
    expect(await askFromOutside(host, '10.77.0.1:8080')).toBe('c saw [10.77.0.2]');
    const refused = await host.run('NETAVARK_FW=pf podman start c; podman stop -t 0 c; NETAVARK_FW=pf podman start c');
    expect(refused).toMatchObject({ stderr: expect.stringContaining('Must provide a valid firewall backend, got pf') });
  });

  it('N14 a file that podman leaves out is reported by netloom as well', async () => {
    const file = '/etc/containers/networks/hand.json';
    const status = async () => (await host.netloom('podman status')).stdout;
    await host.sh(`echo '{"name": "hand", "driver": "bridge"}' >${file}`);
    await untilAnswered(async () => expect(await status()).toMatch(/^✗ Network files +hand\.json is left out: id: /m));
    expect((await host.podman('network ls')).stderr).toContain('hand');
    await host.sh(`rm ${file}`);
    await untilAnswered(async () => expect(await status()).not.toContain('Network files'));
  });

  it("podman's containers survive a restart of the daemon", async () => {
    await host.must('network create web');
    await host.start('a', '--network web -p 8080:80');
    await host.start('b', '-p 8081:80');
    await host.stopDaemon();
    expect(await askFromOutside(host, '10.77.0.1:8080')).toBe('a saw [10.77.0.2]');
    await host.startDaemon();
    await host.start('c', '--network web');
    expect(await askFrom(host, 'c', 'a')).toMatch(/^a saw \[10\.89\.0\.\d\]$/);
    expect(await askFromOutside(host, '10.77.0.1:8081')).toBe('b saw [10.77.0.2]');
    expect((await containers()).map(({ name }) => name).sort()).toEqual(['a', 'b', 'c']);
  });

  it('without the daemon podman run fails clearly, podman rm works, and the daemon completes it on its return', async () => {
    await host.must('network create web');
    await host.start('a', '--network web -p 8080:80');
    await host.start('b', '--network web');
    await host.stopDaemon();

    const refused = failure(await host.tryStart('c', '--network web -p 8081:80'));
    expect(refused).toMatchObject({ exitCode: 126, said: expect.stringMatching(/^Error: netavark: .*daemon/) });
    await host.must('rm -f c');
    expect(await host.must('rm -f -t 0 a')).toContain('a');
    expect(await host.must('ps -a --format {{.Names}}')).toBe('b');

    await host.startDaemon();
    await untilAnswered(async () => expect((await containers()).map(({ name }) => name)).toEqual(['b']));
    expect((await host.remains()).namespaces).toHaveLength(1);
    await host.start('a', '--network web -p 8080:80 --ip 10.89.0.2');
    expect(await askFromHost(host, '127.0.0.1:8080')).toBe('a saw [10.89.0.1]');
  });

  it('podman can remove a network right after its containers', async () => {
    for (let round = 0; round < 25; round++) {
      await host.must('network create web');
      await host.start('a', '--network web -p 8080:80');
      await host.start('b', '--network web');
      await host.sh('podman rm -f -t 0 a b && podman network rm web');
      await untilAnswered(async () => expect((await host.remains()).links).toEqual([]), 5_000);
      expect(await host.must('network ls --format {{.Name}}')).toBe('podman');
    }
  });

  it('podman can reload repeatedly', async () => {
    await host.must('network create web');
    await host.start('a', '--network web -p 8080:80');
    await host.start('b', '-p 8081:80');
    for (let round = 0; round < 10; round++) {
      await host.must('network reload --all');
      expect(await askFromOutside(host, '10.77.0.1:8080')).toBe('a saw [10.77.0.2]');
      expect(await askFromOutside(host, '10.77.0.1:8081')).toBe('b saw [10.77.0.2]');
    }
  });
});

/** Those fields of the settings of each network. */
const pick = (networks: object, fields: string[]) =>
  Object.fromEntries(
    Object.entries(networks as Record<string, Record<string, unknown>>).map(([network, settings]) => [
      network,
      Object.fromEntries(fields.map((field) => [field, settings[field]])),
    ]),
  );
