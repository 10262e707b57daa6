import { describe, expect, it } from 'vitest';
import { optionCodes } from '../../../src/core/dhcp/message.ts';
import { type DhcpTerms, isSameTerms, refusalText, termsOf } from '../../../src/core/dhcp/terms.ts';
import { addresses, reply, secondsBytes, text } from './samples.ts';

const serverMac = '02:00:00:00:00:01';
const sentAt = 1_000_000;
const alone = { serverMac, sentAt, otherSubnets: [] };
type More = NonNullable<Parameters<typeof reply>[0]>;

const taken = (more: More = [], address?: string): DhcpTerms => {
  const terms = termsOf(reply(more, 'acknowledge', address), alone);
  if (typeof terms === 'string') throw new Error(terms);
  return terms;
};

const mask = (text: string): More => [[optionCodes.subnetMask, addresses(text)]];
const routes = (...bytes: number[]): [number, Uint8Array] => [optionCodes.classlessRoutes, Uint8Array.from(bytes)];

describe('the terms of a DHCP server', () => {
  it("C13 DHCP terms have an address for a time, with the server's options", () => {
    const given = taken([
      [optionCodes.routers, addresses('192.0.2.1')],
      [optionCodes.nameServers, addresses('192.0.2.53', '203.0.113.53')],
      [optionCodes.domainName, text('LAN.example')],
    ]);
    expect(given).toEqual({
      address: '192.0.2.7',
      prefixLength: 24,
      gateway: '192.0.2.1',
      routes: [],
      nameServers: ['192.0.2.53', '203.0.113.53'],
      searchDomains: ['lan.example'],
      server: '192.0.2.1',
      serverMac,
      times: { renewAt: sentAt + 60_000, rebindAt: sentAt + 105_000, expiresAt: sentAt + 120_000 },
      ignored: [],
    });
  });

  it("C13 DHCP terms may last for ever, and may have the server's renewal times", () => {
    expect(taken([[optionCodes.leaseSeconds, secondsBytes(0xffffffff)]]).times).toBeNull();
    const times = taken([
      [optionCodes.renewalSeconds, secondsBytes(2)],
      [optionCodes.rebindingSeconds, secondsBytes(5)],
    ]).times;
    expect(times).toEqual({ renewAt: sentAt + 2_000, rebindAt: sentAt + 5_000, expiresAt: sentAt + 120_000 });
  });

  it.each([
    ['no server', [[optionCodes.server, null]]],
    ['a server that is nobody', [[optionCodes.server, addresses('0.0.0.0')]]],
    ['no subnet mask', [[optionCodes.subnetMask, null]]],
    ['a subnet mask with a hole', mask('255.0.255.0')],
    ['a subnet mask that is too wide', mask('254.0.0.0')],
    ['a subnet mask of three bytes', [[optionCodes.subnetMask, Uint8Array.of(255, 255, 255)]]],
    ['no time', [[optionCodes.leaseSeconds, null]]],
    ['no time at all', [[optionCodes.leaseSeconds, secondsBytes(0)]]],
    ['so short a time that it would be renewed without end', [[optionCodes.leaseSeconds, secondsBytes(2)]]],
  ] as [string, More][])('C13 DHCP terms are refused with %s', (_, more) => {
    expect(termsOf(reply(more), alone)).toEqual(expect.any(String));
  });

  it.each(['0.0.0.0', '127.0.0.1', '224.0.0.7', '255.255.255.255', '192.0.2.0', '192.0.2.255'])(
    'C13 DHCP terms are refused when the address is %s, which is invalid for a host',
    (address) => {
      expect(termsOf(reply([], 'offer', address), alone)).toEqual(expect.stringContaining(address));
    },
  );

  it('C13 DHCP terms are refused in the subnet of another network of the container', () => {
    const beside = (...otherSubnets: string[]) => termsOf(reply(mask('255.255.255.240')), { ...alone, otherSubnets });
    expect(beside('10.89.0.3/24', '192.0.2.200/24')).toBe(
      '192.0.2.7 is in 192.0.2.0/24, the subnet of another network of the container',
    );
    // a wide LAN that includes that subnet is accepted
    expect(beside('192.0.2.200/29', 'fd00::3/64')).toMatchObject({ address: '192.0.2.7' });
  });

  it('C13 DHCP terms may have the only address, or one of two, of the subnet', () => {
    expect(taken(mask('255.255.255.255'))).toMatchObject({ prefixLength: 32 });
    expect(taken(mask('255.255.255.254'), '192.0.2.6')).toMatchObject({ prefixLength: 31 });
  });

  it.each([
    ['beyond the subnet', '198.51.100.1'],
    ['that is the container itself', '192.0.2.7'],
    ['that is nobody', '0.0.0.0'],
    ['that is the broadcast address', '192.0.2.255'],
  ])('C13 DHCP terms are accepted without a router %s, and that is reported', (_, router) => {
    const given = taken([[optionCodes.routers, addresses(router, '192.0.2.9')]]);
    expect(given.gateway).toBe('192.0.2.9');
    expect(given.ignored).toEqual([expect.stringContaining(router)]);
  });

  it('C13 DHCP terms use classless routes instead of routers when there are any', () => {
    const given = taken([
      [optionCodes.routers, addresses('192.0.2.9')],
      routes(16, 10, 1, 192, 0, 2, 8, 0, 192, 0, 2, 1, 32, 203, 0, 113, 5, 0, 0, 0, 0),
    ]);
    expect(given).toMatchObject({
      gateway: '192.0.2.1',
      routes: [
        { destination: '10.1.0.0/16', gateway: '192.0.2.8' },
        { destination: '203.0.113.5/32', gateway: null },
      ],
      ignored: [],
    });
  });

  it('C13 DHCP terms may route both halves of all addresses, as VPNs do, but no invalid destinations', () => {
    const half = [1, 0, 192, 0, 2, 1];
    const given = taken([routes(...half, 1, 128, 192, 0, 2, 1, 8, 127, 192, 0, 2, 1, 32, 224, 0, 0, 5, 192, 0, 2, 1)]);
    expect(given.routes).toEqual([
      { destination: '0.0.0.0/1', gateway: '192.0.2.1' },
      { destination: '128.0.0.0/1', gateway: '192.0.2.1' },
    ]);
    expect(given.ignored).toEqual([
      'route to 127.0.0.0/8 by 192.0.2.1: no host can have these addresses',
      'route to 224.0.0.5/32 by 192.0.2.1: no host can have these addresses',
    ]);
  });

  it('C13 DHCP terms may have a gateway beyond the subnet that is directly on the link', () => {
    const given = taken([...mask('255.255.255.255'), routes(32, 10, 0, 0, 1, 0, 0, 0, 0, 0, 10, 0, 0, 1)]);
    expect(given).toMatchObject({ gateway: '10.0.0.1', routes: [{ destination: '10.0.0.1/32', gateway: null }] });
  });

  it('C13 DHCP terms may have a router beside a subnet of one address, as clouds do', () => {
    const router = (...routers: string[]): More => [
      ...mask('255.255.255.255'),
      [optionCodes.routers, addresses(...routers)],
    ];
    const onLink = { gateway: '10.0.0.1', routes: [{ destination: '10.0.0.1/32', gateway: null }] };
    expect(taken(router('10.0.0.1'))).toMatchObject({ ...onLink, ignored: [] });
    expect(taken(router('127.0.0.1', '10.0.0.1'))).toMatchObject({
      ...onLink,
      ignored: [expect.stringContaining('127.0.0.1')],
    });
    expect(taken(router('192.0.2.7'))).toMatchObject({ gateway: null, routes: [] });
    // a gateway in the subnet of another network of the container is reached there only
    const beside = { ...alone, otherSubnets: ['10.0.0.9/24'] };
    expect(termsOf(reply(router('10.0.0.1')), beside)).toMatchObject({
      gateway: null,
      routes: [],
      ignored: ['router 10.0.0.1 is not on the link'],
    });
  });

  it.each([
    ['wider than 32 bits', [33, 10, 0, 0, 0, 192, 0, 2, 1]],
    ['cut off', [24, 10, 1, 2, 192, 0]],
  ])('C13 DHCP terms use routers when the classless routes are %s', (_, bytes) => {
    const given = taken([[optionCodes.routers, addresses('192.0.2.9')], routes(...bytes)]);
    expect(given).toMatchObject({ gateway: '192.0.2.9', routes: [], ignored: [expect.stringContaining('121')] });
  });

  it('C13 DHCP terms leave out invalid routes, and list them', () => {
    const given = taken([
      routes(
        8,
        127,
        192,
        0,
        2,
        1,
        4,
        224,
        192,
        0,
        2,
        1,
        16,
        10,
        1,
        198,
        51,
        100,
        1,
        0,
        0,
        0,
        0,
        0,
        16,
        10,
        2,
        192,
        0,
        2,
        1,
        16,
        10,
        2,
        192,
        0,
        2,
        2,
      ),
    ]);
    expect(given.routes).toEqual([{ destination: '10.2.0.0/16', gateway: '192.0.2.1' }]);
    expect(given.gateway).toBeNull();
    expect(given.ignored).toHaveLength(5);
  });

  it('C13 DHCP terms have a maximum number of routes and name servers', () => {
    const many = Array.from({ length: 90 }, (_, index) => [24, 10, 9, index, 192, 0, 2, 1]).flat();
    expect(taken([routes(...many)]).routes).toHaveLength(64);
    const servers = Array.from({ length: 40 }, (_, index) => `192.0.2.${index + 10}`);
    expect(taken([[optionCodes.nameServers, addresses(...servers)]]).nameServers).toHaveLength(8);
  });

  it.each([
    ['name servers of half an address', [[optionCodes.nameServers, Uint8Array.of(192, 0)]]],
    ['a name server that is nobody', [[optionCodes.nameServers, addresses('127.0.0.1')]]],
    ['a domain with a line break', [[optionCodes.domainName, text('lan\nnameserver 6.6.6.6')]]],
    ['search domains with a space', [[optionCodes.searchDomains, Uint8Array.of(3, 97, 32, 98, 0)]]],
    ['search domains that lead in a circle', [[optionCodes.searchDomains, Uint8Array.of(1, 97, 0xc0, 0)]]],
    ['search domains that are cut off', [[optionCodes.searchDomains, Uint8Array.of(9, 97)]]],
    [
      'times in the wrong order',
      [
        [optionCodes.renewalSeconds, secondsBytes(110)],
        [optionCodes.rebindingSeconds, secondsBytes(50)],
      ],
    ],
    ['a renewal at once', [[optionCodes.renewalSeconds, secondsBytes(0)]]],
    ['a time after the end', [[optionCodes.rebindingSeconds, secondsBytes(500)]]],
  ] as [string, More][])('C13 DHCP terms are accepted without %s, and that is reported', (_, more) => {
    const given = taken(more);
    expect(given).toMatchObject({ nameServers: [], searchDomains: [], ignored: [expect.any(String)] });
    expect(given.times).toMatchObject({ renewAt: sentAt + 60_000, rebindAt: sentAt + 105_000 });
  });

  it('C13 DHCP terms may have search domains with compression pointers', () => {
    const list = Uint8Array.of(3, 108, 97, 110, 7, ...text('example'), 0, 3, 119, 119, 119, 0xc0, 4);
    expect(
      taken([
        [optionCodes.searchDomains, list],
        [optionCodes.domainName, text('other')],
      ]).searchDomains,
    ).toEqual(['lan.example', 'www.example']);
  });

  it('C13 DHCP terms have a maximum number of search domains, the first ones, and that is reported', () => {
    const many = Array.from({ length: 20 }, (_, index) => `d${index}`);
    const list = Uint8Array.from(many.flatMap((name) => [name.length, ...text(name), 0]));
    expect(taken([[optionCodes.searchDomains, list]])).toMatchObject({
      searchDomains: many.slice(0, 16),
      ignored: ['4 of 20 search domains: the maximum is 16'],
    });
  });

  it('C13 DHCP terms are equal while only their time differs', () => {
    const given = taken();
    expect(isSameTerms(given, { ...given, times: null })).toBe(true);
    expect(isSameTerms(given, { ...given, nameServers: ['192.0.2.54'] })).toBe(false);
    expect(isSameTerms(given, null)).toBe(false);
  });

  it('C13 DHCP terms have reasons for a refusal in printable letters', () => {
    expect(refusalText(reply([[optionCodes.message, text('not\u0007 here\n')]], 'refuse'))).toBe('not  here');
    expect(refusalText(reply([[optionCodes.message, text('x'.repeat(400))]], 'refuse'))).toHaveLength(200);
    expect(refusalText(reply([], 'refuse'))).toBeNull();
  });
});
