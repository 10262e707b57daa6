import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import type { SettingDrift } from '../../src/core/plan/interface-settings.ts';
import { untilAnswered } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';

// Another program (systemd-sysctl, a hardening script, sysctl --system) resets what netloom has set.

let lab: Lab;
let bridge: string;
beforeAll(async () => {
  lab = await Lab.open();
  // before the first network is made: the host forwards, but new links do not
  for (const key of ['ipv4.ip_forward', 'ipv6.conf.all.forwarding']) native.setSysctl(null, `net.${key}`, '1');
  for (const key of futureKeys) native.setSysctl(null, key, '0');
  const subnets = [{ subnet: '10.80.0.0/24' }, { subnet: 'fd00:80::/64' }];
  const { definition } = await lab.client.network.create({ name: 'net', subnets });
  bridge = definition.network_interface as string;
  await lab.client.container.setup({
    id: 'one',
    networks: [{ network: 'net' }],
    ports: [{ hostPort: 8080, containerPort: 80 }],
  });
});
afterAll(() => lab.close());

const futureKeys = [4, 6].map((family) => `net.ipv${family}.conf.default.forwarding`);
const settingOf = (setting: string) => setting.replace('%', bridge);

const rows: [setting: string, value: string, wrong: string][] = [
  ['net.ipv4.conf.%.forwarding', '1', '0'],
  ['net.ipv4.conf.%.rp_filter', '2', '1'],
  ['net.ipv6.conf.%.forwarding', '1', '0'],
  ['net.ipv6.conf.%.accept_ra', '0', '2'],
  ['net.ipv6.conf.%.autoconf', '0', '1'],
  ['net.ipv6.conf.%.accept_dad', '0', '1'],
  ['net.ipv6.conf.%.disable_ipv6', '0', '1'],
  ['net.ipv4.conf.%.arp_notify', '1', '0'],
];

describe('N09 settings of a bridge', () => {
  it.each(rows)('N09 %s is %s from the beginning', (setting, value) => {
    expect(native.getSysctl(null, settingOf(setting))).toBe(value);
  });

  it('N09 settings apply to the bridge alone: the defaults of new foreign links stay as they were', () => {
    for (const key of futureKeys) expect([key, native.getSysctl(null, key)]).toEqual([key, '0']);
  });

  it.each(rows)(
    'N09 %s is %s again within about a second, and events report the former value',
    async (setting, value, wrong) => {
      const count = lab.facts.of('network', 'net').filter((fact) => fact === 'drift-healed').length;
      const startedMs = performance.now();
      native.setSysctl(null, settingOf(setting), wrong);
      const healed = await lab.facts.event('network/net drift-healed', count + 1);
      const tookMs = performance.now() - startedMs;
      expect(native.getSysctl(null, settingOf(setting))).toBe(value);
      const { drifted: settings } = healed.data as { drifted: SettingDrift[] };
      expect(settings).toContainEqual({ key: settingOf(setting), found: wrong, wanted: value });
      console.log(`${settingOf(setting)}: reported as healed after ${tookMs.toFixed(0)} ms`);
    },
  );

  it('N09 IPv6 that was switched off on every link is restored on the bridge, with its addresses and names', async () => {
    native.setSysctl(null, 'net.ipv6.conf.all.disable_ipv6', '1');
    const { netns } = await lab.client.container.inspect({ id: 'one' }).then(({ container }) => container);
    const script = `
      const resolver = new (require('node:dns').promises.Resolver)({ timeout: 500, tries: 1 });
      resolver.setServers(['[fd00:80::1]']);
      resolver.resolve4('one').then((found) => console.log(found.join()), ({ code }) => console.log(code));`;
    const ask = () =>
      execFileSync('nsenter', [`--net=${netns?.path}`, process.execPath, '-e', script], { encoding: 'utf8' }).trim();
    await untilAnswered(async () => expect(ask()).toBe('10.80.0.2'));
    // by hand for other links, as the program that switched it off does later
    native.setSysctl(null, 'net.ipv6.conf.all.disable_ipv6', '0');
    expect(ask()).toBe('10.80.0.2');
    const { network } = await lab.client.network.inspect({ name: 'net' });
    expect(network).toMatchObject({ state: 'up', lastFault: null });
  });

  it('N09 an IPv6 network comes up where new links have IPv6 switched off', async () => {
    native.setSysctl(null, 'net.ipv6.conf.default.disable_ipv6', '1');
    await lab.client.network.create({ name: 'six', subnets: [{ subnet: 'fd00:81::/64' }] });
    await lab.client.container.setup({ id: 'six', networks: [{ network: 'six' }] });
    await lab.remove('six');
    await lab.client.network.remove({ name: 'six' });
    native.setSysctl(null, 'net.ipv6.conf.default.disable_ipv6', '0');
  });

  it('N09 plan and inspect show the settings, with a reason for each', async () => {
    const { settings } = await lab.client.network.inspect({ name: 'net' });
    const shown = Object.fromEntries(settings.map(({ key, value }) => [key, value]));
    for (const [setting, value] of rows) expect(shown[settingOf(setting)], setting).toBe(value);
    expect(shown[`net.ipv4.conf.${bridge}.route_localnet`]).toBe('1');
    for (const { key, value, why } of settings) {
      expect(native.getSysctl(null, key), key).toBe(value);
      expect(why).not.toBe('');
    }
    const { netns } = await lab.client.container.setup({ id: 'shown', networks: [{ network: 'net' }] });
    const inside = (await lab.client.container.inspect({ id: 'shown' })).settings;
    expect(inside.map(({ key }) => key)).toContain('net.ipv6.conf.eth0.accept_ra');
    for (const { key, value } of inside) expect(native.getSysctl(netns.path, key), key).toBe(value);
    const planned = await lab.client.container.plan({ id: 'planned', networks: [{ network: 'net' }] });
    expect(planned.settings).toEqual(inside);
    await lab.remove('shown');
  });

  it('N09 settings are stored for systemd-sysctl as long as the network exists', async () => {
    const file = `${lab.daemon.runDirectory}/sysctl.d/10-netloom-${bridge}.conf`;
    const text = readFileSync(file, 'utf8');
    for (const [setting, value] of rows)
      expect(text).toContain(`-${settingOf(setting).replaceAll('.', '/')} = ${value}\n`);
    await lab.remove('one');
    await lab.client.network.remove({ name: 'net' });
    expect(existsSync(file)).toBe(false);
  });
});
