import { describe, expect, it } from 'vitest';
import { type Family, familyOf } from '../../src/core/address.ts';
import { contradict, describePort, type PublishedPort, portsOverlap } from '../../src/core/port.ts';
import { contradictedPorts, portsTogether, servedPorts, uncoveredPorts } from '../../src/core/served-ports.ts';
import { seeded } from '../support/seeded.ts';

/** Generates the same whole numbers for the same seed. */
function dice(seed: number) {
  const random = seeded(seed);
  const below = (end: number) => Math.floor(random() * end);
  return { below, pick: <Item>(items: readonly Item[]) => items[below(items.length)] as Item };
}

/** `8000-8002:80`, `[::]:8080:80/udp`, `10.0.0.1:8080:80 held` */
function port(text: string): PublishedPort {
  const match = /^(?:\[?([0-9a-f.:]*?)\]?:)?(\d+)(?:-(\d+))?:(\d+)(?:\/(\w+))?( held)?$/.exec(text);
  if (!match) throw new Error(text);
  const [, hostIp, first, last = first, inside, protocol = 'tcp', held] = match;
  return {
    protocol: protocol as PublishedPort['protocol'],
    hostIp: hostIp || null,
    hostPort: Number(first),
    containerPort: Number(inside),
    range: Number(last) - Number(first) + 1,
    ...(held && { heldByCaller: true }),
  };
}
const ports = (...texts: string[]) => texts.map(port);
const served = (...texts: string[]) => servedPorts(ports(...texts)).map(describePort);

describe('N16 the ports served for several mappings', () => {
  it.each([
    ['equal ones', ['8080:80', '8080:80'], ['8080->80/tcp']],
    ['one address beside every one', ['0.0.0.0:8080:80', '8080:80'], ['8080->80/tcp']],
    ['in whichever order', ['8080:80', '0.0.0.0:8080:80'], ['8080->80/tcp']],
    ['every IPv6 address beside every one', ['8080:80', '[::]:8080:80'], ['8080->80/tcp']],
    ['one address beside a wildcard', ['10.0.0.1:8080:80', '0.0.0.0:8080:80'], ['0.0.0.0:8080->80/tcp']],
    ['both families', ['0.0.0.0:8080:80', '[::]:8080:80'], ['0.0.0.0:8080->80/tcp', '[::]:8080->80/tcp']],
    [
      'both families, one address each',
      ['127.0.0.1:8080:80', '[::1]:8080:80'],
      ['127.0.0.1:8080->80/tcp', '[::1]:8080->80/tcp'],
    ],
    ['all three', ['0.0.0.0:8080:80', '8080:80', '[::]:8080:80'], ['8080->80/tcp']],
    ['other protocols', ['8080:80', '8080:80/udp'], ['8080->80/tcp', '8080->80/udp']],
    ['ranges that overlap', ['8000-8010:8000', '8005-8015:8005'], ['8000-8015->8000-8015/tcp']],
    [
      'a range between two others',
      ['8000-8003:80', '9000:9000', '8006-8009:86', '8002-8007:82'],
      ['8000-8009->80-89/tcp', '9000->9000/tcp'],
    ],
    ['a range within another', ['8000-8010:8000', '8005:8005'], ['8000-8010->8000-8010/tcp']],
    ['ranges next to each other', ['8000-8001:8000', '8002:8002'], ['8000-8001->8000-8001/tcp', '8002->8002/tcp']],
    [
      'a part of a range',
      ['10.0.0.1:8000-8010:8000', '8005:8005'],
      ['10.0.0.1:8000-8004->8000-8004/tcp', '10.0.0.1:8006-8010->8006-8010/tcp', '8005->8005/tcp'],
    ],
    [
      'one family of a part',
      ['0.0.0.0:8000-8010:8000', '8005-8015:8005'],
      ['0.0.0.0:8000-8004->8000-8004/tcp', '8005-8015->8005-8015/tcp'],
    ],
  ])('%s: %j', (_, asked, expected) => {
    expect(served(...asked)).toEqual(expected);
  });

  it('the served ports leave picked ones alone, each with a port of its own', () => {
    expect(served('0:80', '0:80', '8080:80', '127.0.0.1:8080:80')).toEqual(['0->80/tcp', '0->80/tcp', '8080->80/tcp']);
  });

  it('the served ports are shown as held by their engine when that has bound them', () => {
    expect(servedPorts(ports('8080:80', '8080:80 held'))).toEqual(ports('8080:80 held'));
    expect(servedPorts(ports('8080:80', '127.0.0.1:8080:80 held'))).toEqual(ports('8080:80'));
  });
});

describe('C03 contradictory mappings of an engine', () => {
  it.each([
    [
      ['8080:80 held', '[::]:8080:81 held'],
      ['0.0.0.0:8080->80/tcp', '[::]:8080->81/tcp'],
    ],
    [
      ['[::]:8080:81 held', '8080:80 held'],
      ['[::]:8080->81/tcp', '0.0.0.0:8080->80/tcp'],
    ],
    [
      ['8000-8009:80 held', '0.0.0.0:8005:22 held'],
      ['8000-8004->80-84/tcp', '8006-8009->86-89/tcp', '[::]:8005->85/tcp', '0.0.0.0:8005->22/tcp'],
    ],
    // the firewall looks up the address first
    [
      ['8080:80/sctp held', '10.0.0.1:8080:81/sctp held'],
      ['8080->80/sctp', '10.0.0.1:8080->81/sctp'],
    ],
    [['8080:80 held', '8080:81 held'], ['8080->80/tcp']],
  ])('contradictory mappings of an engine are served by the narrower one: %j gives %j', (asked, expected) => {
    expect(served(...asked)).toEqual(expected);
  });

  it('contradictory mappings of an engine are listed when a mapping is not served as requested', () => {
    const asked = ports('8080:80 held', '[::]:8080:81 held', '9090:80 held', '0.0.0.0:9090:80 held');
    expect(contradictedPorts(asked, [4, 6])).toEqual([asked[0]]);
    // a family that the container does not have is not reported
    expect(contradictedPorts(asked, [4])).toEqual([]);
    expect(contradictedPorts(ports('[::]:8080:80 held', '8080:81 held'), [4, 6])).toHaveLength(1);
  });
});

describe('C03 a family that another container has', () => {
  it('a family that another container has is not served, and the other family is', () => {
    const [both, six] = ports('8080:80 held', '[::]:9090:80 held') as [PublishedPort, PublishedPort];
    expect(
      servedPorts([
        { ...both, without: [6] },
        { ...six, without: [6] },
      ]).map(describePort),
    ).toEqual(['0.0.0.0:8080->80/tcp']);
    expect(servedPorts([{ ...both, without: [4, 6] }])).toEqual([]);
    expect(servedPorts([{ ...both, without: [6] }, ...ports('[::]:8080:81 held')]).map(describePort)).toEqual([
      '0.0.0.0:8080->80/tcp',
      '[::]:8080->81/tcp',
    ]);
  });
});

describe('N16 the part of a mapping that others do not cover', () => {
  it.each([
    ['8080:80', ['0.0.0.0:8080:80'], ['[::]:8080->80/tcp']],
    ['8080:80', ['0.0.0.0:8080:80', '[::]:8080:80'], []],
    ['127.0.0.1:8080:80', ['8080:80'], []],
    ['8080:80', ['127.0.0.1:8080:80'], ['8080->80/tcp']],
    ['8080:80', ['8080:81'], ['8080->80/tcp']],
    ['8000-8003:8000', ['8001:8001', '0.0.0.0:8002:8002'], ['8000->8000/tcp', '8003->8003/tcp', '[::]:8002->8002/tcp']],
  ])('the uncovered part of %s, by %j: %j', (one, by, expected) => {
    expect(uncoveredPorts([port(one)], ports(...by)).map(describePort)).toEqual(expected);
  });
});

describe('N16 mappings merged into one', () => {
  const asked = ports('8000-8010:8000', '8005-8015:8005', '127.0.0.1:9000:9000', '0:80');
  it.each([
    ['8000-8015:8000', [0, 1]],
    ['8000-8014:8000', null],
    ['8000-8016:8000', null],
    ['9000:9000', null],
    ['0:80', null],
  ])('%s: %j', (whole, expected) => {
    const named = portsTogether(asked, port(whole));
    expect(named?.map((one) => asked.indexOf(one)) ?? null).toEqual(expected);
  });
});

describe('N16 any mappings', () => {
  const addresses = [null, '0.0.0.0', '::', '10.0.0.1', '10.0.0.2', 'fd00::1'];
  /** Finds the destination for an address of the host; null: none. Like the firewall, prefers an address to a wildcard. */
  const leads = (mappings: PublishedPort[], address: string, hostPort: number): number | null => {
    const everywhere = familyOf(address) === 4 ? '0.0.0.0' : '::';
    const meant = mappings.filter(
      (one) =>
        hostPort >= one.hostPort &&
        hostPort < one.hostPort + one.range &&
        (one.hostIp === null || one.hostIp === everywhere || one.hostIp === address),
    );
    const [first] = [...meant.filter(({ hostIp }) => hostIp === address), ...meant];
    return first ? first.containerPort + hostPort - first.hostPort : null;
  };
  const asMapped = (mappings: PublishedPort[]) =>
    ['10.0.0.1', '10.0.0.9', 'fd00::1', 'fd00::9'].map((address) =>
      Array.from({ length: 16 }, (_, offset) => leads(mappings, address, 100 + offset)),
    );

  it('any mappings are served where they were requested, each once', () => {
    const { below, pick } = dice(16);
    for (let round = 0; round < 3_000; round++) {
      const asked: PublishedPort[] = [];
      for (let count = 1 + below(5); count > 0; count--) {
        const hostPort = 100 + below(10);
        const offset = below(5) === 0 ? 7 : 0;
        const one: PublishedPort = {
          protocol: 'tcp',
          hostIp: pick(addresses),
          hostPort,
          containerPort: hostPort + offset,
          range: 1 + below(6),
        };
        if (!asked.some((other) => contradict(one, other))) asked.push(one);
      }
      const result = servedPorts(asked);
      expect(asMapped(result), JSON.stringify(asked)).toEqual(asMapped(asked));
      for (const [index, one] of result.entries())
        expect(result.slice(index + 1).filter((other) => portsOverlap(one, other))).toEqual([]);
      expect(uncoveredPorts(asked, result)).toEqual([]);
      expect(servedPorts(result)).toEqual(result);
    }
  });

  it('mappings of an engine that contradict each other are served by the narrower one, and never two with one firewall key', () => {
    const { below, pick } = dice(3);
    for (let round = 0; round < 1_000; round++) {
      const asked = Array.from({ length: 1 + below(4) }, (): PublishedPort => {
        const hostPort = 100 + below(6);
        const containerPort = hostPort + below(2) * 7;
        const hostIp = pick(addresses);
        return { protocol: 'sctp', hostIp, hostPort, containerPort, range: 1 + below(4), heldByCaller: true };
      });
      const result = servedPorts(asked);
      const spans = (mappings: PublishedPort[]) =>
        asMapped(mappings).map((row) => row.map((target) => target !== null));
      expect(spans(result), JSON.stringify(asked)).toEqual(spans(asked));
      const lanes = (family: Family) => result.filter(({ hostIp }) => hostIp === null || familyOf(hostIp) === family);
      for (const family of [4, 6] as const)
        for (const [index, one] of lanes(family).entries())
          for (const other of lanes(family).slice(index + 1)) {
            const isSameKey =
              (one.hostIp === null ? 'any' : one.hostIp) === (other.hostIp === null ? 'any' : other.hostIp);
            if (isSameKey) expect(portsOverlap(one, other), JSON.stringify(asked)).toBe(false);
          }
    }
  });
});
