import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import type { ResponseOf } from '../../src/client.ts';
import { untilAnswered } from '../support/daemon.ts';
import { ipWithin, linkNames } from '../support/fresh-host.ts';
import { codeOf, Lab, refusal } from '../support/lab.ts';
import { ipBatch, OtherHost } from '../support/other-host.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
  for (const [name, net] of [
    ['web', '10.88.0'],
    ['back', '10.77.0'],
    ['third', '10.66.0'],
  ])
    await lab.client.network.create({ name: name as string, subnets: [{ subnet: `${net}.0/24` }] });
});
afterAll(() => lab.close());

const setup = (id: string, ...networks: string[]) =>
  lab.client.container.setup({ id, networks: networks.map((network) => ({ network })) });
const linksIn = ({ netns }: ResponseOf<'container.setup'>) =>
  ipWithin<{ ifname: string }[]>(netns.path, 'link').map(({ ifname }) => ifname);

describe('connecting and disconnecting a running container', () => {
  it('C03 C04 a live change gives a container an address, a MAC and names on the new network, and takes them away again', async () => {
    const one = await setup('one', 'web');
    const other = await setup('other', 'back');
    const [inside, target] = [lab.peers.in(one.netns.path, 'one'), lab.peers.in(other.netns.path, 'other')];
    await target.serve('tcp', 80);
    await lab.client.container.connect({
      id: 'one',
      network: 'back',
      staticIps: ['10.77.0.50'],
      staticMac: '02:00:00:00:00:50',
      aliases: ['db'],
    });
    expect(await inside.reach('tcp', '10.77.0.2', 80)).toBe('other:80 sees 10.77.0.50');
    const { container } = await lab.client.container.inspect({ id: 'one' });
    expect(container.attachments[1]).toMatchObject({ network: 'back', interfaceName: 'eth1', aliases: ['db', 'one'] });
    expect(container.status.back?.interfaces.eth1?.mac_address).toBe('02:00:00:00:00:50');
    expect(await codeOf(lab.client.container.connect({ id: 'one', network: 'back' }))).toBe('container.connected');

    await lab.client.container.disconnect({ id: 'one', network: 'back' });
    expect(linksIn(one)).toEqual(['lo', 'eth0']);
    expect(Object.keys((await lab.client.container.inspect({ id: 'one' })).container.status)).toEqual(['web']);
    await lab.settled();
    const { network } = await lab.client.network.inspect({ name: 'back' });
    expect(network.leases).not.toHaveProperty('one');
    expect(await codeOf(lab.client.container.disconnect({ id: 'one', network: 'back' }))).toBe(
      'container.not-connected',
    );
    await lab.facts.event('container/one disconnected');
    expect(lab.facts.of('container', 'one').slice(-2)).toEqual(['connected', 'disconnected']);
  });

  it('A02 a live change gives a freed interface name to the next network', async () => {
    const two = await setup('two', 'web', 'back');
    await lab.client.container.disconnect({ id: 'two', network: 'web' });
    await lab.client.container.connect({ id: 'two', network: 'third' });
    expect(linksIn(two).sort()).toEqual(['eth0', 'eth1', 'lo']);
    const { attachments } = (await lab.client.container.inspect({ id: 'two' })).container;
    expect(attachments.find(({ network }) => network === 'third')?.interfaceName).toBe('eth0');
  });

  it('C05 a live change moves published ports to the remaining network, and to the first new one', async () => {
    const three = await lab.client.container.setup({
      id: 'three',
      networks: [{ network: 'web' }, { network: 'back' }],
      ports: [{ hostPort: 8300, containerPort: 80 }],
    });
    const [host, inside] = [lab.peers.in(null, 'host'), lab.peers.in(three.netns.path, 'three')];
    await inside.serve('tcp', 80);
    expect(await host.reach('tcp', '127.0.0.1', 8300)).toBe('three:80 sees 10.88.0.1');
    await lab.client.container.disconnect({ id: 'three', network: 'web' });
    expect(await host.reach('tcp', '127.0.0.1', 8300)).toBe('three:80 sees 10.77.0.1');
    await lab.client.container.disconnect({ id: 'three', network: 'back' });
    expect(await host.reach('tcp', '127.0.0.1', 8300, 300)).not.toMatch(/three/);
    await lab.client.container.connect({ id: 'three', network: 'third' });
    expect(await host.reach('tcp', '127.0.0.1', 8300)).toBe('three:80 sees 10.66.0.1');
  });

  it('C03 a live change is refused where the mode has no networks, and recorded for a container that is not running', async () => {
    await setup('owner', 'web');
    for (const mode of ['none', 'host', 'container:owner']) {
      const id = `in-${mode.replace(':', '-')}`;
      await lab.client.container.setup({ id, mode });
      const { code, message } = await refusal(lab.client.container.connect({ id, network: 'web' }));
      expect([code, message]).toEqual(['mode.conflict', expect.stringContaining('unable to connect')]);
      await lab.client.container.remove({ id });
    }
    await lab.client.container.create({ id: 'down', networks: [{ network: 'web' }] });
    await lab.client.container.connect({ id: 'down', network: 'back' });
    expect((await lab.client.container.inspect({ id: 'down' })).container.netns).toBeNull();
    expect(linksIn(await lab.client.container.setup({ id: 'down' }))).toEqual(['lo', 'eth0', 'eth1']);
  });

  it('a live change answers a repeated command with its first reply, and changes nothing', async () => {
    await setup('again', 'web');
    const options = { msgId: 'connect-once' };
    const first = await lab.client.container.connect({ id: 'again', network: 'back' }, options);
    expect(await lab.client.container.connect({ id: 'again', network: 'back' }, options)).toEqual(first);
  });

  it('A05 a live change uses networks that replace those of the wish for one set-up only', async () => {
    await lab.client.container.create({ id: 'restored', networks: [{ network: 'web' }] });
    const once = await lab.client.container.setup({
      id: 'restored',
      networkOverrides: [{ network: 'back', staticIps: ['10.77.0.99'] }],
    });
    expect(once.status.back?.interfaces.eth0?.subnets[0]?.ipnet).toBe('10.77.0.99/24');
    await lab.client.container.teardown({ id: 'restored' });
    expect(Object.keys((await lab.client.container.setup({ id: 'restored' })).status)).toEqual(['web']);
  });
});

describe('every set-up', () => {
  it('B01 every set-up makes a fresh namespace and pins it in the run directory; the daemon stays in its own', async () => {
    const before = native.currentNetnsIdentity();
    const { netns } = await setup('fresh', 'web');
    expect(netns.path.startsWith(`${lab.daemon.netnsDirectory}/`)).toBe(true);
    expect(native.netnsIdentity(netns.path)?.inode).toBe(netns.inode);
    expect(netns.inode).not.toBe(before.inode);
    const pid = (await lab.client.info()).pid;
    // the thread that made the namespace need not have ended yet
    await untilAnswered(async () => {
      for (const task of readdirSync(`/proc/${pid}/task`))
        expect(native.netnsIdentity(`/proc/${pid}/task/${task}/ns/net`) ?? before).toEqual(before);
    });
  });

  it('D04 mode host counts the interfaces of the host, and a teardown removes none', async () => {
    const before = linkNames();
    const { status } = await lab.client.container.setup({ id: 'asHost', mode: 'host' });
    expect(status).toEqual({});
    const { interfaces } = await lab.client.container.stats({ id: 'asHost' });
    expect(Object.keys(interfaces).sort()).toEqual(before.filter((name) => name !== 'lo').sort());
    await lab.client.container.remove({ id: 'asHost' });
    expect(linkNames()).toEqual(before);
  });

  it('C02 every set-up takes down the finished networks when a further one fails', async () => {
    await lab.client.container.setup({ id: 'holder', networks: [{ network: 'back', staticIps: ['10.77.0.60'] }] });
    const before = linkNames();
    const networks = [{ network: 'web' }, { network: 'back', staticIps: ['10.77.0.60'] }];
    expect(await codeOf(lab.client.container.setup({ id: 'half', networks }))).toBe('address.taken');
    expect(linkNames()).toEqual(before);
    await lab.settled();
  });

  it('C07 a container whose networks were all removed is left alone', async () => {
    await setup('left', 'web');
    await lab.client.container.disconnect({ id: 'left', network: 'web' });
    await lab.client.container.teardown({ id: 'left' });
    const again = await lab.client.container.setup({ id: 'left' });
    expect(again.status).toEqual({});
    expect(linksIn(again)).toEqual(['lo']);
  });

  it('C09 the primary address of the host is that of its route to the outside', async () => {
    expect((await lab.client.info()).hostIp).toBeNull();
    const other = new OtherHost(lab.directory.path);
    ipBatch(null, ['route add default via 192.0.2.2']);
    await lab.restart('stop');
    expect((await lab.client.info()).hostIp).toBe('192.0.2.1');
    other.remove();
  });
});
