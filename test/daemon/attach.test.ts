import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import { untilAnswered } from '../support/daemon.ts';
import { ipWithin, linkNames } from '../support/fresh-host.ts';
import { codeOf, Lab, refusal } from '../support/lab.ts';

/** A network as described by an engine that keeps its networks itself. */
function definition(name: string, { id = 'a', third = 1 } = {}) {
  return {
    name,
    id: id.repeat(64),
    driver: 'bridge',
    network_interface: `${name}0`,
    created: new Date().toISOString(),
    subnets: [{ subnet: `10.7.${third}.0/24`, gateway: `10.7.${third}.1` }],
    ipv6_enabled: false,
    internal: false,
    dns_enabled: true,
    ipam_options: { driver: 'host-local' },
  };
}
type Given = ReturnType<typeof definition>;

const mem = definition('mem');
const other = definition('other', { id: 'b', third: 2 });

let lab: Lab;
let netns: string;
let networksDirectory: string;

beforeAll(async () => {
  lab = await Lab.open();
  netns = `${lab.directory.path}/engine-made`;
  networksDirectory = (await lab.client.info()).directories.networks;
});
afterAll(() => lab.close());
afterEach(async () => {
  const { containers } = await lab.client.container.list();
  for (const { id } of containers) await lab.remove(id);
  await settled([], []);
  native.removeNetns(netns);
});

/** The engine makes the namespace, chooses the addresses and names the interfaces. */
function attach(networks: Given[], { id = 'c1', path = netns, host = 2, ...more }: Record<string, unknown> = {}) {
  if (!existsSync(path as string)) native.createNetns(path as string).socket.close();
  return lab.client.container.attach({
    id: id as string,
    name: 'web',
    mode: `ns:${path}`,
    networks: networks.map((network) => attachmentTo(network, host)),
    ...more,
  });
}

function attachmentTo(network: Given, host: unknown) {
  return {
    network: network.name,
    interfaceName: `${network.name}-if`,
    staticIps: [(network.subnets[0] as { gateway: string }).gateway.replace(/1$/, `${host}`)],
    definition: network,
  };
}

const detach = (...networks: Given[]) =>
  lab.client.container.detach({ id: 'c1', networks: networks.map(({ name }) => name) });

const view = async () => (await lab.client.container.inspect({ id: 'c1' })).container;
const linksIn = (path: string) => ipWithin<{ ifname: string }[]>(path, 'link', 'show').map(({ ifname }) => ifname);

/** A container is forgotten after the reply. */
const settled = (containers: string[], networks: string[]) =>
  untilAnswered(async () => {
    const known = await lab.client.container.list();
    expect(known.containers.map(({ id }) => id)).toEqual(containers);
    expect((await lab.client.network.list()).networks.map(({ name }) => name)).toEqual(networks);
  });

describe('container.attach', () => {
  it('container.attach sets a container up on a network that only the caller knows, in the namespace that the caller made', async () => {
    const { status } = await attach([mem]);
    expect(status.mem?.interfaces['mem-if']?.subnets).toEqual([{ ipnet: '10.7.1.2/24', gateway: '10.7.1.1' }]);
    expect(ipWithin(netns, 'link', 'show', 'lo')[0]?.flags).toContain('UP');
    expect(linkNames()).toContain('mem0');
    expect(readdirSync(networksDirectory)).toEqual([]);
    expect(await view()).toMatchObject({ name: 'web', state: 'configured', netns: { path: netns } });
  });

  it('container.attach joins a running container to its missing networks, and changes nothing when repeated', async () => {
    await attach([mem]);
    const first = native.netnsIdentity(netns);
    await attach([mem, other]);
    expect(linksIn(netns)).toEqual(['lo', 'mem-if', 'other-if']);
    expect(native.netnsIdentity(netns)).toEqual(first);
    const again = await attach([mem, other]);
    expect(Object.keys(again.status)).toEqual(['mem', 'other']);
    await lab.remove('c1');
    await lab.facts.event('container/c1 removed');
    expect(lab.facts.of('container', 'c1').filter((fact) => fact === 'connected')).toHaveLength(1);
  });

  it('container.attach picks a host port once, and answers with the same one when repeated', async () => {
    const ports = [{ containerPort: 80 }];
    await attach([mem], { ports });
    const { ports: picked } = await view();
    expect(picked).toHaveLength(1);
    for (const networks of [[mem], [mem, other]]) await attach(networks, { ports });
    expect((await view()).ports).toEqual(picked);
  });

  it('A07 container.attach names a network joined by its ID as the caller did', async () => {
    const named = async (name: string) => (await lab.client.network.create({ name })).definition;
    const one = await named('one');
    const two = await named('two');
    const address = two.subnets?.[0]?.gateway?.replace(/1$/, '77') as string;
    await attach([], { networks: [{ network: one.id }] });
    const asked = { network: two.id, interfaceName: 'n2', aliases: ['alias'] };
    const { status } = await attach([], { networks: [{ ...asked, staticIps: [address] }, { network: one.id }] });
    expect(status.two?.interfaces.n2?.subnets?.[0]?.ipnet).toBe(`${address}/24`);
    expect((await view()).attachments).toMatchObject([
      { network: 'one', interfaceName: 'eth0' },
      { network: 'two', interfaceName: 'n2', aliases: ['alias', 'c1'] },
    ]);
    for (const name of ['one', 'two']) await lab.client.network.remove({ name, force: true });
  });

  it('A04 container.attach applies the static settings of a container to the first network it joins', async () => {
    await attach([mem]);
    const { status } = await attach([], {
      networks: [{ network: 'other', interfaceName: 'n2', definition: other }, { network: 'mem' }],
      staticIps: ['10.7.2.9'],
    });
    expect(status.other?.interfaces.n2?.subnets?.[0]?.ipnet).toBe('10.7.2.9/24');
  });

  it('C02 container.attach joins no network when one join or one port fails', async () => {
    await attach([mem]);
    await attach([mem], { id: 'c2', path: `${netns}-2`, host: 3, ports: [{ hostPort: 8080, containerPort: 80 }] });
    const third = definition('third', { id: 'f', third: 3 });
    const half = [attachmentTo(third, 2), attachmentTo(other, 1)];
    expect(await codeOf(attach([], { networks: half }))).toBe('address.taken');
    expect(await codeOf(attach([other], { ports: [{ hostPort: 8080, containerPort: 80 }] }))).toBe('port.taken');
    expect(linksIn(netns)).toEqual(['lo', 'mem-if']);
    expect((await view()).attachments.map(({ network }) => network)).toEqual(['mem']);
    await lab.client.container.detach({ id: 'c2', networks: ['mem'] });
    await settled(['c1'], ['mem']);
    native.removeNetns(`${netns}-2`);
  });

  it('container.attach accepts names for a network without a resolver, and ignores them', async () => {
    const silent = { ...mem, dns_enabled: false };
    const networks = [{ network: 'mem', interfaceName: 'eth0', aliases: ['www'], definition: silent }];
    await attach([], { networks });
    expect((await view()).attachments[0]?.aliases).toEqual(['c1']);
  });

  it('container.attach answers a repeated command with its first reply', async () => {
    const command = { msgId: 'attach-once' };
    const request = { id: 'c1', mode: 'none' };
    const first = await lab.client.container.attach(request, command);
    expect(await lab.client.container.attach(request, command)).toEqual(first);
  });

  it('container.attach refuses another definition of a network that is in use', async () => {
    await attach([mem]);
    const strange = attach([{ ...mem, id: 'c'.repeat(64) }], { id: 'c2', path: `${netns}-2`, host: 3 });
    expect(await refusal(strange)).toMatchObject({
      code: 'network.exists',
      message: expect.stringContaining('in use with another definition'),
    });
    native.removeNetns(`${netns}-2`);
  });

  it('container.attach replaces the definition of an unused network', async () => {
    writeFileSync(`${networksDirectory}/mem.json`, JSON.stringify(mem));
    await settled([], ['mem']);
    const anew = definition('mem', { id: 'd', third: 9 });
    const { status } = await attach([anew]);
    expect(status.mem?.interfaces['mem-if']?.subnets).toEqual([{ ipnet: '10.7.9.2/24', gateway: '10.7.9.1' }]);
    rmSync(`${networksDirectory}/mem.json`);
  });

  it('container.attach waits for containers that are leaving a network with a new definition, also when it joins others besides', async () => {
    await attach([mem], { id: 'c2', path: `${netns}-2`, host: 3 });
    await attach([other]);
    await lab.client.container.detach({ id: 'c2', networks: ['mem'] });
    const anew = definition('mem', { id: 'e', third: 8 });
    const { status } = await attach([other, anew]);
    expect(status.mem?.interfaces['mem-if']?.subnets).toEqual([{ ipnet: '10.7.8.2/24', gateway: '10.7.8.1' }]);
    native.removeNetns(`${netns}-2`);
  });

  it.each<[string, Partial<Given>]>([
    ['subnet', { network_interface: 'next0' }],
    ['bridge', { subnets: [{ subnet: '10.7.9.0/24', gateway: '10.7.9.1' }] }],
  ])('container.attach waits for a network that its engine has removed, whose %s it needs', async (_, more) => {
    const next = { ...mem, name: 'next', id: 'c'.repeat(64), ...more };
    for (const isFiled of [false, true]) {
      if (isFiled) {
        writeFileSync(`${networksDirectory}/mem.json`, JSON.stringify(mem));
        await settled([], ['mem']);
      }
      await attach([mem], { id: 'c2', path: `${netns}-2`, host: 3 });
      await lab.client.container.detach({ id: 'c2', networks: ['mem'] });
      rmSync(`${networksDirectory}/mem.json`, { force: true });
      const { status } = await attach([next]);
      expect(status.next?.interfaces['next-if']?.subnets).toEqual([
        { ipnet: next.subnets[0]?.gateway.replace(/1$/, '2/24'), gateway: next.subnets[0]?.gateway },
      ]);
      await settled(['c1'], ['next']);
      await detach(next);
      await settled([], []);
      native.removeNetns(`${netns}-2`);
    }
  });

  it('container.attach refuses at once a network in the place of one whose containers stay', async () => {
    writeFileSync(`${networksDirectory}/mem.json`, JSON.stringify(mem));
    await settled([], ['mem']);
    const next = { ...mem, name: 'next', id: 'c'.repeat(64), network_interface: 'next0' };
    /** Not when the wait for networks that are being left has ended. */
    const refusedAtOnce = async () => {
      const startedMs = performance.now();
      expect(await codeOf(attach([next]))).toBe('subnet.taken');
      expect(performance.now() - startedMs).toBeLessThan(2_000);
    };
    await refusedAtOnce();
    await attach([mem], { id: 'c2', path: `${netns}-2`, host: 3 });
    await refusedAtOnce();
    rmSync(`${networksDirectory}/mem.json`);
    await refusedAtOnce();
    await untilAnswered(async () => expect(existsSync(`${networksDirectory}/mem.json`)).toBe(true));
    await settled(['c2'], ['mem']);
    await lab.remove('c2');
    rmSync(`${networksDirectory}/mem.json`);
    native.removeNetns(`${netns}-2`);
  });

  it.each(['kept', 'dropped'])(
    'container.attach takes over the address and the host port of a container that has just left, its namespace %s',
    async (what) => {
      const second = `${netns}-2`;
      const ports = [{ hostPort: 8080, containerPort: 80, heldByCaller: true }];
      await attach([mem, other]);
      for (let round = 0; round < 3; round++) {
        await attach([mem], { id: 'c2', path: second, host: 3, ports });
        await lab.client.container.detach({ id: 'c2', networks: ['mem'] });
        if (what === 'dropped') native.removeNetns(second);
        const { status } = await attach([mem], { id: 'c3', path: `${netns}-3`, host: 3, ports });
        expect(status.mem?.interfaces['mem-if']?.subnets).toEqual([{ ipnet: '10.7.1.3/24', gateway: '10.7.1.1' }]);
        await lab.client.container.detach({ id: 'c3', networks: ['mem'] });
        // a running container takes them over as well
        const joined = { networks: [attachmentTo(mem, 3)], ports };
        await attach([other], { id: 'c4', path: `${netns}-4`, host: 4 });
        await attach([], { id: 'c4', path: `${netns}-4`, ...joined });
        await lab.client.container.detach({ id: 'c4', networks: ['mem', 'other'] });
      }
      await settled(['c1'], ['mem', 'other']);
      for (const which of [2, 3, 4]) native.removeNetns(`${netns}-${which}`);
    },
  );

  it('container.attach refuses at once what a container holds that stays', async () => {
    await attach([mem], { ports: [{ hostPort: 8080, containerPort: 80 }] });
    const started = Date.now();
    const ports = [{ hostPort: 8080, containerPort: 81 }];
    const refused = [{ host: 2 }, { host: 3, ports }].map((more) =>
      codeOf(attach([mem], { id: `c${more.host}`, path: `${netns}-${more.host}`, ...more })),
    );
    expect(await Promise.all(refused)).toEqual(['address.taken', 'port.taken']);
    expect(Date.now() - started).toBeLessThan(1_000);
    for (const which of [2, 3]) native.removeNetns(`${netns}-${which}`);
  });

  it('container.attach refuses an invalid definition before anything is built', async () => {
    expect(await codeOf(attach([{ ...mem, id: 'short' }]))).toBe('network.damaged');
    expect(await codeOf(attach([{ ...mem, driver: 'overlay' }]))).toBe('network.damaged');
    await settled([], []);
  });

  it('C02 container.attach forgets a refused container before the reply, and the network that it would have been the first to use', async () => {
    expect(await codeOf(attach([mem], { host: 1 }))).toBe('address.taken');
    expect((await lab.client.container.list()).containers).toEqual([]);
    await settled([], []);
    expect(linkNames()).not.toContain('mem0');
  });

  it('C02 container.attach forgets a container that the kernel refused, and accepts it again', async () => {
    const nowhere = `${netns}-none`;
    writeFileSync(nowhere, '');
    expect(await codeOf(attach([mem], { path: nowhere }))).toMatch(/^(kernel|netns)\./);
    expect((await lab.client.container.list()).containers).toEqual([]);
    await attach([mem]);
    expect(linksIn(netns)).toEqual(['lo', 'mem-if']);
    rmSync(nowhere);
  });

  it('container.attach keeps an earlier container when its attachment is refused', async () => {
    await lab.client.container.create({ id: 'c1', mode: 'none' });
    expect(await codeOf(attach([mem], { host: 1 }))).toBe('address.taken');
    expect(await view()).toMatchObject({ state: 'failed', lastFault: { code: 'address.taken' } });
  });

  it('container.attach takes down the former network of a container whose engine passes another namespace', async () => {
    await attach([mem]);
    const second = `${netns}-2`;
    await attach([mem], { path: second });
    expect(linksIn(second)).toEqual(['lo', 'mem-if']);
    expect(linksIn(netns)).toEqual(['lo']);
    await lab.remove('c1');
    native.removeNetns(second);
  });
});

describe('another namespace under the name of the former one', () => {
  it('a replaced namespace gets the network of the container, also while a process still lives in the former namespace', async () => {
    await attach([mem]);
    const aside = `${netns}-aside`;
    renameNetns(netns, aside);
    const { status } = await attach([mem]);
    expect(status.mem?.interfaces['mem-if']?.subnets).toEqual([{ ipnet: '10.7.1.2/24', gateway: '10.7.1.1' }]);
    expect(linksIn(netns)).toEqual(['lo', 'mem-if']);
    await untilAnswered(async () => expect(linksIn(aside)).toEqual(['lo']));
    native.removeNetns(aside);
  });
});

/** The namespace stays alive under another name. */
function renameNetns(from: string, to: string): void {
  writeFileSync(to, '');
  execFileSync('mount', ['--bind', from, to]);
  native.removeNetns(from);
}

describe('host ports that the caller holds', () => {
  const server = (port: number) =>
    new Promise<Server>((resolve, reject) => {
      const listening = createServer().on('error', reject);
      listening.listen(port, '0.0.0.0', () => resolve(listening));
    });
  const port = { hostPort: 8080, containerPort: 80, heldByCaller: true };

  it("a caller's host ports are published by netloom and not bound", async () => {
    const held = await server(8080);
    const { ports } = await attach([mem], { ports: [port] });
    expect(ports).toEqual([
      { protocol: 'tcp', hostIp: null, hostPort: 8080, containerPort: 80, range: 1, heldByCaller: true, families: [4] },
    ]);
    held.close();
  });

  it("a caller's host ports are not bound by a restarted daemon either", async () => {
    await attach([mem], { ports: [port] });
    await lab.restart('kill');
    const held = await server(8080);
    held.close();
    await lab.facts.event('container/c1 adopted');
    expect(lab.facts.of('node', 'testnode')).not.toContain('port-lost');
  });

  it("a caller's host ports are refused to other containers meanwhile", async () => {
    await attach([mem], { ports: [port] });
    const second = lab.client.container.setup({
      id: 'c2',
      networks: [{ network: 'mem' }],
      ports: [{ hostPort: 8080, containerPort: 80 }],
    });
    expect(await codeOf(second)).toBe('port.taken');
  });

  it("a caller's host ports must have a port number", async () => {
    expect(await codeOf(attach([mem], { ports: [{ containerPort: 80, heldByCaller: true }] }))).toBe('port.invalid');
  });
});

describe('container.detach', () => {
  it('container.detach tears down and forgets a container that leaves its last network, and removes the network', async () => {
    await attach([mem]);
    await detach(mem);
    await settled([], []);
    expect(linkNames()).not.toContain('mem0');
    expect(linksIn(netns)).toEqual(['lo']);
    await untilAnswered(async () =>
      expect(lab.facts.of('container', 'c1').slice(-3)).toEqual(['tearing-down', 'torn-down', 'removed']),
    );
  });

  it('container.detach removes a container from one of several networks', async () => {
    await attach([mem, other]);
    await detach(mem);
    expect(linksIn(netns)).toEqual(['lo', 'other-if']);
    await settled(['c1'], ['other']);
  });

  it('container.detach succeeds when the container is unknown, or not on the network', async () => {
    expect(await detach(mem)).toEqual({ id: 'c1' });
    await attach([mem]);
    await detach(other);
    expect(linksIn(netns)).toEqual(['lo', 'mem-if']);
  });

  it('C02 container.detach succeeds when another detach forgets the container meanwhile', async () => {
    await attach([mem]);
    expect(await Promise.all([detach(mem), detach(mem), detach(mem)])).toEqual(Array(3).fill({ id: 'c1' }));
    await settled([], []);
  });

  it('C02 container.detach succeeds after a refused set-up', async () => {
    const ports = [{ hostIp: '::1', hostPort: 8080, containerPort: 80 }];
    expect(await codeOf(attach([mem], { ports }))).toBe('mode.conflict');
    expect(await detach(mem)).toEqual({ id: 'c1' });
    await settled([], []);
  });

  it('container.detach does not touch a container that has another namespace by now', async () => {
    await attach([mem]);
    await lab.client.container.detach({ id: 'c1', networks: ['mem'], netns: '/run/netns/former' });
    expect(linksIn(netns)).toEqual(['lo', 'mem-if']);
  });

  it('container.detach takes the address from a namespace that is still used, and forgets a container whose namespace went first', async () => {
    await attach([mem]);
    await detach(mem);
    expect(ipWithin(netns, '-4', 'address', 'show').map(({ ifname }) => ifname)).toEqual(['lo']);
    await settled([], []);
    await attach([mem]);
    native.removeNetns(netns);
    await untilAnswered(async () => expect((await view()).state).toBe('created'));
    await detach(mem);
    await settled([], []);
  });

  it('container.detach allows the same container to be attached again at once', async () => {
    await attach([mem]);
    for (let round = 0; round < 5; round++) {
      await detach(mem);
      await attach([mem]);
    }
    expect(linksIn(netns)).toEqual(['lo', 'mem-if']);
  });
});

describe('a network defined by a caller', () => {
  it("a caller's network stays when a file with its definition appears meanwhile", async () => {
    await attach([mem]);
    writeFileSync(`${networksDirectory}/mem.json`, JSON.stringify(mem));
    // a damaged file is reported by the same pass
    writeFileSync(`${networksDirectory}/zzz.json`, '{');
    await untilAnswered(async () => expect((await lab.client.network.list()).damaged).toHaveLength(1));
    await detach(mem);
    await settled([], ['mem']);
    rmSync(`${networksDirectory}/zzz.json`);
    rmSync(`${networksDirectory}/mem.json`);
    await settled([], []);
  });

  it("a caller's network changes its name servers without a file", async () => {
    await attach([mem]);
    await lab.client.network.update({ name: 'mem', dnsServers: ['9.9.9.9'] });
    expect((await lab.client.network.inspect({ name: 'mem' })).network.network_dns_servers).toEqual(['9.9.9.9']);
    expect(readdirSync(networksDirectory)).toEqual([]);
  });
});

describe('teardowns recorded while no daemon runs', () => {
  let left = 0;
  const leave = (request: object) => {
    const directory = `${lab.daemon.runDirectory}/teardowns`;
    mkdirSync(directory, { recursive: true });
    const file = `${directory}/${left++}`;
    // written atomically, as the door does
    writeFileSync(`${file}.new`, JSON.stringify(request));
    renameSync(`${file}.new`, `${file}.json`);
    return directory;
  };

  it('recorded teardowns are carried out by the next daemon before it answers', async () => {
    await attach([mem]);
    await lab.restart('stop', () => leave({ id: 'c1', networks: ['mem'], netns }));
    await settled([], []);
    expect(readdirSync(`${lab.daemon.runDirectory}/teardowns`)).toEqual([]);
    expect(linksIn(netns)).toEqual(['lo']);
  });

  it('recorded teardowns are carried out by a running daemon as well', async () => {
    await attach([mem]);
    const directory = leave({ id: 'c1', networks: ['mem'], netns });
    await settled([], []);
    await untilAnswered(async () => expect(readdirSync(directory)).toEqual([]));
  });

  it('recorded teardowns are dropped when they are empty', async () => {
    const directory = leave({ nonsense: true });
    await untilAnswered(async () => expect(readdirSync(directory)).toEqual([]));
  });
});
