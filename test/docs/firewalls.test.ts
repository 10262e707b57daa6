import { readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilAnswered } from '../support/daemon.ts';
import type { DebianRoot, Running } from '../support/debian-root.ts';
import { firewallRoot } from '../support/firewalls.ts';
import { Lab } from '../support/lab.ts';
import { everyWay, NetworkWays, stoppedBy } from '../support/network-ways.ts';
import { hostAddress, otherAddress } from '../support/other-host.ts';

// docs/firewalls.md with the real docker and ufw: the rules that it adds let netloom's networks pass, and no more
// than `netloom doctor` asks for. (firewalld: test/cases/c01-firewalld.test.ts)
let root: DebianRoot;
let lab: Lab;
let network: NetworkWays;
const path = process.env.PATH;

/** The commands of a section, for the network of the test. */
function commandsOf(section: string, port = 53): string[] {
  const text = readFileSync('docs/firewalls.md', 'utf8').split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? '';
  const block = /```sh\n(.+?)\n```/s.exec(text)?.[1] ?? '';
  return block
    .split('\n')
    .map((line) => line.replaceAll('netloom0', network.bridge).replace('port 353', `port ${port}`));
}

const routed = (stopped: string[]) => stopped.filter((way) => !way.startsWith('neighbours')).sort();
const leftBy = (stopped: string[]) => everyWay.filter((way) => !stopped.includes(way));

beforeAll(async () => {
  root = await firewallRoot();
  process.env.PATH = `${root.offer('iptables-nft-save', 'ip6tables-nft-save')}:${path}`;
}, 120_000);

afterAll(async () => {
  process.env.PATH = path;
  network?.otherHost.remove();
  await lab?.close();
  await root?.close();
});

describe('docker beside netloom', () => {
  const docker = (...args: string[]) => root.run('docker', '--host', 'unix:///run/docker.sock', ...args);
  const daemons: Running[] = [];
  const cgroups = ownCgroups();

  beforeAll(async () => {
    lab = await Lab.open();
    await startDocker();
    network = await NetworkWays.open(lab);
    await root.sh(`mkdir -p /tmp/box/bin; cp /bin/busybox /tmp/box/bin
      tar -C /tmp/box -c . | docker --host unix:///run/docker.sock import - box:1`);
    const server = 'while :; do echo docked | busybox nc -l -p 80; done';
    await docker(
      'run',
      '--detach',
      '--name',
      'dock',
      '--publish',
      '8090:80',
      'box:1',
      '/bin/busybox',
      'sh',
      '-c',
      server,
    );
  }, 60_000);

  afterAll(async () => {
    await docker('rm', '--force', 'dock');
    for (const daemon of daemons.reverse()) await daemon.end('SIGTERM');
    await root.sh(`ip link delete docker0; nft delete table ip filter; nft delete table ip nat`);
    for (const cgroup of ownCgroups()) if (!cgroups.includes(cgroup)) rmdirSync(cgroup);
  });

  async function startDocker(): Promise<void> {
    daemons.push(root.spawn('containerd', '--root', '/var/lib/containerd', '--state', '/run/containerd'));
    daemons.push(dockerd());
    await untilAnswered(() => docker('version'));
  }

  const dockerd = () =>
    root.spawn(
      'dockerd',
      ...['--containerd', '/run/containerd/containerd.sock', '--data-root', '/var/lib/docker'],
      ...['--host', 'unix:///run/docker.sock', '--storage-driver', 'vfs'],
    );

  /** Docker's own container: reached by a published port, and with access to the outside. */
  async function dockIsWell(): Promise<void> {
    await untilAnswered(async () =>
      expect(await network.outside.reach('tcp', hostAddress[4], 8090)).toContain('docked'),
    );
    const script = `echo | nc -w 5 ${otherAddress[4]} 90`;
    expect(await docker('exec', 'dock', '/bin/busybox', 'sh', '-c', script)).toContain(
      `outside:90 sees ${hostAddress[4]}`,
    );
  }

  it('C01 N08 docker stops forwarded packets until its chain for users lets them pass, and keeps that over its restart', async () => {
    const { drops } = await lab.client.firewalls();
    expect(drops).toMatchObject([
      { table: 'ip filter', chain: 'FORWARD', hook: 'forward', priority: 0, rule: null, certain: true },
    ]);
    expect(routed(stoppedBy(drops))).toEqual(['outbound 4', 'published 4']);
    const left = leftBy(stoppedBy(drops));
    expect(await network.thatAreOpen(left)).toEqual(left);
    await dockIsWell();

    const commands = commandsOf('docker');
    expect(drops[0]?.remedy).toEqual(commands);
    await root.sh(commands.join('\n'));
    expect((await lab.client.firewalls()).drops).toEqual([]);
    expect(await network.thatAreOpen(everyWay)).toEqual(everyWay);
    await dockIsWell();

    await daemons.pop()?.end('SIGTERM');
    daemons.push(dockerd());
    await untilAnswered(() => docker('version'));
    expect((await lab.client.firewalls()).drops).toEqual([]);
    expect(await network.thatAreOpen(everyWay)).toEqual(everyWay);
    await docker('start', 'dock');
    await dockIsWell();
  });
});

describe('ufw beside netloom', () => {
  beforeAll(async () => {
    // as the package does when it is installed
    await root.sh(
      `cd /usr/share/ufw; cp iptables/*.rules before.init after.init ufw.conf /etc/ufw; ufw --force enable`,
    );
  });
  afterAll(async () => {
    await root.sh('ufw disable; nft delete table ip filter; nft delete table ip6 filter');
  });

  it('N08 ufw stops forwarded packets and DNS queries until its rules let them pass', async () => {
    const { drops } = await lab.client.firewalls();
    expect(drops.map(({ table, chain, certain }) => `${table} ${chain} ${certain}`).sort()).toEqual([
      'ip filter FORWARD true',
      'ip filter INPUT true',
      'ip6 filter FORWARD true',
      'ip6 filter INPUT true',
    ]);
    const left = leftBy(stoppedBy(drops));
    expect(routed(left)).toEqual(['host 4', 'host 6']);
    expect(await network.thatAreOpen(left)).toEqual(left);

    const remedy = [...new Set(drops.flatMap((drop) => drop.remedy))];
    const port = Number(/port (\d+)/.exec(remedy.join('\n'))?.[1]);
    const commands = commandsOf('ufw', port);
    expect(remedy.toSorted()).toEqual(commands.toSorted());
    await root.sh(commands.join('\n'));
    expect((await lab.client.firewalls()).drops).toEqual([]);
    expect(await network.thatAreOpen(everyWay)).toEqual(everyWay);
  });
});

/** Docker makes one in every hierarchy. */
function ownCgroups(): string[] {
  return readdirSync('/sys/fs/cgroup', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const path = `/sys/fs/cgroup/${name}`;
      const inside = readdirSync(path, { withFileTypes: true });
      return name === 'docker' ? [path] : inside.some((one) => one.name === 'docker') ? [`${path}/docker`] : [];
    });
}
