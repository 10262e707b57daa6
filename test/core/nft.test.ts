import { describe, expect, it } from 'vitest';
import { decodeElement, encodeElement } from '../../src/core/firewall/encoding.ts';
import { type NetworkFirewall, networkElements, networkFirewall } from '../../src/core/firewall/network-elements.ts';
import { describeElement, elementIdentity, nftSets } from '../../src/core/firewall/nft.ts';
import { portCounterKeys, portTraffic } from '../../src/core/firewall/port-counters.ts';
import { portElements } from '../../src/core/firewall/port-elements.ts';
import type { PublishedPort } from '../../src/core/port.ts';
import { bytesOf, golden } from './golden-elements.ts';

describe('elements as the kernel stores them', () => {
  it.each(golden)('%s', (_command, element, bytes) => {
    expect(encodeElement(element).map(bytesOf)).toEqual(bytes);
  });

  it('elements have an example for every set and map', () => {
    expect(new Set(golden.map(([, { set }]) => set))).toEqual(new Set(Object.keys(nftSets)));
  });

  // a plain interval is listed as its two ends: only its start is read
  it.each(golden.filter(([, { set }]) => !/^(subnets|outbound)/.test(set)))(
    'elements are parsed: %s',
    (_command, element) => {
      const [first] = encodeElement(element);
      if (!first) throw new Error('nothing encoded');
      const spelt = { ...element, key: element.key.map((text) => text.replace('fd01::/128', 'fd01::')) };
      expect(decodeElement(element.set, first)).toEqual(spelt);
    },
  );

  it('elements are described as nft spells them', () => {
    expect(golden.map(([, element]) => describeElement(element))[0]).toBe(
      'published_any4 { tcp . 8081 : 10.89.0.2 . 80 }',
    );
  });

  it("elements show their owner in the comment, within nft's limit of 128 bytes", () => {
    const owner = `container/${'x'.repeat(64)}`;
    const [start, end] = encodeElement({ set: 'subnets4', key: ['10.89.0.0/24'], owner });
    expect([start?.comment, end?.comment]).toEqual([owner, null]);
    expect(Buffer.byteLength(owner)).toBeLessThanOrEqual(128);
    expect(decodeElement('subnets4', start as NonNullable<typeof start>).owner).toBe(owner);
  });
});

describe('a published port', () => {
  const port = (more: Partial<PublishedPort> = {}): PublishedPort => ({
    protocol: 'tcp',
    hostIp: null,
    hostPort: 8080,
    containerPort: 80,
    range: 1,
    ...more,
  });
  const both = { 4: '10.89.0.2', 6: 'fd00::2' };
  const all = (port: PublishedPort, targets: Parameters<typeof portElements>[1]) =>
    portElements(port, targets, 'container/web');
  /** the elements that lead to a container */
  const elements = (...args: Parameters<typeof all>) =>
    all(...args)
      .filter(({ set }) => set.startsWith('published'))
      .map(describeElement);
  const counters = (...args: Parameters<typeof all>) =>
    all(...args)
      .filter(({ set }) => set.startsWith('counted'))
      .map(describeElement);

  it('a published port leads to the container in each family that it has', () => {
    expect(elements(port(), both)).toEqual([
      'published_any4 { tcp . 8080 : 10.89.0.2 . 80 }',
      'published_any6 { tcp . 8080 : fd00::2 . 80 }',
    ]);
    expect(elements(port(), { 6: 'fd00::2' })).toEqual(['published_any6 { tcp . 8080 : fd00::2 . 80 }']);
  });

  it('N10 a published port is refused on ::1 wherever its address includes that, whatever addresses the container has', () => {
    const refused = (...args: Parameters<typeof all>) =>
      all(...args)
        .filter(({ set }) => set.startsWith('refused'))
        .map(describeElement);
    expect(refused(port(), { 4: '10.89.0.2' })).toEqual(['refused_loopback6 { tcp . 8080 }']);
    expect(refused(port({ hostIp: '::' }), both)).toEqual(['refused_loopback6 { tcp . 8080 }']);
    expect(refused(port({ range: 3 }), both)).toEqual(['refused_loopback_range6 { tcp . 8080-8082 }']);
    for (const hostIp of ['0.0.0.0', '127.0.0.1', 'fd00::9']) expect(refused(port({ hostIp }), both)).toEqual([]);
    expect(refused(port(), {})).toEqual([]);
    // and nothing else: it has no destination
    expect(all(port({ hostIp: '::1' }), both).map(describeElement)).toEqual(['refused_loopback6 { tcp . 8080 }']);
  });

  it('a published port is for every address when its address is 0.0.0.0 or ::', () => {
    expect(elements(port({ hostIp: '0.0.0.0' }), both)).toEqual(['published_any4 { tcp . 8080 : 10.89.0.2 . 80 }']);
    expect(elements(port({ hostIp: '::' }), both)).toEqual(['published_any6 { tcp . 8080 : fd00::2 . 80 }']);
  });

  it('a published port on one address is for that address alone', () => {
    expect(elements(port({ hostIp: '127.0.0.1' }), both)).toEqual([
      'published_host4 { tcp . 127.0.0.1 . 8080 : 10.89.0.2 . 80 }',
    ]);
  });

  it('a published port is one element as a range with the same ports on both sides', () => {
    expect(elements(port({ containerPort: 8080, range: 1000 }), both)).toEqual([
      'published_range4 { tcp . 0.0.0.0/0 . 8080-9079 : 10.89.0.2 }',
      'published_range6 { tcp . ::/0 . 8080-9079 : fd00::2 }',
    ]);
    expect(elements(port({ hostIp: 'fd00::9', containerPort: 8080, range: 2 }), both)).toEqual([
      'published_range6 { tcp . fd00::9 . 8080-8081 : fd00::2 }',
    ]);
  });

  it('a published port is one element per port as a range with other ports inside', () => {
    expect(elements(port({ range: 3 }), { 4: '10.89.0.2' })).toEqual([
      'published_any4 { tcp . 8080 : 10.89.0.2 . 80 }',
      'published_any4 { tcp . 8081 : 10.89.0.2 . 81 }',
      'published_any4 { tcp . 8082 : 10.89.0.2 . 82 }',
    ]);
  });

  it('a published port is counted both ways by the port that clients use', () => {
    expect(counters(port(), both)).toEqual([
      'counted_any4 { original . tcp . 8080 }',
      'counted_any4 { reply . tcp . 8080 }',
      'counted_any6 { original . tcp . 8080 }',
      'counted_any6 { reply . tcp . 8080 }',
    ]);
    expect(counters(port({ hostIp: '127.0.0.1' }), both)).toEqual([
      'counted_host4 { original . tcp . 127.0.0.1 . 8080 }',
      'counted_host4 { reply . tcp . 127.0.0.1 . 8080 }',
    ]);
  });

  it('a published port is counted as a whole as a range, also with other ports inside', () => {
    expect(counters(port({ range: 3 }), { 4: '10.89.0.2' })).toEqual([
      'counted_range4 { original . tcp . 0.0.0.0/0 . 8080-8082 }',
      'counted_range4 { reply . tcp . 0.0.0.0/0 . 8080-8082 }',
    ]);
  });

  it('a published port has an owner, on every element', () =>
    expect(new Set(all(port({ range: 3 }), both).map(({ owner }) => owner))).toEqual(new Set(['container/web'])));

  it('a published port adds up its counters of both families; unlisted counters are zero', () => {
    const listed = new Map([
      ['counted_any4 { original . tcp . 8080 }', { packets: 3, bytes: 300 }],
      ['counted_any4 { reply . tcp . 8080 }', { packets: 2, bytes: 2000 }],
      ['counted_any6 { original . tcp . 8080 }', { packets: 1, bytes: 60 }],
      ['counted_any4 { original . tcp . 8081 }', { packets: 9, bytes: 9 }],
    ]);
    expect(portTraffic(port(), (identity) => listed.get(identity))).toEqual({
      toContainer: { packets: 4, bytes: 360 },
      fromContainer: { packets: 2, bytes: 2000 },
    });
  });

  it.each([
    port(),
    port({ hostIp: 'fd00::9' }),
    port({ range: 4 }),
    port({ hostIp: '0.0.0.0', containerPort: 8080, range: 2 }),
  ])('a published port is counted by the listed elements: %o', (one) => {
    const made = all(one, both).map(elementIdentity);
    const wanted = portCounterKeys(one);
    expect(wanted.length).toBeGreaterThan(0);
    for (const element of wanted) {
      expect(made).toContain(elementIdentity(element));
      expect(element.set).toMatch(/^counted_/);
    }
  });
});

describe('a network', () => {
  const firewall = (more: Partial<NetworkFirewall> = {}): NetworkFirewall => ({
    name: 'front',
    link: 'netloom0',
    subnets: ['10.89.0.0/24'],
    internal: false,
    isolate: 'none',
    open: false,
    outbound4: null,
    outbound6: null,
    ...more,
  });
  const within = ['same_network4 { 10.89.0.0/24 . 10.89.0.0/24 }', 'same_link { netloom0 . netloom0 }'];
  const elements = (more: Partial<NetworkFirewall> = {}) => networkElements(firewall(more)).map(describeElement);

  it('a network is masqueraded and reaches itself by hairpin', () => {
    expect(elements({ subnets: ['10.89.0.0/24', 'fd00::/64'] })).toEqual([
      'same_network4 { 10.89.0.0/24 . 10.89.0.0/24 }',
      'same_network6 { fd00::/64 . fd00::/64 }',
      'same_link { netloom0 . netloom0 }',
      'network_links { netloom0 }',
      'subnets4 { 10.89.0.0/24 }',
      'subnets6 { fd00::/64 }',
    ]);
  });

  it('a network of several subnets of a family is one network', () => {
    expect(elements({ subnets: ['10.89.0.0/24', '10.89.1.0/24'] })).toEqual(
      expect.arrayContaining([
        'same_network4 { 10.89.0.0/24 . 10.89.1.0/24 }',
        'same_network4 { 10.89.1.0/24 . 10.89.0.0/24 }',
      ]),
    );
  });

  it('a network is closed by its bridge and not masqueraded when it is internal', () => {
    expect(networkElements(firewall({ open: true })).map(describeElement)).toContain('open_links { netloom0 }');
    const closed = [...within, 'network_links { netloom0 }', 'internal_links { netloom0 }'];
    expect(elements({ internal: true })).toEqual(closed);
    expect(elements({ internal: true, outbound4: '192.0.2.9' })).toEqual(closed);
  });

  it('a network is identified by its bridge when it is isolated; a strict one is isolated from the others, too', () => {
    const rest = ['subnets4 { 10.89.0.0/24 }'];
    const links = [...within, 'network_links { netloom0 }'];
    expect(elements({ isolate: 'true' })).toEqual([...links, 'isolated_links { netloom0 }', ...rest]);
    expect(elements({ isolate: 'strict' })).toEqual([
      ...links,
      'isolated_links { netloom0 }',
      'strict_links { netloom0 }',
      ...rest,
    ]);
  });

  it('a network with an outbound address has that as its source address, in its family', () => {
    expect(elements({ subnets: ['10.89.0.0/24', 'fd00::/64'], outbound4: '192.0.2.9' }).slice(-2)).toEqual([
      'outbound4 { 10.89.0.0/24 : 192.0.2.9 }',
      'subnets6 { fd00::/64 }',
    ]);
  });

  it('a network has an owner, on every element', () =>
    expect(new Set(networkElements(firewall()).map(({ owner }) => owner))).toEqual(new Set(['network/front'])));

  it('a network is read from its definition', () => {
    const definition = {
      name: 'front',
      driver: 'bridge' as const,
      network_interface: 'netloom0',
      subnets: [{ subnet: '10.89.0.0/24', gateway: '10.89.0.1' }],
      internal: false,
    };
    expect(networkFirewall({ ...definition, options: {} })).toEqual(firewall());
    expect(networkFirewall({ ...definition, options: { isolate: 'false' } })).toEqual(firewall());
    expect(
      networkFirewall({
        ...definition,
        options: { isolate: 'strict', outbound_addr4: '192.0.2.9', outbound_addr6: 'fd02::9' },
      }),
    ).toEqual(firewall({ isolate: 'strict', outbound4: '192.0.2.9', outbound6: 'fd02::9' }));
  });
});
