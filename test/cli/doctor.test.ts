import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { serverFiles } from '../../src/bus/server/server-process.ts';
import { findingsText } from '../../src/cli/commands/doctor.ts';
import {
  damagedFindings,
  degradedFindings,
  mayLook,
  portCheck,
  settingsFindings,
  storageFinding,
} from '../../src/cli/doctor/daemon.ts';
import { bad, type Finding, good, untried } from '../../src/cli/doctor/finding.ts';
import { kernelVersion, nodeVersion, privileges, writable } from '../../src/cli/doctor/machine.ts';
import { fault, NetloomError } from '../../src/core/fault.ts';
import { processesOf, TestDaemon } from '../support/daemon.ts';
import { becomeFreshHost, linkNames, temporaryDirectory } from '../support/fresh-host.ts';
import { netloom } from './netloom.ts';

let directory: { path: string; remove(): void };
let daemon: TestDaemon;

beforeAll(async () => {
  await becomeFreshHost();
  directory = temporaryDirectory();
  daemon = new TestDaemon(directory.path);
});
afterAll(async () => {
  await daemon.stop();
  expect(processesOf(daemon)).toEqual([]);
  directory.remove();
});

const withoutPrivileges = ['--bounding-set', '-all', '--inh-caps', '-all'];
const main = new URL('../../dist/src/cli/main.js', import.meta.url).pathname;

const failing = (checks: Finding[]) => checks.filter(({ ok }) => ok !== true).map(({ check }) => check);

describe('netloom doctor', () => {
  it('N14 doctor reports each damaged file and each degraded container on a line of its own', () => {
    const directories = { run: '', state: '', netns: '', networks: '/networks', sysctl: '' };
    const damaged = [
      { file: 'a.json', reason: 'the file is empty' },
      { file: 'b.json', reason: 'id: missing\u001b' },
    ];
    const lastFault = { code: 'dhcp.expired' as const, message: 'the DHCP lease has expired' };
    const findings = [
      ...damagedFindings(damaged, { directories }),
      ...degradedFindings('Networks', [{ name: 'whole', state: 'up', lastFault: null }], 'netloom network inspect'),
      ...degradedFindings('Containers', [{ name: 'd1', state: 'degraded', lastFault }], 'netloom inspect'),
    ];
    const terminal = { colored: false } as Parameters<typeof findingsText>[0];
    expect(findingsText(terminal, findings).split('\n').slice(0, -2)).toEqual([
      '✗ Network files  a.json is left out: the file is empty',
      '                 b.json is left out: id: missing\u{fffd}',
      '                 → correct or remove them in /networks',
      '✗ Containers     d1 is degraded: the DHCP lease has expired',
      '                 → netloom tries again by itself; see netloom inspect d1',
    ]);
  });

  it('N09 doctor names a place that holds no settings files, and does not count it as a failure', () => {
    const at = (sysctl: string) =>
      settingsFindings({ directories: { run: '', state: '', netns: '', networks: '', sysctl } });
    expect(at(directory.path)).toEqual([]);
    expect(at(`${directory.path}/nonexistent`)).toEqual([]);
    for (const place of [main, `${main}/a`])
      expect(at(place)).toEqual([
        expect.objectContaining({
          check: 'Settings files',
          ok: true,
          found: expect.stringContaining('ENOTDIR'),
        }),
      ]);
  });

  it('doctor misses only the daemon before its start on a machine that can run the tests, and leaves no trace', async () => {
    const { stdout, exitCode } = await netloom(daemon, ['doctor', '--json']);
    const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Finding[] };
    expect({ ok, exitCode, failing: failing(checks) }).toEqual({ ok: true, exitCode: 0, failing: ['Daemon'] });
    expect(checks.find(({ check }) => check === 'Daemon')).toEqual({
      check: 'Daemon',
      ok: null,
      pending: true,
      found: 'not running yet: netloom daemon starts it',
      mend: null,
    });
    const { stdout: text } = await netloom(daemon, ['doctor']);
    expect(text).toMatch(/^– Daemon +not running yet/m);
    expect(text).toMatch(/\n\nAll is well: start netloom daemon\.$/);
    expect(linkNames()).toEqual(['lo']);
  });

  it('doctor explains how to provide each missing thing', async () => {
    const { stdout, exitCode } = await execa(
      'setpriv',
      [...withoutPrivileges, process.execPath, main, 'doctor', '--json', '--nats-url', 'nats://127.0.0.1:1'],
      { reject: false },
    );
    const { checks } = JSON.parse(stdout) as { checks: Finding[] };
    expect(exitCode).toBe(1);
    expect(failing(checks)).toEqual(
      expect.arrayContaining(['Privileges', 'Network namespaces', 'Bridges and veths', 'nftables', 'Daemon']),
    );
    for (const { ok, mend } of checks) expect(mend === null).toBe(ok !== false);
    expect(checks.find(({ check }) => check === 'nats-server')?.found).toContain('not needed');
  });

  it('doctor finds no failure when the daemon serves', async () => {
    await (await daemon.start()).close();
    const { stdout, exitCode } = await netloom(daemon, ['doctor']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^✓ Daemon +node testnode is serving/m);
    expect(stdout).toMatch(/\n\nAll is well\.$/);
  });

  it('doctor shows the state directory of the daemon on the run directory, unless an option names another one', async () => {
    const shown = async (...more: string[]) => {
      const { stdout } = await netloom(daemon, ['doctor', '--json', ...more]);
      const { checks } = JSON.parse(stdout) as { checks: Finding[] };
      return checks.find(({ check }) => check === 'State directory')?.found;
    };
    expect(await shown()).toBe(`${directory.path}/state`);
    expect(await shown('--state-dir', directory.path)).toBe(directory.path);
  });

  it('doctor reports a daemon that has ended as missing', async () => {
    await daemon.stop();
    const { stdout, exitCode } = await netloom(daemon, ['doctor', '--json']);
    const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Finding[] };
    expect({ ok, exitCode, failing: failing(checks) }).toEqual({ ok: false, exitCode: 1, failing: ['Daemon'] });
    const { found, mend } = checks.find(({ check }) => check === 'Daemon') ?? {};
    expect(mend).toContain('start it: netloom daemon');
    expect(found).toMatch(/^no NATS server answers at [^;]*$/);
  });
});

describe('a check of doctor', () => {
  it('doctor recognizes outdated versions', () => {
    expect(nodeVersion('20.18.1')).toMatchObject({ ok: false, found: '20.18.1 is too old' });
    expect(nodeVersion('20.19.0')).toMatchObject({ ok: true });
    expect(nodeVersion('24.1.0')).toMatchObject({ ok: true });
    expect(kernelVersion()).toMatchObject({ ok: true });
  });

  it('doctor checks capabilities, not the user', () => {
    expect(privileges('CapEff:\t0000000000000000')).toMatchObject({
      ok: false,
      found: 'CAP_NET_ADMIN, CAP_NET_RAW, and CAP_SYS_ADMIN are missing',
    });
    expect(privileges('CapEff:\t0000000000001000').found).toBe('CAP_NET_RAW and CAP_SYS_ADMIN are missing');
    expect(privileges('CapEff:\t0000000000003000').found).toBe('CAP_SYS_ADMIN is missing');
    expect(privileges('CapEff:\t000001ffffffffff')).toMatchObject({ ok: true });
  });

  it('B02 doctor shows how much room is left, and which disk has too little', () => {
    const directories = { run: '/run/netloom', state: '/var/lib/netloom', netns: '', networks: '', sysctl: '' };
    const found = (runMiB: number, stateMiB: number, refused: 'run' | 'events' | null = null) => {
      const [runFreeBytes, stateFreeBytes] = [runMiB * 2 ** 20, stateMiB * 2 ** 20];
      const storage = { runFreeBytes, stateFreeBytes, reservedBytes: 2 ** 22, refused };
      return storageFinding({ storage, directories, outbox: refused === 'events' ? 40_000 : 0 });
    };
    expect(found(100, 2048)).toEqual(
      good('Room on disk', '100.0 MiB free for /run/netloom, 2.0 GiB for /var/lib/netloom'),
    );
    expect(found(1, 2048, 'run')).toMatchObject({ ok: false, mend: expect.stringContaining(' of /run/netloom;') });
    const full = found(100, 0, 'events');
    expect(full).toMatchObject({ ok: false, mend: expect.stringContaining(' of /var/lib/netloom;') });
    expect(full.found).toContain('40000 events wait');
  });

  it('P12 doctor recognizes the nats-server of a killed daemon, and another process in its place', async () => {
    const { pidFile, configFile } = serverFiles(directory.path);
    mkdirSync(dirname(configFile), { recursive: true });
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = z.object({ port: z.number() }).parse(listener.address());
    writeFileSync(configFile, JSON.stringify({ port }));
    const left = spawn('sh', ['-c', 'read wait', 'nats-server', '-c', configFile]);
    writeFileSync(pidFile, `${left.pid}`);
    expect(await portCheck(directory.path, port)).toEqual(
      good(
        'NATS port',
        `${port} on 127.0.0.1 has the nats-server (process ${left.pid}) of a daemon that was killed; netloom daemon replaces it`,
      ),
    );
    left.kill();
    await once(left, 'exit');
    expect(await portCheck(directory.path, port)).toMatchObject({
      ok: false,
      found: `${port} on 127.0.0.1 is taken by another program`,
    });
    listener.close();
    rmSync(dirname(configFile), { recursive: true });
  });

  it('P12 without root, doctor suggests to run it as root, and not to start the daemon', () => {
    const unread = new NetloomError(fault('bus.unauthorized', 'the credentials file cannot be read'));
    expect(mayLook(unread, {})).toBe(true);
    vi.spyOn(process, 'getuid').mockReturnValue(1000);
    expect(mayLook(unread, {})).toBe(false);
    expect(mayLook(unread, { natsUrl: 'nats://127.0.0.1' })).toBe(true);
    expect(mayLook(unread, { creds: 'viewer.json' })).toBe(true);
    expect(mayLook(new NetloomError(fault('bus.unreachable', 'no answer')), {})).toBe(true);
    expect(writable('Run directory', `${process.execPath}/run`).mend).toMatch(/^run it as root/);
    vi.restoreAllMocks();
  });

  it('doctor accepts a directory that can be created as well as an existing one', () => {
    expect(writable('Run directory', `${directory.path}/a/b`)).toMatchObject({ ok: true });
    expect(writable('Run directory', `${process.execPath}/run`)).toMatchObject({ ok: false });
  });
});

it('doctor prints its findings line by line', () => {
  const terminal = { print: () => undefined, warn: () => undefined, colored: false };
  const findings = [
    good('Node.js', '20.20.2'),
    bad('nftables', 'ENOENT', 'apt install nftables'),
    untried('Links', 'so'),
  ];
  expect(findingsText(terminal, findings).split('\n')).toEqual([
    '✓ Node.js   20.20.2',
    '✗ nftables  ENOENT',
    '            → apt install nftables',
    '– Links     not tried: so',
    '',
    '1 of 3 checks failed; 1 was skipped.',
  ]);
});

describe('without privileges', () => {
  it('the daemon names the missing capabilities and ends before it begins anything', async () => {
    const places = ['--run-dir', `${directory.path}/bare`, '--state-dir', `${directory.path}/bare-state`];
    const command = [...withoutPrivileges, process.execPath, main, 'daemon', ...places, '--nats-port', '0'];
    const { exitCode, stderr } = await execa('setpriv', command, { reject: false, timeout: 10_000 });
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      'node.unprivileged: the daemon needs root: CAP_NET_ADMIN, CAP_NET_RAW, and CAP_SYS_ADMIN are missing',
    );
    expect(existsSync(`${directory.path}/bare`)).toBe(false);
  });

  it('a watcher without permission to watch is not retried for ever', async () => {
    const keeper = new URL('../../dist/src/kernel/watch/keeper.js', import.meta.url);
    const script = `${directory.path}/watch.mjs`;
    writeFileSync(
      script,
      `import { WatchKeeper } from '${keeper}';
       await WatchKeeper.start({ netnsDirectory: '${directory.path}' }).catch(({ message }) => console.log(message));`,
    );
    const command = [...withoutPrivileges, process.execPath, script];
    const { exitCode, stdout } = await execa('setpriv', command, { reject: false, timeout: 10_000 });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining('EPERM') });
  });
});
