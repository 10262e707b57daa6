import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { ResultPromise } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launch, netloom, netloomOnHost } from '../cli/netloom.ts';
import { Upstream } from '../resolver/support.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';
import { Lab } from '../support/lab.ts';

let lab: Lab;
let upstream: Upstream;
beforeAll(async () => {
  lab = await Lab.open([], sharedDirectory());
  upstream = await Upstream.start('127.0.0.2');
});
const launched: ResultPromise[] = [];
afterEach(async () => {
  for (const running of launched.splice(0)) {
    running.kill('SIGTERM');
    await running;
  }
  await lab.clear();
});
afterAll(async () => {
  upstream.stop();
  await lab.close();
});

/** Mounts of the daemon there are visible in other mount namespaces, as below /run of a host with systemd. */
function sharedDirectory() {
  const directory = temporaryDirectory();
  execFileSync('mount', ['-t', 'tmpfs', 'shared', directory.path]);
  execFileSync('mount', ['--make-shared', directory.path]);
  const remove = () => {
    execFileSync('umount', ['--lazy', directory.path]);
    directory.remove();
  };
  return { ...directory, remove };
}

const run = (...args: string[]) => netloom(lab.daemon, ['run', ...args]);
const inShell = (script: string) => ['--', 'sh', '-c', script];

/** Goes on until the test has ended. */
async function serve(...args: string[]): Promise<void> {
  const running = launch(lab.daemon, ['run', ...args, ...inShell('echo ready; exec sleep 60')]);
  launched.push(running);
  await once(createInterface({ input: running.stdout as Readable }), 'line');
}

const lines = (text: string) => text.split('\n').map((line) => line.replaceAll(/\s+/g, ' '));

describe('N11 a command on a network that answers names', () => {
  it('N11 a command finds containers by name, alias and address, IPv4 and IPv6, and outside names', async () => {
    await lab.client.network.create({
      name: 'app',
      subnets: [{ subnet: '10.89.0.0/24' }, { subnet: 'fd00:89::/64' }],
      network_dns_servers: ['127.0.0.2'],
    });
    await serve('--name', 'srv', '--network', 'app:ip=10.89.0.20,ip=fd00:89::20,alias=shop');
    const script =
      'getent ahostsv4 srv; getent ahostsv6 srv; getent hosts shop; getent hosts 10.89.0.20; getent hosts a.example';
    const { stdout, exitCode } = await run('--network', 'app', ...inShell(script));
    expect(stdout).toMatch(/^10\.89\.0\.20 +STREAM/m);
    expect(stdout).toMatch(/^fd00:89::20 +STREAM/m);
    expect(stdout).toMatch(/^(fd00:89::20|10\.89\.0\.20) +shop/m);
    expect(stdout).toMatch(/^10\.89\.0\.20 +(srv|shop)/m);
    expect(exitCode).toBe(0);
    expect(upstream.queries.length).toBeGreaterThan(0);
  });

  it('N11 a command finds itself and the host by name', async () => {
    await lab.client.network.create({ name: 'app', subnets: [{ subnet: '10.89.0.0/24' }] });
    const script = 'getent hosts me; getent hosts host.containers.internal; getent hosts localhost; cat /etc/hosts';
    const { stdout } = await run('--network', 'app:ip=10.89.0.30', '--name', 'me', ...inShell(script));
    expect(lines(stdout)).toEqual(
      expect.arrayContaining(['10.89.0.30 me', '10.89.0.1 host.containers.internal host.docker.internal']),
    );
    expect(stdout).toMatch(/^(127\.0\.0\.1|::1)\s+localhost/m);
  });

  it('N11 a command finds the names of the container whose network it shares', async () => {
    await lab.client.network.create({ name: 'app', subnets: [{ subnet: '10.89.0.0/24' }] });
    await serve('--name', 'srv', '--network', 'app:ip=10.89.0.20');
    const { stdout } = await run('--network', 'container:srv', '--', 'getent', 'hosts', 'srv');
    expect(stdout).toContain('10.89.0.20');
  });
});

/** Gives the host private copies of /etc and /run. */
const ownFiles = `
  mount -t tmpfs etc /mnt; cp -a /etc/. /mnt; mount --bind /mnt /etc; umount /mnt
  mount -t tmpfs run /run; mkdir -p /run/systemd/resolve`;
const write = (path: string, ...contents: string[]) =>
  `rm -f ${path}; printf '${contents.map((line) => `${line}\\n`).join('')}' >${path}`;
const link = (path: string, target: string) => `rm -f ${path}; ln -s ${target} ${path}`;

const stub = '/run/systemd/resolve/stub-resolv.conf';
const resolved = [
  write(stub, 'nameserver 127.0.0.53', 'options edns0', 'search corp.example'),
  write('/run/systemd/resolve/resolv.conf', 'nameserver 192.0.2.53'),
].join('\n');

/** The resolv.conf of a command on a network without names, on a host with these files. */
async function resolvConfOn(script: string, ...args: string[]) {
  const all = [ownFiles, script].join('\n');
  const { stdout, stderr, exitCode } = await netloomOnHost(lab.daemon, all, [
    'run',
    ...(args.length > 0 ? args : ['--network', 'bridge']),
    ...['--', 'cat', '/etc/resolv.conf'],
  ]);
  return { stdout, stderr, exitCode };
}

describe('N11 a command on a network without names', () => {
  const real = { stdout: 'search corp.example\nnameserver 192.0.2.53\noptions edns0', exitCode: 0, stderr: '' };

  it.each([
    ['is a link to the stub', link('/etc/resolv.conf', stub)],
    [
      'is a link of two',
      `${link('/etc/resolv.conf', '../run/own')}\n${link('/run/own', 'systemd/resolve/stub-resolv.conf')}`,
    ],
    ['is a copy of it', `rm -f /etc/resolv.conf; cp ${stub} /etc/resolv.conf`],
    [
      'is mounted over a file',
      `${write('/etc/resolv.conf', 'nameserver 127.0.0.1')}\nmount --bind ${stub} /etc/resolv.conf`,
    ],
  ])('N11 a command asks the servers of systemd-resolved where resolv.conf %s', async (_, files) =>
    expect(await resolvConfOn(`${resolved}\n${files}`)).toEqual(real),
  );

  it('N11 a command asks the servers of the host', async () =>
    expect(await resolvConfOn(write('/etc/resolv.conf', 'nameserver 192.0.2.53'))).toMatchObject({
      stdout: 'nameserver 192.0.2.53',
      exitCode: 0,
      stderr: '',
    }));

  it.each([
    ['names loopback only', write('/etc/resolv.conf', 'nameserver 127.0.0.1'), 'no server that a container can reach'],
    ['is missing', 'rm -f /etc/resolv.conf', 'names no server'],
    ['is a dangling link', link('/etc/resolv.conf', '/run/nowhere/resolv.conf'), 'names no server'],
  ])(
    'N11 a command without usable servers is warned where resolv.conf %s, and asks the servers of --dns',
    async (_, files, result) => {
      expect(await resolvConfOn(files)).toEqual({ stdout: '', exitCode: 0, stderr: expect.stringContaining(result) });
      expect(await resolvConfOn(files, '--network', 'bridge', '--dns', '192.0.2.9')).toEqual({
        stdout: 'nameserver 192.0.2.9',
        exitCode: 0,
        stderr: '',
      });
    },
  );

  it('N11 a command gets both files on a host that has neither', async () => {
    const script = `${ownFiles}\nrm -f /etc/resolv.conf /etc/hosts`;
    const command = ['run', '--network', 'bridge', '--dns', '192.0.2.9', '--name', 'me'];
    const { stdout } = await netloomOnHost(lab.daemon, script, [
      ...command,
      ...inShell('getent hosts me; cat /etc/resolv.conf; ls /etc/passwd'),
    ]);
    expect(lines(stdout)).toEqual(['10.88.128.1 me', 'nameserver 192.0.2.9', '/etc/passwd']);
  });

  it('N11 a command uses the requested search domains and hosts', async () => {
    const asked = ['--dns-search', 'a.example', '--dns-search', 'b.example', '--add-host', 'db:192.0.2.9'];
    const { stdout } = await run(
      ...asked,
      '--add-host',
      'gate:host-gateway',
      ...inShell('cat /etc/resolv.conf /etc/hosts'),
    );
    expect(lines(stdout)).toEqual(
      expect.arrayContaining(['search a.example b.example', '192.0.2.9 db', '10.88.0.1 gate']),
    );
  });
});

describe('N11 the files of a command', () => {
  it('N11 the files of a command are private: mounts and files of the host stay unchanged', async () => {
    // the mounts of other tests come and go in their temporary directories
    const mounts = () =>
      readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .filter((line) => !line.split(' ')[4]?.startsWith(`${tmpdir()}/netloom-`));
    const before = mounts();
    const script = `${ownFiles}\n${resolved}\n${link('/etc/resolv.conf', stub)}
      look() { cat /proc/self/mountinfo /etc/resolv.conf /etc/hosts; ls -l /etc /run/systemd/resolve; }
      look >/run/before; "$@"; look >/run/after; cmp /run/before /run/after; exit`;
    const change = 'echo mine >/etc/resolv.conf && echo mine >>/etc/hosts && cat /etc/resolv.conf';
    const result = await netloomOnHost(lab.daemon, script, ['run', '--network', 'bridge', ...inShell(change)]);
    expect(result).toMatchObject({ stdout: 'mine', stderr: '', exitCode: 0 });
    expect(mounts()).toEqual(before);
  });

  it('N11 a command sees mounts that the host makes later', async () => {
    const script = `
      mount -t tmpfs shared /mnt; mount --make-shared /mnt; mkdir /mnt/sub; mkfifo /mnt/ready /mnt/go
      (read x </mnt/ready; mount -t tmpfs later /mnt/sub; echo late >/mnt/sub/later; echo go >/mnt/go) &`;
    const look = 'echo ready >/mnt/ready; read x </mnt/go; cat /mnt/sub/later';
    const result = await netloomOnHost(lab.daemon, script, ['run', '--network', 'none', ...inShell(look)]);
    expect(result).toMatchObject({ stdout: 'late', exitCode: 0 });
  });

  it("N11 a command does not see the sockets that would answer with the host's names", async () => {
    const sockets = 'mkdir -p /run/nscd; touch /run/nscd/socket /run/systemd/resolve/io.systemd.Resolve';
    const look = 'ls /run/nscd /run/systemd/resolve';
    const result = await netloomOnHost(lab.daemon, `${ownFiles}\n${resolved}\n${sockets}`, [
      'run',
      ...['--network', 'none'],
      ...inShell(look),
    ]);
    expect(result.stdout.split('\n').filter((line) => line && !line.endsWith(':'))).toEqual([
      'resolv.conf',
      'stub-resolv.conf',
    ]);
  });

  it("N11 a command in the host's own network uses the host's files, unless options ask for others", async () => {
    const look = inShell('cat /etc/resolv.conf');
    const script = `${ownFiles}\n${write('/etc/resolv.conf', 'nameserver 127.0.0.1')}`;
    const own = await netloomOnHost(lab.daemon, script, ['run', '--network', 'host', ...look]);
    expect(own.stdout).toBe('nameserver 127.0.0.1');
    const asked = await netloomOnHost(lab.daemon, script, [
      'run',
      ...['--network', 'host', '--dns-search', 'a.example'],
      ...look,
    ]);
    expect(asked.stdout).toBe('search a.example\nnameserver 127.0.0.1');
  });
});
