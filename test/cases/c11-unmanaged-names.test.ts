import { execFileSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RequestOf } from '../../src/client.ts';
import { untilAnswered } from '../support/daemon.ts';
import { Lab, refusal } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

/** A host whose br0 was made by another program, with and without addresses of the host. */

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(() => lab.close());

beforeEach(() => ipBatch(null, ['link add br0 type bridge', 'link set br0 up']));
afterEach(async () => {
  await lab.empty();
  ipBatch(null, ['link delete br0']);
  await lab.clear();
});

const own = { 4: '192.168.33.3', 6: 'fd00:33::3' } as const;
const give = (verb: 'add' | 'delete' = 'add') =>
  ipBatch(null, [
    `address ${verb} ${own[4]}/24 dev br0`,
    `address ${verb} ${own[6]}/64 dev br0${verb === 'add' ? ' nodad' : ''}`,
  ]);

const create = (more: Partial<RequestOf<'network.create'>> = {}) =>
  lab.client.network.create({
    name: 'lan',
    network_interface: 'br0',
    subnets: [{ subnet: '192.168.33.0/24' }, { subnet: 'fd00:33::/64' }],
    options: { mode: 'unmanaged' },
    ...more,
  });

const setUp = (id: string, aliases: string[] = []) =>
  lab.client.container.setup({ id, networks: [{ network: 'lan', aliases }] });

const servers = async () => (await lab.client.network.inspect({ name: 'lan' })).network.device?.names;

/** Returns the addresses of a name as that server gives them within the namespace, or an error code. */
function ask(netns: string, server: string, name: string, type: 'A' | 'AAAA' = 'A'): string[] {
  const script = `
    const resolver = new (require('node:dns').promises.Resolver)({ timeout: 1000, tries: 1 });
    resolver.setServers([process.argv[1]]);
    resolver.resolve(process.argv[2], process.argv[3])
      .then((found) => console.log(JSON.stringify(found)), (error) => console.log(JSON.stringify([error.code])));`;
  const bracketed = server.includes(':') ? `[${server}]` : server;
  const line = [`--net=${netns}`, process.execPath, '-e', script, bracketed, name, type];
  return JSON.parse(execFileSync('nsenter', line, { encoding: 'utf8' }));
}

describe('an unmanaged bridge with addresses of the host', () => {
  it("C11 names are answered at each of the host's addresses on the bridge, gateway or not", async () => {
    give();
    await create();
    await setUp('db', ['store']);
    const { netns, status } = await setUp('web');
    expect(status.lan).toMatchObject({ dns_server_ips: [own[4], own[6]], dns_search_domains: ['dns.netloom'] });
    for (const server of [own[4], own[6]])
      for (const name of ['db', 'store', 'db.dns.netloom']) {
        expect(ask(netns.path, server, name)).toEqual(['192.168.33.2']);
        expect(ask(netns.path, server, name, 'AAAA')).toEqual(['fd00:33::2']);
      }
    expect(await servers()).toEqual({ servers: [own[4], own[6]], refused: null });
  });

  it('C11 names are answered after a restart, and those of a removed container are not', async () => {
    give();
    await create();
    await setUp('db');
    const { netns } = await setUp('web');
    await lab.restart('kill');
    await untilAnswered(async () => expect(ask(netns.path, own[4], 'db')).toEqual(['192.168.33.2']));
    await lab.remove('db');
    expect(ask(netns.path, own[4], 'db.dns.netloom')).toEqual(['ENOTFOUND']);
  });

  it('C11 names are not answered on a network without DNS', async () => {
    give();
    await create({ dns_enabled: false });
    const { netns, status } = await setUp('web');
    expect(status.lan?.dns_server_ips).toEqual([]);
    expect(ask(netns.path, own[4], 'web')).toEqual(['ECONNREFUSED']);
  });

  it('C11 port 53 stays with the program that holds it, the container is set up, and the reason is shown', async () => {
    give();
    const holder = dgram.createSocket('udp4');
    holder.bind(53, own[4]);
    await once(holder, 'listening');
    await create();
    await setUp('web');
    expect(await servers()).toEqual({ servers: [], refused: expect.stringContaining(own[4]) });
    holder.close();
    await once(holder, 'close');
    const { netns, status } = await setUp('late');
    expect(status.lan?.dns_server_ips).toEqual([own[4], own[6]]);
    expect(ask(netns.path, own[4], 'web')).toEqual(['192.168.33.2']);
  });
});

describe('the MAC address of an unmanaged bridge', () => {
  const mac = () => JSON.parse(execFileSync('ip', ['-json', 'link', 'show', 'br0'], { encoding: 'utf8' }))[0].address;

  it('C11 a bridge whose only ports are containers keeps its MAC address while they come and go', async () => {
    await create();
    const seen = [];
    for (const id of ['one', 'two', 'three']) {
      await setUp(id);
      seen.push(mac());
    }
    for (const id of ['two', 'one']) {
      await lab.remove(id);
      seen.push(mac());
    }
    expect(new Set(seen).size).toBe(1);
  });

  it('C11 a bridge keeps the MAC address of the port that leads to the wire', async () => {
    // as high as the MAC addresses of libvirt's taps
    const wire = 'fe:54:00:ff:ff:ff';
    ipBatch(null, [`link add wire address ${wire} type veth peer name other`, 'link set wire master br0 up']);
    await create();
    await setUp('one');
    await setUp('two');
    expect(mac()).toBe(wire);
    ipBatch(null, ['link delete wire']);
  });
});

describe('an unmanaged bridge without addresses of the host', () => {
  it('C11 a bridge without host addresses has no name server; names are answered only while it has addresses', async () => {
    await create();
    const { netns, status } = await setUp('web', ['shop']);
    expect(status.lan?.dns_server_ips).toEqual([]);
    expect(await servers()).toEqual({ servers: [], refused: null });
    give();
    await untilAnswered(async () => expect(ask(netns.path, own[4], 'shop')).toEqual(['192.168.33.2']));
    expect((await setUp('later')).status.lan?.dns_server_ips).toEqual([own[4], own[6]]);
    give('delete');
    await untilAnswered(async () => expect(await servers()).toEqual({ servers: [], refused: null }));
    expect((await setUp('last')).status.lan?.dns_server_ips).toEqual([]);
  });

  it("C11 the resolver does not listen at a host address outside the network's subnets", async () => {
    ipBatch(null, ['address add 10.66.0.1/24 dev br0']);
    await create();
    await setUp('web');
    expect(await servers()).toEqual({ servers: [], refused: null });
  });
});

it('C11 names are answered on a network that the netavark door brings', async () => {
  give();
  const definition = {
    name: 'lan',
    id: 'a'.repeat(64),
    driver: 'bridge',
    network_interface: 'br0',
    created: '2026-01-01T00:00:00Z',
    subnets: [{ subnet: '192.168.33.0/24', gateway: '192.168.33.1' }],
    ipv6_enabled: false,
    internal: false,
    dns_enabled: true,
    options: { mode: 'unmanaged' },
  };
  const attach = (id: string, name: string) =>
    lab.client.container.attach({ id, name, networks: [{ network: 'lan', aliases: [name], definition }] });
  await attach('a'.repeat(64), 'one');
  const { netns, status } = await attach('b'.repeat(64), 'two');
  expect(status.lan?.dns_server_ips).toEqual([own[4]]);
  expect(ask(netns.path, own[4], 'one')).toEqual(['192.168.33.2']);
});

describe('a link that cannot carry an unmanaged network', () => {
  const claimed = { driver: 'bridge', network_interface: 'mine0', options: { mode: 'unmanaged' } };
  const subnets = [{ subnet: '10.91.0.0/24' }];
  const damaged = async () => (await lab.client.network.list()).damaged;

  it('C11 an unmanaged network on a bridge of netloom is refused, by create, through the door and in a file', async () => {
    await lab.client.network.create({ name: 'v4', network_interface: 'mine0' });
    await lab.client.container.setup({ id: 'member', networks: [{ network: 'v4' }] });
    expect(await refusal(create({ ...claimed, subnets }))).toMatchObject({
      code: 'link.exists',
      message: 'interface mine0 belongs to network v4',
    });
    const id = 'a'.repeat(64);
    const brought = { ...claimed, name: 'um', id, subnets, dns_enabled: false };
    const attached = lab.client.container.attach({
      id: 'guest',
      name: 'guest',
      networks: [{ network: 'um', definition: { ...brought, driver: 'bridge' } }],
    });
    const reason = 'mine0 is the bridge of network v4';
    expect(await refusal(attached)).toMatchObject({ code: 'link.exists', message: `network um: ${reason}` });
    const file = `${lab.daemon.directory}/state/networks/um.json`;
    writeFileSync(file, JSON.stringify(brought));
    await untilAnswered(async () =>
      expect(await damaged()).toEqual([{ file: 'um.json', reason: `network_interface: ${reason}` }]),
    );
    rmSync(file);
    await untilAnswered(async () => expect(await damaged()).toEqual([]));
  });

  it('C11 a macvlan on a bridge of netloom goes with it, and its container reports it', async () => {
    await lab.client.network.create({ name: 'v4', network_interface: 'mine0' });
    await lab.client.container.setup({ id: 'member', networks: [{ network: 'v4' }] });
    await lab.client.network.create({ name: 'upon', driver: 'macvlan', network_interface: 'mine0', subnets });
    await lab.client.container.setup({ id: 'guest', networks: [{ network: 'upon' }] });
    await lab.client.network.remove({ name: 'v4', force: true });
    await untilAnswered(async () => {
      const { container } = await lab.client.container.inspect({ id: 'guest' });
      expect(container).toMatchObject({ state: 'degraded', lastFault: { code: 'link.unknown' } });
    });
  });

  it('C11 an unmanaged network on a missing link, or on one that is not a bridge, is refused', async () => {
    ipBatch(null, ['link add up0 type veth peer name up1']);
    expect(await refusal(create({ network_interface: 'up0' }))).toMatchObject({
      code: 'mode.unsupported',
      message: 'interface up0 is not a bridge; an unmanaged network needs one',
    });
    expect(await refusal(create({ network_interface: 'up7' }))).toMatchObject({
      code: 'link.unknown',
      message: 'this host has no interface up7',
    });
    ipBatch(null, ['link delete up0']);
  });
});
