import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import { modeNames } from '../../src/core/name-rules.ts';
import { cli } from '../cli/netloom.ts';
import { runDoor } from '../doors/door.ts';
import { untilAnswered } from '../support/daemon.ts';
import { codeOf, Lab } from '../support/lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.clear());
afterAll(() => lab.close());

const call = (...args: string[]) => cli('--run-dir', lab.daemon.runDirectory, ...args);
const definition = (name: string, index: number, more: object = {}) => ({
  name,
  id: `${index}${'e'.repeat(63)}`,
  driver: 'bridge',
  network_interface: `mode${index}`,
  created: '2026-01-01T00:00:00Z',
  subnets: [{ subnet: `10.60.${index}.0/24`, gateway: `10.60.${index}.1` }],
  ipv6_enabled: false,
  internal: false,
  dns_enabled: false,
  ipam_options: { driver: 'host-local' },
  ...more,
});

describe('N13 network create', () => {
  it.each([...modeNames, '-x', '_x', '', '.x', 'x'.repeat(251)])(
    'N13 network create refuses the name %j on the bus',
    async (name) => {
      expect(await codeOf(lab.client.network.create({ name }))).toBe('name.invalid');
      expect((await lab.client.network.list()).networks).toEqual([]);
    },
  );

  it.each([
    ['host'],
    ['default'],
    ['_x'],
    [''],
    ['--', '-x'],
    ['-x'],
    ['--ignore', 'none'],
    ['--driver', 'macvlan', 'ns'],
  ])('N13 network create on the command line ends with 125 and name.invalid: %s %s %s', async (...args) => {
    const { exitCode, stdout, stderr } = await call(
      'network',
      'create',
      '--json',
      ...args.filter((arg) => arg !== undefined),
    );
    expect({ exitCode, stdout, ...JSON.parse(stderr) }).toMatchObject({
      exitCode: 125,
      stdout: '',
      code: 'name.invalid',
    });
  });

  it('N13 network create accepts names that only begin like a mode', async () => {
    for (const name of ['hosts', 'Host', 'ns1', 'default.net']) await lab.client.network.create({ name });
    expect((await lab.client.network.list()).networks).toHaveLength(4);
  });
});

it('N13 existing networks with names of modes are served, listed and removed, and selected by ID in --network', async () => {
  const { directories } = await lab.client.info();
  for (const [index, name] of modeNames.entries()) {
    writeFileSync(`${directories.networks}/${name}.json`, JSON.stringify(definition(name, index)));
    await lab.facts.event(`network/${name} created`);
  }
  await lab.restart('kill');
  expect((await lab.client.network.list()).networks.map(({ name }) => name).sort()).toEqual([...modeNames].sort());
  expect((await call('network', 'ls', '-q')).stdout.split('\n').sort()).toEqual([...modeNames].sort());
  for (const [index, name] of modeNames.entries()) {
    const id = `c${index}`;
    expect(await call('container', 'setup', id, '--network', `${index}eee`)).toMatchObject({ exitCode: 0 });
    expect((await lab.client.container.inspect({ id })).container.attachments).toMatchObject([{ network: name }]);
  }
  // this is the mode
  const { stdout } = await call('container', 'setup', 'guest', '--network', 'host', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ netns: { path: '/proc/self/ns/net' }, status: {} });
  expect(await call('container', 'create', 'alone', '--network', 'none')).toMatchObject({ exitCode: 0 });
  expect((await lab.client.container.inspect({ id: 'alone' })).container).toMatchObject({
    mode: 'none',
    attachments: [],
  });
  for (const mode of ['bridge', 'default', 'private']) {
    expect(await call('container', 'setup', `on-${mode}`, '--network', mode)).toMatchObject({ exitCode: 0 });
    const { container } = await lab.client.container.inspect({ id: `on-${mode}` });
    expect(container.attachments).toMatchObject([{ network: 'podman' }]);
  }
  for (const mode of ['pasta', 'slirp4netns'])
    expect((await call('container', 'setup', 'x', '--network', mode)).stderr).toContain('mode.unsupported');
  for (const mode of ['container', 'ns'])
    expect((await call('container', 'setup', 'x', '--network', mode)).stderr).toContain(`expected ${mode}:`);
  // elsewhere there are no modes: it is a name
  await lab.client.container.connect({ id: 'c1', network: 'default' });
  expect(await call('network', 'update', 'default', '--dns-drop', '9.9.9.9')).toMatchObject({ exitCode: 0 });
  expect((await call('events', '--network', 'host', '--since', 'all')).stdout).toContain('network/host');
  await lab.empty();
}, 60_000);

it('N13 networks of podman with names of modes are served, by the door and when podman asks for a definition', async () => {
  const callDoor = (args: string[], input: unknown) =>
    runDoor(['--config', '/x', ...args], { env: { NETLOOM_RUN_DIR: lab.daemon.runDirectory }, input });
  for (const [index, name] of ['default', 'pasta'].entries()) {
    const netns = `${lab.directory.path}/${name}`;
    native.createNetns(netns).socket.close();
    const input = {
      container_id: `${index}`.repeat(64),
      container_name: name,
      networks: { [name]: { static_ips: [`10.60.${index}.2`], interface_name: 'eth0' } },
      network_info: { [name]: definition(name, index) },
    };
    const { code, stdout } = await callDoor(['setup', netns], input);
    expect({ code, networks: Object.keys(JSON.parse(stdout)) }).toEqual({ code: 0, networks: [name] });
    const proposal = { network: { name: `${name}`, id: `${index}`.repeat(64), driver: 'bridge' }, used: {} };
    expect(JSON.parse((await callDoor(['create'], proposal)).stdout)).toMatchObject({ name });
    expect(await callDoor(['teardown', netns], input)).toMatchObject({ code: 0 });
    native.removeNetns(netns);
  }
  // what podman brought goes with its last container
  await untilAnswered(async () => expect((await lab.client.network.list()).networks).toEqual([]));
});
