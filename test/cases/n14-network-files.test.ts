import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import { netloom } from '../cli/netloom.ts';
import { runDoor } from '../doors/door.ts';
import { untilAnswered } from '../support/daemon.ts';
import { ipWithin, linkNames } from '../support/fresh-host.ts';
import { Lab, refusal } from '../support/lab.ts';

// Network files written by hand, and the same definitions brought by podman: podman reads most of these.

let lab: Lab;
let directory: string;
let netns: string;
beforeAll(async () => {
  lab = await Lab.open();
  directory = (await lab.client.info()).directories.networks;
  netns = `${lab.directory.path}/engine-made`;
});
afterEach(async () => {
  for (const file of written.splice(0)) rmSync(`${directory}/${file}`, { force: true });
  await untilAnswered(async () => {
    const { networks, damaged } = await lab.client.network.list();
    expect({ networks, damaged }).toEqual({ networks: [], damaged: [] });
  });
});
afterAll(() => lab.close());

const hand = {
  name: 'hand',
  id: '7'.repeat(64),
  driver: 'bridge',
  network_interface: 'podman7',
  created: '2026-01-01T00:00:00Z',
  subnets: [{ subnet: '10.57.0.0/24', gateway: '10.57.0.1' }],
  ipv6_enabled: false,
  internal: false,
  dns_enabled: false,
  ipam_options: { driver: 'host-local' },
};
type Json = Record<string, unknown>;

const written: string[] = [];
function write(file: string, content: unknown): void {
  writeFileSync(`${directory}/${file}`, typeof content === 'string' ? content : JSON.stringify(content));
  written.push(file);
}

/** The report about that file, after it has been read. */
async function damage(file: string): Promise<string> {
  return untilAnswered(async () => {
    const found = (await lab.client.network.list()).damaged.find((one) => one.file === file);
    if (!found) throw new Error(`${file} is not reported`);
    return found.reason;
  });
}

const inputOf = (network: Json, static_ips = ['10.57.0.2']) => ({
  container_id: '8'.repeat(64),
  container_name: 'c1',
  networks: { hand: { interface_name: 'eth0', static_ips } },
  network_info: { hand: network },
});
const door = (verb: string, input: unknown) =>
  runDoor([verb, netns], { env: { NETLOOM_RUN_DIR: lab.daemon.runDirectory }, input });

/** Brings it as podman does; answers the complaint, and checks that nothing was begun. */
async function complaint(network: Json): Promise<string> {
  const { code, stdout } = await door('setup', inputOf(network));
  expect(code).toBe(1);
  expect(linkNames()).toEqual(['lo']);
  expect((await lab.client.container.list()).containers).toEqual([]);
  return JSON.parse(stdout).error;
}

const lease_range = { start_ip: '10.58.0.9', end_ip: '10.58.0.19' };
const [subnet] = hand.subnets;
const without = (field: keyof typeof hand): Json => {
  const { [field]: _, ...rest } = hand;
  return rest;
};

describe('an invalid network file', () => {
  it.each<[string, Json, string]>([
    ['no bridge', without('network_interface'), 'network_interface: missing'],
    ['a gateway outside', { ...hand, subnets: [{ ...subnet, gateway: '10.58.0.1' }] }, 'subnets.0.gateway: '],
    ['a range outside', { ...hand, subnets: [{ ...subnet, lease_range }] }, 'subnets.0.lease_range: '],
    [
      'a gateway of the other family',
      { ...hand, subnets: [{ subnet: 'fd57::/64', gateway: '10.57.0.1' }] },
      'subnets.0.gateway: ',
    ],
    ['no id', without('id'), 'id: '],
    ['an unknown driver', { ...hand, driver: 'overlay' }, 'driver: '],
    ['options that are no text', { ...hand, options: { mtu: 1400 } }, 'options.mtu: '],
    [
      'a route by the other family',
      { ...hand, routes: [{ destination: 'fd00::/64', gateway: '10.57.0.9' }] },
      'routes.0.gateway: ',
    ],
    [
      'a metric no route has',
      { ...hand, routes: [{ destination: '10.9.0.0/24', gateway: '10.57.0.9', metric: 1e12 }] },
      'routes.0.metric: ',
    ],
    ['no subnets', without('subnets'), 'subnets: missing'],
    ['no date', { ...hand, created: 'long ago' }, 'created: '],
  ])(
    'N14 a network file with %s is reported by its field when it is read, and refused before anything is built',
    async (_, file, field) => {
      write('hand.json', file);
      expect(await damage('hand.json')).toContain(field);
      expect(await refusal(lab.client.network.inspect({ name: 'hand' }))).toMatchObject({
        code: 'network.damaged',
        message: expect.stringContaining(`${directory}/hand.json is damaged: ${field}`),
      });
      const setup = lab.client.container.setup({ id: 'guest', networks: [{ network: 'hand' }] });
      expect((await refusal(setup)).code).toBe('network.damaged');
      expect(await complaint(file)).toContain(`the definition of network hand: ${field}`);
      await lab.client.container.remove({ id: 'guest' }).catch(() => {});
    },
  );

  it('N14 a damaged network file is reported once as an event, and by doctor and network ls', async () => {
    write('told.json', { ...without('network_interface'), name: 'told' });
    const reason = await damage('told.json');
    const reports = () => lab.facts.events.filter(({ type }) => type === 'dev.netloom.node.definition-damaged');
    const damaged = (file: string) => reports().filter(({ data }) => (data as { file: string }).file === file);
    // other writes to the directory and a restart repeat no report about it
    write('other.json', '');
    expect(await damage('other.json')).toBe('the file is empty');
    await lab.restart('kill');
    await damage('told.json');
    write('third.json', '\ufeff{}');
    expect(await damage('third.json')).toContain('byte order mark');
    await untilAnswered(async () => expect(damaged('third.json')).toHaveLength(1));
    expect(damaged('told.json').map(({ data }) => data)).toEqual([{ file: 'told.json', reason, state: 'serving' }]);
    const { stderr } = await netloom(lab.daemon, ['network', 'ls']);
    expect(stderr).toContain(`told.json is left out: ${reason}`);
    const { stdout } = await netloom(lab.daemon, ['doctor', '--json']);
    const finding = JSON.parse(stdout).checks.find(({ check }: { check: string }) => check === 'Network files');
    expect(finding).toMatchObject({ ok: false, found: expect.stringContaining(`told.json is left out: ${reason}`) });
  });
});

describe('a file that podman completes', () => {
  it('N14 an incomplete network file gets its gateway, its subnet and its family, from disk and through the door', async () => {
    const file = {
      ...without('created'),
      subnets: [{ subnet: '10.57.0.9/24' }, { subnet: 'fd57::/64' }],
      ipv6_enabled: true,
    };
    write('hand.json', { ...file, ipv6_enabled: false });
    const known = await untilAnswered(() => lab.client.network.inspect({ name: 'hand' }));
    expect(known.network).toMatchObject({
      subnets: [
        { subnet: '10.57.0.0/24', gateway: '10.57.0.1' },
        { subnet: 'fd57::/64', gateway: 'fd57::1' },
      ],
      ipv6_enabled: true,
    });
    native.createNetns(netns).socket.close();
    try {
      // as podman brings it when it has read the file
      const input = inputOf({ ...file, subnets: known.network.subnets }, ['10.57.0.2', 'fd57::2']);
      expect(await door('setup', input)).toMatchObject({ code: 0, stderr: '' });
      const [route] = ipWithin<{ gateway: string }[]>(netns, 'route', 'show', 'default');
      expect(route?.gateway).toBe('10.57.0.1');
      expect(await door('teardown', input)).toMatchObject({ code: 0 });
    } finally {
      native.removeNetns(netns);
    }
    await untilAnswered(async () => expect((await lab.client.container.list()).containers).toEqual([]));
  });
});

describe('two files that exclude each other', () => {
  it.each<[string, Json, string]>([
    [
      'one bridge',
      { subnets: [{ subnet: '10.59.0.0/24' }] },
      'network_interface: podman7 is the bridge of network hand',
    ],
    ['a part of a subnet', { network_interface: 'podman8' }, 'subnets.0.subnet: 10.57.0.0/24 overlaps 10.57.0.0/24 of'],
  ])('N14 of two network files that both have %s, the known one stays', async (_, more, reason) => {
    write('hand.json', hand);
    await untilAnswered(() => lab.client.network.inspect({ name: 'hand' }));
    const { status } = await lab.client.container.setup({ id: 'guest', networks: [{ network: 'hand' }] });
    expect(status.hand?.interfaces.eth0?.subnets[0]?.ipnet).toBe('10.57.0.2/24');
    // older, by its own date
    write('a.json', { ...hand, name: 'a', id: 'a'.repeat(64), created: '2020-01-01T00:00:00Z', ...more });
    expect(await damage('a.json')).toContain(reason);
    expect((await lab.client.network.list()).networks.map(({ name }) => name)).toEqual(['hand']);
    await lab.remove('guest');
  });

  it.each<[string, Json, string]>([
    ['one bridge', { subnets: [{ subnet: '10.59.0.0/24' }] }, 'podman7 is the bridge of network hand'],
    [
      'a part of a subnet',
      { network_interface: 'podman8', subnets: [{ subnet: '10.57.0.0/16' }] },
      '10.57.0.0/16 overlaps',
    ],
  ])(
    'N14 of two networks of podman that both have %s, the second is refused until the first has left',
    async (_, more, words) => {
      const first = inputOf(hand);
      const network = { ...hand, name: 'b', id: 'b'.repeat(64), ...more };
      const [subnet] = network.subnets as { subnet: string }[];
      const address = subnet?.subnet.replace(/0\/\d+$/, '7');
      const second = {
        container_id: '9'.repeat(64),
        container_name: 'c2',
        networks: { b: { interface_name: 'eth0', static_ips: [address] } },
        network_info: { b: network },
      };
      const secondNetns = `${lab.directory.path}/second`;
      for (const path of [netns, secondNetns]) native.createNetns(path).socket.close();
      const call = (verb: string) =>
        runDoor([verb, secondNetns], { env: { NETLOOM_RUN_DIR: lab.daemon.runDirectory }, input: second });
      try {
        expect(await door('setup', first)).toMatchObject({ code: 0 });
        const before = linkNames();
        const refused = await call('setup');
        expect([refused.code, JSON.parse(refused.stdout).error]).toEqual([
          1,
          expect.stringContaining(`network b: ${words}`),
        ]);
        expect(linkNames()).toEqual(before);
        expect(await door('teardown', first)).toMatchObject({ code: 0 });
        expect(await call('setup')).toMatchObject({ code: 0, stderr: '' });
        expect(await call('teardown')).toMatchObject({ code: 0 });
      } finally {
        for (const path of [netns, secondNetns]) native.removeNetns(path);
      }
      await untilAnswered(async () => expect((await lab.client.container.list()).containers).toEqual([]));
    },
  );
});

describe('a file that conflicts with a network without a file', () => {
  const twin = { ...hand, name: 'twin', id: 'b'.repeat(64) };
  const names = async () => (await lab.client.network.list()).networks.map(({ name }) => name);

  it.each<[string, Json]>([
    ['its bridge and its subnet', {}],
    ['its bridge', { subnets: [{ subnet: '10.59.0.0/24' }] }],
    ['a part of its subnet', { network_interface: 'podman8', subnets: [{ subnet: '10.57.0.0/25' }] }],
  ])('N14 a conflicting network file is left out for %s while the other file is written again', async (_, more) => {
    write('hand.json', hand);
    await untilAnswered(() => lab.client.network.inspect({ name: 'hand' }));
    await lab.client.container.setup({ id: 'guest', networks: [{ network: 'hand' }] });
    write('twin.json', { ...twin, ...more });
    rmSync(`${directory}/hand.json`);
    await untilAnswered(async () => expect(readFileSync(`${directory}/hand.json`, 'utf8')).toContain('"hand"'));
    expect(await damage('twin.json')).toContain('of network hand');
    expect(await names()).toEqual(['hand']);
    const setup = lab.client.container.setup({ id: 'second', networks: [{ network: 'twin' }] });
    expect((await refusal(setup)).code).toBe('network.damaged');
    rmSync(`${directory}/twin.json`);
    await lab.remove('guest');
  });

  it('N14 a network file is left out until the conflicting network of an engine has gone', async () => {
    native.createNetns(netns).socket.close();
    try {
      expect(await door('setup', inputOf(hand))).toMatchObject({ code: 0 });
      write('twin.json', twin);
      expect(await damage('twin.json')).toContain('podman7 is the bridge of network hand');
      expect(await door('teardown', inputOf(hand))).toMatchObject({ code: 0 });
      await untilAnswered(async () => expect(await names()).toEqual(['twin']));
      expect((await lab.client.network.list()).damaged).toEqual([]);
    } finally {
      native.removeNetns(netns);
    }
  });

  it.each([
    ['that is only defined', false],
    ['that is up and that no container uses', true],
  ])('N14 a network of an engine is refused beside a conflicting network of netloom %s', async (_, isUp) => {
    await lab.client.network.create({ name: 'own', network_interface: 'own0', subnets: [{ subnet: '10.57.0.0/24' }] });
    if (isUp) {
      await lab.client.container.setup({ id: 'guest', networks: [{ network: 'own' }] });
      await lab.remove('guest');
    }
    const before = linkNames();
    const onBridge = { ...hand, network_interface: 'own0', subnets: [{ subnet: '10.59.0.0/24' }] };
    native.createNetns(netns).socket.close();
    try {
      for (const [network, address, words] of [
        [hand, '10.57.0.5', '10.57.0.0/24 overlaps 10.57.0.0/24 of network own'],
        [onBridge, '10.59.0.5', 'own0 is the bridge of network own'],
      ] as const) {
        const { code, stdout } = await door('setup', inputOf(network, [address]));
        expect([code, JSON.parse(stdout).error]).toEqual([1, expect.stringContaining(`network hand: ${words}`)]);
        await untilAnswered(async () => expect(await names()).toEqual(['own']));
        expect(linkNames()).toEqual(before);
      }
      await lab.client.network.remove({ name: 'own' });
      expect(await door('setup', inputOf(hand))).toMatchObject({ code: 0 });
      expect(await door('teardown', inputOf(hand))).toMatchObject({ code: 0 });
    } finally {
      native.removeNetns(netns);
    }
    await untilAnswered(async () => expect((await lab.client.container.list()).containers).toEqual([]));
  });
});

describe('C06 a network that is removed and created again within some milliseconds', () => {
  const servers = { ...hand, dns_enabled: true, network_dns_servers: ['192.0.2.53'] };
  const anew = { ...hand, subnets: [{ subnet: '10.58.0.0/24', gateway: '10.58.0.1' }], network_interface: 'podman8' };
  const known = async () => (await lab.client.network.inspect({ name: 'hand' })).network;
  const untilKnown = (subnet: string) =>
    untilAnswered(async () => {
      const { network } = await lab.client.network.inspect({ name: 'hand' });
      expect(network.subnets).toMatchObject([{ subnet }]);
    });
  const text = () => readFileSync(`${directory}/hand.json`, 'utf8');

  it.each([['of which nothing is in the kernel'], ['whose bridge is there']])(
    'C06 a network follows its new file: one %s',
    async (what) => {
      write('hand.json', servers);
      await untilKnown('10.57.0.0/24');
      if (what === 'whose bridge is there') {
        await lab.client.container.setup({ id: 'c', networks: [{ network: 'hand' }] });
        await lab.remove('c');
        expect(linkNames()).toContain('podman7');
      }
      rmSync(`${directory}/hand.json`);
      write('hand.json', anew);
      await untilKnown('10.58.0.0/24');
      expect(JSON.parse(text())).toEqual(anew);
      const { status } = await lab.client.container.setup({ id: 'c', networks: [{ network: 'hand' }] });
      expect(JSON.stringify(status)).toContain('10.58.0.');
      expect(linkNames()).toContain('podman8');
      expect(linkNames()).not.toContain('podman7');
      await lab.remove('c');
    },
  );

  it('N14 a changed file leaves a network in use as it is, is kept, and takes effect when the container has left', async () => {
    write('hand.json', hand);
    await untilKnown('10.57.0.0/24');
    await lab.client.container.setup({ id: 'c', networks: [{ network: 'hand' }] });
    write('hand.json', { ...anew, network_dns_servers: ['192.0.2.54'] });
    await untilAnswered(async () => expect((await known()).network_dns_servers).toEqual(['192.0.2.54']));
    expect((await known()).subnets).toMatchObject([{ subnet: '10.57.0.0/24' }]);
    expect(JSON.parse(text())).toEqual({ ...anew, network_dns_servers: ['192.0.2.54'] });
    await lab.remove('c');
    await untilKnown('10.58.0.0/24');
    expect(linkNames()).not.toContain('podman7');
    const { status } = await lab.client.container.setup({ id: 'c', networks: [{ network: 'hand' }] });
    expect(JSON.stringify(status)).toContain('10.58.0.');
    expect(JSON.parse(text())).toEqual({ ...anew, network_dns_servers: ['192.0.2.54'] });
    await lab.remove('c');
  });
});
