import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { askFromOutside } from './ask.ts';
import { PodmanHost } from './host.ts';
import { missing } from './missing.ts';
import { withTable } from './table.ts';

// several hosts, daemons and engines share the processors of the machine
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const text = readFileSync('docs/podman.md', 'utf8');
/** The command lines of each block, without the comments beside them. */
const [there = [], back = []] = [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) =>
  block.split('\n').flatMap((line) => line.replace(/\s+#.*/, '') || []),
);

const words = (table: string) => table.replaceAll(/-{3,}/g, '---').replaceAll(/\s+/g, ' ');

it('docs/podman.md lists the tolerated differences (npm run docs:podman)', () => {
  expect(words(text)).toBe(words(withTable(text)));
});

describe.skipIf(missing())('docs/podman.md, followed line by line', () => {
  let host: PodmanHost;
  beforeAll(async () => {
    host = await PodmanHost.open('netavark');
  });
  afterAll(() => host.close());

  const follow = async (lines: string[]) => {
    for (const line of lines) {
      if (line === 'netloom daemon') await host.startDaemon();
      else if (line.startsWith('netloom ')) expect(await host.netloom(line.slice(8))).toMatchObject({ exitCode: 0 });
      else await host.sh(line);
    }
  };
  const files = () => host.sh('cd /etc/containers; find . | sort; cat containers.conf storage.conf');
  const known = async () => JSON.parse((await host.netloom('ps --json')).stdout).containers.length;

  it('docs/podman.md leads podman to netloom and back, with its containers', async () => {
    await host.must('network create web');
    await host.start('a', '--network web -p 8080:80 --stop-timeout 0');
    await host.start('b', '-p 8081:80 --stop-timeout 0');
    const before = await files();
    const served = async () => {
      for (const name of ['a', 'b']) await host.serves(name);
      return [await askFromOutside(host, '10.77.0.1:8080'), await askFromOutside(host, '10.77.0.1:8081')];
    };
    const both = ['a saw [10.77.0.2]', 'b saw [10.77.0.2]'];
    expect(await served()).toEqual(both);

    await follow(there);
    expect(await served()).toEqual(both);
    expect(await known()).toBe(2);

    await follow(back);
    expect(await served()).toEqual(both);
    expect(await known()).toBe(0);
    expect(await files()).toBe(before);
    await host.clear();
  });
});
