import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RequestOf, ResponseOf } from '../../src/client.ts';
import { ipWithin } from '../support/fresh-host.ts';
import { Lab } from '../support/lab.ts';
import { hostAddress, ipBatch, OtherHost, otherAddress, secondAddress } from '../support/other-host.ts';
import type { Peer } from '../support/peer.ts';

// One host with two networks and an internal one, and another host:
//
//   web .2       ┐
//   neighbour .3 ┴ web   10.88.0.1, fd00:88::1 ┐
//   stranger .2  ┐                             ├ host ── 192.0.2.1, .3 ── other 192.0.2.2
//   both .3, .4  ┴ back  10.77.0.1, fd00:77::1 ┘         fd00:2::1, ::3         fd00:2::2
//   inner .2     ┐
//   mate .3      ┴ inner 10.99.0.1, fd00:99::1 (internal)
//
// `both` is on web too.
const networks = {
  web: { 4: '10.88.0', 6: 'fd00:88:' },
  back: { 4: '10.77.0', 6: 'fd00:77:' },
  inner: { 4: '10.99.0', 6: 'fd00:99:' },
} as const;
const gateway = { 4: '10.88.0.1', 6: 'fd00:88::1' } as const;
const families = [4, 6] as const;
const transports = ['tcp', 'udp'] as const;
/** Long enough for an answer to arrive where there must be none. */
const silenceMs = 400;

const names = ['web', 'neighbour', 'stranger', 'both', 'inner', 'mate'] as const;
type Name = (typeof names)[number];

let lab: Lab;
let otherHost: OtherHost;
const peers = {} as Record<Name | 'host' | 'other', Peer>;
const status = {} as Record<Name, ResponseOf<'container.setup'>>;

const address = (network: keyof typeof networks, last: number) =>
  ({ 4: `${networks[network][4]}.${last}`, 6: `${networks[network][6]}:${last}` }) as const;
const web = address('web', 2);

/** Both protocols of a mapping. */
const published = (mapping: Partial<NonNullable<RequestOf<'container.setup'>['ports']>[number]>) => ({
  containerPort: 80,
  protocol: 'tcp,udp',
  ...mapping,
});

const wishes: RequestOf<'container.setup'>[] = [
  {
    id: 'web',
    networks: [{ network: 'web' }],
    ports: [
      published({ hostPort: 8080 }),
      published({ hostPort: 0 }),
      published({ hostPort: 6000, containerPort: 6000, range: 5 }),
      published({ hostPort: 7000, containerPort: 9000, range: 3 }),
      published({ hostPort: 8081, hostIp: hostAddress[4] }),
      published({ hostPort: 8081, hostIp: hostAddress[6] }),
      published({ hostPort: 6100, containerPort: 6100, range: 3, hostIp: hostAddress[4] }),
      published({ hostPort: 6100, containerPort: 6100, range: 3, hostIp: hostAddress[6] }),
      published({ hostPort: 8082, hostIp: '127.0.0.1' }),
      published({ hostPort: 8083, hostIp: '0.0.0.0' }),
      published({ hostPort: 8084, hostIp: '::' }),
    ],
  },
  { id: 'neighbour', networks: [{ network: 'web' }] },
  { id: 'stranger', networks: [{ network: 'back' }] },
  {
    id: 'both',
    networks: [{ network: 'back' }, { network: 'web' }],
    ports: [published({ hostPort: 8090 })],
  },
  { id: 'inner', networks: [{ network: 'inner' }], ports: [published({ hostPort: 8099 })] },
  { id: 'mate', networks: [{ network: 'inner' }] },
];

beforeAll(async () => {
  lab = await Lab.open();
  otherHost = new OtherHost(lab.directory.path);
  for (const [name, base] of Object.entries(networks))
    await lab.client.network.create({
      name,
      internal: name === 'inner',
      subnets: [{ subnet: `${base[4]}.0/24` }, { subnet: `${base[6]}:/64` }],
    });
  for (const wish of wishes) status[wish.id as Name] = await lab.client.container.setup(wish);
  for (const name of names) peers[name] = lab.peers.in(status[name].netns.path, name);
  peers.host = lab.peers.in(null, 'host');
  peers.other = lab.peers.in(otherHost.netns, 'other');
  const served = [80, 81, 6000, 6002, 6004, 6101, 9000, 9002];
  const everybody = Object.values(peers).flatMap((peer) =>
    transports.flatMap((transport) => (peer.name === 'web' ? served : [80]).map((port) => peer.serve(transport, port))),
  );
  expect(new Set(await Promise.all(everybody))).toEqual(new Set(['ready']));
});
afterAll(async () => {
  await lab.peers.end();
  otherHost?.remove();
  await lab.close();
});

const twice = (text: string) => [text, text];

describe.each(families)('a port published by a container, over IPv%i and by TCP and UDP', (family) => {
  const here = hostAddress[family];
  const there = otherAddress[family];

  it("a published port is reached from another host, and the container sees that host's address", async () => {
    expect(await peers.other.reachBoth(here, 8080)).toEqual(twice(`web:80 sees ${there}`));
    expect(await peers.other.reachBoth(secondAddress[family], 8080)).toEqual(twice(`web:80 sees ${there}`));
  });

  it('a published port has a picked number when the wish has none', async () => {
    for (const [index, transport] of transports.entries()) {
      const { hostPort, protocol } = status.web.ports[2 + index] as ResponseOf<'container.setup'>['ports'][number];
      expect(protocol).toBe(transport);
      expect(hostPort).toBeGreaterThan(0);
      expect(await peers.other.reach(transport, here, hostPort)).toBe(`web:80 sees ${there}`);
    }
  });

  it('a published port may be a range, with the same ports on both sides or with others', async () => {
    for (const port of [6000, 6002, 6004])
      expect(await peers.other.reachBoth(here, port)).toEqual(twice(`web:${port} sees ${there}`));
    expect(await peers.other.reachBoth(here, 7000)).toEqual(twice(`web:9000 sees ${there}`));
    expect(await peers.other.reachBoth(here, 7002)).toEqual(twice(`web:9002 sees ${there}`));
    expect(await peers.other.reachBoth(here, 7003)).toEqual(twice('ECONNREFUSED'));
    expect(await peers.other.reachBoth(here, 6005)).toEqual(twice('ECONNREFUSED'));
  });

  it('a published port answers only on the address for which it was published', async () => {
    expect(await peers.other.reachBoth(here, 8081)).toEqual(twice(`web:80 sees ${there}`));
    expect(await peers.other.reachBoth(here, 6101)).toEqual(twice(`web:6101 sees ${there}`));
    expect(await peers.host.reachBoth(here, 8081)).toEqual(twice(`web:80 sees ${here}`));
    expect(await peers.other.reachBoth(secondAddress[family], 8081)).toEqual(twice('ECONNREFUSED'));
    expect(await peers.other.reachBoth(secondAddress[family], 6101)).toEqual(twice('ECONNREFUSED'));
  });

  it('a published port answers in one family only when it was published on all addresses of one', async () => {
    const answers = twice(`web:80 sees ${there}`);
    expect(await peers.other.reachBoth(here, 8083)).toEqual(family === 4 ? answers : twice('ECONNREFUSED'));
    expect(await peers.other.reachBoth(here, 8084)).toEqual(family === 6 ? answers : twice('ECONNREFUSED'));
  });

  it('a published port is reached from the host itself by its address', async () => {
    expect(await peers.host.reachBoth(here, 8080)).toEqual(twice(`web:80 sees ${here}`));
    expect(await peers.host.reachBoth(here, 6004)).toEqual(twice(`web:6004 sees ${here}`));
  });

  it('a published port is reached from a neighbour on the same network through the host', async () => {
    expect(await peers.neighbour.reachBoth(here, 8080)).toEqual(twice(`web:80 sees ${gateway[family]}`));
    expect(await peers.neighbour.reachBoth(gateway[family], 8080)).toEqual(twice(`web:80 sees ${gateway[family]}`));
  });

  it('a published port is reached from the container itself through the host (hairpin)', async () => {
    expect(await peers.web.reachBoth(here, 8080)).toEqual(twice(`web:80 sees ${gateway[family]}`));
    expect(await peers.web.reachBoth(here, 7000)).toEqual(twice(`web:9000 sees ${gateway[family]}`));
  });

  it('a published port is reached from a container on another network through the host', async () => {
    expect(await peers.stranger.reachBoth(here, 8080)).toEqual(twice(`web:80 sees ${gateway[family]}`));
  });

  it('a published port leads to the first network of a container on several', async () => {
    expect(await peers.other.reachBoth(here, 8090)).toEqual(twice(`both:80 sees ${there}`));
    expect(await peers.neighbour.reachBoth(here, 8090)).toEqual(twice(`both:80 sees ${address('back', 1)[family]}`));
  });

  it('a published port is the only way in: an unpublished port is not reached through the host', async () => {
    expect(await peers.other.reachBoth(here, 81)).toEqual(twice('ECONNREFUSED'));
    expect(await peers.neighbour.reachBoth(here, 81)).toEqual(twice('ECONNREFUSED'));
    expect(await peers.other.reachBoth(here, 80)).toEqual(twice(`host:80 sees ${there}`));
  });
});

describe('a published port, on the host itself', () => {
  it('a published port on the host itself is reached by 127.0.0.1', async () => {
    for (const port of [8080, 8083]) {
      expect(await peers.host.reachBoth('127.0.0.1', port)).toEqual(twice(`web:80 sees ${gateway[4]}`));
    }
    expect(await peers.host.reachBoth('127.0.0.1', 6002)).toEqual(twice(`web:6002 sees ${gateway[4]}`));
  });

  it('a published port on the host itself can be published on 127.0.0.1 alone', async () => {
    expect(await peers.host.reachBoth('127.0.0.1', 8082)).toEqual(twice(`web:80 sees ${gateway[4]}`));
    expect(await peers.host.reachBoth(hostAddress[4], 8082)).toEqual(twice('ECONNREFUSED'));
    expect(await peers.other.reachBoth(hostAddress[4], 8082)).toEqual(twice('ECONNREFUSED'));
    expect(await peers.neighbour.reachBoth(gateway[4], 8082)).toEqual(twice('ECONNREFUSED'));
  });
});

describe.each(families)('a container, over IPv%i', (family) => {
  it('a container reaches its neighbours by address, and they see its own address', async () => {
    expect(await peers.neighbour.reachBoth(web[family], 80)).toEqual(twice(`web:80 sees ${address('web', 3)[family]}`));
    expect(await peers.web.reachBoth(address('web', 3)[family], 80)).toEqual(twice(`neighbour:80 sees ${web[family]}`));
  });

  it("a container reaches other hosts, which see the host's address", async () => {
    expect(await peers.web.reachBoth(otherAddress[family], 80)).toEqual(twice(`other:80 sees ${hostAddress[family]}`));
  });

  it('a container is reached by the host by its address', async () => {
    expect(await peers.host.reachBoth(web[family], 80)).toEqual(twice(`web:80 sees ${gateway[family]}`));
  });

  it('a container on two networks has neighbours on both, and its default route by the first', async () => {
    const routes = ipWithin<{ dst: string; gateway?: string; dev: string; metric?: number }[]>(
      status.both.netns.path,
      `-${family}`,
      'route',
    ).filter(({ dst }) => dst === 'default');
    expect(routes.map(({ gateway, dev }) => [gateway, dev])).toEqual([
      [address('back', 1)[family], 'eth0'],
      [address('web', 1)[family], 'eth1'],
    ]);
    expect(Number(routes[0]?.metric)).toBeLessThan(Number(routes[1]?.metric));
    expect(await peers.both.reachBoth(address('back', 2)[family], 80)).toEqual(
      twice(`stranger:80 sees ${address('back', 3)[family]}`),
    );
    expect(await peers.both.reachBoth(web[family], 80)).toEqual(twice(`web:80 sees ${address('web', 4)[family]}`));
    expect(await peers.both.reachBoth(otherAddress[family], 80)).toEqual(twice(`other:80 sees ${hostAddress[family]}`));
  });
});

describe.each(families)('an internal network, over IPv%i', (family) => {
  it('an internal network connects its members', async () => {
    expect(await peers.inner.reachBoth(address('inner', 3)[family], 80)).toEqual(
      twice(`mate:80 sees ${address('inner', 2)[family]}`),
    );
  });

  it('an internal network has no route to other networks', async () => {
    expect(await peers.inner.reachBoth(otherAddress[family], 80)).toEqual(twice('ENETUNREACH'));
  });

  it('an internal network has no external access, inbound or outbound, even when a container adds routes', async () => {
    const [everywhere, inside] = family === 4 ? ['0.0.0.0/0', '10.99.0.0/24'] : ['::/0', 'fd00:99::/64'];
    ipBatch(status.inner.netns.path, [`route add ${everywhere} via ${address('inner', 1)[family]}`]);
    ipBatch(otherHost.netns, [`route add ${inside} via ${hostAddress[family]}`]);
    const attempts = await Promise.all([
      peers.inner.reachBoth(otherAddress[family], 80, silenceMs),
      peers.inner.reachBoth(web[family], 80, silenceMs),
      peers.inner.reachBoth(hostAddress[family], 8080, silenceMs),
      peers.other.reachBoth(address('inner', 2)[family], 80, silenceMs),
      peers.other.reachBoth(hostAddress[family], 8099, silenceMs),
      peers.web.reachBoth(address('inner', 2)[family], 80, silenceMs),
    ]);
    expect(attempts).toEqual(attempts.map(() => twice('silence')));
  });
});

describe('a container that was torn down', () => {
  it('a container that was torn down is unreachable, and its ports are available again', async () => {
    await lab.client.container.teardown({ id: 'web' });
    for (const family of families) {
      for (const port of [8080, 6002, 7002, 8081])
        expect(await peers.other.reachBoth(hostAddress[family], port)).toEqual(twice('ECONNREFUSED'));
      expect(await peers.host.reachBoth(hostAddress[family], 8080)).toEqual(twice('ECONNREFUSED'));
    }
    await lab.facts.event('container/web torn-down');
    expect(await peers.host.serve('tcp', 8080)).toBe('ready');
    expect(await peers.other.reach('tcp', hostAddress[4], 8080)).toBe(`host:8080 sees ${otherAddress[4]}`);
  });
});
