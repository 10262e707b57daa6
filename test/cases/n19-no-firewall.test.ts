import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { runDoor } from '../doors/door.ts';
import { untilAnswered } from '../support/daemon.ts';
import { codeOf, Lab, refusal } from '../support/lab.ts';
import { hostAddress, ipBatch, OtherHost, otherAddress } from '../support/other-host.ts';
import type { Peer } from '../support/peer.ts';

// podman's firewall_driver: with `none` its user makes all rules.

const web = {
  name: 'web',
  id: '7'.repeat(64),
  driver: 'bridge',
  network_interface: 'podman7',
  created: '2026-01-01T00:00:00Z',
  subnets: [
    { subnet: '10.79.0.0/24', gateway: '10.79.0.1' },
    { subnet: 'fd00:79::/64', gateway: 'fd00:79::1' },
  ],
  ipv6_enabled: true,
  internal: false,
  dns_enabled: true,
  options: { isolate: 'strict' },
  ipam_options: { driver: 'host-local' },
};

let lab: Lab;
let other: OtherHost;
let neighbour: Peer;
beforeAll(async () => {
  lab = await Lab.open();
  other = new OtherHost(lab.directory.path);
  other.routeHere('10.79.0.0/24', 'fd00:79::/64');
  neighbour = lab.peers.in(other.netns, 'neighbour');
  expect(await neighbour.serve('tcp', 7000)).toBe('ready');
});
afterEach(async () => {
  await untilAnswered(async () => expect((await lab.client.container.list()).containers).toEqual([]));
});
afterAll(async () => {
  await lab.peers.end();
  other.remove();
  await lab.close();
});

interface Container {
  netns: string;
  input: unknown;
}

function containerAt(host: number): Container {
  const netns = `${lab.directory.path}/c${host}`;
  native.createNetns(netns).socket.close();
  return {
    netns,
    input: {
      container_id: `${host}`.repeat(64).slice(0, 64),
      container_name: `c${host}`,
      port_mappings: [{ host_ip: '', container_port: 80, host_port: 8000 + host, range: 1, protocol: 'tcp' }],
      networks: { web: { static_ips: [`10.79.0.${host}`, `fd00:79::${host}`], interface_name: 'eth0' } },
      network_info: { web },
    },
  };
}

const door = (verb: string, { netns, input }: Container, env: Record<string, string> = {}, ...flags: string[]) =>
  runDoor([...flags, verb, netns], { env: { NETLOOM_RUN_DIR: lab.daemon.runDirectory, ...env }, input });

async function setUp(host: number, env: Record<string, string>): Promise<Container> {
  const container = containerAt(host);
  expect(await door('setup', container, env)).toMatchObject({ code: 0, stderr: '' });
  return container;
}

async function tearDown(container: Container): Promise<void> {
  expect(await door('teardown', container)).toMatchObject({ code: 0, stdout: '' });
  native.removeNetns(container.netns);
}

/** The sets that hold an element of the network or of a container. */
function owned(): string[] {
  const listed = ['inet', 'bridge'].flatMap(
    (family) =>
      JSON.parse(execFileSync('nft', ['-j', 'list', 'table', family, 'netloom'], { encoding: 'utf8' })).nftables,
  );
  return listed.flatMap(({ set, map }) => {
    const found = set ?? map;
    return /"comment": ?"(network|container)\//.test(JSON.stringify(found?.elem ?? [])) ? [found.name] : [];
  });
}

const none = { NETAVARK_FW: 'none' };
/** The rules that let traffic pass, and lead DNS queries from the gateway to the resolver. */
const exemptions = ['same_link', 'network_links', 'open_links', 'resolver4', 'resolver6'].sort();

/** Checks that it is not masqueraded, not forwarded, not guarded: as without any firewall. */
async function expectNoRules(host: number, server: Peer): Promise<void> {
  expect(owned().sort()).toEqual(exemptions);
  for (const [family, address] of [
    [4, `10.79.0.${host}`],
    [6, `fd00:79::${host}`],
  ] as const) {
    expect(await neighbour.reach('tcp', address, 80)).toBe(`c:80 sees ${otherAddress[family]}`);
    expect(await server.reach('tcp', otherAddress[family], 7000)).toBe(`neighbour:7000 sees ${address}`);
    expect(await neighbour.reach('tcp', hostAddress[family], 8000 + host, 700)).toBe('ECONNREFUSED');
  }
}

async function expectRules(host: number, server: Peer): Promise<void> {
  for (const family of [4, 6] as const) {
    expect(await neighbour.reach('tcp', hostAddress[family], 8000 + host)).toContain('c:80');
    expect(await server.reach('tcp', otherAddress[family], 7000)).toBe(`neighbour:7000 sees ${hostAddress[family]}`);
  }
  expect(await neighbour.reach('tcp', `10.79.0.${host}`, 80, 700)).toBe('silence');
  expect(owned()).toEqual(expect.arrayContaining(['subnets4', 'strict_links', 'published_any4', 'held_links']));
}

async function serving(container: Container): Promise<Peer> {
  const server = lab.peers.in(container.netns, 'c');
  expect(await server.serve('tcp', 80)).toBe('ready');
  return server;
}

it('N19 without a firewall nothing is masqueraded, forwarded or guarded: at set-up, after a flush, a reload and a restart', async () => {
  const container = await setUp(2, none);
  const server = await serving(container);
  await expectNoRules(2, server);
  const id = '2'.repeat(64);
  const { container: shown } = await lab.client.container.inspect({ id });
  expect(shown.ports).toMatchObject([{ hostPort: 8002, containerPort: 80 }]);
  expect((await lab.client.network.inspect({ name: 'web' })).network.firewall).toBe('none');
  await lab.client.container.reload({ id });
  await expectNoRules(2, server);
  execFileSync('nft', ['flush', 'ruleset']);
  await untilAnswered(async () => expect(owned().sort()).toEqual(exemptions));
  await expectNoRules(2, server);
  await lab.restart('kill');
  await untilAnswered(async () => expect(owned().sort()).toEqual(exemptions));
  await expectNoRules(2, server);
  // the user's own rules apply
  execFileSync('nft', ['-f', '-'], {
    input: `table ip mine { chain post { type nat hook postrouting priority 100; ip saddr 10.79.0.0/24 oifname "up0" masquerade; }; }`,
  });
  expect(await server.reach('tcp', otherAddress[4], 7000)).toBe(`neighbour:7000 sees ${hostAddress[4]}`);
  execFileSync('nft', ['delete', 'table', 'ip', 'mine']);
  // addresses are not checked here
  ipBatch(container.netns, ['address add 10.79.0.77/24 dev eth0']);
  expect(await neighbour.reach('tcp', '10.79.0.77', 80)).toContain('c:80');
  await tearDown(container);
});

/** Runs with a file of the network, which stays while containers come and go. */
async function withFile(run: () => Promise<void>): Promise<void> {
  const { directories } = await lab.client.info();
  const file = `${directories.networks}/web.json`;
  writeFileSync(file, JSON.stringify(web));
  try {
    await untilAnswered(() => lab.client.network.inspect({ name: 'web' }));
    await run();
  } finally {
    rmSync(file);
    await untilAnswered(async () => expect((await lab.client.network.list()).networks).toEqual([]));
  }
}

it('N19 the first container decides about rules, also on a network that stays up; later ones follow the network', () =>
  withFile(async () => {
    const first = await setUp(3, {});
    const before = await serving(first);
    await expectRules(3, before);
    const beside = await setUp(4, none);
    await expectRules(3, before);
    await expectRules(4, await serving(beside));
    await tearDown(beside);
    await tearDown(first);
    await lab.settled();
    const second = await setUp(5, none);
    await expectNoRules(5, await serving(second));
    await tearDown(second);
    await lab.settled();
    const third = await setUp(6, { NETAVARK_FW: 'nftables' });
    await expectRules(6, await serving(third));
    await tearDown(third);
    expect(JSON.stringify((await lab.client.network.inspect({ name: 'web' })).network)).not.toContain('firewall');
  }));

it('N19 a container of netloom has rules after an engine without rules has left, and its ports are refused beside one', () =>
  withFile(async () => {
    const ofNetloom = (id: string, ports = [{ hostPort: 8200, containerPort: 80 }]) =>
      lab.client.container.setup({ id, networks: [{ network: 'web' }], ports });
    const engines = await setUp(8, none);
    expect(await refusal(ofNetloom('ours'))).toMatchObject({
      code: 'mode.conflict',
      message: expect.stringMatching(
        /^8200->80\/tcp leads nowhere: network web has no firewall rules: .*firewall none/,
      ),
    });
    await ofNetloom('ours', []);
    expect(
      await codeOf(lab.client.container.publish({ id: 'ours', ports: [{ hostPort: 8200, containerPort: 80 }] })),
    ).toBe('mode.conflict');
    await lab.remove('ours');
    // an engine that holds its ports is refused: it could not take them back
    const beside = await setUp(9, {});
    const { data } = await lab.facts.event(`container/${'9'.repeat(64)} port-unreachable`);
    expect(data).toMatchObject({ cause: 'firewall', ports: [{ hostPort: 8009 }] });
    expect(owned().sort()).toEqual(exemptions);
    await tearDown(beside);
    await tearDown(engines);
    await lab.settled();
    const { netns } = await ofNetloom('ours');
    const server = lab.peers.in(netns.path, 'c');
    expect(await server.serve('tcp', 80)).toBe('ready');
    expect(await neighbour.reach('tcp', hostAddress[4], 8200)).toContain('c:80');
    expect(owned()).toEqual(expect.arrayContaining(['subnets4', 'strict_links', 'published_any4', 'held_links']));
    await lab.remove('ours');
  }));

it('N19 the first container after the bridge was closed to loopback, or degraded, decides about its rules', () =>
  withFile(async () => {
    const first = await setUp(3, {});
    await expectRules(3, await serving(first));
    // its port is on loopback: when it ends, the bridge stops routing these addresses, while the next one comes
    const second = containerAt(4);
    const [ended, begun] = await Promise.all([door('teardown', first), door('setup', second, none)]);
    expect([ended.code, begun.code]).toEqual([0, 0]);
    native.removeNetns(first.netns);
    await tearDown(second);
    await lab.settled();
    const third = await setUp(5, none);
    await expectNoRules(5, await serving(third));
    await tearDown(third);
    await lab.settled();

    lab.daemon.paused(() => ipBatch(null, ['link delete podman7', 'link add podman7 type veth peer name podman7x']));
    await lab.facts.event('network/web degraded');
    ipBatch(null, ['link delete podman7']);
    const fourth = await setUp(6, {});
    await expectRules(6, await serving(fourth));
    await tearDown(fourth);
  }));

it('N19 a network file cannot disable the firewall: its field is reported, and the network is not served', async () => {
  const { directories } = await lab.client.info();
  const file = `${directories.networks}/web.json`;
  for (const more of [{ firewall: 'none' }, { dns_port: 5353 }]) {
    writeFileSync(file, JSON.stringify({ ...web, ...more }));
    const reason = `${Object.keys(more)[0]}: cannot be set in a file; an engine sets it with each container`;
    await untilAnswered(async () =>
      expect((await lab.client.network.list()).damaged).toEqual([{ file: 'web.json', reason }]),
    );
    expect(await refusal(lab.client.network.inspect({ name: 'web' }))).toMatchObject({ code: 'network.damaged' });
  }
  rmSync(file);
  await untilAnswered(async () => expect((await lab.client.network.list()).damaged).toEqual([]));
});

it('N19 every driver of netavark is accepted, an option overrides the environment, and any other driver is refused', async () => {
  const container = containerAt(7);
  for (const [env, flags] of [
    [{ NETAVARK_FW: 'iptables' }, []],
    [{ NETAVARK_FW: 'firewalld' }, []],
    [{ NETAVARK_FW: '' }, []],
    [{ NETAVARK_FW: 'none' }, ['--firewall-driver', 'NFTables']],
  ] as [Record<string, string>, string[]][]) {
    expect(await door('setup', container, env, ...flags)).toMatchObject({ code: 0 });
    expect(owned()).toContain('subnets4');
    expect(await door('teardown', container, env, ...flags)).toMatchObject({ code: 0 });
    await untilAnswered(async () => expect((await lab.client.container.list()).containers).toEqual([]));
  }
  expect(await door('setup', container, {}, '--firewall-driver=NONE')).toMatchObject({ code: 0 });
  expect(owned().sort()).toEqual(exemptions);
  expect(await door('teardown', container)).toMatchObject({ code: 0 });
  await untilAnswered(async () => expect((await lab.client.container.list()).containers).toEqual([]));
  const refused = await door('setup', container, { NETAVARK_FW: 'pf' });
  expect([refused.code, JSON.parse(refused.stdout).error]).toEqual([
    1,
    expect.stringMatching(/^Must provide a valid firewall backend, got pf: .*none$/),
  ]);
  expect((await lab.client.container.list()).containers).toEqual([]);
  // an existing container goes all the same
  expect(await door('teardown', container, { NETAVARK_FW: 'pf' })).toMatchObject({ code: 0 });
  native.removeNetns(container.netns);
});
