import { describe, expect, it } from 'vitest';
import {
  decodeElement,
  describeElement,
  encodeElement,
  networkElements,
  nftSets,
  portElements,
} from '../../src/core/nft.ts';
import type { PublishedPort } from '../../src/core/port.ts';
import { bytesOf, golden } from './golden-elements.ts';

describe('elements as the kernel keeps them', () => {
  it.each(golden)('%s', (_command, element, bytes) => {
    expect(encodeElement(element).map(bytesOf)).toEqual(bytes);
  });

  it('have an example for every set and map', () => {
    expect(new Set(golden.map(([, { set }]) => set))).toEqual(new Set(Object.keys(nftSets)));
  });

  // a plain interval is listed as its two ends: only its start is read
  it.each(golden.filter(([, { set }]) => !set.startsWith('subnets')))('are read back: %s', (_command, element) => {
    const [first] = encodeElement(element);
    if (!first) throw new Error('nothing encoded');
    const spelt = { ...element, key: element.key.map((text) => text.replace('fd01::/128', 'fd01::')) };
    expect(decodeElement(element.set, first)).toEqual(spelt);
  });

  it('are described as nft spells them', () => {
    expect(golden.map(([, element]) => describeElement(element))[0]).toBe(
      'published_any4 { tcp . 8080 : 10.89.0.2 . 80 }',
    );
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
  const elements = (...args: Parameters<typeof portElements>) => portElements(...args).map(describeElement);

  it('leads to the container in both families where it has both', () => {
    expect(elements(port(), both)).toEqual([
      'published_any4 { tcp . 8080 : 10.89.0.2 . 80 }',
      'published_any6 { tcp . 8080 : fd00::2 . 80 }',
    ]);
    expect(elements(port(), { 6: 'fd00::2' })).toEqual(['published_any6 { tcp . 8080 : fd00::2 . 80 }']);
  });

  it('is one of every address when it is on 0.0.0.0 or ::', () => {
    expect(elements(port({ hostIp: '0.0.0.0' }), both)).toEqual(['published_any4 { tcp . 8080 : 10.89.0.2 . 80 }']);
    expect(elements(port({ hostIp: '::' }), both)).toEqual(['published_any6 { tcp . 8080 : fd00::2 . 80 }']);
  });

  it('on one address is of that address alone', () => {
    expect(elements(port({ hostIp: '127.0.0.1' }), both)).toEqual([
      'published_host4 { tcp . 127.0.0.1 . 8080 : 10.89.0.2 . 80 }',
    ]);
  });

  it('that is a range with the same ports on both sides stays one element', () => {
    expect(elements(port({ containerPort: 8080, range: 1000 }), both)).toEqual([
      'published_range4 { tcp . 0.0.0.0/0 . 8080-9079 : 10.89.0.2 }',
      'published_range6 { tcp . ::/0 . 8080-9079 : fd00::2 }',
    ]);
    expect(elements(port({ hostIp: 'fd00::9', containerPort: 8080, range: 2 }), both)).toEqual([
      'published_range6 { tcp . fd00::9 . 8080-8081 : fd00::2 }',
    ]);
  });

  it('that is a range with other ports inside is an element for each', () => {
    expect(elements(port({ range: 3 }), { 4: '10.89.0.2' })).toEqual([
      'published_any4 { tcp . 8080 : 10.89.0.2 . 80 }',
      'published_any4 { tcp . 8081 : 10.89.0.2 . 81 }',
      'published_any4 { tcp . 8082 : 10.89.0.2 . 82 }',
    ]);
  });
});

describe('a network', () => {
  it('is masqueraded and reaches itself by hairpin', () => {
    expect(networkElements(['10.89.0.0/24', 'fd00::/64'], 'netloom0', false).map(describeElement)).toEqual([
      'same_network4 { 10.89.0.0/24 . 10.89.0.0/24 }',
      'same_network6 { fd00::/64 . fd00::/64 }',
      'subnets4 { 10.89.0.0/24 }',
      'subnets6 { fd00::/64 }',
    ]);
  });

  it('that is internal is closed by its bridge and not masqueraded', () => {
    expect(networkElements(['10.89.0.0/24'], 'netloom0', true).map(describeElement)).toEqual([
      'same_network4 { 10.89.0.0/24 . 10.89.0.0/24 }',
      'internal_links { netloom0 }',
    ]);
  });
});
