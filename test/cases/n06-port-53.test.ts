import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as native from '#native';
import type { ContainerStatus } from '../../src/contract/container-replies.ts';
import { runDoor } from '../doors/door.ts';
import { ask, askByTcp, query } from '../resolver/support.ts';
import { nftElements } from '../support/fresh-host.ts';
import { Lab, refusal } from '../support/lab.ts';
import { hostAddress, OtherHost } from '../support/other-host.ts';

let lab: Lab;
let other: OtherHost;

beforeAll(async () => {
  lab = await Lab.open();
  other = new OtherHost(lab.directory.path);
});
afterAll(async () => {
  other.remove();
  await lab.close();
});

const gateways = ({ status }: ContainerStatus, network: string) => status[network]?.dns_server_ips as string[];
const addressOf = ({ status }: ContainerStatus, network: string) =>
  Object.values(status[network]?.interfaces ?? {})[0]?.subnets[0]?.ipnet.split('/')[0] as string;

/** Returns the address of a name for a container, by UDP and by TCP; `silence` or the errno without an answer. */
function askWithin(netns: string, server: string, name: string): string[] {
  const script = `
    const [server, name] = process.argv.slice(1);
    const q = Buffer.concat([Buffer.from('123401000001000000000000', 'hex'), Buffer.from([name.length]), Buffer.from(name), Buffer.from('0000010001', 'hex')]);
    const found = [];
    const take = (way, message) => { found[way] = [...message.subarray(-4)].join('.'); };
    const udp = require('node:dgram').createSocket(server.includes(':') ? 'udp6' : 'udp4');
    udp.on('message', (m) => { take(0, m); udp.close(); });
    udp.send(q, 53, server);
    const tcp = require('node:net').connect(53, server, () => tcp.write(Buffer.concat([Buffer.from([0, q.length]), q])));
    tcp.on('data', (m) => { take(1, m); tcp.destroy(); });
    tcp.on('error', (e) => { found[1] = e.code; });
    setTimeout(() => process.exit(), 3000).unref();
    process.on('exit', () => console.log(JSON.stringify([found[0] ?? 'silence', found[1] ?? 'silence'])));`;
  const args = [`--net=${netns}`, process.execPath, '-e', script, server, name];
  return JSON.parse(execFileSync('nsenter', args, { encoding: 'utf8' }));
}

/** Where port 53 of each gateway leads, by network. */
function leads(): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  for (const map of ['resolver4', 'resolver6'])
    for (const [{ elem }, to] of nftElements('map', map) as [
      { elem: { comment: string } },
      { concat: [string, number] },
    ][]) {
      const name = elem.comment.replace('network/', '');
      found[name] = [...(found[name] ?? []), to.concat[1]];
    }
  return found;
}

const dns = [{ hostPort: 53, containerPort: 53, protocol: 'tcp,udp' }];

it('N06 port 53 of a gateway itself cannot be published', async () => {
  await lab.client.network.create({ name: 'web' });
  const [gateway = ''] = gateways(
    await lab.client.container.setup({ id: 'asks', networks: [{ network: 'web' }] }),
    'web',
  );
  for (const port of [
    { hostPort: 53, containerPort: 53, protocol: 'udp' },
    { hostPort: 50, containerPort: 50, range: 10, protocol: 'tcp' },
  ]) {
    const wish = { id: 'greedy', networks: [{ network: 'web' }], ports: [{ hostIp: gateway, ...port }] };
    const { code, message } = await refusal(lab.client.container.setup(wish));
    expect({ code, message }).toEqual({ code: 'port.taken', message: expect.stringContaining('network/web') });
    await lab.client.container.remove({ id: 'greedy' });
  }
  await lab.empty();
});

it('N06 a container publishes port 53 of the host and the gateways still answer names, in any order of creation', async () => {
  await lab.client.network.create({ name: 'web', ipv6_enabled: true });
  const first = await lab.client.container.setup({ id: 'first', networks: [{ network: 'web' }] });
  const pi = await lab.client.container.setup({ id: 'pi', networks: [{ network: 'web' }], ports: dns });
  await lab.client.network.create({ name: 'later' });
  const last = await lab.client.container.setup({ id: 'last', networks: [{ network: 'later' }] });
  const inPi = lab.peers.in(pi.netns.path, 'pi');
  for (const transport of ['tcp', 'udp'] as const) expect(await inPi.serve(transport, 53)).toBe('ready');

  const own = addressOf(pi, 'web');
  for (const gateway of gateways(first, 'web')) {
    expect(askWithin(first.netns.path, gateway, 'pi')).toEqual([own, own]);
    expect(askWithin(pi.netns.path, gateway, 'pi')).toEqual([own, own]);
    // the host itself
    const asked = { from: gateway, at: gateway };
    expect((await ask('pi', asked)).data).toEqual([own]);
    expect((await askByTcp(['pi'], asked))[0]?.data).toEqual([own]);
  }
  const [gateway = ''] = gateways(last, 'later');
  const ofLast = addressOf(last, 'later');
  expect(askWithin(last.netns.path, gateway, 'last')).toEqual([ofLast, ofLast]);

  const peers = [lab.peers.in(other.netns, 'out'), lab.peers.in(null, 'host'), lab.peers.in(last.netns.path, 'inside')];
  for (const peer of peers)
    expect(await peer.reachBoth(hostAddress[4], 53)).toEqual([
      expect.stringMatching(/^pi:53/),
      expect.stringMatching(/^pi:53/),
    ]);
  expect(await peers[0]?.reach('udp', hostAddress[6], 53)).toMatch(/^pi:53/);
  expect(await peers[1]?.reach('udp', '127.0.0.1', 53)).toMatch(/^pi:53/);

  // a query at the gateway is not traffic of the published port, from any asker
  const received = async () => {
    const { ports } = await lab.client.container.stats({ id: 'pi' });
    return ports.find(({ protocol }) => protocol === 'udp')?.toContainer.packets as number;
  };
  const before = await received();
  expect(before).toBeGreaterThan(0);
  for (let n = 0; n < 5; n++) await ask('pi', { from: gateway, at: gateway });
  expect(await received()).toBe(before);
}, 30_000);

it('N06 a flow of queries continues when the daemon is killed, and a removed ruleset is restored', async () => {
  const socket = createSocket('udp4');
  const { NetworkSettings } = await lab.client.container.inspect({ id: 'first' });
  const gateway = NetworkSettings.Networks.web?.Gateway as string;
  socket.bind(0, gateway);
  await once(socket, 'listening');
  let answers = 0;
  socket.on('message', () => answers++);
  const answered = async () => {
    const before = answers;
    await expect
      .poll(
        () => {
          socket.send(query('pi', {}), 53, gateway);
          return answers;
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(before);
  };
  await answered();
  const before = leads();
  expect(Object.keys(before).toSorted()).toEqual(['later', 'web']);
  await lab.restart('kill');
  await answered();
  expect(leads()).toEqual(before);
  execFileSync('nft', ['flush', 'ruleset']);
  await answered();
  execFileSync('nft', ['flush', 'map', 'inet', 'netloom', 'resolver4']);
  await answered();
  await expect.poll(() => JSON.stringify(leads()), { timeout: 5_000 }).toBe(JSON.stringify(before));
  socket.close();
}, 30_000);

it("N06 the gateways answer names although the host has a DNS server on every address and the resolver's port is taken", async () => {
  await lab.empty();
  expect(leads()).toEqual({});
  const host = lab.peers.in(null, 'dnsmasq');
  for (const transport of ['tcp', 'udp'] as const) expect(await host.serve(transport, 53)).toBe('ready');
  const taken = [native.holdPort('udp', '0.0.0.0', 353), native.holdPort('tcp', '::', 353)];
  try {
    await lab.client.network.create({ name: 'own', ipv6_enabled: true });
    const web = await lab.client.container.setup({ id: 'web', networks: [{ network: 'own' }] });
    for (const gateway of gateways(web, 'own'))
      expect(askWithin(web.netns.path, gateway, 'web')).toEqual(Array(2).fill(addressOf(web, 'own')));
    for (const port of leads().own ?? []) expect(port).toBeGreaterThan(1024);
    const served = [expect.stringMatching(/^dnsmasq:53/), expect.stringMatching(/^dnsmasq:53/)];
    expect(await lab.peers.in(other.netns, 'out').reachBoth(hostAddress[4], 53)).toEqual(served);
    // by TCP: a server on every address answers a container's datagram from the bridge's address
    const inside = lab.peers.in(web.netns.path, 'inside');
    expect(await inside.reach('tcp', hostAddress[4], 53)).toMatch(/^dnsmasq:53/);
  } finally {
    for (const port of taken) port.close();
  }
  await lab.peers.end();
  await lab.empty();
}, 30_000);

it('N06 NETAVARK_DNS_PORT chooses the port, and a network that is up keeps its own', async () => {
  const pod = (network: string, third: number, id: string) => ({
    container_id: id.repeat(64).slice(0, 64),
    container_name: `c${id}`,
    networks: { [network]: { static_ips: [`10.89.${third}.${10 + Number(id)}`], interface_name: 'eth0' } },
    network_info: {
      [network]: {
        name: network,
        id: `${third}`.repeat(64).slice(0, 64),
        driver: 'bridge',
        network_interface: `podman${third}`,
        subnets: [{ subnet: `10.89.${third}.0/24`, gateway: `10.89.${third}.1` }],
        ipv6_enabled: false,
        internal: false,
        dns_enabled: true,
        ipam_options: { driver: 'host-local' },
      },
    },
  });
  const made: [string, ReturnType<typeof pod>][] = [];
  const call = async (verb: string, netns: string, input: unknown, port: string | null) =>
    runDoor(['--config', '/run/x', verb, netns], {
      env: { NETLOOM_RUN_DIR: lab.daemon.runDirectory, ...(port === null ? {} : { NETAVARK_DNS_PORT: port }) },
      input,
    });
  const setUp = async (network: string, third: number, id: string, port: string | null) => {
    const netns = `${lab.directory.path}/door${id}`;
    native.createNetns(netns).socket.close();
    const input = pod(network, third, id);
    made.push([netns, input]);
    return { netns, ...(await call('setup', netns, input, port)) };
  };
  try {
    expect((await setUp('pods', 7, '1', '5301')).code).toBe(0);
    expect((await setUp('plain', 8, '2', null)).code).toBe(0);
    expect((await setUp('more', 9, '3', '5302')).code).toBe(0);
    const late = await setUp('pods', 7, '4', '5309');
    expect(late.code).toBe(0);
    expect(JSON.parse(late.stdout).pods.dns_server_ips).toEqual(['10.89.7.1']);
    expect(leads()).toEqual({ pods: [5301], plain: [353], more: [5302] });
    expect(askWithin(late.netns, '10.89.7.1', 'c1')).toEqual(['10.89.7.11', '10.89.7.11']);
    await lab.restart('kill');
    expect(leads()).toEqual({ pods: [5301], plain: [353], more: [5302] });
    await expect.poll(() => askWithin(late.netns, '10.89.7.1', 'c1')[0]).toBe('10.89.7.11');
    const bad = await setUp('pods', 7, '5', 'many');
    expect(bad.code).toBe(1);
    expect(bad.stdout).toContain('NETAVARK_DNS_PORT');
  } finally {
    for (const [netns, input] of made) {
      await call('teardown', netns, input, '5301');
      native.removeNetns(netns);
    }
    await expect.poll(async () => (await lab.client.network.list()).networks).toEqual([]);
  }
}, 30_000);
