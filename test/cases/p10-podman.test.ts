import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PodmanHost } from '../podman/host.ts';
import { missing } from '../podman/missing.ts';
import { untilAnswered } from '../support/daemon.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// The real podman, which has its networks from netloom.

interface Definition {
  id: string;
  name: string;
  network_interface: string;
  subnets: { subnet: string; gateway: string }[];
  dns_enabled: boolean;
}

describe.skipIf(missing())('P10 the default network of podman', () => {
  let host: PodmanHost;
  beforeAll(async () => {
    host = await PodmanHost.open('netloom');
  });
  afterAll(() => host.close());

  const definition = async () => {
    const [{ id, name, network_interface, subnets, dns_enabled }] =
      await host.json<[Definition]>('network inspect podman');
    return { id, name, network_interface, subnets, dns_enabled };
  };
  const address = (name: string) => host.must(`inspect -f '{{.NetworkSettings.Networks.podman.IPAddress}}' ${name}`);
  const fetched = async (from: string) => {
    const page = `fetch("http://${from}/cgi-bin/who").then((page) => page.text()).then(console.log)`;
    const { stdout, stderr } = await host.netloom(`run -- ${process.execPath} -e '${page}'`);
    return stdout || stderr;
  };

  it('P10 the default network of podman is joined by a command of netloom, in any order of arrival', async () => {
    const inMemory = await definition();
    expect(await host.netloom('run -d --id ours -- sleep 600')).toMatchObject({ stdout: 'ours', exitCode: 0 });
    expect(await definition()).toEqual(inMemory);
    await host.start('first');
    await host.start('second');
    for (const name of ['first', 'second']) expect(await fetched(await address(name))).toContain(`${name} saw`);
    expect(await host.sh('ip -o link show type bridge | wc -l')).toBe('1');
    await host.clear();
    const { container } = JSON.parse((await host.netloom('inspect --json ours')).stdout);
    await host.sh(`kill ${container.pid}`);
    await untilAnswered(async () => expect(await host.netloom('network rm podman')).toMatchObject({ exitCode: 0 }));
    expect(await definition()).toEqual(inMemory);
  });

  it('P10 the default network of podman can be joined by a command while only podman knows it', async () => {
    await host.start('web');
    expect(await fetched(await address('web'))).toContain('web saw');
    await host.clear();
    expect(await fetched('10.88.0.1')).not.toContain('saw');
  });
});
