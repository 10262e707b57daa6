import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { processesOf, TestDaemon } from '../support/daemon.ts';
import { becomeFreshHost, linkNames, temporaryDirectory } from '../support/fresh-host.ts';
import { refusal } from '../support/lab.ts';

/** A host with a read-only /proc/sys, as in a container: values are set before it is mounted read-only. */

const main = createRequire(import.meta.url).resolve('#cli');
const forwarding = ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'] as const;

function readOnly(values: [string, string], ...command: string[]): string[] {
  const set = forwarding.map((key, index) => `sysctl -qw ${key}=${values[index]}`).join('; ');
  const script = `${set}; mount -o bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys; exec "$@"`;
  return ['unshare', '--mount', 'sh', '-ec', script, 'sh', ...command];
}

beforeAll(becomeFreshHost);

describe('doctor', () => {
  const settings = (values: [string, string]) => {
    const [file, ...args] = readOnly(
      values,
      process.execPath,
      main,
      'doctor',
      '--json',
      '--nats-url',
      'nats://127.0.0.1:1',
    );
    const { stdout } = spawnSync(file as string, args, { encoding: 'utf8' });
    const { checks } = JSON.parse(stdout) as { checks: Finding[] };
    return checks.find(({ check }) => check === 'Kernel settings');
  };

  it('N21 doctor accepts right values that cannot be written', () => {
    expect(settings(['1', '1'])).toEqual({
      check: 'Kernel settings',
      ok: true,
      found: 'net.ipv4.ip_forward is 1, net.ipv6.conf.all.forwarding is 1, and /proc/sys is read-only',
      mend: null,
    });
  });

  it('N21 doctor reports a wrong value that only networks with IPv6 need', () => {
    const finding = settings(['1', '0']);
    expect(finding).toMatchObject({ ok: true });
    expect(finding?.found).toMatch(/all\.forwarding is 0, and \/proc\/sys is read-only: networks with IPv6 need 1$/);
  });

  it('N21 doctor names a wrong value, and how to correct it', () => {
    const finding = settings(['0', '1']);
    expect(finding).toMatchObject({ ok: false, mend: expect.stringContaining('sysctl -w net.ipv4.ip_forward=1') });
    expect(finding?.found).toContain('net.ipv4.ip_forward is 0');
  });
});

describe('the daemon', () => {
  let daemon: TestDaemon;
  let directory: ReturnType<typeof temporaryDirectory>;
  afterEach(async () => {
    await daemon.destroy();
    expect(processesOf(daemon)).toEqual([]);
    directory.remove();
  });
  const start = async (values: [string, string]) => {
    directory = temporaryDirectory();
    daemon = new TestDaemon(directory.path, 'testnode', [], 2, readOnly(values));
    return daemon.start();
  };

  it('N21 a daemon sets up networks of both families where the values are right', async () => {
    const client = await start(['1', '1']);
    await client.network.create({ name: 'web', ipv6_enabled: true });
    const { status } = await client.container.setup({
      id: 'a',
      networks: [{ network: 'web' }],
      ports: [{ hostPort: 8080, containerPort: 80 }],
    });
    expect(status.web?.interfaces.eth0?.subnets).toHaveLength(2);
    expect((await client.container.stats({ id: 'a' })).interfaces).toHaveProperty('eth0');
    await client.container.remove({ id: 'a' });
    await client.network.remove({ name: 'web' });
    await client.close();
    expect(await daemon.stop()).toBe(0);
  });

  it('N21 a daemon refuses a network that needs another value, names the value, and leaves nothing behind', async () => {
    const client = await start(['1', '0']);
    await client.network.create({ name: 'six', ipv6_enabled: true });
    expect(await refusal(client.container.setup({ id: 'a', networks: [{ network: 'six' }] }))).toMatchObject({
      code: 'kernel.refused',
      errno: 'EROFS',
      // the first value that IPv6 forwarding needs
      detail: expect.stringMatching(/^net\.ipv6\.conf\.\S+ is \d and must be \d, but \/proc\/sys is read-only here$/),
    });
    expect(linkNames()).toEqual(['lo']);
    await client.network.create({ name: 'web' });
    await client.container.setup({ id: 'b', networks: [{ network: 'web' }] });
    await client.container.remove({ id: 'b' });
    for (const name of ['six', 'web']) await client.network.remove({ name });
    await client.close();
    expect(await daemon.stop()).toBe(0);
  });
});
