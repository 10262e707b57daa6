import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeElements, loadRuleset, type NftChange, type NftSocket, openNftSocket, setSysctl } from '#native';
import {
  type Element,
  encodeElement,
  type NetworkFirewall,
  networkElements,
  nftTable,
  portElements,
} from '../../src/core/nft.ts';
import type { PublishedPort } from '../../src/core/port.ts';
import { baseRuleset } from './elements.ts';
import { apply, becomeHost, type Host, run } from './host.ts';
import { endPeers, reach, serve } from './peers.ts';
import { addAddress, addBridge, addRoute, addVeth, setLink } from './requests.ts';

// One host with a network of two containers (10.88.0.0/24), an internal network (10.99.0.0/24) and another machine
// outside, which knows no way back to the containers: it sees them only as the host.
//
//   a .2 ┐                                      ┌ outside 192.0.2.2, fd00:2::2
//   b .3 ┴ br0 10.88.0.1 ── host ── 192.0.2.1 ──┘
//   x .2 ┐
//   y .3 ┴ br1 10.99.0.1 (internal)
let host: Host;
let nft: NftSocket;
const paths = {} as Record<'outside' | 'a' | 'b' | 'x' | 'y', string>;
const hostAddress = '192.0.2.1';

beforeAll(async () => {
  host = await becomeHost();
  nft = openNftSocket();
  loadRuleset(baseRuleset);
  setSysctl(null, 'net.ipv4.ip_forward', '1');
  setSysctl(null, 'net.ipv6.conf.all.forwarding', '1');
  connectOutside();
  for (const [bridge, subnet] of [
    ['br0', '88'],
    ['br1', '99'],
  ] as const) {
    apply(
      host.socket,
      addBridge(bridge),
      addAddress(bridge, `10.${subnet}.0.1/24`),
      addAddress(bridge, `fd00:${subnet}::1/64`),
      setLink(bridge, { ipv4Configuration: { routeLocalnet: true } }),
    );
  }
  connect('a', 'br0', '88', 2);
  connect('b', 'br0', '88', 3);
  connect('x', 'br1', '99', 2);
  connect('y', 'br1', '99', 3);
  fill(...networks, ...published);
  await Promise.all([
    serve(paths.a, '0.0.0.0', 80),
    serve(paths.a, '::', 81),
    serve(paths.a, '0.0.0.0', 6005),
    serve(paths.b, '0.0.0.0', 80),
    serve(paths.y, '0.0.0.0', 80),
    serve(paths.outside, '0.0.0.0', 80),
    serve(paths.outside, '::', 81),
    serve(null, '127.0.0.1', 70),
  ]);
}, 30_000);
afterAll(() => {
  endPeers();
  nft.close();
  host.close();
});

function connectOutside() {
  const { path, socket } = host.netns('outside');
  paths.outside = path;
  apply(
    host.socket,
    addVeth('up0', path),
    setLink('up0', { up: true }),
    addAddress('up0', `${hostAddress}/24`),
    addAddress('up0', 'fd00:2::1/64'),
  );
  apply(socket, setLink('eth0', { up: true }), addAddress('eth0', '192.0.2.2/24'), addAddress('eth0', 'fd00:2::2/64'));
}

function connect(name: 'a' | 'b' | 'x' | 'y', bridge: string, subnet: string, last: number) {
  const { path, socket } = host.netns(name);
  paths[name] = path;
  apply(host.socket, addVeth(`v-${name}`, path), setLink(`v-${name}`, { up: true, master: bridge, hairpin: true }));
  apply(
    socket,
    setLink('lo', { up: true }),
    setLink('eth0', { up: true }),
    addAddress('eth0', `10.${subnet}.0.${last}/24`),
    addAddress('eth0', `fd00:${subnet}::${last}/64`),
    addRoute('0.0.0.0/0', { gateway: `10.${subnet}.0.1` }),
    addRoute('::/0', { gateway: `fd00:${subnet}::1` }),
  );
}

function fill(...elements: Element[]) {
  const changes = elements.flatMap(encodeElement).map((element): NftChange => ({ verb: 'add', element }));
  expect(changeElements(nft, nftTable, changes).filter((fault) => fault !== null)).toEqual([]);
}

function firewall(more: Pick<NetworkFirewall, 'name' | 'link' | 'subnets'> & Partial<NetworkFirewall>) {
  return networkElements({ internal: false, isolate: 'none', outbound4: null, outbound6: null, ...more });
}

const networks = [
  ...firewall({ name: 'front', link: 'br0', subnets: ['10.88.0.0/24', 'fd00:88::/64'] }),
  ...firewall({ name: 'back', link: 'br1', subnets: ['10.99.0.0/24', 'fd00:99::/64'], internal: true }),
];

function publish(name: string, targets: { 4?: string; 6?: string }, port: Partial<PublishedPort>): Element[] {
  const one = { protocol: 'tcp', hostIp: null, hostPort: 8080, containerPort: 80, range: 1, ...port } as const;
  return portElements(one, targets, `container/${name}`);
}

const published = [
  ...publish('a', { 4: '10.88.0.2' }, {}),
  ...publish('a', { 4: '10.88.0.2' }, { protocol: 'udp' }),
  ...publish('y', { 4: '10.99.0.3' }, { hostPort: 8090 }),
  ...publish('b', { 4: '10.88.0.3' }, { hostIp: hostAddress }),
  ...publish('a', { 4: '10.88.0.2' }, { hostPort: 6000, containerPort: 6000, range: 11 }),
  ...publish('a', { 6: 'fd00:88::2' }, { hostPort: 8081, containerPort: 81 }),
];

describe('a published port', () => {
  it('is reached from another machine, whose address the container sees', async () => {
    expect(await reach(paths.outside, '10.88.0.1', 8080, { withinMs: 300 })).toBeNull(); // no route: the test's premise
    expect(await reach(paths.outside, hostAddress, 6005)).toBe('192.0.2.2');
  });

  it.each(['tcp', 'udp'] as const)('is reached from the host itself by 127.0.0.1, by %s', async (transport) => {
    expect(await reach(null, '127.0.0.1', 8080, { transport })).toBe('10.88.0.1');
  });

  it('is reached from the host itself by its own address', async () => {
    expect(await reach(null, '10.88.0.1', 8080)).toBe('10.88.0.1');
    expect(await reach(null, hostAddress, 6005)).toBe(hostAddress);
  });

  it('is reached on one address by the container that has it there, rather than by that on all', async () => {
    run(null, 'nft', ['flush', 'map', 'inet', 'netloom', 'published_any4']);
    expect(await reach(null, '10.88.0.1', 8080, { withinMs: 300 })).toBeNull();
    expect(await reach(paths.outside, hostAddress, 8080)).toBe('192.0.2.2');
    fill(...published);
  });

  it('is reached by neighbours and by the container itself through the host (hairpin)', async () => {
    expect(await reach(paths.b, hostAddress, 6005)).toBe('10.88.0.1');
    expect(await reach(paths.a, hostAddress, 6005)).toBe('10.88.0.1');
    expect(await reach(paths.a, '10.88.0.1', 8080, { transport: 'udp' })).toBe('10.88.0.1');
  });

  it('is reached by IPv6', async () => {
    expect(await reach(paths.outside, 'fd00:2::1', 8081)).toBe('fd00:2::2');
    expect(await reach(null, 'fd00:2::1', 8081)).toBe('fd00:2::1');
    expect(await reach(paths.b, 'fd00:2::1', 8081)).toBe('fd00:88::1');
  });
});

describe('a container', () => {
  it('reaches the outside as the host', async () => {
    expect(await reach(paths.a, '192.0.2.2', 80)).toBe(hostAddress);
    expect(await reach(paths.a, 'fd00:2::2', 81)).toBe('fd00:2::1');
  });

  it('reaches its neighbour as itself', async () => {
    expect(await reach(paths.a, '10.88.0.3', 80)).toBe('10.88.0.2');
  });

  it('does not reach what the host binds to 127.0.0.1, although the bridge routes it', async () => {
    // The container gives up its own loopback to send such packets to the host.
    setSysctl(paths.b, 'net.ipv4.conf.eth0.route_localnet', '1');
    for (const local of ['127.0.0.1', '127.0.0.0/8']) {
      run(paths.b, 'ip', ['route', 'delete', 'local', local, 'dev', 'lo', 'table', 'local']);
    }
    run(paths.b, 'ip', ['route', 'add', '127.0.0.1/32', 'via', '10.88.0.1', 'src', '10.88.0.3']);
    run(null, 'nft', 'insert rule inet netloom raw_prerouting iif != lo ip daddr 127.0.0.1 counter'.split(' '));
    expect(await reach(null, '127.0.0.1', 70)).toBe('127.0.0.1');
    expect(await reach(paths.b, '127.0.0.1', 70, { withinMs: 500 })).toBeNull();
    // They did arrive; it is the rule that keeps them out.
    expect(run(null, 'nft', ['list', 'chain', 'inet', 'netloom', 'raw_prerouting'])).toMatch(/counter packets [1-9]/);
  });
});

describe('an internal network', () => {
  it('carries traffic between its own containers and from the host', async () => {
    expect(await reach(paths.x, '10.99.0.3', 80)).toBe('10.99.0.2');
    expect(await reach(null, '10.99.0.3', 80)).toBe('10.99.0.1');
    expect(await reach(null, '127.0.0.1', 8090)).toBe('10.99.0.1');
  });

  it('lets nothing out and nothing in', async () => {
    const [out, across, back, published] = await Promise.all([
      reach(paths.x, '192.0.2.2', 80, { withinMs: 500 }),
      reach(paths.x, '10.88.0.2', 80, { withinMs: 500 }),
      reach(paths.a, '10.99.0.3', 80, { withinMs: 500 }),
      reach(paths.outside, hostAddress, 8090, { withinMs: 500 }),
    ]);
    expect([out, across, back, published]).toEqual([null, null, null, null]);
  });
});
