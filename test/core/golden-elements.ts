import type { Element, EncodedElement } from '../../src/core/nft.ts';

const words = (bytes: Uint8Array): string => (Buffer.from(bytes).toString('hex').match(/.{8}/g) ?? []).join(' ');

/** `key [to keyEnd] [: data] [end]`, in four-byte words. */
export function bytesOf({ key, keyEnd, data, intervalEnd }: Omit<EncodedElement, 'set' | 'comment'>): string {
  const to = keyEnd ? ` to ${words(keyEnd)}` : '';
  const value = data ? ` : ${words(data)}` : '';
  return `${words(key)}${to}${value}${intervalEnd ? ' end' : ''}`;
}

/** Golden bytes, as the kernel keeps them, under the command that they equal. */
export const golden: [command: string, element: Element, bytes: string[]][] = [
  [
    'nft add element inet netloom published_any4 { tcp . 8080 : 10.89.0.2 . 80 }',
    { set: 'published_any4', key: ['tcp', '8080'], value: ['10.89.0.2', '80'] },
    ['06000000 1f900000 : 0a590002 00500000'],
  ],
  [
    'nft add element inet netloom published_any6 { udp . 53 : fd00::2 . 5353 }',
    { set: 'published_any6', key: ['udp', '53'], value: ['fd00::2', '5353'] },
    ['11000000 00350000 : fd000000 00000000 00000000 00000002 14e90000'],
  ],
  [
    'nft add element inet netloom published_host4 { sctp . 127.0.0.1 . 65535 : 10.89.0.2 . 1 }',
    { set: 'published_host4', key: ['sctp', '127.0.0.1', '65535'], value: ['10.89.0.2', '1'] },
    ['84000000 7f000001 ffff0000 : 0a590002 00010000'],
  ],
  [
    'nft add element inet netloom published_host6 { tcp . ::1 . 443 : fd00::2 . 443 }',
    { set: 'published_host6', key: ['tcp', '::1', '443'], value: ['fd00::2', '443'] },
    ['06000000 00000000 00000000 00000000 00000001 01bb0000 : fd000000 00000000 00000000 00000002 01bb0000'],
  ],
  [
    'nft add element inet netloom published_range4 { tcp . 0.0.0.0/0 . 8000-8010 : 10.89.0.2 }',
    { set: 'published_range4', key: ['tcp', '0.0.0.0/0', '8000-8010'], value: ['10.89.0.2'] },
    ['06000000 00000000 1f400000 to 06000000 ffffffff 1f4a0000 : 0a590002'],
  ],
  [
    'nft add element inet netloom published_range6 { udp . fd00::9 . 1-65535 : fd00::2 }',
    { set: 'published_range6', key: ['udp', 'fd00::9', '1-65535'], value: ['fd00::2'] },
    [
      '11000000 fd000000 00000000 00000000 00000009 00010000 to 11000000 fd000000 00000000 00000000 00000009 ffff0000 : fd000000 00000000 00000000 00000002',
    ],
  ],
  [
    'nft add element inet netloom subnets4 { 10.89.0.0/24 }',
    { set: 'subnets4', key: ['10.89.0.0/24'] },
    ['0a590000', '0a590100 end'],
  ],
  [
    'nft add element inet netloom subnets4 { 255.255.255.0/24 }',
    { set: 'subnets4', key: ['255.255.255.0/24'] },
    ['ffffff00'],
  ],
  [
    'nft add element inet netloom subnets6 { fd00::/64 }',
    { set: 'subnets6', key: ['fd00::/64'] },
    ['fd000000 00000000 00000000 00000000', 'fd000000 00000001 00000000 00000000 end'],
  ],
  [
    'nft add element inet netloom same_network4 { 10.89.0.0/24 . 10.89.0.0/24 }',
    { set: 'same_network4', key: ['10.89.0.0/24', '10.89.0.0/24'] },
    ['0a590000 0a590000 to 0a5900ff 0a5900ff'],
  ],
  [
    'nft add element inet netloom same_network6 { fd00::/64 . fd01::/128 }',
    { set: 'same_network6', key: ['fd00::/64', 'fd01::/128'] },
    [
      'fd000000 00000000 00000000 00000000 fd010000 00000000 00000000 00000000 to fd000000 00000000 ffffffff ffffffff fd010000 00000000 00000000 00000000',
    ],
  ],
  [
    'nft add element inet netloom internal_links { "netloom0" }',
    { set: 'internal_links', key: ['netloom0'] },
    ['6e65746c 6f6f6d30 00000000 00000000'],
  ],
];
