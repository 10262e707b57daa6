import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import type { RequestOf } from '../../src/client.ts';
import { untilAnswered } from '../support/daemon.ts';
import { Lab, refusal } from '../support/lab.ts';
import type { Peer } from '../support/peer.ts';

// dual 10.81.0.2, fd00:81::2 and plain 10.82.0.2 (IPv4 only), asked by the host itself

type Ports = RequestOf<'container.publish'>['ports'];

let lab: Lab;
let host: Peer;
const published = async (id: string, ports: Ports, test: () => Promise<unknown>) => {
  await lab.client.container.publish({ id, ports });
  try {
    await test();
  } finally {
    await lab.client.container.unpublish({ id, ports });
  }
};
/** `atOnce`: below one second, as the case defines it. */
const atOnceMs = 1_000;
const reach = (transport: 'tcp' | 'udp', address: string, port: number) =>
  host.reach(transport, address, port, atOnceMs);
const factsOf = (id: string, fact: string) =>
  lab.facts.events.filter(({ type, subject }) => type === `dev.netloom.container.${fact}` && subject === id);

beforeAll(async () => {
  lab = await Lab.open();
  // every UDP refusal is answered, not one a second
  native.setSysctl(null, 'net.ipv6.icmp.ratelimit', '0');
  const subnets = [{ subnet: '10.81.0.0/24' }, { subnet: 'fd00:81::/64' }];
  await lab.client.network.create({ name: 'dual', subnets });
  await lab.client.network.create({ name: 'plain', subnets: [{ subnet: '10.82.0.0/24' }] });
  host = lab.peers.in(null, 'host');
  for (const id of ['dual', 'plain']) {
    const { netns } = await lab.client.container.setup({ id, networks: [{ network: id }] });
    const peer = lab.peers.in(netns.path, id);
    for (const port of [80, 9000, 9001])
      for (const transport of ['tcp', 'udp'] as const) expect(await peer.serve(transport, port)).toBe('ready');
  }
});
afterAll(async () => {
  await lab.peers.end();
  await lab.close();
});

describe.each(['dual', 'plain'])('N10 a port that is published on every address, of a container on %s', (id) => {
  it('N10 a port on every address is refused on ::1 at once, over TCP and UDP, and served on 127.0.0.1, mapped form included', () =>
    published(id, [{ hostPort: 8081, containerPort: 80, protocol: 'tcp,udp' }], async () => {
      for (const transport of ['tcp', 'udp'] as const) {
        expect(await reach(transport, '::1', 8081)).toBe('ECONNREFUSED');
        expect(await reach(transport, '127.0.0.1', 8081)).toContain(`${id}:80 sees`);
      }
      expect(await reach('tcp', '::ffff:127.0.0.1', 8081)).toContain(`${id}:80 sees`);
    }));

  it('N10 a port of a published range is refused on ::1, too', () =>
    published(id, [{ hostPort: 9000, containerPort: 9000, range: 2 }], async () => {
      expect(await reach('tcp', '::1', 9001)).toBe('ECONNREFUSED');
      expect(await reach('tcp', '127.0.0.1', 9001)).toContain(`${id}:9001 sees`);
    }));
});

describe('N10 a port that is not published over IPv6', () => {
  it.each(['127.0.0.1', '0.0.0.0'])(
    'N10 a port published on %s alone leaves ::1 free for a server of the host',
    (hostIp) =>
      published('dual', [{ hostIp, hostPort: 8083, containerPort: 80 }], async () => {
        const own = lab.peers.in(null, 'own');
        expect(await own.serve('tcp', 8083, '::1')).toBe('ready');
        expect(await reach('tcp', '::1', 8083)).toContain('own:8083 sees ::1');
        expect(await reach('tcp', '127.0.0.1', 8083)).toContain('dual:80 sees');
        await own.end();
      }),
  );
});

describe('N10 a port that is published on ::1', () => {
  const only = [{ hostIp: '::1', hostPort: 8082, containerPort: 80 }];
  const both = [...only, { hostIp: '127.0.0.1', hostPort: 8082, containerPort: 80 }];

  it('N10 a port on ::1 alone is refused with the reason, live and at a set-up, and nothing is left behind', async () => {
    const why = { code: 'mode.conflict', message: expect.stringContaining('Linux does not route ::1') };
    expect(await refusal(lab.client.container.publish({ id: 'dual', ports: only }))).toMatchObject(why);
    const networks = [{ network: 'dual' }];
    expect(await refusal(lab.client.container.setup({ id: 'late', networks, ports: only }))).toMatchObject(why);
    await lab.client.container.remove({ id: 'late' });
    await lab.settled();
  });

  it('N10 a port on ::1 is left out and reported beside a mapping that reaches the container, and is refused at once', () =>
    published('dual', both, async () => {
      expect(await reach('tcp', '::1', 8082)).toBe('ECONNREFUSED');
      expect(await reach('tcp', '127.0.0.1', 8082)).toContain('dual:80 sees');
      await untilAnswered(async () =>
        expect(factsOf('dual', 'port-unreachable').map(({ data }) => data)).toMatchObject([
          { ports: [{ hostIp: '::1', hostPort: 8082 }], reason: expect.stringContaining('::1') },
        ]),
      );
    }));

  it.each([
    ['::1', 'dual', 'fd00:83::2'],
    ['::', 'plain', null],
    [null, 'plain', null],
  ] as const)(
    'N10 a port on [%s] of a %s network is refused at once, though the engine that brought it listens there',
    async (hostIp, kind, address6) => {
      const port = 8084;
      const engine = lab.peers.in(null, 'engine');
      expect(await engine.serve('tcp', port, hostIp ?? '::')).toBe('ready');
      const path = `${lab.directory.path}/engine-${kind}`;
      native.createNetns(path).socket.close();
      const subnets = [
        { subnet: '10.83.0.0/24', gateway: '10.83.0.1' },
        ...(address6 ? [{ subnet: 'fd00:83::/64', gateway: 'fd00:83::1' }] : []),
      ];
      const definition = {
        name: 'brought',
        id: 'c'.repeat(64),
        driver: 'bridge',
        network_interface: 'brought0',
        created: new Date().toISOString(),
        subnets,
      };
      const staticIps = ['10.83.0.2', ...(address6 ? [address6] : [])];
      await lab.client.container.attach({
        id: 'guest',
        mode: `ns:${path}`,
        networks: [{ network: 'brought', interfaceName: 'eth0', staticIps, definition }],
        ports: [{ ...(hostIp && { hostIp }), hostPort: port, containerPort: 80, heldByCaller: true }],
      });
      expect(await reach('tcp', '::1', port)).toBe('ECONNREFUSED');
      if (hostIp !== null)
        await untilAnswered(async () => expect(factsOf('guest', 'port-unreachable')).not.toEqual([]));
      await engine.end();
      await lab.remove('guest');
      native.removeNetns(path);
      lab.facts.events.splice(0);
    },
  );
});

describe('N10 a port on an IPv4-only network', () => {
  it('N10 an IPv6-only port on an IPv4-only network is refused with the reason, and left out beside another mapping', async () => {
    const six = { hostIp: '::', hostPort: 8085, containerPort: 80 };
    expect(await refusal(lab.client.container.publish({ id: 'plain', ports: [six] }))).toMatchObject({
      code: 'mode.conflict',
      message: expect.stringContaining('container plain has no IPv6 address on a bridge network'),
    });
    await published('plain', [six, { ...six, hostIp: '0.0.0.0' }], async () => {
      expect(await reach('tcp', '127.0.0.1', 8085)).toContain('plain:80 sees');
      expect(await reach('tcp', '::1', 8085)).toBe('ECONNREFUSED');
    });
  });
});
