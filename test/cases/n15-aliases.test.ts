import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as native from '#native';
import type { ContainerStatus } from '../../src/contract/container-replies.ts';
import { cli } from '../cli/netloom.ts';
import { runDoor } from '../doors/door.ts';
import { codeOf, Lab } from '../support/lab.ts';
import { namesWithin } from '../support/names-within.ts';

let lab: Lab;
let asker: ContainerStatus;
beforeAll(async () => {
  lab = await Lab.open();
});
beforeEach(async () => {
  await lab.client.network.create({ name: 'web', subnets: [{ subnet: '10.88.0.0/24' }, { subnet: 'fd00:88::/64' }] });
  asker = await lab.client.container.setup({ id: 'asker', networks: [{ network: 'web' }] });
});
afterEach(() => lab.clear());
afterAll(() => lab.close());

const call = (...args: string[]) => cli('--run-dir', lab.daemon.runDirectory, ...args);
const asked = (...names: string[]) =>
  (asker.status.web?.dns_server_ips ?? []).map((server) => namesWithin(asker.netns.path, server, names));
const own = (host: number) => [`10.88.0.${host}`, `fd00:88::${host}`];
const label = 'x'.repeat(63);

describe('N15 an alias', () => {
  it('N15 an alias that ends with a dot resolves in any case, on both families', async () => {
    const line = ['container', 'setup', 'web', '--network', 'web', '--alias', 'trail.example.com.'];
    expect(await call(...line)).toMatchObject({ exitCode: 0 });
    for (const found of asked(
      'trail.example.com',
      'TRAIL.example.com',
      'trail.example.com.',
      'trail.example.com.dns.netloom',
    ))
      expect(found).toEqual(Array(4).fill(own(3)));
    expect((await lab.client.container.inspect({ id: 'web' })).container.attachments[0]?.aliases).toEqual([
      'trail.example.com',
      'web',
    ]);
  });

  it('N15 an alias may have capitals, other scripts and underscores within DNS limits, also after a connect and a restart', async () => {
    await lab.client.container.setup({ id: 'web', networks: [] });
    const aliases = ['SHOP', 'Bücher.example', '_srv._tcp', `${label}.x`, 'db.'];
    await lab.client.container.connect({ id: 'web', network: 'web', aliases });
    const names = ['shop', 'xn--bcher-kva.example', '_srv._tcp', `${label}.x`, 'db'];
    for (const found of asked(...names)) expect(found).toEqual(Array(5).fill(own(3)));
    await lab.restart('kill');
    for (const found of asked(...names)) expect(found).toEqual(Array(5).fill(own(3)));
    expect(lab.facts.of('container', 'web')).not.toContain('names-left-out');
  });

  it.each([
    '',
    '.',
    '.web',
    'a..b',
    `${label}x`,
    `${label}.${label}.${label}.${label}`,
    'a b',
    '*',
    '*.example.com',
    'a/b',
  ])('N15 the alias %j is refused, at set-up and at a join, and nothing is built', async (alias) => {
    const networks = [{ network: 'web', aliases: ['shop', alias] }];
    expect(await codeOf(lab.client.container.setup({ id: 'web', networks }))).toBe('name.invalid');
    expect(await codeOf(lab.client.container.create({ id: 'web', networks }))).toBe('name.invalid');
    expect(await codeOf(lab.client.container.plan({ id: 'web', networks }))).toBe('name.invalid');
    expect(await codeOf(lab.client.container.connect({ id: 'asker', network: 'web', aliases: [alias] }))).toBe(
      'name.invalid',
    );
    expect(await codeOf(lab.client.container.inspect({ id: 'web' }))).toBe('container.unknown');
  });

  it('N15 an empty alias is refused as "" by the command line', async () => {
    for (const line of [
      ['container', 'setup', 'web', '--network', 'web', '--alias', ''],
      ['container', 'setup', 'web', '--network', 'web', '--alias', 'shop,'],
      ['run', '--network', 'web', '--network-alias', '', '--', 'true'],
    ]) {
      const { exitCode, stderr } = await call(...line, ...(line.includes('--') ? [] : ['--json']));
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(/name\.invalid.*an alias cannot be empty|--network-alias must not be empty/);
    }
    expect(await call('container', 'setup', 'web', '--network', 'web:alias=')).toMatchObject({ exitCode: 2 });
  });
});

it('N15 an alias that podman allows does not fail a start: it is served, or left out with an event', async () => {
  const netns = `${lab.directory.path}/engine`;
  native.createNetns(netns).socket.close();
  const { network } = await lab.client.network.inspect({ name: 'web' });
  const { state, device, leases, lastFault, ...definition } = network;
  const aliases = ['trail.example.com.', 'a b', '*', '', `${label}x`, 'a..b', '444444444444'];
  const input = {
    container_id: '4'.repeat(64),
    container_name: `${label}y`,
    networks: { web: { static_ips: own(9), aliases, interface_name: 'eth0' } },
    network_info: { web: definition },
  };
  const callDoor = (verb: string) =>
    runDoor(['--config', '/x', verb, netns], { env: { NETLOOM_RUN_DIR: lab.daemon.runDirectory }, input });
  expect(await callDoor('setup')).toMatchObject({ code: 0 });
  for (const found of asked('trail.example.com', '444444444444')) expect(found).toEqual([own(9), own(9)]);
  expect((await lab.facts.event(`container/${input.container_id} names-left-out`)).data).toMatchObject({
    network: 'web',
    names: [`${label}y`, '', `${label}x`, 'a..b'],
    reason: expect.stringContaining('63 bytes'),
  });
  expect((await call('events', '--container', input.container_id)).stdout).toContain('names-left-out');
  expect(await callDoor('teardown')).toMatchObject({ code: 0 });
  native.removeNetns(netns);
});
