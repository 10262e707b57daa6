import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { codeOf, refusal } from '../support/lab.ts';
import { all, everywhere, type Place, type Ports, PublishedLab } from '../support/published-lab.ts';

let at: PublishedLab;
beforeAll(async () => {
  at = await PublishedLab.open();
});
afterAll(() => at.close());
beforeEach(() => {
  at.lab.facts.events.splice(0);
});

const on = (...hostIps: (string | null)[]): Ports =>
  hostIps.map((hostIp) => ({ hostPort: 8080, containerPort: 80, protocol: 'tcp,udp', ...(hostIp && { hostIp }) }));
const everyPlace = [...everywhere[4], ...everywhere[6]];
const loopback: Place[] = ['host 127.0.0.1'];
/** The reported ports, each for TCP and UDP. */
const forBothProtocols = (...leftOut: [string, string][]) => leftOut.flatMap((one) => [one, one]);
const sorted = (list: unknown[]) => list.map((one) => JSON.stringify(one)).sort();

async function expectServed(where: readonly Place[]): Promise<void> {
  for (const transport of ['tcp', 'udp'] as const)
    expect(await at.reached(8080, transport), transport).toEqual(all(where));
}

describe.each(['setup', 'attach'] as const)('C03 ports brought by %s', (how) => {
  it.each<[string, (string | null)[], readonly Place[], [string, string][]]>([
    ['dual', ['0.0.0.0', '::'], everyPlace, []],
    ['dual', [null, '::'], everyPlace, []],
    ['dual', ['0.0.0.0', null], everyPlace, []],
    ['dual', ['127.0.0.1', '::'], [...loopback, ...everywhere[6]], []],
    ['dual', ['127.0.0.1', '::1'], loopback, [['::1', 'loopback']]],
    ['four', ['127.0.0.1', '::1'], loopback, [['::1', 'loopback']]],
    ['four', ['0.0.0.0', '::'], everywhere[4], [['::', 'family']]],
    ['four', [null, '::'], everywhere[4], [['::', 'family']]],
    ['four', ['fd00:2::1', '192.0.2.1'], ['first IPv4'], [['fd00:2::1', 'family']]],
    ['four', [null], everywhere[4], []],
    ['six', ['0.0.0.0', '::'], everywhere[6], [['0.0.0.0', 'family']]],
    ['six', ['127.0.0.1', 'fd00:2::1'], ['first IPv6'], [['127.0.0.1', 'family']]],
    ['six', [null], everywhere[6], []],
  ])(
    'C03 ports on a network of %s at %j are served by its families, and the others are reported as left out',
    (network, hostIps, where, leftOut) =>
      at.with(how, network, on(...hostIps), async () => {
        await expectServed(where);
        const { sequence } = await at.lab.client.container.inspect({ id: 'web' });
        await at.lab.facts.through(sequence);
        expect(sorted(at.leftOut())).toEqual(sorted(forBothProtocols(...leftOut)));
      }),
  );
});

describe('C03 ports of which none leads anywhere', () => {
  it.each([
    ['four', '::1'],
    ['four', '::'],
    ['four', 'fd00:2::1'],
    ['six', '0.0.0.0'],
    ['six', '127.0.0.1'],
    ['dual', '::1'],
  ])(
    'C03 ports that no family of network %s can serve at %s are refused with the reason, and left out where an engine brought them',
    async (network, hostIp) => {
      const request = { id: 'late', networks: [{ network }], ports: on(hostIp) };
      const why = hostIp === '::1' ? /Linux does not route ::1/ : /has no IPv[46] address on a bridge network/;
      expect(await refusal(at.lab.client.container.setup(request))).toMatchObject({
        code: 'mode.conflict',
        message: expect.stringMatching(why),
      });
      await at.lab.remove('late');
      expect(await codeOf(at.lab.client.container.plan(request))).toBe('mode.conflict');
      await at.with('attach', network, on(hostIp), async () => {
        expect(await at.reached(8080)).toEqual({});
        await at.lab.facts.event('container/web port-unreachable', 2);
      });
    },
  );
});

describe('C03 a family that comes and goes', () => {
  const { connect, disconnect, publish, unpublish, reload } = {
    connect: (network: string) => at.lab.client.container.connect({ id: 'web', network }),
    disconnect: (network: string) => at.lab.client.container.disconnect({ id: 'web', network }),
    publish: (ports: Ports) => at.lab.client.container.publish({ id: 'web', ports }),
    unpublish: (ports: Ports) => at.lab.client.container.unpublish({ id: 'web', ports }),
    reload: () => at.lab.client.container.reload({ id: 'web' }),
  };

  it('C03 ports of a family are served from connect to disconnect, even if the daemon is killed in between', () =>
    at.with('setup', 'four', on('0.0.0.0', '::'), async () => {
      await expectServed(everywhere[4]);
      await connect('six');
      await at.lab.facts.event('container/web published');
      await expectServed(everyPlace);
      await at.lab.restart('kill');
      await at.lab.facts.event('container/web adopted');
      await expectServed(everyPlace);
      at.lab.facts.events.splice(0);
      await disconnect('six');
      await at.lab.facts.event('container/web port-unreachable', 2);
      await expectServed(everywhere[4]);
      await disconnect('four');
      await connect('six');
      await expectServed(everywhere[6]);
    }));

  it('C03 publish leaves out a family that another mapping already serves, and a reload reports it again', () =>
    at.with('setup', 'four', on('0.0.0.0'), async () => {
      expect(await refusal(publish([{ hostIp: '::', hostPort: 8081, containerPort: 80 }]))).toMatchObject({
        code: 'mode.conflict',
      });
      await publish(on('::'));
      await at.lab.facts.event('container/web port-unreachable', 2);
      await reload();
      await at.lab.facts.event('container/web port-unreachable', 4);
      await expectServed(everywhere[4]);
      // it goes by the spelling of the request
      await unpublish(on('0.0.0.0'));
      expect(await at.reached(8080)).toEqual({});
      await unpublish(on('::'));
      expect((await at.lab.client.container.inspect({ id: 'web' })).container.ports).toEqual([]);
    }));

  it('C03 ports of a missing family are left out again when the container is set up again', () =>
    at.with('setup', 'four', on('0.0.0.0', '::'), async () => {
      await at.lab.facts.event('container/web port-unreachable', 2);
      await at.lab.tearDown('web');
      await at.lab.client.container.setup({ id: 'web' });
      await at.lab.facts.event('container/web port-unreachable', 4);
    }));
});

describe('C03 an engine with contradicting port mappings', () => {
  it('C03 a container with one port for one family and another for both is set up', () =>
    at.with(
      'attach',
      'dual',
      [
        { hostPort: 8080, containerPort: 80 },
        { hostIp: '::', hostPort: 8080, containerPort: 81 },
      ],
      async () => {
        expect(await at.reached(8080)).toEqual({ ...all(everywhere[4]), ...all(everywhere[6], 81) });
        const { data } = await at.lab.facts.event('container/web port-unreachable');
        expect(data).toMatchObject({ cause: 'contradiction', ports: [{ hostIp: null, containerPort: 80 }] });
      },
    ));
});

describe('C03 two containers of an engine that bind one port, each over another family', () => {
  const [both, six]: [Ports, Ports] = [
    [{ hostPort: 8080, containerPort: 80 }],
    [{ hostIp: '::', hostPort: 8080, containerPort: 80 }],
  ];
  it.each([
    [both, six, { web: all(everyPlace), next: {} }, all(everywhere[6])],
    [six, both, { web: all(everywhere[6]), next: all(everywhere[4]) }, all(everyPlace)],
  ])(
    'C03 with %j, then %j both containers are up, and the first keeps the shared port until it goes',
    (first, second, expected, alone) =>
      at.with('attach', 'dual', first, () =>
        at.with(
          'attach',
          'dual',
          second,
          async () => {
            expect(await at.reachedOf(8080, ['web', 'next'])).toEqual(expected);
            const { data } = await at.lab.facts.event('container/next port-unreachable');
            expect(data).toMatchObject({ cause: 'taken' });
            await at.lab.tearDown('web');
            await at.lab.facts.event('container/next published');
            expect(await at.reachedOf(8080, ['next'])).toEqual({ next: alone });
            await at.lab.restart('kill');
            await at.lab.client.container.reload({ id: 'next' });
            expect(await at.reachedOf(8080, ['next'])).toEqual({ next: alone });
          },
          'next',
        ),
      ),
  );
});
