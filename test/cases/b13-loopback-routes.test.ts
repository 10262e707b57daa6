import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import { untilAnswered } from '../support/daemon.ts';
import { Lab } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

// route_localnet of a bridge lets the host reach published ports by 127.0.0.1. Without the ruleset that forbids it, a container
// reaches the host's 127.0.0.1 as well. So it is set only while such a port is published.

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterEach(() => lab.clear());
afterAll(() => lab.close());

const routes = (bridge: string) => native.getSysctl(null, `net.ipv4.conf.${bridge}.route_localnet`);
const isClosed = (bridge: string) => untilAnswered(async () => expect(routes(bridge)).toBe('0'));

async function network(name: string, subnet: string, more = {}): Promise<string> {
  const { definition } = await lab.client.network.create({ name, subnets: [{ subnet }], ...more });
  return definition.network_interface as string;
}

/** The host's loopback stays private: neither its own name nor the gateway's MAC address reaches it. */
async function reachesLoopback(netns: string, gateway: string): Promise<boolean> {
  for (const key of ['all', 'eth0']) native.setSysctl(netns, `net.ipv4.conf.${key}.route_localnet`, '1');
  ipBatch(netns, ['address delete 127.0.0.1/8 dev lo', `route add 127.0.0.1 via ${gateway} dev eth0`]);
  const attacker = lab.peers.in(netns, 'attacker');
  return (await attacker.reach('tcp', '127.0.0.1', 7777, 300)).startsWith('host:7777');
}

it("B13 a container cannot reach the host's loopback after a flush while no daemon runs", async () => {
  const bridge = await network('net', '10.80.0.0/24');
  const { netns } = await lab.client.container.setup({ id: 'web', networks: [{ network: 'net' }] });
  const host = lab.peers.in(null, 'host');
  await host.serve('tcp', 7777, '127.0.0.1');
  expect(routes(bridge)).toBe('0');
  await lab.restart('kill', async () => {
    execFileSync('nft', ['flush', 'ruleset']);
    expect(await reachesLoopback(netns.path, '10.80.0.1')).toBe(false);
    // the attack is real: it works with the setting that netloom used to set on every bridge
    native.setSysctl(null, `net.ipv4.conf.${bridge}.route_localnet`, '1');
    const attacker = lab.peers.in(netns.path, 'again');
    expect(await attacker.reach('tcp', '127.0.0.1', 7777, 2_000)).toMatch(/^host:7777/);
  });
  // an actor that finds it open with nothing published closes it
  await isClosed(bridge);
});

it('B13 route_localnet is set exactly while a port reachable by 127.0.0.1 leads into the network', async () => {
  const bridge = await network('net', '10.80.0.0/24');
  const beside = await network('beside', '10.81.0.0/24');
  const networks = [{ network: 'net' }, { network: 'beside' }];
  const web = { hostPort: 8080, containerPort: 80 };
  const { netns } = await lab.client.container.setup({ id: 'web', networks, ports: [web] });
  await lab.peers.in(netns.path, 'web').serve('tcp', 80);
  const host = lab.peers.in(null, 'host');
  expect(await host.reach('tcp', '127.0.0.1', 8080)).toMatch(/^web:80/);
  expect([routes(bridge), routes(beside)]).toEqual(['1', '0']);

  await lab.client.container.unpublish({ id: 'web', ports: [web] });
  await isClosed(bridge);
  await lab.client.container.publish({ id: 'web', ports: [{ ...web, hostIp: '127.0.0.1' }] });
  expect(await host.reach('tcp', '127.0.0.1', 8080)).toMatch(/^web:80/);
  await lab.client.container.disconnect({ id: 'web', network: 'net' });
  await isClosed(bridge);
  expect(await host.reach('tcp', '127.0.0.1', 8080)).toMatch(/^web:80/);
  expect(routes(beside)).toBe('1');
  await lab.client.container.connect({ id: 'web', network: 'net' });
  await lab.remove('web');
  await isClosed(beside);
});

it.each([
  ['published on an address of the host', { hostIp: '192.0.2.1' }, {}],
  ['published on IPv6 only', { hostIp: '::' }, {}],
  ['of an internal network', {}, { internal: true }],
] as const)('B13 route_localnet stays off for a port that is %s', async (_what, port, more) => {
  ipBatch(null, ['address add 192.0.2.1/32 dev lo']);
  const subnets = [{ subnet: '10.80.0.0/24' }, { subnet: 'fd00:80::/64' }];
  const bridge = await network('net', '10.80.0.0/24', { ...more, subnets });
  const ports = [{ hostPort: 8080, containerPort: 80, ...port }];
  await lab.client.container.setup({ id: 'web', networks: [{ network: 'net' }], ports });
  expect(routes(bridge)).toBe('0');
  await lab.remove('web');
  ipBatch(null, ['address delete 192.0.2.1/32 dev lo']);
});

it('B13 a successor is reachable at once, however often the container changes', async () => {
  const bridge = await network('net', '10.80.0.0/24');
  const host = lab.peers.in(null, 'host');
  for (let round = 0; round < 10; round++) {
    const ports = [{ hostPort: 8080, containerPort: 80 }];
    const wish = { id: `web${round}`, networks: [{ network: 'net' }], ports };
    // a removal is answered before the host knows that the port is free
    await untilAnswered(() => lab.client.container.plan(wish));
    const { netns } = await lab.client.container.setup(wish);
    // no server listens inside: an immediate refusal takes a way there and back
    expect(await host.reach('tcp', '127.0.0.1', 8080), netns.path).toBe('ECONNREFUSED');
    await lab.client.container.remove({ id: `web${round}` });
  }
  await isClosed(bridge);
});

it("B13 N09 netloom restores route_localnet after another program's change: off without a published port, on with one", async () => {
  const bridge = await network('net', '10.80.0.0/24');
  await lab.client.container.setup({ id: 'idle', networks: [{ network: 'net' }] });
  native.setSysctl(null, `net.ipv4.conf.${bridge}.route_localnet`, '1');
  await isClosed(bridge);
  const ports = [{ hostPort: 8080, containerPort: 80 }];
  await lab.client.container.setup({ id: 'late', networks: [{ network: 'net' }], ports });
  native.setSysctl(null, `net.ipv4.conf.${bridge}.route_localnet`, '0');
  const healed = await lab.facts.event('container/late drift-healed');
  expect(healed.data).toMatchObject({
    drifted: [{ key: `net.ipv4.conf.${bridge}.route_localnet`, found: '0', wanted: '1' }],
  });
  expect(routes(bridge)).toBe('1');
});
