import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as native from '#native';
import type { ContainerStatus } from '../../src/contract/container-replies.ts';
import { hostVethName, kernelName } from '../../src/core/object-names.ts';
import { cli, netloom } from '../cli/netloom.ts';
import { runDoor } from '../doors/door.ts';
import { untilAnswered } from '../support/daemon.ts';
import { ipWithin, linkNames, nftElements } from '../support/fresh-host.ts';
import { codeOf, Lab } from '../support/lab.ts';
import { namesWithin } from '../support/names-within.ts';
import { ipBatch } from '../support/other-host.ts';

/** Names as podman allows them: with dots, and as long as the name of a file can be. */

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.clear());
afterAll(() => lab.close());

const call = (...args: string[]) => cli('--run-dir', lab.daemon.runDirectory, ...args);
const factsOf = (output: string) => output.split('\n').map((line) => JSON.parse(line).type.split('.').at(-1));
const bridgeOf = async (name: string) =>
  (await lab.client.network.inspect({ name })).network.network_interface as string;
const serversOf = ({ status }: Pick<ContainerStatus, 'status'>, network: string) =>
  status[network]?.dns_server_ips as string[];
const addressesOf = ({ status }: Pick<ContainerStatus, 'status'>, network: string) =>
  Object.values(status[network]?.interfaces ?? {})[0]?.subnets.map(({ ipnet }) => ipnet.split('/')[0]) as string[];
const comesBack = (there: () => boolean) => expect.poll(there, { timeout: 10_000 }).toBe(true);
const has = (kind: 'map' | 'set', set: string) => nftElements(kind, set).length > 0;

const dotted = { network: 'my.net', container: 'app.example', other: 'app.other' };
const long = {
  network: `net${'.x'.repeat(123)}9`,
  container: `app-${'y'.repeat(246)}`,
  other: `app-${'y'.repeat(245)}z`,
};

describe.each([
  ['with dots', dotted],
  ['of 250 characters', long],
])('a network and containers with names %s', (_, { network, container, other }) => {
  let status: ContainerStatus;
  beforeEach(async () => {
    await lab.client.network.create({ name: network, ipv6_enabled: true });
    const ports = [{ hostPort: 8080, containerPort: 80 }];
    status = await lab.client.container.setup({ id: container, name: 'front', networks: [{ network }], ports });
    await lab.client.container.setup({ id: other, networks: [{ network, aliases: ['back.end'] }] });
  });

  it('long and dotted names are created, shown, followed, and found by name', async () => {
    expect((await lab.client.network.inspect({ name: network })).network.leases).toHaveProperty([container]);
    expect((await lab.client.container.inspect({ id: container })).container.id).toBe(container);
    expect(JSON.parse((await call('network', 'inspect', network)).stdout)).toMatchObject([{ name: network }]);
    expect(JSON.parse((await call('inspect', container, '--json')).stdout).container.attachments[0].network).toBe(
      network,
    );
    expect(factsOf((await call('events', '--network', network, '--json')).stdout)).toEqual(['created', 'configured']);
    const printed = (await call('events', '--container', container, '--json')).stdout;
    expect(factsOf(printed)).toEqual(['created', 'netns-ready', 'configured']);
    expect(JSON.parse(printed.split('\n')[0] as string)).toMatchObject({
      subject: container,
      source: `/netloom/testnode/container/${container}`,
    });
    const back = (await lab.client.container.inspect({ id: other })).container;
    for (const server of serversOf(status, network))
      expect(namesWithin(status.netns.path, server, ['back.end', 'back.end.dns.netloom', 'front'])).toEqual([
        addressesOf(back, network),
        addressesOf(back, network),
        addressesOf(status, network),
      ]);
  });

  it('long and dotted names are healed, adopted by the next daemon, and not reported as leftovers', async () => {
    const [veth, bridge] = [hostVethName(container, network), await bridgeOf(network)];
    const isWhole = () => [veth, bridge].every((name) => linkNames().includes(name));
    const addresses = () =>
      ipWithin<{ addr_info: { local: string; scope: string }[] }[]>(status.netns.path, 'address', 'show', 'dev', 'eth0')
        .flatMap(({ addr_info }) => addr_info)
        .flatMap(({ local, scope }) => (scope === 'global' ? local : []));
    for (const link of [veth, bridge]) {
      ipBatch(null, [`link delete ${link}`]);
      await comesBack(isWhole);
    }
    execFileSync('nft', ['delete', 'element', 'inet', 'netloom', 'published_any4', '{ tcp . 8080 }']);
    await comesBack(() => has('map', 'published_any4'));
    execFileSync('nft', ['flush', 'set', 'inet', 'netloom', 'network_links']);
    await comesBack(() => has('set', 'network_links'));
    expect(JSON.stringify(nftElements('set', 'network_links'))).toContain(`"network/${kernelName(network)}"`);
    execFileSync('nsenter', [`--net=${status.netns.path}`, 'ip', 'address', 'flush', 'dev', 'eth0']);
    await comesBack(() => addresses().length === 2);
    expect(addresses().sort()).toEqual(addressesOf(status, network).sort());
    for (const what of [`container/${container}`, `network/${network}`]) await lab.facts.event(`${what} drift-healed`);

    await lab.restart('kill');
    await lab.facts.event(`container/${container} adopted`);
    await lab.facts.event(`network/${network} adopted`);
    const pinned = [container, other].map((name) => `netloom-${kernelName(name)}`);
    expect(readdirSync(lab.daemon.netnsDirectory).sort()).toEqual(pinned.sort());
    const lost = `${lab.daemon.netnsDirectory}/netloom-${kernelName(`${container.slice(0, -1)}-`)}`;
    native.createNetns(lost).socket.close();
    expect(JSON.parse((await call('gc', '--dry-run', '--json')).stdout)).toMatchObject({
      leftovers: [{ kind: 'namespace', name: lost }],
      doubtful: [],
    });
    native.removeNetns(lost);
    expect(linkNames()).toEqual(
      expect.arrayContaining([hostVethName(container, network), hostVethName(other, network), await bridgeOf(network)]),
    );
  });

  it('long and dotted names accept changes while up: connect, disconnect, publish, update, forced removal', async () => {
    const second = `${network.slice(0, -1)}2`;
    await lab.client.network.create({ name: second, internal: true });
    await lab.client.container.connect({ id: container, network: second });
    await lab.client.container.publish({ id: other, ports: [{ hostPort: 8081, containerPort: 80 }] });
    await lab.client.network.update({ name: network, options: { inbound: 'open' } });
    const { container: shown } = await lab.client.container.inspect({ id: container });
    expect(Object.keys(shown.status)).toEqual([network, second]);
    await lab.client.container.disconnect({ id: container, network });
    await lab.client.network.remove({ name: network, force: true });
    const { networks } = await lab.client.network.list();
    expect(networks.map(({ name, leases }) => [name, Object.keys(leases)])).toEqual([[second, [container]]]);
  });
});

describe('the command line', () => {
  it('the command line accepts names with dots, with settings and in lists', async () => {
    expect(await call('network', 'create', 'a.b', '--subnet', '10.88.0.0/24')).toMatchObject({ stdout: 'a.b' });
    expect(await call('network', 'create', 'c.d')).toMatchObject({ stdout: 'c.d' });
    const one = ['container', 'setup', 'one.x', '--network', 'a.b:ip=10.88.0.9,alias=shop.example', '--network', 'c.d'];
    expect(await call(...one)).toMatchObject({ exitCode: 0 });
    const two = ['run', '--name', 'two.x', '--network', 'a.b,c.d', '--', 'true'];
    expect(await netloom(lab.daemon, two)).toMatchObject({ exitCode: 0 });
    const { status } = (await lab.client.container.inspect({ id: 'one.x' })).container;
    expect(addressesOf({ status }, 'a.b')).toEqual(['10.88.0.9']);
    await lab.facts.event('container/two.x removed');
    expect(await call('network', 'disconnect', 'c.d', 'one.x')).toMatchObject({ exitCode: 0 });
    expect((await call('events', '--container', 'two.x')).stdout).toContain('container/two.x');
    expect(await call('container', 'rm', 'one.x')).toMatchObject({ exitCode: 0 });
    await lab.settled();
    expect(await call('network', 'rm', 'a.b', 'c.d')).toMatchObject({ exitCode: 0, stdout: 'a.b\nc.d' });
  });
});

describe('a foreign link', () => {
  beforeEach(() =>
    ipBatch(null, [
      ...['link add up0 type veth peer name up0x', 'link set up0x up', 'link set up0 up'],
      ...['link add br0 type bridge', 'address add 10.66.0.1/24 dev br0', 'link set br0 up'],
    ]),
  );
  afterEach(async () => {
    await lab.empty();
    ipBatch(null, ['link delete up0', 'link delete br0']);
  });

  it.each([
    ['macvlan', { driver: 'macvlan', network_interface: 'up0' }],
    ['bridge', { network_interface: 'br0', options: { mode: 'unmanaged' } }],
  ])(
    'a foreign link carries a network with a long name (%s), and the end of a namespace is noticed',
    async (driver, more) => {
      const name = `${driver}${'.lan'.repeat(60)}`;
      await lab.client.network.create({ name, subnets: [{ subnet: '10.66.0.0/24' }], ...more });
      const id = `c.${'z'.repeat(248)}`;
      const { netns } = await lab.client.container.setup({ id, name: 'c', networks: [{ network: name }] });
      native.removeNetns(netns.path);
      await lab.facts.event(`container/${id} lost`);
      await lab.facts.event(`container/${id} torn-down`);
      await lab.settled();
      lab.facts.events.splice(0);
    },
  );
});

describe('names of an older version', () => {
  it('names that begin with _ or - are served and removed, but not created again', async () => {
    const { directories } = await lab.client.info();
    const made = (await lab.client.network.create({ name: 'model' })).definition;
    await lab.client.network.remove({ name: 'model' });
    for (const [index, name] of ['_old', '-old'].entries()) {
      const definition = { ...made, name, id: `${index}`.repeat(64), network_interface: `old${index}` };
      writeFileSync(`${directories.networks}/${name}.json`, JSON.stringify(definition));
      await lab.facts.event(`network/${name} created`);
      await lab.client.container.setup({ id: `${name}er`, networks: [{ network: name }] });
      await lab.restart('kill');
      expect((await lab.client.container.inspect({ id: `${name}er` })).container.state).toBe('configured');
      await lab.remove(`${name}er`);
      await lab.client.network.remove({ name });
      expect(await codeOf(lab.client.network.create({ name }))).toBe('name.invalid');
    }
  });
});

describe("podman's door", () => {
  it.each([
    ['my.net', 'my.app'],
    [long.network, long.container],
  ])("podman's door sets up and tears down a container on %s", async (network, name) => {
    const netns = `${lab.directory.path}/engine`;
    native.createNetns(netns).socket.close();
    const definition = {
      name: network,
      id: '3'.repeat(64),
      driver: 'bridge',
      network_interface: 'podman1',
      created: '2026-01-01T00:00:00Z',
      subnets: [{ subnet: '10.89.0.0/24', gateway: '10.89.0.1' }],
      ipv6_enabled: false,
      internal: false,
      dns_enabled: true,
      ipam_options: { driver: 'host-local' },
    };
    const input = {
      container_id: '4'.repeat(64),
      container_name: name,
      networks: { [network]: { static_ips: ['10.89.0.2'], aliases: ['444444444444'], interface_name: 'eth0' } },
      network_info: { [network]: definition },
    };
    const callDoor = (...args: string[]) =>
      runDoor(['--config', '/run/containers/networks', ...args], {
        env: { NETLOOM_RUN_DIR: lab.daemon.runDirectory },
        input,
      });
    const { code, stdout } = await callDoor('setup', netns);
    expect({ code, networks: Object.keys(JSON.parse(stdout)) }).toEqual({ code: 0, networks: [network] });
    expect((await call('inspect', name, '--json')).exitCode).toBe(0);
    expect(await callDoor('update', network, '--network-dns-servers', '9.9.9.9')).toMatchObject({
      code: 0,
      stdout: '',
    });
    // without the daemon it waits on disk
    await lab.end('stop');
    expect(await callDoor('teardown', netns)).toMatchObject({ code: 0, stdout: '' });
    native.removeNetns(netns);
    await lab.start();
    await untilAnswered(async () => expect((await lab.client.network.list()).networks).toEqual([]));
  });
});

/** The names of properties that every JavaScript object inherits. */
const inherited = ['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'isPrototypeOf'];

it('containers and networks with names that every object inherits are like any others, also after a restart', async () => {
  const ids = [...inherited, '__proto__'];
  for (const [index, name] of inherited.entries())
    await lab.client.network.create({ name, subnets: [{ subnet: `10.9${index}.0.0/24` }] });
  await expect(
    lab.client.container.setup({ id: 'nowhere', networks: [{ network: '__proto__' }] }),
  ).rejects.toMatchObject({ fault: { code: 'network.unknown' } });
  await lab.client.container.remove({ id: 'nowhere' }).catch((error) => expect(error.code).toBe('container.unknown'));
  const setup = (id: string, index: number) =>
    lab.client.container.setup({
      id,
      networks: [{ network: 'constructor' }, { network: 'toString' }],
      ports: [{ hostPort: 8080 + index, containerPort: 80 }],
    });
  for (const [index, id] of ids.entries()) {
    const status = await setup(id, index);
    expect(Object.keys(status.status).sort()).toEqual(['constructor', 'toString']);
    expect(addressesOf(status, 'constructor')).toEqual([`10.90.0.${index + 2}`]);
    if (index === 2) await lab.restart('kill');
  }
  await lab.client.container.disconnect({ id: 'valueOf', network: 'toString' });
  await lab.client.container.unpublish({ id: '__proto__', ports: [{ hostPort: 8085, containerPort: 80 }] });
  for (const option of inherited)
    await expect(lab.client.network.create({ name: 'other', options: { [option]: '1' } })).rejects.toMatchObject({
      fault: { code: 'payload.invalid', message: expect.stringContaining(`unknown option ${option}`) },
    });
  for (const id of ids) await lab.client.container.remove({ id });
  await lab.settled();
  for (const name of inherited) await lab.client.network.remove({ name });
  await lab.empty();
});
