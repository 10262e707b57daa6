import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RequestOf, ResponseOf } from '../../src/client.ts';
import { untilAnswered } from '../support/daemon.ts';
import { nftElements } from '../support/fresh-host.ts';
import { isFree } from '../support/kernel-state.ts';
import { codeOf, Lab, refusal } from '../support/lab.ts';
import { hostAddress, OtherHost, otherAddress, secondAddress } from '../support/other-host.ts';
import type { Peer } from '../support/peer.ts';

// web 10.88.0.2, fd00:88::2 and next .3 on network web; other host 192.0.2.2, fd00:2::2; this host .1 and .3

type Ports = RequestOf<'container.publish'>['ports'];

const cycles = 100;
const packetsPerSecond = 1_000;
const gateway = '10.88.0.1';

let lab: Lab;
let otherHost: OtherHost;
let web: ResponseOf<'container.setup'>;
const peers = {} as Record<'web' | 'next' | 'host' | 'other', Peer>;

const publish = (ports: Ports, id = 'web') => lab.client.container.publish({ id, ports });
const unpublish = (ports: Ports, id = 'web') => lab.client.container.unpublish({ id, ports });
const published = async (id = 'web') => (await lab.client.container.inspect({ id })).container.ports;
const twice = (text: string) => [text, text];
/** The host releases it a moment after the reply. */
const freed = (port: number) => untilAnswered(async () => expect(isFree(port)).toBe(true));
/** Runs with the port published meanwhile. */
async function whilePublished(ports: Ports, test: () => Promise<void>, id = 'web'): Promise<void> {
  const before = await published(id);
  await publish(ports, id);
  try {
    await test();
  } finally {
    await unpublish(ports, id);
  }
  expect(await published(id)).toEqual(before);
}

beforeAll(async () => {
  lab = await Lab.open();
  otherHost = new OtherHost(lab.directory.path);
  await lab.client.network.create({ name: 'web', subnets: [{ subnet: '10.88.0.0/24' }, { subnet: 'fd00:88::/64' }] });
  const join = (id: string, ports: Ports) => lab.client.container.setup({ id, networks: [{ network: 'web' }], ports });
  web = await join('web', [{ hostPort: 8080, containerPort: 80, protocol: 'tcp,udp' }]);
  const next = await join('next', [{ hostPort: 8090, containerPort: 80 }]);
  peers.web = lab.peers.in(web.netns.path, 'web');
  peers.next = lab.peers.in(next.netns.path, 'next');
  peers.host = lab.peers.in(null, 'host');
  peers.other = lab.peers.in(otherHost.netns, 'other');
  for (const peer of [peers.web, peers.next])
    for (const port of [80, 6000, 6002, 9002])
      for (const transport of ['tcp', 'udp'] as const) expect(await peer.serve(transport, port)).toBe('ready');
});
afterAll(async () => {
  await lab.peers.end();
  otherHost?.remove();
  await lab.close();
});

describe('A09 a port that is published while the container is up', () => {
  it('A09 a port published live leads to the container at once, by every address of both families, and by all protocols of a list', () =>
    whilePublished([{ hostPort: 8100, containerPort: 80, protocol: 'tcp,udp' }], async () => {
      for (const family of [4, 6] as const)
        for (const address of [hostAddress[family], secondAddress[family]])
          expect(await peers.other.reachBoth(address, 8100)).toEqual(twice(`web:80 sees ${otherAddress[family]}`));
    }));

  it('A09 a port published live is reached by 127.0.0.1, and by the container itself (hairpin)', () =>
    whilePublished([{ hostPort: 8100, containerPort: 80, protocol: 'tcp,udp' }], async () => {
      expect(await peers.host.reachBoth('127.0.0.1', 8100)).toEqual(twice(`web:80 sees ${gateway}`));
      expect(await peers.web.reachBoth(hostAddress[4], 8100)).toEqual(twice(`web:80 sees ${gateway}`));
      expect(await peers.next.reachBoth(gateway, 8100)).toEqual(twice(`web:80 sees ${gateway}`));
    }));

  it.each([4, 6] as const)('A09 a port published live on one IPv%i address answers only there', (family) =>
    whilePublished([{ hostIp: hostAddress[family], hostPort: 8101, containerPort: 80 }], async () => {
      const sees = `web:80 sees ${otherAddress[family]}`;
      expect(await peers.other.reach('tcp', hostAddress[family], 8101)).toBe(sees);
      expect(await peers.other.reach('tcp', secondAddress[family], 8101)).toBe('ECONNREFUSED');
      expect(await peers.other.reach('tcp', hostAddress[family === 4 ? 6 : 4], 8101)).toBe('ECONNREFUSED');
    }),
  );

  it('A09 a port published live as a range stays one element, and leads every port to its own', () =>
    whilePublished([{ hostPort: 6000, containerPort: 6000, range: 5, protocol: 'udp' }], async () => {
      expect(nftElements('map', 'published_range4')).toHaveLength(1);
      expect(await peers.other.reach('udp', hostAddress[4], 6002)).toBe(`web:6002 sees ${otherAddress[4]}`);
      expect(await peers.other.reach('udp', hostAddress[4], 6005)).toBe('ECONNREFUSED');
    }));

  it('A09 a port published live as a range may lead to other ports of the container', () =>
    whilePublished([{ hostPort: 7000, containerPort: 9000, range: 3 }], async () => {
      expect(await peers.other.reach('tcp', hostAddress[4], 7002)).toBe(`web:9002 sees ${otherAddress[4]}`);
    }));

  it('A09 a port published live without a number is picked and returned, and is unpublished with that number or without one', async () => {
    for (const hostPort of [0, null, undefined]) {
      const { ports } = await publish([{ hostPort, containerPort: 80 }]);
      const picked = ports.at(-1)?.hostPort as number;
      expect(picked).toBeGreaterThan(0);
      expect(await published()).toEqual(ports);
      expect(await peers.other.reach('tcp', hostAddress[4], picked)).toBe(`web:80 sees ${otherAddress[4]}`);
      await unpublish([{ hostPort: hostPort === null ? picked : hostPort, containerPort: 80 }]);
      expect(await peers.other.reach('tcp', hostAddress[4], picked)).toBe('ECONNREFUSED');
      await freed(picked);
    }
  });

  it('A09 a port published live survives a restart of the daemon, and can be unpublished afterwards', async () => {
    await publish([{ hostPort: 8102, containerPort: 80 }]);
    await lab.restart('kill');
    expect(await peers.other.reach('tcp', hostAddress[4], 8102)).toBe(`web:80 sees ${otherAddress[4]}`);
    expect(isFree(8102)).toBe(false);
    await unpublish([{ hostPort: 8102, containerPort: 80 }]);
    await freed(8102);
  });

  it('A09 a port published live is announced by an event', async () => {
    await whilePublished([{ hostPort: 8103, containerPort: 80 }], async () => {});
    const { sequence } = await lab.client.container.inspect({ id: 'web' });
    await lab.facts.through(sequence);
    expect(lab.facts.of('container', 'web').slice(-2)).toEqual(['published', 'unpublished']);
  });
});

describe('A09 live publishing is refused, and changes nothing:', () => {
  const refusals: [string, string, Ports][] = [
    ['A09 a port that the container has already', 'port.taken', [{ hostPort: 8080, containerPort: 81 }]],
    ['A09 a range that meets one', 'port.taken', [{ hostPort: 8078, containerPort: 81, range: 5 }]],
    [
      'A09 two that overlap each other',
      'port.overlap',
      [
        { hostPort: 8110, containerPort: 80 },
        { hostIp: '127.0.0.1', hostPort: 8110, containerPort: 81 },
      ],
    ],
    ["A09 another container's", 'port.taken', [{ hostPort: 8090, containerPort: 80 }]],
    [
      "A09 one that is free beside another container's",
      'port.taken',
      [
        { hostPort: 8111, containerPort: 80 },
        { hostPort: 8090, containerPort: 80 },
      ],
    ],
    ["A09 another process's", 'port.taken', [{ hostPort: 8199, containerPort: 80 }]],
    [
      'A09 a protocol that this kernel has not, beside one that it has',
      'port.unavailable',
      [{ hostPort: 8112, containerPort: 80, protocol: 'tcp,sctp' }],
    ],
    ['A09 an address that this host has not', 'port.unavailable', [{ hostIp: '203.0.113.1', containerPort: 80 }]],
    ['A09 beyond the last port', 'port.invalid', [{ hostPort: 65_535, containerPort: 80, range: 2 }]],
    ['A09 an unknown protocol', 'port.invalid', [{ hostPort: 8113, containerPort: 80, protocol: 'dccp' }]],
  ];
  it.each(refusals)('live publishing of %s is refused: %s', async (_, code, ports) => {
    expect(await peers.host.serve('tcp', 8199)).toMatch(/ready|EADDRINUSE/);
    const before = [await published(), nftElements('map', 'published_any4')];
    const { code: answered, message } = await refusal(publish(ports));
    expect([answered, message]).toEqual([code, expect.any(String)]);
    expect([await published(), nftElements('map', 'published_any4')]).toEqual(before);
    for (const port of [8110, 8111, 8112]) await freed(port);
  });

  it('A09 unpublishing a port that is not published is refused', async () => {
    expect(await codeOf(unpublish([{ hostPort: 9999, containerPort: 80 }]))).toBe('port.unknown');
    expect(await codeOf(unpublish([{ hostPort: 8080, containerPort: 81 }]))).toBe('port.unknown');
  });

  it('A09 publishing by a container without networks is refused', async () => {
    await lab.client.container.setup({ id: 'alone', mode: 'none' });
    expect(await codeOf(publish([{ hostPort: 8114, containerPort: 80 }], 'alone'))).toBe('mode.conflict');
    await freed(8114);
  });
});

describe('A09 a port that is unpublished', () => {
  it('A09 an unpublished port is not reached any longer, and another process can bind it', async () => {
    await publish([{ hostPort: 8120, containerPort: 80, protocol: 'tcp,udp' }]);
    expect(isFree(8120)).toBe(false);
    await unpublish([{ hostPort: 8120, containerPort: 80, protocol: 'tcp,udp' }]);
    expect(await peers.other.reachBoth(hostAddress[4], 8120)).toEqual(twice('ECONNREFUSED'));
    await freed(8120);
    expect(await peers.host.serve('udp', 8120)).toBe('ready');
    expect(await peers.other.reach('udp', hostAddress[4], 8120)).toBe(`host:8120 sees ${otherAddress[4]}`);
  });

  it('A09 an unpublished port is available to another container at once', async () => {
    await publish([{ hostPort: 8121, containerPort: 80 }]);
    await unpublish([{ hostPort: 8121, containerPort: 80 }]);
    await whilePublished(
      [{ hostPort: 8121, containerPort: 80 }],
      async () => {
        expect(await peers.other.reach('tcp', hostAddress[4], 8121)).toBe(`next:80 sees ${otherAddress[4]}`);
      },
      'next',
    );
  });
});

it.each([
  ['one flow', false],
  ['a flow a packet', true],
])(
  `A09 no packet of a thousand a second to another port is lost during publish and unpublish: %s`,
  async (name, fresh) => {
    await peers.other.stream(name, hostAddress[4], 8080, packetsPerSecond, fresh);
    const begun = performance.now();
    for (let count = 0; count < cycles; count++) {
      await publish([{ hostPort: 8130, containerPort: 80, protocol: 'tcp,udp' }]);
      await unpublish([{ hostPort: 8130, containerPort: 80, protocol: 'tcp,udp' }]);
    }
    const tookMs = performance.now() - begun;
    const { sent, lost } = await peers.other.endStream(name);
    console.log(`${name}: ${cycles} cycles in ${tookMs.toFixed(0)} ms, ${sent} packets sent, ${lost} lost`);
    expect(sent).toBeGreaterThan(100);
    expect(lost).toBe(0);
  },
);

describe('A09 a flow of UDP that keeps its source port', () => {
  const port: Ports = [{ hostPort: 8140, containerPort: 80, protocol: 'udp' }];

  it('A09 a UDP flow with a constant source port reaches the container as soon as the port is published, and stops when it is unpublished', async () => {
    await peers.other.call('flow', hostAddress[4], 8140);
    expect(await peers.other.probe('flow')).toBe('silence');
    await publish(port);
    expect(await peers.other.probe('flow')).toBe('web:80');
    await unpublish(port);
    expect(await peers.other.probe('flow')).toBe('silence');
  });

  it('B08 a UDP flow with a constant source port moves to a set-up that arrives while the former container of the port is taken down', async () => {
    const shared = [{ hostPort: 8150, containerPort: 80 }];
    const setUp = (id: string) =>
      lab.client.container.setup({ id, networks: [{ network: 'web' }], ports: shared, isNew: true });
    await setUp('first-0');
    for (let index = 0; index < 10; index++) {
      const [gone] = await Promise.all([
        lab.client.container.remove({ id: `first-${index}` }),
        // answered when its links are gone; the port is requested as soon as the teardown has begun
        lab.facts.event(`container/first-${index} tearing-down`).then(() => setUp(`first-${index + 1}`)),
      ]);
      expect(gone).toEqual({ id: `first-${index}` });
    }
    await lab.client.container.remove({ id: 'first-10' });
  });

  it('A09 a UDP flow with a constant source port moves to the next container that publishes the port', async () => {
    await peers.other.call('over', hostAddress[4], 8140);
    for (const id of ['web', 'next'] as const)
      await whilePublished(
        port,
        async () => {
          expect(await peers.other.probe('over')).toBe(`${id}:80`);
        },
        id,
      );
    await publish(port);
    expect(await peers.other.probe('over')).toBe('web:80');
    await lab.client.container.teardown({ id: 'web' });
    expect(await peers.other.probe('over')).toBe('silence');
  });
});
