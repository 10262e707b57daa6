import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import { netloom } from '../cli/netloom.ts';
import { untilAnswered } from '../support/daemon.ts';
import { DoorEngine, podmanNetwork } from '../support/door-engine.ts';
import { ip, linkNames } from '../support/fresh-host.ts';
import { Lab, refusal } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

const subnets = [{ subnet: '10.15.0.0/24' }, { subnet: 'fd00:15::/64' }];
const named = { network: 'web', hostInterfaceName: 'veth-web' };

let lab: Lab;
let engine: DoorEngine;
beforeAll(async () => {
  lab = await Lab.open();
  engine = new DoorEngine(lab);
});
afterEach(async () => {
  await lab.peers.end();
  await lab.clear();
});
afterAll(() => lab.close());

interface Link {
  ifname: string;
  ifindex: number;
  master?: string;
  ifalias?: string;
  group: string;
  operstate: string;
  flags: string[];
}
const linkNamed = (name: string): Link | undefined => ip<Link[]>('link', 'show').find(({ ifname }) => ifname === name);
const others = () => linkNames().filter((name) => name.startsWith('nl') || name.startsWith('veth'));

describe("the name of the host's end of a veth", () => {
  it('C15 a requested name is used by set-up, CLI and connect, and the link works like any other', async () => {
    await lab.client.network.create({ name: 'web', subnets });
    const { netns } = await lab.client.container.setup({
      id: 'web',
      networks: [named],
      ports: [{ hostPort: 8015, containerPort: 80 }],
    });
    expect(others()).toEqual(['veth-web']);
    expect(linkNamed('veth-web')).toMatchObject({ master: 'netloom0', ifalias: 'netloom container/web network/web' });
    const cli = ['container', 'setup', '--name', 'near', '--network', 'web:host_interface_name=veth-near'];
    expect(await netloom(lab.daemon, cli)).toMatchObject({ exitCode: 0 });
    await lab.client.network.create({ name: 'back', subnets: [{ subnet: '10.16.0.0/24' }] });
    await lab.client.container.connect({ id: 'web', network: 'back', hostInterfaceName: 'veth-back' });
    expect(others().sort()).toEqual(['veth-back', 'veth-near', 'veth-web']);
    expect(await lab.peers.in(netns.path, 'web').serve('tcp', 80)).toBe('ready');
    const { container } = await lab.client.container.inspect({ id: 'near' });
    const neighbour = lab.peers.in(container.netns?.path as string, 'near');
    for (const address of ['10.15.0.2', 'fd00:15::2'])
      expect(await neighbour.reach('tcp', address, 80)).toContain('web:80');
    expect(await lab.peers.in(null, 'host').reach('tcp', '10.15.0.1', 8015)).toContain('web:80');
    // held to its lease, and counted
    expect((await lab.client.container.inspect({ id: 'web' })).dropped).toMatchObject({ web: {}, back: {} });
    expect((await lab.client.network.inspect({ name: 'web' })).dropped).toMatchObject({ web: {}, near: {} });
    expect(await lab.client.request('node.gc', { dryRun: true })).toMatchObject({ leftovers: [], doubtful: [] });
  });

  it('C15 a requested name stays through reload, a killed daemon and healing, and goes with a disconnect', async () => {
    await lab.client.network.create({ name: 'web', subnets });
    await lab.client.container.setup({ id: 'web', networks: [named] });
    const { ifindex } = linkNamed('veth-web') as Link;
    await lab.client.container.reload({ id: 'web' });
    await lab.restart('kill');
    expect(linkNamed('veth-web')).toMatchObject({ ifindex });
    ipBatch(null, ['link delete veth-web']);
    await lab.facts.event('container/web drift-healed');
    expect(linkNamed('veth-web')).toMatchObject({ master: 'netloom0' });
    ipBatch(null, ['link set veth-web nomaster']);
    await lab.facts.event('container/web drift-healed', 2);
    expect(linkNamed('veth-web')).toMatchObject({ master: 'netloom0' });
    await lab.client.container.disconnect({ id: 'web', network: 'web' });
    expect(others()).toEqual([]);
    await lab.client.container.connect({ id: 'web', ...named });
    expect(others()).toEqual(['veth-web']);
  });

  it('C15 a requested name has no effect on a macvlan, which has no end on the host', async () => {
    ipBatch(null, ['link add lan0 type veth peer name lan1', 'link set lan0 up', 'link set lan1 up']);
    await lab.client.network.create({ name: 'web', driver: 'macvlan', network_interface: 'lan0', subnets });
    await lab.client.container.setup({ id: 'web', networks: [named] });
    expect(others()).toEqual([]);
    await lab.empty();
    ipBatch(null, ['link delete lan0']);
  });
});

describe('a name that is taken', () => {
  const setUp = (id: string, hostInterfaceName: string) =>
    lab.client.container.setup({ id, networks: [{ network: 'web', hostInterfaceName }] });

  it('C15 a taken name is refused before anything is built, and the link that has it stays unchanged', async () => {
    await lab.client.network.create({ name: 'web', subnets });
    await setUp('first', 'veth-web');
    ipBatch(null, ['link add veth-x type veth peer name veth-y', 'link add brx type bridge', 'link set brx up']);
    const read = () => ip<Link[]>('link', 'show').map(({ operstate: _, ...link }) => link);
    const before = read();
    for (const [name, detail] of [
      ['veth-web', 'does not lead to'],
      ['veth-x', 'does not lead to'],
      ['brx', 'is a bridge interface'],
      ['netloom0', 'is a bridge interface'],
    ] as const) {
      const fault = await refusal(setUp('second', name));
      expect(fault).toMatchObject({ code: 'link.exists', message: expect.stringContaining(name) });
      expect(fault.detail).toContain(detail);
      expect(fault.undone).toEqual([]);
      const planned = { id: 'second', networks: [{ network: 'web', hostInterfaceName: name }] };
      expect(await refusal(lab.client.container.plan(planned))).toMatchObject({ code: 'link.exists' });
      expect(read()).toEqual(before);
    }
    await lab.client.container.setup({ id: 'third', networks: [] });
    const connect = { id: 'third', network: 'web', hostInterfaceName: 'veth-x' };
    expect(await refusal(lab.client.container.connect(connect))).toMatchObject({ code: 'link.exists' });
    expect(read()).toEqual(before);
    await lab.empty();
    ipBatch(null, ['link delete veth-x', 'link delete brx']);
  });

  it('C15 a name of a container that is being taken down is free for the next one, by set-up and by connect', async () => {
    await lab.client.network.create({ name: 'web', subnets });
    await lab.client.container.setup({ id: 'joining', networks: [] });
    for (let round = 0; round < 5; round++) {
      await setUp('first', 'veth-web');
      await lab.client.container.teardown({ id: 'first' });
      await setUp('second', 'veth-web');
      expect(linkNamed('veth-web')?.ifalias).toContain('container/second');
      await lab.client.container.teardown({ id: 'second' });
      await lab.client.container.connect({ id: 'joining', ...named });
      expect(linkNamed('veth-web')?.ifalias).toContain('container/joining');
      await lab.client.container.disconnect({ id: 'joining', network: 'web' });
    }
  });

  it('C15 a name that is repeated in one wish or invalid for an interface is refused', async () => {
    await lab.client.network.create({ name: 'web', subnets });
    await lab.client.network.create({ name: 'back', subnets: [{ subnet: '10.16.0.0/24' }] });
    const twice = [named, { network: 'back', hostInterfaceName: 'veth-web' }];
    expect(await refusal(lab.client.container.setup({ id: 'web', networks: twice }))).toMatchObject({
      code: 'payload.invalid',
      message: expect.stringContaining('veth-web'),
    });
    const netlooms = await refusal(setUp('web', 'nl0123456789ab'));
    expect(netlooms).toMatchObject({
      code: 'payload.invalid',
      message: expect.stringContaining('12 hexadecimal digits'),
    });
    for (const name of ['a/b', 'all', 'sixteen-letters-']) {
      const { code, message } = await refusal(setUp('web', name));
      expect([code, message]).toEqual([
        'payload.invalid',
        expect.stringContaining(`host interface name "${name}" must be`),
      ]);
    }
  });

  it('C15 a link of another program that took the name is no part of the container, and survives its removal', async () => {
    await lab.client.network.create({ name: 'web', subnets });
    await setUp('web', 'veth-web');
    // otherwise a deleted link is restored at once, before another link can have its name
    lab.daemon.paused(() =>
      ipBatch(null, ['link delete veth-web', 'link add veth-web type veth peer name veth-y', 'link set veth-web up']),
    );
    await lab.facts.event('container/web degraded');
    const { ifindex } = linkNamed('veth-web') as Link;
    const untouched = () => {
      expect(linkNamed('veth-web')).toMatchObject({ ifindex, flags: expect.arrayContaining(['UP']) });
      expect(linkNamed('veth-web')?.master).toBeUndefined();
    };
    untouched();
    const { lastFault } = (await lab.client.container.inspect({ id: 'web' })).container;
    expect(lastFault).toMatchObject({ code: 'link.exists', message: expect.stringContaining('veth-web') });
    await lab.remove('web');
    untouched();
    ipBatch(null, ['link delete veth-web']);
  });
});

describe('a foreign link that has taken the name', () => {
  it('C15 a foreign link with the name is not held to a lease, even after an inspection of the container and a restart', async () => {
    await lab.client.network.create({ name: 'web', subnets });
    await lab.client.container.setup({ id: 'web', networks: [named] });
    const foreign = `${lab.directory.path}/theirs`;
    native.createNetns(foreign).socket.close();
    lab.daemon.paused(() =>
      ipBatch(null, [
        'link delete veth-web',
        'link add brx type bridge',
        'link set brx up',
        'address add 10.99.0.1/24 dev brx',
        `link add veth-web type veth peer name eth0 netns ${foreign}`,
        'link set veth-web master brx up',
      ]),
    );
    ipBatch(foreign, ['link set eth0 up', 'address add 10.99.0.2/24 dev eth0']);
    await lab.facts.event('container/web degraded');
    expect(await lab.peers.in(foreign, 'theirs').serve('tcp', 80)).toBe('ready');
    const reached = () => lab.peers.in(null, 'host').reach('tcp', '10.99.0.2', 80);
    expect(await reached()).toContain('theirs:80');
    expect((await refusal(lab.client.container.reload({ id: 'web' }))).code).toBe('link.exists');
    expect(await reached()).toContain('theirs:80');
    await lab.restart('kill');
    await untilAnswered(async () =>
      expect((await lab.client.container.inspect({ id: 'web' })).container.state).toBe('degraded'),
    );
    expect(await reached()).toContain('theirs:80');
    await lab.remove('web');
    expect(linkNamed('veth-web')).toMatchObject({ master: 'brx' });
    expect(await reached()).toContain('theirs:80');
    await lab.peers.end();
    ipBatch(null, ['link delete veth-web', 'link delete brx']);
    native.removeNetns(foreign);
  });
});

describe('through the door', () => {
  const web = podmanNetwork('web', { subnets: [{ subnet: '10.17.0.0/24', gateway: '10.17.0.1' }] });
  const asked = (last: number) => ({
    static_ips: [`10.17.0.${last}`],
    options: { host_interface_name: 'veth-pod' },
  });

  it('C15 a name is in use for the container of an engine, and free for the next one as soon as the teardown is answered', async () => {
    for (let round = 0; round < 3; round++) {
      const container = engine.container(`round${round}`, [web, asked(10 + round)]);
      await engine.setUp(container);
      expect(others()).toEqual(['veth-pod']);
      // the engine drops the namespace a moment later
      expect(await engine.call('teardown', container)).toMatchObject({ code: 0 });
    }
    await engine.clear();
    await untilAnswered(async () => expect(others()).toEqual([]));
  });

  it('C15 a taken name is reported to the engine by name, and nothing is left behind', async () => {
    const first = engine.container('first', [web, asked(20)]);
    await engine.setUp(first);
    const second = engine.container('second', [web, asked(21)]);
    expect(await engine.refusal(second)).toContain('veth-pod');
    expect(others()).toEqual(['veth-pod']);
    await engine.tearDown(first);
    await engine.clear();
  });
});
