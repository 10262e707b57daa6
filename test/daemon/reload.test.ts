import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ResponseOf } from '../../src/client.ts';
import { hostVethName } from '../../src/core/object-names.ts';
import { untilAnswered } from '../support/daemon.ts';
import { ip, ipWithin, nftElements } from '../support/fresh-host.ts';
import { codeOf, Lab } from '../support/lab.ts';
import type { Peer } from '../support/peer.ts';

// web (10.88.0.2 and 10.77.0.2) publishes 8080; neighbour is on its first network

const reloads = 20;
const packetsPerSecond = 1_000;

let lab: Lab;
let web: ResponseOf<'container.setup'>;
let inside: Peer;
let host: Peer;
let neighbour: Peer;

const reload = () => lab.client.container.reload({ id: 'web' });
const veth = (network: string) => hostVethName('web', network);

beforeAll(async () => {
  lab = await Lab.open();
  await lab.client.network.create({ name: 'web', subnets: [{ subnet: '10.88.0.0/24' }, { subnet: 'fd00:88::/64' }] });
  await lab.client.network.create({ name: 'back', subnets: [{ subnet: '10.77.0.0/24' }] });
  web = await lab.client.container.setup({
    id: 'web',
    networks: [{ network: 'web', staticMac: '02:00:00:00:00:77' }, { network: 'back' }],
    ports: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp,udp' }],
  });
  const other = await lab.client.container.setup({ id: 'neighbour', networks: [{ network: 'web' }] });
  inside = lab.peers.in(web.netns.path, 'web');
  neighbour = lab.peers.in(other.netns.path, 'neighbour');
  host = lab.peers.in(null, 'host');
  expect([await inside.serve('tcp', 80), await inside.serve('udp', 80)]).toEqual(['ready', 'ready']);
});
afterAll(() => lab.close());

/** Links, addresses and routes of the container, and its elements: what a reload must restore. */
function network() {
  const links = ipWithin<{ ifname: string; address: string; addr_info: { local: string; scope: string }[] }[]>(
    web.netns.path,
    'address',
  ).map(({ ifname, address, addr_info }) => ({
    ifname,
    address: ifname === 'lo' ? null : address,
    addresses: addr_info.filter(({ scope }) => scope === 'global').map(({ local }) => local),
  }));
  // a link that was made anew comes last
  links.sort((one, other) => one.ifname.localeCompare(other.ifname));
  const routes = (['-4', '-6'] as const).flatMap((family) =>
    ipWithin<{ dst: string; dev: string; gateway?: string; protocol: string }[]>(web.netns.path, family, 'route')
      .filter(({ protocol }) => protocol === 'static')
      .map(({ dst, dev, gateway }) => `${dst} via ${gateway} dev ${dev}`)
      .sort(),
  );
  const published = (['published_any4', 'published_any6'] as const).flatMap((name) => nftElements('map', name));
  return { links, routes, published: published.map((element) => JSON.stringify(element)).sort() };
}
const indexes = () => [
  ...ipWithin<{ ifindex: number; ifname: string }[]>(web.netns.path, 'link').map(({ ifindex }) => ifindex),
  ...ip<{ ifindex: number }[]>('link').map(({ ifindex }) => ifindex),
];

const works = async () => {
  expect(await host.reachBoth('127.0.0.1', 8080)).toEqual(Array(2).fill('web:80 sees 10.88.0.1'));
  expect(await neighbour.reachBoth('10.88.0.2', 80)).toEqual(Array(2).fill('web:80 sees 10.88.0.3'));
};

describe('C06 a reload restores what another program has deleted:', () => {
  const inContainer = (...args: string[]) => ipWithin(web.netns.path, ...args);
  it.each<[string, () => unknown]>([
    [
      'an element',
      () =>
        execFileSync('nft', ['delete', 'element', 'inet', 'netloom', 'published_any4', '{', 'tcp', '.', '8080', '}']),
    ],
    ['the veth of the first network', () => ip('link', 'delete', veth('web'))],
    ['the interface of the second network', () => inContainer('link', 'delete', 'eth1')],
    ['an address', () => inContainer('address', 'delete', '10.88.0.2/24', 'dev', 'eth0')],
    ['an IPv6 address', () => inContainer('address', 'delete', 'fd00:88::2/64', 'dev', 'eth0')],
    ['the default route', () => inContainer('route', 'delete', 'default', 'dev', 'eth0')],
    ['what leads to the bridge', () => ip('link', 'set', veth('web'), 'nomaster')],
    ['an interface that is down', () => inContainer('link', 'set', 'eth0', 'down')],
    ['the whole table', () => execFileSync('nft', ['delete', 'table', 'inet', 'netloom'])],
  ])('C06 a reload restores %s, with the same names, MACs and addresses', async (_, destroy) => {
    const before = network();
    destroy();
    const { status, netns } = await reload();
    expect(status).toEqual(web.status);
    expect(netns).toEqual(web.netns);
    // the network repairs its own part at the same time
    await untilAnswered(async () => expect(network()).toEqual(before));
    await untilAnswered(works);
  });

  it('C06 a reload publishes a drift event that lists what was restored', async () => {
    execFileSync('nft', ['delete', 'element', 'inet', 'netloom', 'published_any4', '{', 'udp', '.', '8080', '}']);
    const told = lab.facts.of('container', 'web').filter((fact) => fact === 'drift-healed').length;
    await reload();
    const { data } = await lab.facts.event('container/web drift-healed', told + 1);
    expect(data).toMatchObject({ steps: [expect.stringMatching(/^nft\.add /)] });
  });
});

describe('C06 a reload where nothing is missing', () => {
  it('C06 a reload where nothing is missing touches nothing: every interface keeps its index, and no event is published', async () => {
    await lab.settled();
    const [before, facts] = [indexes(), lab.facts.of('container', 'web')];
    for (let count = 0; count < reloads; count++) expect((await reload()).status).toEqual(web.status);
    expect(indexes()).toEqual(before);
    const { sequence } = await lab.client.container.inspect({ id: 'web' });
    await lab.facts.through(sequence);
    expect(lab.facts.of('container', 'web')).toEqual(facts);
  });

  it('C06 a reload where nothing is missing leaves an established connection through a published port alone', async () => {
    expect(await host.converse('kept', '127.0.0.1', 8080)).toBe('web:80 sees 10.88.0.1');
    for (let count = 0; count < reloads; count++) {
      await reload();
      expect(await host.exchange('kept', `still there ${count}`)).toBe(`still there ${count}`);
    }
  });

  it.each([
    ['host to container by the published port, one flow', () => host, '127.0.0.1', 8080, false],
    ['host to container by the published port, a flow a packet', () => host, '127.0.0.1', 8080, true],
    ['container to container', () => neighbour, '10.88.0.2', 80, false],
  ] as const)(
    `C06 a reload where nothing is missing loses no packet of a thousand a second: %s`,
    async (name, sender, address, port, fresh) => {
      const peer = sender();
      await peer.stream(name, address, port, packetsPerSecond, fresh);
      const begun = performance.now();
      for (let count = 0; count < reloads; count++) {
        await reload();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const tookMs = performance.now() - begun;
      const { sent, lost } = await peer.endStream(name);
      console.log(`${name}: ${reloads} reloads in ${tookMs.toFixed(0)} ms, ${sent} packets sent, ${lost} lost`);
      expect(sent).toBeGreaterThan(packetsPerSecond / 2);
      expect(lost).toBe(0);
    },
  );
});

it('C06 a reload of a container that is not running is refused', async () => {
  await lab.client.container.create({ id: 'down', networks: [{ network: 'web' }] });
  expect(await codeOf(lab.client.container.reload({ id: 'down' }))).toBe('container.state');
  expect(await codeOf(lab.client.container.reload({ id: 'nobody' }))).toBe('container.unknown');
});
