import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describePort, type PublishedPort } from '../../src/core/port.ts';
import { untilAnswered } from '../support/daemon.ts';
import { isFree } from '../support/kernel-state.ts';
import { codeOf } from '../support/lab.ts';
import { hostAddress } from '../support/other-host.ts';
import { all, everywhere, type Ports, PublishedLab } from '../support/published-lab.ts';

let at: PublishedLab;
beforeAll(async () => {
  at = await PublishedLab.open();
});
afterAll(() => at.close());

const web = { hostPort: 8080, containerPort: 80 };
const everyPlace = [...everywhere[4], ...everywhere[6]];
const range = (first: number, count: number, hostIp?: string) => ({
  hostPort: first,
  containerPort: first - 1_000,
  range: count,
  ...(hostIp && { hostIp }),
});
const shown = async () =>
  ((await at.lab.client.container.inspect({ id: 'web' })).container.ports as PublishedPort[]).map(describePort);
const publish = (ports: Ports) => at.lab.client.container.publish({ id: 'web', ports });
const unpublish = (ports: Ports) => at.lab.client.container.unpublish({ id: 'web', ports });
const freed = (...ports: number[]) => untilAnswered(async () => expect(ports.map(isFree)).not.toContain(false));

describe.each(['setup', 'attach'] as const)('N16 mappings that agree, brought by %s', (how) => {
  it.each<[string, Ports, string[]]>([
    ['equal ones', [web, web], ['8080->80/tcp']],
    ['one family beside both', [{ ...web, hostIp: '0.0.0.0' }, web], ['8080->80/tcp']],
    ['in the other order', [web, { ...web, hostIp: '::' }], ['8080->80/tcp']],
    ['an address beside every one', [{ ...web, hostIp: hostAddress[4] }, web], ['8080->80/tcp']],
    ['all of them', [{ ...web, hostIp: '::' }, { ...web, hostIp: '0.0.0.0' }, web], ['8080->80/tcp']],
  ])('N16 mappings count as one: %s', (_, ports, expected) =>
    at.with(how, 'dual', ports, async ({ ports: answered }) => {
      expect(answered.map(describePort)).toEqual(expected);
      expect(await shown()).toEqual(expected);
      expect(await at.reached(8080)).toEqual(all(everyPlace));
    }),
  );

  it('N16 overlapping ranges are joined, and a partly covered range is cut', () =>
    at.with(how, 'dual', [range(9000, 4), range(9002, 4), range(9004, 4, hostAddress[4])], async () => {
      expect(await shown()).toEqual(['9000-9005->8000-8005/tcp', `${hostAddress[4]}:9006-9007->8006-8007/tcp`]);
      for (const port of [9000, 9003, 9005]) expect(await at.reached(port)).toEqual(all(everyPlace, port - 1_000));
      for (const port of [9006, 9007]) expect(await at.reached(port)).toEqual({ 'first IPv4': port - 1_000 });
      expect(await at.reached(9008)).toEqual({});
    }));

  it('N16 a range on one address is cut where one of its ports is published on every address', () =>
    at.with(
      how,
      'four',
      [
        { hostPort: 9000, containerPort: 80, range: 2, protocol: 'udp', hostIp: '127.0.0.1' },
        { hostPort: 9001, containerPort: 81, protocol: 'udp' },
      ],
      async () => {
        expect(await shown()).toEqual(['127.0.0.1:9000->80/udp', '9001->81/udp']);
        expect(await at.reached(9000, 'udp')).toEqual({ 'host 127.0.0.1': 80 });
        expect(await at.reached(9001, 'udp')).toEqual(all(everywhere[4], 81));
      },
    ));
});

describe('N16 a contradiction', () => {
  const other = { ...web, containerPort: 81 };
  it.each<[string, Ports]>([
    ['on every address', [web, other]],
    [
      'of a wildcard and one of its addresses',
      [
        { ...web, hostIp: '0.0.0.0' },
        { ...other, hostIp: '127.0.0.1' },
      ],
    ],
    ['over one family', [web, { ...other, hostIp: '::' }]],
    ['of ranges', [range(9000, 4), { ...range(9002, 4), containerPort: 8003 }]],
    ['of a range and a port in it', [range(9000, 4), { hostPort: 9003, containerPort: 80, hostIp: '::1' }]],
  ])('N16 a contradiction %s is refused before anything is built, at a set-up and live', async (_, ports) => {
    const request = { id: 'late', networks: [{ network: 'dual' }], ports };
    expect(await codeOf(at.lab.client.container.setup(request))).toBe('port.overlap');
    await freed(8080, 9000, 9002);
    await at.with('setup', 'dual', ports.slice(0, 1), async () => {
      const before = await shown();
      expect(await codeOf(publish(ports.slice(1)))).toBe('port.taken');
      expect(await shown()).toEqual(before);
    });
  });

  it('N16 mappings of different families or addresses do not contradict each other', () =>
    at.with(
      'setup',
      'dual',
      [
        { ...web, hostIp: '0.0.0.0' },
        { ...other, hostIp: '::' },
      ],
      async () => {
        expect(await at.reached(8080)).toEqual({ ...all(everywhere[4]), ...all(everywhere[6], 81) });
      },
    ));
});

describe('N16 live', () => {
  it('N16 mappings are published and unpublished in their own spelling, and no packet to the others is lost', () =>
    at.with('setup', 'dual', [{ ...web, protocol: 'udp' }], async () => {
      const udp = (hostIp: string) => ({ ...web, hostIp, protocol: 'udp' });
      await at.peers.other.stream('flow', hostAddress[4], 8080, 200);
      await publish([udp('0.0.0.0'), udp('127.0.0.1')]);
      await publish([udp('0.0.0.0'), { ...web, protocol: 'UDP', hostIp: '' }]);
      expect(await shown()).toEqual(['8080->80/udp']);
      await unpublish([{ ...web, protocol: 'udp' }]);
      expect(await shown()).toEqual(['0.0.0.0:8080->80/udp']);
      await publish([{ ...web, protocol: 'udp' }]);
      await unpublish([udp('0.0.0.0')]);
      expect(await at.peers.other.endStream('flow')).toMatchObject({ lost: 0 });
      await unpublish([{ ...web, protocol: 'udp' }]);
      expect(await at.reached(8080, 'udp')).toEqual({ 'host 127.0.0.1': 80 });
      expect(await codeOf(unpublish([udp('::')]))).toBe('port.unknown');
      await unpublish([udp('127.0.0.1')]);
      await freed(8080);
    }));

  it('N16 the rest of a range stays held and served, also by the next daemon', () =>
    at.with('setup', 'dual', [range(9000, 4), range(9002, 4)], async () => {
      await at.lab.restart('kill');
      await at.lab.facts.event('container/web adopted');
      expect([9000, 9003, 9005].map(isFree)).toEqual([false, false, false]);
      await unpublish([range(9000, 4)]);
      await freed(9000, 9001);
      expect([9002, 9005].map(isFree)).toEqual([false, false]);
      expect(await at.reached(9002)).toEqual(all(everyPlace, 8002));
      // as it is shown
      await publish([range(9004, 4)]);
      expect(await shown()).toEqual(['9002-9007->8002-8007/tcp']);
      await unpublish([range(9002, 6)]);
      expect(await shown()).toEqual([]);
      await freed(9002, 9005, 9007);
    }));

  it('N16 a port that is published again is answered without an event', () =>
    at.with('setup', 'dual', [web], async () => {
      const { sequence } = await at.lab.client.container.inspect({ id: 'web' });
      expect((await publish([web])).ports.map(describePort)).toEqual(['8080->80/tcp']);
      expect((await at.lab.client.container.inspect({ id: 'web' })).sequence).toBe(sequence);
    }));

  it('N16 another container cannot publish any of the same ports', () =>
    at.with('setup', 'dual', [{ ...web, hostIp: '127.0.0.1' }, web], async () => {
      const second = (hostIp: string) =>
        at.lab.client.container.setup({ id: 'next', networks: [{ network: 'dual' }], ports: [{ ...web, hostIp }] });
      expect(await codeOf(second('127.0.0.1'))).toBe('port.taken');
      await at.lab.remove('next');
      await unpublish([web]);
      expect(await codeOf(second('127.0.0.1'))).toBe('port.taken');
      await at.lab.remove('next');
      await second(hostAddress[4]);
      await at.lab.remove('next');
    }));
});
