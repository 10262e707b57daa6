import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  changeElements,
  getSysctl,
  listElements,
  loadRuleset,
  type NftChange,
  type NftSocket,
  openNftSocket,
  setSysctl,
} from '#native';
import { decodeElement, encodeElement } from '../../src/core/firewall/encoding.ts';
import { type NetworkFirewall, networkElements } from '../../src/core/firewall/network-elements.ts';
import { type Element, elementIdentity, type NftSet, nftSets, nftTable } from '../../src/core/firewall/nft.ts';
import { type PortTraffic, portTraffic, type TrafficCounter } from '../../src/core/firewall/port-counters.ts';
import { portElements } from '../../src/core/firewall/port-elements.ts';
import type { PublishedPort } from '../../src/core/port.ts';
import { baseRuleset } from './elements.ts';
import { apply, becomeHost, type Host, run } from './host.ts';
import { endPeers, reach, serve } from './peers.ts';
import { addAddress, addBridge, addRoute, addVeth, setLink } from './requests.ts';

// One host with a network of two containers (10.88.0.0/24), an internal network (10.99.0.0/24) and another machine
// outside, which has no route back to the containers: it sees only the host's address.
//
//   a .2 ┐                                      ┌ outside 192.0.2.2, fd00:2::2
//   b .3 ┴ br0 10.88.0.1 ── host ── 192.0.2.1 ──┘
//   x .2 ┐
//   y .3 ┴ br1 10.99.0.1 (internal)
//
// and later two more, left and mate on br2, right on br3, to be isolated from each other.
let host: Host;
let nft: NftSocket;
type Name = 'outside' | 'a' | 'b' | 'x' | 'y' | 'left' | 'mate' | 'right';
const paths = {} as Record<Name, string>;
const hostAddress = '192.0.2.1';

beforeAll(async () => {
  host = await becomeHost();
  nft = openNftSocket();
  loadRuleset(baseRuleset);
  setSysctl(null, 'net.ipv4.ip_forward', '1');
  setSysctl(null, 'net.ipv6.conf.all.forwarding', '1');
  connectOutside();
  raiseBridge('br0', '88');
  raiseBridge('br1', '99');
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

function raiseBridge(bridge: string, subnet: string) {
  apply(
    host.socket,
    addBridge(bridge),
    addAddress(bridge, `10.${subnet}.0.1/24`),
    addAddress(bridge, `fd00:${subnet}::1/64`),
    setLink(bridge, { ipv4Configuration: { routeLocalnet: true } }),
  );
}

function connect(name: Exclude<Name, 'outside'>, bridge: string, subnet: string, last: number) {
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

const fill = (...elements: Element[]) => change('add', elements);

function change(verb: NftChange['verb'], elements: Element[]) {
  const changes = elements.flatMap(encodeElement).map((element): NftChange => ({ verb, element }));
  expect(changeElements(nft, nftTable, changes).filter((fault) => fault !== null)).toEqual([]);
}

function firewall(more: Pick<NetworkFirewall, 'name' | 'link' | 'subnets'> & Partial<NetworkFirewall>) {
  return networkElements({ internal: false, isolate: 'none', open: false, outbound4: null, outbound6: null, ...more });
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
  it("a published port is reached from another machine, and the container sees that machine's address", async () => {
    expect(await reach(paths.outside, '10.88.0.1', 8080, { withinMs: 300 })).toBeNull(); // no route: the premise of the test
    expect(await reach(paths.outside, hostAddress, 6005)).toBe('192.0.2.2');
  });

  it.each(['tcp', 'udp'] as const)(
    'a published port is reached from the host itself by 127.0.0.1, by %s',
    async (transport) => {
      expect(await reach(null, '127.0.0.1', 8080, { transport })).toBe('10.88.0.1');
    },
  );

  it('a published port is reached from the host itself by its own address', async () => {
    expect(await reach(null, '10.88.0.1', 8080)).toBe('10.88.0.1');
    expect(await reach(null, hostAddress, 6005)).toBe(hostAddress);
  });

  it('a published port leads to the container that published it on one address, rather than to the one that did on all', async () => {
    run(null, 'nft', ['flush', 'map', 'inet', 'netloom', 'published_any4']);
    expect(await reach(null, '10.88.0.1', 8080, { withinMs: 300 })).toBeNull();
    expect(await reach(paths.outside, hostAddress, 8080)).toBe('192.0.2.2');
    fill(...published);
  });

  it('a published port is reached by neighbours and by the container itself through the host (hairpin)', async () => {
    expect(await reach(paths.b, hostAddress, 6005)).toBe('10.88.0.1');
    expect(await reach(paths.a, hostAddress, 6005)).toBe('10.88.0.1');
    expect(await reach(paths.a, '10.88.0.1', 8080, { transport: 'udp' })).toBe('10.88.0.1');
  });

  it('a published port is reached by IPv6', async () => {
    expect(await reach(paths.outside, 'fd00:2::1', 8081)).toBe('fd00:2::2');
    expect(await reach(null, 'fd00:2::1', 8081)).toBe('fd00:2::1');
    expect(await reach(paths.b, 'fd00:2::1', 8081)).toBe('fd00:88::1');
  });
});

describe('a container', () => {
  it("a container reaches the outside with the host's address", async () => {
    expect(await reach(paths.a, '192.0.2.2', 80)).toBe(hostAddress);
    expect(await reach(paths.a, 'fd00:2::2', 81)).toBe('fd00:2::1');
  });

  it('a container reaches its neighbour with its own address', async () => {
    expect(await reach(paths.a, '10.88.0.3', 80)).toBe('10.88.0.2');
  });

  it('a container does not reach servers on 127.0.0.1 of the host, although the bridge routes that address', async () => {
    // The container drops its own loopback to send such packets to the host.
    setSysctl(paths.b, 'net.ipv4.conf.eth0.route_localnet', '1');
    for (const local of ['127.0.0.1', '127.0.0.0/8']) {
      run(paths.b, 'ip', ['route', 'delete', 'local', local, 'dev', 'lo', 'table', 'local']);
    }
    run(paths.b, 'ip', ['route', 'add', '127.0.0.1/32', 'via', '10.88.0.1', 'src', '10.88.0.3']);
    run(null, 'nft', 'insert rule inet netloom raw_prerouting iif != lo ip daddr 127.0.0.1 counter'.split(' '));
    expect(await reach(null, '127.0.0.1', 70)).toBe('127.0.0.1');
    expect(await reach(paths.b, '127.0.0.1', 70, { withinMs: 500 })).toBeNull();
    // The packets arrived; the rule drops them.
    expect(run(null, 'nft', ['list', 'chain', 'inet', 'netloom', 'raw_prerouting'])).toMatch(/counter packets [1-9]/);
  });
});

describe('an internal network', () => {
  it('an internal network carries traffic between its own containers and from the host', async () => {
    expect(await reach(paths.x, '10.99.0.3', 80)).toBe('10.99.0.2');
    expect(await reach(null, '10.99.0.3', 80)).toBe('10.99.0.1');
    expect(await reach(null, '127.0.0.1', 8090)).toBe('10.99.0.1');
  });

  it('an internal network blocks inbound and outbound traffic', async () => {
    const [out, across, back, published] = await Promise.all([
      reach(paths.x, '192.0.2.2', 80, { withinMs: 500 }),
      reach(paths.x, '10.88.0.2', 80, { withinMs: 500 }),
      reach(paths.a, '10.99.0.3', 80, { withinMs: 500 }),
      reach(paths.outside, hostAddress, 8090, { withinMs: 500 }),
    ]);
    expect([out, across, back, published]).toEqual([null, null, null, null]);
  });
});

/** Adds elements while `during` runs. */
async function whileFilled(elements: Element[], during: () => Promise<void>): Promise<void> {
  fill(...elements);
  try {
    await during();
  } finally {
    change('delete', elements);
  }
}

describe('isolation', () => {
  const left = { name: 'left', link: 'br2', subnets: ['10.66.0.0/24', '10.67.0.0/24', 'fd00:66::/64'] };
  const right = { name: 'right', link: 'br3', subnets: ['10.55.0.0/24', 'fd00:55::/64'] };
  const kinds = ['none', 'true', 'strict'] as const;
  type Kind = (typeof kinds)[number];
  const isolated = (one: Kind, other: Kind) =>
    one === 'strict' || other === 'strict' || (one === 'true' && other === 'true');

  beforeAll(async () => {
    raiseBridge('br2', '66');
    raiseBridge('br3', '55');
    connect('left', 'br2', '66', 2);
    connect('mate', 'br2', '66', 3);
    connect('right', 'br3', '55', 2);
    // the mate is in the network's other subnet only, and they reach each other by way of the host
    apply(host.socket, addAddress('br2', '10.67.0.1/24'));
    run(paths.mate, 'ip', ['address', 'replace', '10.67.0.3/24', 'dev', 'eth0']);
    run(paths.mate, 'ip', ['address', 'delete', '10.66.0.3/24', 'dev', 'eth0']);
    run(paths.mate, 'ip', ['route', 'replace', 'default', 'via', '10.67.0.1']);
    await Promise.all([serve(paths.mate, '::', 80), serve(paths.right, '::', 80), serve(paths.left, '::', 80)]);
  });

  /** Counts packets that pass from one bridge to another while `during` runs: counted behind netloom's chain. */
  async function passing(from: string, to: string, during: () => Promise<unknown>): Promise<number> {
    const chain = '{ type filter hook forward priority 10; }';
    run(null, 'nft', ['add', 'table', 'inet', 'watch']);
    run(null, 'nft', ['add', 'chain', 'inet', 'watch', 'forward', chain]);
    run(null, 'nft', ['add', 'rule', 'inet', 'watch', 'forward', 'iifname', from, 'oifname', to, 'counter']);
    await during();
    const text = run(null, 'nft', ['list', 'chain', 'inet', 'watch', 'forward']);
    run(null, 'nft', ['delete', 'table', 'inet', 'watch']);
    return Number(/counter packets (\d+)/.exec(text)?.[1]);
  }

  it.each(kinds.flatMap((one) => kinds.map((other): [Kind, Kind] => [one, other])))(
    'isolation from %s to %s: blocks every packet that must not pass, also by a published port',
    async (mine, theirs) => {
      const elements = [
        ...firewall({ ...left, isolate: mine }),
        ...firewall({ ...right, isolate: theirs }),
        ...publish('right', { 4: '10.55.0.2', 6: 'fd00:55::2' }, { hostPort: 8055 }),
      ];
      const ways = [
        ['10.55.0.2', 80],
        ['fd00:55::2', 80],
        [hostAddress, 8055],
        ['fd00:2::1', 8055],
      ] as const;
      await whileFilled(elements, async () => {
        const refused = isolated(mine, theirs);
        let answers: (string | null)[] = [];
        const packets = await passing('br2', 'br3', async () => {
          answers = await Promise.all(
            ways.map(([address, port]) => reach(paths.left, address, port, refused ? { withinMs: 400 } : {})),
          );
        });
        expect(answers.map((answer) => answer !== null)).toEqual(ways.map(() => !refused));
        if (refused) expect(packets).toBe(0);
        else expect(packets).toBeGreaterThan(ways.length);
      });
    },
  );

  /** Switches whether frames between ports of one bridge pass the rules too; where br_netfilter is not loaded they never do. */
  function filterBridges(value: string) {
    for (const key of ['iptables', 'ip6tables'].map((name) => `net.bridge.bridge-nf-call-${name}`))
      if (getSysctl(null, key) !== null) setSysctl(null, key, value);
  }

  it.each(['1', '0'])(
    'isolation does not affect traffic within a network: neighbours, other subnets and published ports, with bridge-nf-call-iptables=%s',
    async (value) => {
      filterBridges(value);
      const elements = [
        ...firewall({ ...left, isolate: 'strict' }),
        ...publish('mate', { 4: '10.67.0.3', 6: 'fd00:66::3' }, { hostPort: 8066 }),
      ];
      await whileFilled(elements, async () => {
        expect(await reach(paths.left, '10.67.0.3', 80)).toBe('::ffff:10.66.0.2');
        expect(await reach(paths.left, 'fd00:66::3', 80)).toBe('fd00:66::2');
        expect(await reach(paths.left, hostAddress, 8066)).toBe('::ffff:10.67.0.1');
        expect(await reach(paths.mate, hostAddress, 8066)).toBe('::ffff:10.67.0.1');
        expect(await reach(paths.mate, 'fd00:2::1', 8066)).toBe('fd00:66::1');
      });
      filterBridges('1');
    },
  );

  it("isolation keeps external access, the host's own access and published ports", async () => {
    const elements = [
      ...firewall({ ...left, isolate: 'strict' }),
      ...publish('left', { 4: '10.66.0.2' }, { hostPort: 8067 }),
    ];
    await whileFilled(elements, async () => {
      expect(await reach(paths.left, '192.0.2.2', 80)).toBe(hostAddress);
      expect(await reach(null, '10.66.0.2', 80)).toBe('::ffff:10.66.0.1');
      expect(await reach(null, '127.0.0.1', 8067)).toBe('::ffff:10.66.0.1');
      expect(await reach(paths.outside, hostAddress, 8067)).toBe('::ffff:192.0.2.2');
    });
  });
});

describe('an outbound address', () => {
  const network = { name: 'left', link: 'br2', subnets: ['10.66.0.0/24', 'fd00:66::/64'] };
  beforeAll(() => apply(host.socket, addAddress('up0', '192.0.2.9/24'), addAddress('up0', 'fd00:2::9/64')));

  it('an outbound address is the source that the outside and other networks see, for its family', async () => {
    await whileFilled(firewall({ ...network, outbound4: '192.0.2.9', outbound6: 'fd00:2::9' }), async () => {
      expect(await reach(paths.left, '192.0.2.2', 80)).toBe('192.0.2.9');
      expect(await reach(paths.left, 'fd00:2::2', 81)).toBe('fd00:2::9');
      expect(await reach(paths.left, '10.88.0.2', 80)).toBe('192.0.2.9');
      expect(await reach(paths.a, '192.0.2.2', 80)).toBe(hostAddress);
    });
    await whileFilled(firewall({ ...network, outbound6: 'fd00:2::9' }), async () => {
      expect(await reach(paths.left, '192.0.2.2', 80)).toBe(hostAddress);
      expect(await reach(paths.left, 'fd00:2::2', 81)).toBe('fd00:2::9');
    });
  });

  it('an outbound address is not the source that neighbours see, nor that of connections through a published port', async () => {
    const elements = firewall({ ...network, outbound4: '192.0.2.9', outbound6: 'fd00:2::9' });
    await whileFilled([...elements, ...publish('left', { 4: '10.66.0.2' }, { hostPort: 8067 })], async () => {
      expect(await reach(paths.left, 'fd00:66::3', 80)).toBe('fd00:66::2');
      expect(await reach(paths.outside, hostAddress, 8067)).toBe('::ffff:192.0.2.2');
    });
  });
});

describe('the traffic of a published port', () => {
  const of = (more: Partial<PublishedPort>): PublishedPort => ({
    protocol: 'tcp',
    hostIp: null,
    hostPort: 8080,
    containerPort: 80,
    range: 1,
    ...more,
  });

  const counterSets = (Object.keys(nftSets) as NftSet[]).filter((set) => set.startsWith('counted_'));

  function trafficOf(port: PublishedPort): PortTraffic {
    const counters = new Map(
      counterSets.flatMap((set) =>
        listElements(nft, nftTable, set).map((one) => [elementIdentity(decodeElement(set, one)), one.counter] as const),
      ),
    );
    return portTraffic(port, (identity) => counters.get(identity));
  }

  /** Counts the difference that `during` makes. */
  async function counted(port: PublishedPort, during: () => Promise<unknown>): Promise<PortTraffic> {
    const [before, , after] = [trafficOf(port), await during(), trafficOf(port)];
    const less = (one: TrafficCounter, other: TrafficCounter) => ({
      packets: one.packets - other.packets,
      bytes: one.bytes - other.bytes,
    });
    return {
      toContainer: less(after.toContainer, before.toContainer),
      fromContainer: less(after.fromContainer, before.fromContainer),
    };
  }

  const nothing: PortTraffic = { toContainer: { packets: 0, bytes: 0 }, fromContainer: { packets: 0, bytes: 0 } };

  it('the traffic of a published port is counted to the byte, both ways: one UDP question and its answer', async () => {
    // IPv4 header 20, UDP header 8; `?` there, and back the address that was seen
    const exactly = (seen: string) => ({
      toContainer: { packets: 1, bytes: 29 },
      fromContainer: { packets: 1, bytes: 28 + seen.length },
    });
    const ask = (from: string | null, address: string) => () => reach(from, address, 8080, { transport: 'udp' });
    const udp = of({ protocol: 'udp' });
    expect(await counted(udp, ask(paths.outside, hostAddress))).toEqual(exactly('192.0.2.2'));
    expect(await counted(udp, ask(null, '127.0.0.1'))).toEqual(exactly('10.88.0.1'));
    expect(await counted(udp, ask(paths.b, hostAddress))).toEqual(exactly('10.88.0.1'));
    expect(await counted(udp, ask(paths.a, hostAddress))).toEqual(exactly('10.88.0.1'));
    expect(await counted(of({}), ask(null, '127.0.0.1'))).toEqual(nothing);
  });

  it('the traffic of a published port is counted over the whole connection', async () => {
    const { toContainer, fromContainer } = await counted(of({}), () => reach(null, '127.0.0.1', 8080));
    // at least: SYN, ACK, FIN one way; SYN ACK, the data, FIN the other
    for (const { packets } of [toContainer, fromContainer]) expect(packets).toBeGreaterThanOrEqual(3);
    for (const { packets, bytes } of [toContainer, fromContainer]) expect(bytes).toBeGreaterThanOrEqual(packets * 40);
    expect(fromContainer.bytes).toBeGreaterThanOrEqual(fromContainer.packets * 40 + '10.88.0.1'.length);
  });

  it('the traffic of a published port is counted by IPv6', async () => {
    const port = of({ hostPort: 8081, containerPort: 81 });
    const { toContainer, fromContainer } = await counted(port, () => reach(paths.outside, 'fd00:2::1', 8081));
    for (const { packets, bytes } of [toContainer, fromContainer]) {
      expect(packets).toBeGreaterThanOrEqual(3);
      expect(bytes).toBeGreaterThanOrEqual(packets * 60);
    }
  });

  it('the traffic of a published port of a range is counted as a whole', async () => {
    const range = of({ hostPort: 6000, containerPort: 6000, range: 11 });
    const { toContainer } = await counted(range, () => reach(paths.outside, hostAddress, 6005));
    expect(toContainer.packets).toBeGreaterThanOrEqual(3);
    const moved = of({ hostPort: 7000, containerPort: 79, range: 3 });
    await whileFilled(publish('a', { 4: '10.88.0.2' }, moved), async () => {
      expect((await counted(moved, () => reach(null, '127.0.0.1', 7001))).fromContainer.packets).toBeGreaterThanOrEqual(
        3,
      );
      expect((await counted(range, () => reach(null, '127.0.0.1', 7001))).toContainer.packets).toBe(0);
    });
  });

  it('the traffic of a published port is counted apart for the same port on two addresses, and for two ports that lead to one', async () => {
    const first = of({ hostIp: hostAddress, hostPort: 8070 });
    const second = of({ hostIp: '10.88.0.1', hostPort: 8070 });
    const other = of({ hostIp: hostAddress, hostPort: 8071 });
    const elements = [first, second, other].flatMap((port) => publish('a', { 4: '10.88.0.2' }, port));
    await whileFilled(elements, async () => {
      const ask = () => reach(null, hostAddress, 8070);
      expect((await counted(first, ask)).toContainer.packets).toBeGreaterThanOrEqual(3);
      for (const silent of [second, other]) expect(await counted(silent, ask)).toEqual(nothing);
      expect((await counted(second, () => reach(null, '10.88.0.1', 8070))).toContainer.packets).toBeGreaterThanOrEqual(
        3,
      );
      expect((await counted(other, () => reach(null, hostAddress, 8071))).toContainer.packets).toBeGreaterThanOrEqual(
        3,
      );
    });
  });

  it("the traffic of a published port does not include traffic to the container's own address, nor the container's own connections", async () => {
    const all = [of({}), of({ protocol: 'udp' }), of({ hostPort: 6000, containerPort: 6000, range: 11 })];
    for (const port of all)
      expect(
        await counted(port, async () => {
          expect(await reach(null, '10.88.0.2', 80)).not.toBeNull();
          expect(await reach(paths.b, '10.88.0.2', 80)).not.toBeNull();
          expect(await reach(paths.a, '192.0.2.2', 80)).not.toBeNull();
        }),
      ).toEqual(nothing);
  });

  it('the traffic of a published port keeps its counters when the elements are added again', async () => {
    const port = of({ protocol: 'udp' });
    const before = trafficOf(port);
    expect(before.toContainer.packets).toBeGreaterThan(0);
    fill(...publish('a', { 4: '10.88.0.2' }, port));
    expect(trafficOf(port)).toEqual(before);
  });
});
