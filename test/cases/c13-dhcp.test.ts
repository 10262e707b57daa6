import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as native from '#native';
import { eventLine } from '../../src/cli/event-line.ts';
import type { StreamedEvent } from '../../src/client.ts';
import { type DhcpMessage, encodeMessage, type MessageType, optionCodes } from '../../src/core/dhcp/message.ts';
import { netloom } from '../cli/netloom.ts';
import { addresses, secondsBytes, text } from '../core/dhcp/samples.ts';
import { runDoor } from '../doors/door.ts';
import { untilAnswered } from '../support/daemon.ts';
import { type Answering, DhcpLan, type Dnsmasq, type ScriptedServer } from '../support/dhcp-lan.ts';
import { ipWithin, linkNames } from '../support/fresh-host.ts';
import { codeOf, Lab, refusal } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';

/** A LAN with a DHCP server, and this host's link to it: lan0. */

let lab: Lab;
let lan: DhcpLan;
beforeAll(async () => {
  lab = await Lab.open();
  lan = new DhcpLan(lab.directory.path, 'lan0');
});
afterAll(async () => {
  lan.remove();
  await lab.close();
});

const servers: { stop(): Promise<void> }[] = [];
const dnsmasq = async (...options: string[]): Promise<Dnsmasq> => {
  const server = await lan.dnsmasq(options);
  servers.push(server);
  return server;
};
const scripted = async (answering: Answering): Promise<ScriptedServer> => {
  const server = await lan.scripted(answering);
  servers.push(server);
  return server;
};

const lanNetwork = { name: 'lan', driver: 'macvlan', network_interface: 'lan0', ipam_options: { driver: 'dhcp' } };
/** The container of the current test: events are awaited for one container. */
let web: string;
let tests = 0;
beforeEach(async () => {
  web = `web${++tests}`;
  await lab.client.network.create(lanNetwork);
});
afterEach(async () => {
  await lab.empty();
  for (const server of servers.splice(0)) await server.stop();
});

const setUp = (id: string) => lab.client.container.setup({ id, networks: [{ network: 'lan' }] });
const view = async (id: string) => (await lab.client.container.inspect({ id })).container;
const eventually = (look: () => unknown) => untilAnswered(async () => look());

interface Address {
  addr_info: { local: string; prefixlen: number; scope: string; family: string }[];
}
/** IPv4 addresses of an interface inside. */
const inside = (netns: string, link = 'eth0'): string[] =>
  ipWithin<Address[]>(netns, 'address', 'show', link)
    .flatMap(({ addr_info }) => addr_info)
    .filter(({ family }) => family === 'inet')
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`);
const routesInside = (netns: string) =>
  ipWithin<{ dst: string; gateway?: string; metric?: number; protocol?: string }[]>(netns, 'route')
    .filter(({ protocol }) => protocol !== 'kernel')
    .map(({ dst, gateway = null, metric = 0 }) => `${dst} via ${gateway} metric ${metric}`);

/** Without colours. */
const page = { colored: false, print: () => {}, warn: () => {} };

const factsOf = (id: string, fact: string): StreamedEvent[] =>
  lab.facts.events.filter(({ subject, type }) => subject === id && type === `dev.netloom.container.${fact}`);
const leaseFacts = ['leased', 'lease-renewed', 'lease-lost', 'lease-unrenewed'];

// ------------------------------------------------------------------------------------------- what a server may answer

type More = Iterable<[number, Uint8Array]>;

/** The usual answer: an offer, and its acknowledgement. */
const answerTo = (message: DhcpMessage, address: string, seconds: number, more: More = []): DhcpMessage =>
  reply(message, message.type === 'discover' ? 'offer' : 'acknowledge', address, [
    [optionCodes.leaseSeconds, secondsBytes(seconds)],
    [optionCodes.subnetMask, addresses('255.255.255.0')],
    [optionCodes.routers, addresses('192.0.2.1')],
    ...more,
  ]);

const reply = (message: DhcpMessage, type: MessageType, yourAddress: string, more: More = []): DhcpMessage => ({
  ...message,
  type,
  direction: 'reply',
  yourAddress,
  options: new Map([[optionCodes.server, addresses('192.0.2.1')], ...more]),
});

const refusing = (message: DhcpMessage, words: string): DhcpMessage =>
  reply(message, 'refuse', '0.0.0.0', [[optionCodes.message, text(words)]]);

const isRenewal = ({ type, clientAddress }: DhcpMessage): boolean => type === 'request' && clientAddress !== '0.0.0.0';
const isRelease = ({ type }: DhcpMessage): boolean => type === 'release';

/** Renewal is due after a second; the end may be far. */
const soon: More = [
  [optionCodes.renewalSeconds, secondsBytes(1)],
  [optionCodes.rebindingSeconds, secondsBytes(2)],
];
/** Time enough to ask that server before any other. */
const later: More = [
  [optionCodes.renewalSeconds, secondsBytes(1)],
  [optionCodes.rebindingSeconds, secondsBytes(6)],
];
const giving =
  (address: string, seconds = 600, more: More = []): Answering =>
  (message) =>
    isRelease(message) ? [] : [answerTo(message, address, seconds, more)];

// --------------------------------------------------------------------------------------------------------------- tests

const leases = async () => (await lab.client.network.inspect({ name: 'lan' })).network.leases;

describe('a container with an address from a DHCP server', () => {
  it("C13 inspect and its network show a container's leased address and the server's other options", async () => {
    await dnsmasq();
    const { netns } = await setUp(web);
    const [address] = inside(netns.path).map((each) => each.split('/')[0]);
    expect(await leases()).toEqual({ [web]: [address] });
    const { networks } = await lab.client.network.list();
    expect(networks.find(({ name }) => name === 'lan')?.leases).toEqual({ [web]: [address] });
    const facts = (await netloom(lab.daemon, ['network', 'inspect', 'lan', '--format', 'facts'])).stdout;
    expect(facts).toMatch(/^Addresses +from a DHCP server/m);
    expect(facts).toMatch(new RegExp(`^Containers .* ${address}$`, 'm'));
    const shown = (await netloom(lab.daemon, ['inspect', web])).stdout;
    expect(shown).toMatch(/^ +name servers 192\.0\.2\.53; search lan\.example$/m);
  });

  it('C13 a container gets a lease, keeps it over a killed daemon, loses it with the server, and releases it: the whole story', async () => {
    const server = await dnsmasq('--dhcp-option=option:T1,3', '--dhcp-option=option:T2,60');
    const { netns, status } = await setUp(web);
    const [address] = inside(netns.path);
    expect(address).toMatch(/^192\.0\.2\.1[0-5]\d\/24$/);
    const mac = status.lan?.interfaces.eth0?.mac_address;
    expect(status.lan).toEqual({
      interfaces: { eth0: { mac_address: mac, subnets: [{ ipnet: address, gateway: '192.0.2.1' }] } },
      dns_server_ips: ['192.0.2.53'],
      dns_search_domains: ['lan.example'],
    });
    expect(routesInside(netns.path)).toEqual(['default via 192.0.2.1 metric 99']);
    const leased = await lab.facts.event(`container/${web} leased`);
    expect(leased.data).toMatchObject({ network: 'lan', addresses: [address], server: '192.0.2.1' });
    expect(server.leases()).toEqual([address?.split('/')[0]]);

    await lab.facts.event(`container/${web} lease-renewed`);
    const renewals = server.count(/DHCPACK/);
    const discoveries = server.count(/DHCPDISCOVER/);
    await lab.restart('kill');
    await server.printed(/DHCPACK/, renewals + 1);
    await lab.facts.event(`container/${web} adopted`);
    expect(inside(netns.path)).toEqual([address]);
    expect(server.count(/DHCPDISCOVER/)).toBe(discoveries);

    await lab.client.container.teardown({ id: web });
    await server.printed(new RegExp(`DHCPRELEASE.*${mac}`));
    await eventually(() => expect(server.leases()).toEqual([]));
    await server.stop();

    const short = await scripted(giving('192.0.2.77', 4));
    const again = await setUp(web);
    expect(inside(again.netns.path)).toEqual(['192.0.2.77/24']);
    await short.stop();
    const lost = await lab.facts.event(`container/${web} lease-lost`);
    expect(lost.data).toMatchObject({ addresses: ['192.0.2.77/24'], fault: { code: 'dhcp.expired' } });
    await eventually(() => expect(inside(again.netns.path)).toEqual([]));
    await untilAnswered(async () => expect(await view(web)).toMatchObject({ state: 'degraded' }));

    const leaseEvents = lab.facts.events.filter(
      ({ subject, type }) => subject === web && /leas|adopted|torn-down/.test(type),
    );
    console.log(
      ['The events of the container', ...leaseEvents.map((event) => eventLine(page, event))].join('\n  '),
      ['\nand as dnsmasq does', ...server.log.filter((line) => /DHCP[A-Z]+\(/.test(line))].join('\n  '),
    );
  });

  it('C13 a container gets the same address and MAC address each time, and different ones from its neighbours', async () => {
    const server = await dnsmasq();
    const first = await setUp(web);
    const [other] = inside((await setUp(`db${tests}`)).netns.path);
    const [own] = inside(first.netns.path);
    expect(other).not.toBe(own);
    await lab.remove(web);
    await eventually(() => expect(server.leases()).toEqual([other?.split('/')[0]]));
    const { netns, status } = await setUp(web);
    expect(inside(netns.path)).toEqual([own]);
    expect(status.lan?.interfaces.eth0?.mac_address).toBe(first.status.lan?.interfaces.eth0?.mac_address);
    const named = {
      id: `given${tests}`,
      hostname: 'my.host',
      networks: [{ network: 'lan', staticMac: '02:00:00:00:13:01' }],
    };
    await lab.client.container.setup(named);
    expect(await server.printed(/DHCPACK.*02:00:00:00:13:01/)).toMatch(/ my$/);
  });

  it('C13 a running container joins and leaves a DHCP network', async () => {
    const server = await dnsmasq();
    await lab.client.network.create({ name: 'back', subnets: [{ subnet: '10.13.0.0/24' }] });
    const { netns } = await lab.client.container.setup({ id: web, networks: [{ network: 'back' }] });
    const joined = await lab.client.request('container.connect', { id: web, network: 'lan' });
    const [address] = inside(netns.path, 'eth1');
    expect(joined.status.lan?.interfaces.eth1?.subnets).toEqual([{ ipnet: address, gateway: '192.0.2.1' }]);
    expect((await lab.facts.event(`container/${web} connected`)).data).toMatchObject({
      network: 'lan',
      addresses: [address],
    });
    expect(routesInside(netns.path)).toEqual(['default via 192.0.2.1 metric 99', 'default via 10.13.0.1 metric 100']);
    await lab.client.request('container.disconnect', { id: web, network: 'lan' });
    await server.printed(/DHCPRELEASE/);
    expect(ipWithin<{ ifname: string }[]>(netns.path, 'link').map(({ ifname }) => ifname)).toEqual(['lo', 'eth0']);
    expect(routesInside(netns.path)).toEqual(['default via 10.13.0.1 metric 100']);
  });

  it('C13 a reload restores a leased address that another program removed', async () => {
    const server = await dnsmasq();
    const { netns } = await setUp(web);
    const found = inside(netns.path);
    const discoveries = server.count(/DHCPDISCOVER/);
    ipBatch(netns.path, [`address delete ${found[0]} dev eth0`]);
    await lab.client.request('container.reload', { id: web });
    expect(inside(netns.path)).toEqual(found);
    expect(routesInside(netns.path)).toEqual(['default via 192.0.2.1 metric 99']);
    expect(server.count(/DHCPDISCOVER/)).toBe(discoveries);
  });

  it('C13 a container gets a lease on a foreign bridge, and from an engine that brings the network', async () => {
    const server = await dnsmasq();
    ipBatch(null, ['link add br0 type bridge', 'link set br0 up', 'link set lan0 master br0']);
    const definition = {
      name: 'brought',
      id: 'c'.repeat(64),
      driver: 'bridge',
      network_interface: 'br0',
      created: '2026-01-01T00:00:00Z',
      ipv6_enabled: false,
      internal: false,
      dns_enabled: false,
      options: { mode: 'unmanaged' },
      ipam_options: { driver: 'dhcp' },
    };
    const id = 'd'.repeat(64);
    const attached = await lab.client.container.attach({
      id,
      name: 'guest',
      hostname: 'guest-host',
      networks: [{ network: 'brought', definition }],
    });
    const [address] = inside(attached.netns.path);
    expect(attached.status.brought).toMatchObject({
      dns_server_ips: ['192.0.2.53'],
      dns_search_domains: ['lan.example'],
    });
    expect(await server.printed(new RegExp(`DHCPACK.*${address?.split('/')[0]}`))).toMatch(/guest-host$/);
    await lab.client.request('container.detach', { id, networks: ['brought'] });
    await server.printed(/DHCPRELEASE/);
    await lab.settled();
    ipBatch(null, ['link set lan0 nomaster', 'link delete br0']);
  });
});

it('C13 a container that comes through the netavark door gets a lease, and its teardown releases it', async () => {
  const server = await dnsmasq();
  const netns = `${lab.directory.path}/engine`;
  native.createNetns(netns).socket.close();
  const id = 'e'.repeat(64);
  const network = {
    ...lanNetwork,
    name: 'podlan',
    id: 'f'.repeat(64),
    created: '2026-01-01T00:00:00Z',
    ipv6_enabled: false,
    internal: false,
    dns_enabled: false,
  };
  const input = {
    container_id: id,
    container_name: 'guest',
    container_hostname: 'guest-of-podman',
    networks: { podlan: { interface_name: 'eth0' } },
    network_info: { podlan: network },
  };
  const ask = (verb: string, more = {}) =>
    runDoor([verb, netns], { env: { NETLOOM_RUN_DIR: lab.daemon.runDirectory }, input: { ...input, ...more } });
  const { code, stdout } = await ask('setup');
  expect(code).toBe(0);
  const [address] = inside(netns);
  expect(JSON.parse(stdout).podlan).toMatchObject({
    interfaces: { eth0: { subnets: [{ ipnet: address, gateway: '192.0.2.1' }] } },
    dns_server_ips: ['192.0.2.53'],
    dns_search_domains: ['lan.example'],
  });
  expect(await server.printed(/DHCPACK/)).toMatch(/guest-of-podman$/);
  expect(await ask('teardown')).toMatchObject({ code: 0 });
  await server.printed(/DHCPRELEASE/);
  const subnets = [{ subnet: 'fd00:13::/64', gateway: 'fd00:13::1' }];
  const six = await ask('setup', { network_info: { podlan: { ...network, ipv6_enabled: true, subnets } } });
  expect(six.code).not.toBe(0);
  expect(six.stdout + six.stderr).toContain('DHCPv6 is not supported');
  native.removeNetns(netns);
  await untilAnswered(async () => expect((await lab.client.container.list()).containers).toEqual([]));
});

describe('a container with a lease from a DHCP server', () => {
  it.each([
    ['in another subnet', '198.51.100.7', '198.51.100.1'],
    ['in the same subnet', '192.0.2.88', '192.0.2.1'],
  ])('C13 a container has a second lease from another LAN, %s', async (_, address, router) => {
    const other = new DhcpLan(lab.directory.path, 'lan1');
    try {
      await lab.client.network.create({ ...lanNetwork, name: 'other', network_interface: 'lan1' });
      await scripted(giving('192.0.2.77'));
      const more: More = [[optionCodes.routers, addresses(router)]];
      const second = await other.scripted(giving(address, 600, more));
      servers.push(second);
      const networks = [{ network: 'lan' }, { network: 'other' }];
      const { netns, status } = await lab.client.container.setup({ id: web, networks });
      expect([inside(netns.path), inside(netns.path, 'eth1')]).toEqual([['192.0.2.77/24'], [`${address}/24`]]);
      expect(Object.keys(status)).toEqual(['lan', 'other']);
      expect(routesInside(netns.path)).toEqual(['default via 192.0.2.1 metric 99', `default via ${router} metric 101`]);
      await lab.remove(web);
      await untilAnswered(async () => expect(second.received.some(isRelease)).toBe(true));
      await lab.client.network.remove({ name: 'other' });
    } finally {
      other.remove();
    }
  });

  it('C13 a container shares its lease with a container in its namespace, and routes through a neighbour of another network', async () => {
    await dnsmasq();
    const routes = [{ destination: '10.99.0.0/16', gateway: '10.13.0.9' }];
    await lab.client.network.create({ name: 'back', subnets: [{ subnet: '10.13.0.0/24' }], routes });
    const networks = [{ network: 'lan' }, { network: 'back' }];
    const { netns, status } = await lab.client.container.setup({ id: web, networks });
    expect(routesInside(netns.path)).toContain('10.99.0.0/16 via 10.13.0.9 metric 100');
    const guest = await lab.client.container.setup({ id: `guest${tests}`, mode: `container:${web}` });
    expect([guest.netns, guest.status]).toEqual([netns, status]);
    await lab.client.network.create({ name: 'more', subnets: [{ subnet: '10.14.0.0/24' }] });
    await lab.client.container.connect({ id: web, network: 'more' });
    const { status: shared } = await view(`guest${tests}`);
    expect(Object.keys(shared)).toEqual(['lan', 'back', 'more']);
    expect(shared).toEqual((await view(web)).status);
    await lab.remove(`guest${tests}`);
    expect(inside(netns.path)).toHaveLength(1);
  });
});

describe('a DHCP server that changes its answers', () => {
  it('C13 a renewal with a new address replaces the address, its routes and its name servers', async () => {
    const routes: More = [[optionCodes.classlessRoutes, Uint8Array.of(0, 198, 51, 100, 1, 16, 10, 1, 198, 51, 100, 2)]];
    await scripted((message) => {
      if (isRelease(message)) return [];
      if (!isRenewal(message)) return [answerTo(message, '192.0.2.77', 600, soon)];
      return [
        answerTo(message, '198.51.100.7', 600, [...routes, [optionCodes.nameServers, addresses('198.51.100.53')]]),
      ];
    });
    const { netns } = await setUp(web);
    expect(inside(netns.path)).toEqual(['192.0.2.77/24']);
    await lab.facts.event(`container/${web} leased`, 2);
    await eventually(() => expect(inside(netns.path)).toEqual(['198.51.100.7/24']));
    await untilAnswered(async () => {
      const { status, state } = await view(web);
      expect(state).toBe('configured');
      expect(status.lan).toMatchObject({ dns_server_ips: ['198.51.100.53'] });
    });
    expect(routesInside(netns.path).sort()).toEqual([
      '10.1.0.0/16 via 198.51.100.2 metric 100',
      'default via 198.51.100.1 metric 99',
    ]);
  });

  it('C13 routes that depend on a leased address are restored: those of the server, of its network and of others through it', async () => {
    const byLink: More = [
      [optionCodes.classlessRoutes, Uint8Array.of(0, 192, 0, 2, 1, 16, 10, 1, 0, 0, 0, 0, 16, 10, 2, 192, 0, 2, 2)],
    ];
    const given = ['192.0.2.77', '192.0.2.78', '198.51.100.7'];
    const server = await scripted((message) => {
      if (isRelease(message)) return [];
      const renewals = server.received.filter(isRenewal).length;
      const address = given[Math.min(renewals, 2)] as string;
      return [answerTo(message, address, 600, [...byLink, ...(renewals < 2 ? soon : [])])];
    });
    const routes = [{ destination: '10.66.0.0/16', gateway: '192.0.2.66' }];
    await lab.client.network.create({ name: 'back', subnets: [{ subnet: '10.13.0.0/24' }], routes });
    const typed = [
      { destination: '10.67.0.0/16', gateway: '192.0.2.67' },
      { destination: '10.68.0.0/16', type: 'blackhole' as const },
    ];
    await lab.client.network.create({ ...lanNetwork, name: 'routed', routes: typed });
    const networks = [{ network: 'back' }, { network: 'routed' }];
    const { netns } = await lab.client.container.setup({ id: web, networks });
    const near = [
      '10.1.0.0/16 via null metric 101',
      '10.2.0.0/16 via 192.0.2.2 metric 100',
      '10.66.0.0/16 via 192.0.2.66 metric 100',
      '10.67.0.0/16 via 192.0.2.67 metric 100',
      '10.68.0.0/16 via null metric 100',
      'default via 10.13.0.1 metric 100',
      'default via 192.0.2.1 metric 99',
    ];
    expect(inside(netns.path, 'eth1')).toEqual(['192.0.2.77/24']);
    expect(routesInside(netns.path).sort()).toEqual(near);
    await eventually(() => expect(inside(netns.path, 'eth1')).toEqual(['192.0.2.78/24']));
    await eventually(() => expect(routesInside(netns.path).sort()).toEqual(near));
    await lab.facts.event(`container/${web} leased`, 3);
    await eventually(() => expect(inside(netns.path, 'eth1')).toEqual(['198.51.100.7/24']));
    // no route leads through what is out of reach now
    const far = near.filter((route) => !route.includes('via 192.0.2.'));
    await eventually(() => expect(routesInside(netns.path).sort()).toEqual(far));
  });

  it('C13 an address whose renewal is refused is removed, and the container continues with the next one', async () => {
    let refusals = 0;
    await scripted((message) => {
      if (isRelease(message)) return [];
      if (isRenewal(message) && refusals++ === 0) return [refusing(message, 'not here any more')];
      return [answerTo(message, refusals === 0 ? '192.0.2.77' : '192.0.2.78', 600, refusals === 0 ? soon : [])];
    });
    const { netns } = await setUp(web);
    const { data } = await lab.facts.event(`container/${web} lease-lost`);
    expect(data).toMatchObject({
      fault: { code: 'dhcp.refused', message: expect.stringContaining('not here any more') },
    });
    await lab.facts.event(`container/${web} degraded`);
    await lab.facts.event(`container/${web} leased`, 2);
    await eventually(() => expect(inside(netns.path)).toEqual(['192.0.2.78/24']));
    await untilAnswered(async () => expect(await view(web)).toMatchObject({ state: 'configured', lastFault: null }));
  });

  it('C13 a server that refuses its own offer is asked again', async () => {
    let refusals = 0;
    const server = await scripted((message) => {
      if (isRelease(message)) return [];
      if (message.type === 'request' && refusals++ === 0) return [refusing(message, 'too late')];
      return [answerTo(message, '192.0.2.77', 600)];
    });
    const { netns } = await setUp(web);
    expect(inside(netns.path)).toEqual(['192.0.2.77/24']);
    expect(server.received.filter(({ type }) => type === 'discover').length).toBeGreaterThan(1);
  });

  it('C13 a vanished server is asked by broadcast, and another server may take over the address', async () => {
    const server = await scripted((message) => {
      if (isRelease(message)) return [];
      // the server that gave it is silent
      if (isRenewal(message) && !message.isBroadcast) return [];
      return [answerTo(message, '192.0.2.77', 600, isRenewal(message) ? [] : later)];
    });
    const { netns } = await setUp(web);
    await lab.facts.event(`container/${web} lease-renewed`);
    expect(inside(netns.path)).toEqual(['192.0.2.77/24']);
    expect(factsOf(web, 'lease-lost')).toEqual([]);
    const renewals = server.received.filter(isRenewal).map(({ isBroadcast }) => isBroadcast);
    expect([renewals[0], renewals.at(-1)]).toEqual([false, true]);
  });

  it('C13 a server that offers an address and then stays silent is passed over for another offer', async () => {
    const silent: More = [[optionCodes.server, addresses('192.0.2.2')]];
    const server = await scripted((message) => {
      if (isRelease(message)) return [];
      // the container has time: it loses its first address and asks anew
      if (isRenewal(message)) return [refusing(message, 'not here any more')];
      const isFirst = !server.received.some(isRenewal);
      if (isFirst) return [answerTo(message, '192.0.2.76', 600, soon)];
      if (message.options.get(optionCodes.server)?.[3] === 2) return [];
      const offers = message.type === 'discover' ? [answerTo(message, '192.0.2.66', 600, silent)] : [];
      return [...offers, answerTo(message, '192.0.2.77', 600)];
    });
    const { netns } = await setUp(web);
    await lab.facts.event(`container/${web} leased`, 2);
    await eventually(() => expect(inside(netns.path)).toEqual(['192.0.2.77/24']));
    // RFC 2131, 4.4.1: a request goes to where the discovery went
    const requests = server.received.flatMap(({ type, clientAddress, ...request }, index) =>
      type === 'request' && clientAddress === '0.0.0.0' ? [{ ...request, before: server.received[index - 1] }] : [],
    );
    for (const { transaction, seconds, before } of requests)
      expect([before?.transaction, before?.seconds]).toEqual([transaction, seconds]);
    const asked = requests.map(({ options }) => options.get(optionCodes.server)?.[3]);
    expect(new Set(asked.slice(1, -1))).toEqual(new Set([2]));
    expect(asked.at(-1)).toBe(1);
  });

  it('C13 a server that returns after the lease has ended gives an address again', async () => {
    const server = await scripted(giving('192.0.2.77', 3));
    const { netns } = await setUp(web);
    server.answer(() => []);
    await lab.facts.event(`container/${web} lease-lost`);
    await eventually(() => expect(inside(netns.path)).toEqual([]));
    expect(routesInside(netns.path)).toEqual([]);
    // everything else works meanwhile
    await lab.client.network.create({ name: 'back', subnets: [{ subnet: '10.13.0.0/24' }] });
    await lab.client.request('container.connect', { id: web, network: 'back' });
    await lab.client.request('container.disconnect', { id: web, network: 'back' });
    expect(await view(web)).toMatchObject({ state: 'degraded', lastFault: { code: 'dhcp.expired' } });
    await lab.client.request('container.reload', { id: web });
    expect(await view(web)).toMatchObject({ state: 'degraded', lastFault: { code: 'dhcp.expired' } });
    expect(await leases()).toEqual({ [web]: [] });
    expect((await netloom(lab.daemon, ['inspect', web])).stdout).toMatch(/^On lan +eth0 {2}no address {2}/m);
    const { stdout } = await netloom(lab.daemon, ['doctor', '--json']);
    expect(JSON.parse(stdout).checks).toContainEqual(
      expect.objectContaining({
        check: 'Containers',
        ok: false,
        found: expect.stringMatching(
          / is degraded: the DHCP lease of 192\.0\.2\.77 on network lan expired without renewal$/,
        ),
      }),
    );
    server.answer(giving('192.0.2.79'));
    await eventually(() => expect(inside(netns.path)).toEqual(['192.0.2.79/24']));
    await lab.facts.event(`container/${web} leased`, 2);
    await untilAnswered(async () => expect(await view(web)).toMatchObject({ state: 'configured', lastFault: null }));
  });
});

describe('a LAN where no server gives an address', () => {
  it('C13 set-up, connect and an unusable offer are refused after 5 s, and nothing is left behind', async () => {
    await lab.client.network.create({ name: 'back', subnets: [{ subnet: '10.13.0.0/24' }] });
    const { netns } = await lab.client.container.setup({ id: `other${tests}`, networks: [{ network: 'back' }] });
    await scripted((message) => {
      const offer = answerTo(message, '127.0.0.1', 600);
      const longest = encodeMessage(reply(message, 'offer', '192.0.2.77', [[200, new Uint8Array(1100)]]));
      const cutOff = encodeMessage(answerTo(message, '192.0.2.77', 600)).subarray(0, 245);
      return [offer, longest, cutOff, new Uint8Array(1400).fill(0xff), answerTo(message, '192.0.2.255', 600)];
    });
    const startedMs = performance.now();
    const [setup, joined] = await Promise.all([
      refusal(setUp(web)),
      refusal(lab.client.request('container.connect', { id: `other${tests}`, network: 'lan' })),
    ]);
    expect(performance.now() - startedMs).toBeGreaterThan(4_900);
    for (const fault of [setup, joined])
      expect(fault).toMatchObject({
        code: 'dhcp.timeout',
        message: expect.stringMatching(/network lan assigned an address within 5 s: .+/),
      });
    await untilAnswered(async () => expect(await view(web)).toMatchObject({ state: 'created' }));
    expect(await view(`other${tests}`)).toMatchObject({ state: 'configured', attachments: [{ network: 'back' }] });
    expect(ipWithin<{ ifname: string }[]>(netns.path, 'link').map(({ ifname }) => ifname)).toEqual(['lo', 'eth0']);
    await lab.settled();
    expect((await lab.client.network.inspect({ name: 'lan' })).network.leases).toEqual({});
    expect(factsOf(web, 'leased')).toEqual([]);
  });

  it.each([
    ['of this host', '192.0.2.9', () => '192.0.2.9 is an address of this host'],
    ['of another container', '192.0.2.78', () => `192.0.2.78 is the address of container ${web} on network lan`],
  ])('C13 N12 an offered address %s is not accepted', async (_, taken, words) => {
    ipBatch(null, ['address add 192.0.2.9/24 dev lan0']);
    try {
      const known: string[] = [];
      await scripted((message) => {
        known.push(message.macAddress);
        return [answerTo(message, message.macAddress === known[0] ? '192.0.2.78' : taken, 600)];
      });
      await setUp(web);
      const fault = await refusal(setUp(`second${tests}`));
      expect(fault).toMatchObject({ code: 'dhcp.timeout', message: expect.stringContaining(words()) });
    } finally {
      ipBatch(null, ['address delete 192.0.2.9/24 dev lan0']);
    }
  });

  it('C13 a server that refuses every request for its offer is named in the fault', async () => {
    await scripted((message) => [
      message.type === 'discover' ? answerTo(message, '192.0.2.77', 600) : refusing(message, 'not you'),
    ]);
    expect(await refusal(setUp(web))).toMatchObject({
      code: 'dhcp.timeout',
      message: expect.stringContaining(
        'within 5 s: server 192.0.2.1 refused the request for the address that it offered: not you',
      ),
    });
    await untilAnswered(async () => expect(await view(web)).toMatchObject({ state: 'created' }));
  });

  it('C13 a restarted daemon continues to wait for a lease', async () => {
    const server = await scripted(() => []);
    const asked = setUp(web).catch(() => {});
    await server.asked(1);
    await lab.restart('kill', () => server.answer(giving('192.0.2.77')));
    await lab.facts.event(`container/${web} configured`);
    await asked;
    const { netns } = await view(web);
    expect(inside(netns?.path as string)).toEqual(['192.0.2.77/24']);
  });

  it('C13 valid options of an answer are used, and invalid ones are ignored', async () => {
    const server = await scripted((message) => {
      if (isRelease(message)) return [];
      const right = answerTo(message, '192.0.2.77', 600, [
        [optionCodes.nameServers, addresses('0.0.0.0', '192.0.2.53')],
        [optionCodes.domainName, text('lan\nnameserver 203.0.113.6')],
      ]);
      const strange = { ...answerTo(message, '192.0.2.66', 600), transaction: message.transaction ^ 1 };
      const others = { ...right, macAddress: '02:00:00:00:00:99' };
      const flood = Array.from({ length: 30 }, () => new Uint8Array(600).fill(0xff));
      // a LAN on which hundreds of other clients are asking
      const foreign = Array.from({ length: 300 }, () => strange);
      return [...foreign, others, ...flood, right];
    });
    const { netns, status } = await setUp(web);
    expect(inside(netns.path)).toEqual(['192.0.2.77/24']);
    expect(status.lan).toMatchObject({ dns_server_ips: ['192.0.2.53'], dns_search_domains: [] });
    expect((await lab.facts.event(`container/${web} leased`)).data).toMatchObject({
      ignored: [expect.stringContaining('0.0.0.0'), expect.stringContaining('option 15')],
    });
    await lab.tearDown(web);
    await untilAnswered(async () => expect(server.received.some(isRelease)).toBe(true));
  });
});

it('C13 DHCPv6 and static addresses are refused with the reason', async () => {
  const subnets = [{ subnet: 'fd00:13::/64' }];
  expect(await refusal(lab.client.network.create({ ...lanNetwork, name: 'six', subnets }))).toMatchObject({
    code: 'mode.unsupported',
    message: expect.stringContaining('DHCPv6 is not supported'),
  });
  const on = (staticIps: string[]) =>
    lab.client.container.setup({ id: web, networks: [{ network: 'lan', staticIps }] });
  expect(await refusal(on(['fd00:13::7']))).toMatchObject({
    message: expect.stringContaining('DHCPv6 is not supported'),
  });
  expect(await codeOf(on(['192.0.2.7']))).toBe('address.outside-subnet');
  expect(linkNames()).not.toContain('eth0');
});

it('C13 leases are announced under the name of the container only', () => {
  const leaseEvents = lab.facts.events.filter(({ type }) => leaseFacts.some((fact) => type.endsWith(`.${fact}`)));
  expect(new Set(leaseEvents.map(({ source }) => source.split('/').slice(0, 4).join('/')))).toEqual(
    new Set(['/netloom/testnode/container']),
  );
});
