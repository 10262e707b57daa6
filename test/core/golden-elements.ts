import type { EncodedElement } from '../../src/core/firewall/encoding.ts';
import type { Element } from '../../src/core/firewall/nft.ts';

const words = (bytes: Uint8Array): string =>
  (
    Buffer.from(bytes)
      .toString('hex')
      .match(/.{1,8}/g) ?? []
  ).join(' ');

/** `key [to keyEnd] [: data] [end] ["comment"]`, in four-byte words. */
export function bytesOf({ key, keyEnd, data, intervalEnd, comment }: Omit<EncodedElement, 'set' | 'family'>): string {
  const to = keyEnd ? ` to ${words(keyEnd)}` : '';
  const value = data ? ` : ${words(data)}` : '';
  return `${words(key)}${to}${value}${intervalEnd ? ' end' : ''}${comment ? ` "${comment}"` : ''}`;
}

/** Golden bytes, as the kernel stores them, under the command that they equal. */
export const golden: [command: string, element: Element, bytes: string[]][] = [
  [
    'nft add element inet netloom published_any4 { tcp . 8081 comment "container/web-1" : 10.89.0.2 . 80 }',
    { set: 'published_any4', key: ['tcp', '8081'], value: ['10.89.0.2', '80'], owner: 'container/web-1' },
    ['06000000 1f910000 : 0a590002 00500000 "container/web-1"'],
  ],
  [
    'nft add element inet netloom subnets4 { 10.89.4.0/24 comment "network/web" }',
    { set: 'subnets4', key: ['10.89.4.0/24'], owner: 'network/web' },
    ['0a590400 "network/web"', '0a590500 end'],
  ],
  [
    'nft add element inet netloom published_any4 { tcp . 8080 : 10.89.0.2 . 80 }',
    { set: 'published_any4', key: ['tcp', '8080'], value: ['10.89.0.2', '80'], owner: null },
    ['06000000 1f900000 : 0a590002 00500000'],
  ],
  [
    'nft add element inet netloom published_any6 { udp . 53 : fd00::2 . 5353 }',
    { set: 'published_any6', key: ['udp', '53'], value: ['fd00::2', '5353'], owner: null },
    ['11000000 00350000 : fd000000 00000000 00000000 00000002 14e90000'],
  ],
  [
    'nft add element inet netloom resolver4 { 10.89.0.1 comment "network/web" : 10.89.0.1 . 353 }',
    { set: 'resolver4', key: ['10.89.0.1'], value: ['10.89.0.1', '353'], owner: 'network/web' },
    ['0a590001 : 0a590001 01610000 "network/web"'],
  ],
  [
    'nft add element inet netloom resolver6 { fd00::1 : fd00::1 . 5353 }',
    { set: 'resolver6', key: ['fd00::1'], value: ['fd00::1', '5353'], owner: null },
    ['fd000000 00000000 00000000 00000001 : fd000000 00000000 00000000 00000001 14e90000'],
  ],
  [
    'nft add element inet netloom published_host4 { sctp . 127.0.0.1 . 65535 : 10.89.0.2 . 1 }',
    { set: 'published_host4', key: ['sctp', '127.0.0.1', '65535'], value: ['10.89.0.2', '1'], owner: null },
    ['84000000 7f000001 ffff0000 : 0a590002 00010000'],
  ],
  [
    'nft add element inet netloom published_host6 { tcp . ::1 . 443 : fd00::2 . 443 }',
    { set: 'published_host6', key: ['tcp', '::1', '443'], value: ['fd00::2', '443'], owner: null },
    ['06000000 00000000 00000000 00000000 00000001 01bb0000 : fd000000 00000000 00000000 00000002 01bb0000'],
  ],
  [
    'nft add element inet netloom refused_loopback6 { udp . 53 }',
    { set: 'refused_loopback6', key: ['udp', '53'], owner: null },
    ['11000000 00350000'],
  ],
  [
    'nft add element inet netloom refused_loopback_range6 { tcp . 8000-8010 }',
    { set: 'refused_loopback_range6', key: ['tcp', '8000-8010'], owner: null },
    ['06000000 1f400000 to 06000000 1f4a0000'],
  ],
  [
    'nft add element inet netloom closed_families { ipv6 }',
    { set: 'closed_families', key: ['ipv6'], owner: null },
    ['0a'],
  ],
  [
    'nft add element inet netloom open_links { "netloom0" }',
    { set: 'open_links', key: ['netloom0'], owner: null },
    ['6e65746c 6f6f6d30 00000000 00000000'],
  ],
  [
    'nft add element inet netloom published_range4 { tcp . 0.0.0.0/0 . 8000-8010 : 10.89.0.2 }',
    { set: 'published_range4', key: ['tcp', '0.0.0.0/0', '8000-8010'], value: ['10.89.0.2'], owner: null },
    ['06000000 00000000 1f400000 to 06000000 ffffffff 1f4a0000 : 0a590002'],
  ],
  [
    'nft add element inet netloom published_range6 { udp . fd00::9 . 1-65535 : fd00::2 }',
    { set: 'published_range6', key: ['udp', 'fd00::9', '1-65535'], value: ['fd00::2'], owner: null },
    [
      '11000000 fd000000 00000000 00000000 00000009 00010000 to 11000000 fd000000 00000000 00000000 00000009 ffff0000 : fd000000 00000000 00000000 00000002',
    ],
  ],
  [
    'nft add element inet netloom subnets4 { 10.89.0.0/24 }',
    { set: 'subnets4', key: ['10.89.0.0/24'], owner: null },
    ['0a590000', '0a590100 end'],
  ],
  [
    'nft add element inet netloom subnets4 { 255.255.255.0/24 }',
    { set: 'subnets4', key: ['255.255.255.0/24'], owner: null },
    ['ffffff00'],
  ],
  [
    'nft add element inet netloom subnets6 { fd00::/64 }',
    { set: 'subnets6', key: ['fd00::/64'], owner: null },
    ['fd000000 00000000 00000000 00000000', 'fd000000 00000001 00000000 00000000 end'],
  ],
  [
    'nft add element inet netloom same_network4 { 10.89.0.0/24 . 10.89.0.0/24 }',
    { set: 'same_network4', key: ['10.89.0.0/24', '10.89.0.0/24'], owner: null },
    ['0a590000 0a590000 to 0a5900ff 0a5900ff'],
  ],
  [
    'nft add element inet netloom same_network6 { fd00::/64 . fd01::/128 }',
    { set: 'same_network6', key: ['fd00::/64', 'fd01::/128'], owner: null },
    [
      'fd000000 00000000 00000000 00000000 fd010000 00000000 00000000 00000000 to fd000000 00000000 ffffffff ffffffff fd010000 00000000 00000000 00000000',
    ],
  ],
  [
    'nft add element inet netloom internal_links { "netloom0" }',
    { set: 'internal_links', key: ['netloom0'], owner: null },
    ['6e65746c 6f6f6d30 00000000 00000000'],
  ],
  [
    'nft add element inet netloom counted_any4 { original . tcp . 8080 }',
    { set: 'counted_any4', key: ['original', 'tcp', '8080'], owner: null },
    ['00000000 06000000 1f900000'],
  ],
  [
    'nft add element inet netloom counted_any6 { reply . udp . 53 }',
    { set: 'counted_any6', key: ['reply', 'udp', '53'], owner: null },
    ['01000000 11000000 00350000'],
  ],
  [
    'nft add element inet netloom counted_host4 { reply . tcp . 127.0.0.1 . 8080 }',
    { set: 'counted_host4', key: ['reply', 'tcp', '127.0.0.1', '8080'], owner: null },
    ['01000000 06000000 7f000001 1f900000'],
  ],
  [
    'nft add element inet netloom counted_host6 { original . tcp . ::1 . 443 }',
    { set: 'counted_host6', key: ['original', 'tcp', '::1', '443'], owner: null },
    ['00000000 06000000 00000000 00000000 00000000 00000001 01bb0000'],
  ],
  [
    'nft add element inet netloom counted_range4 { original . tcp . 0.0.0.0/0 . 8000-8010 }',
    { set: 'counted_range4', key: ['original', 'tcp', '0.0.0.0/0', '8000-8010'], owner: null },
    ['00000000 06000000 00000000 1f400000 to 00000000 06000000 ffffffff 1f4a0000'],
  ],
  [
    'nft add element inet netloom counted_range6 { reply . udp . fd00::9 . 1-2 }',
    { set: 'counted_range6', key: ['reply', 'udp', 'fd00::9', '1-2'], owner: null },
    [
      '01000000 11000000 fd000000 00000000 00000000 00000009 00010000 to 01000000 11000000 fd000000 00000000 00000000 00000009 00020000',
    ],
  ],
  [
    'nft add element inet netloom outbound4 { 10.89.0.0/24 : 192.0.2.9 }',
    { set: 'outbound4', key: ['10.89.0.0/24'], value: ['192.0.2.9'], owner: null },
    ['0a590000 : c0000209', '0a590100 end'],
  ],
  [
    'nft add element inet netloom outbound6 { fd00::/64 : fd00:2::9 }',
    { set: 'outbound6', key: ['fd00::/64'], value: ['fd00:2::9'], owner: null },
    [
      'fd000000 00000000 00000000 00000000 : fd000002 00000000 00000000 00000009',
      'fd000000 00000001 00000000 00000000 end',
    ],
  ],
  [
    'nft add element inet netloom same_link { "netloom0" . "netloom0" }',
    { set: 'same_link', key: ['netloom0', 'netloom0'], owner: null },
    ['6e65746c 6f6f6d30 00000000 00000000 6e65746c 6f6f6d30 00000000 00000000'],
  ],
  [
    'nft add element inet netloom network_links { "netloom0" }',
    { set: 'network_links', key: ['netloom0'], owner: null },
    ['6e65746c 6f6f6d30 00000000 00000000'],
  ],
  [
    'nft add element inet netloom isolated_links { "netloom0" }',
    { set: 'isolated_links', key: ['netloom0'], owner: null },
    ['6e65746c 6f6f6d30 00000000 00000000'],
  ],
  [
    'nft add element inet netloom strict_links { "netloom0" }',
    { set: 'strict_links', key: ['netloom0'], owner: null },
    ['6e65746c 6f6f6d30 00000000 00000000'],
  ],
  [
    'nft add element bridge netloom sources4 { "nl0123456789ab" . 02:03:04:05:06:07 . 10.89.0.2 comment "container/web-1" }',
    { set: 'sources4', key: ['nl0123456789ab', '02:03:04:05:06:07', '10.89.0.2'], owner: 'container/web-1' },
    ['6e6c3031 32333435 36373839 61620000 02030405 06070000 0a590002 "container/web-1"'],
  ],
  [
    'nft add element bridge netloom sources6 { "nl0123456789ab" . 02:03:04:05:06:07 . 0xfd000000000000000000000000000002 }',
    { set: 'sources6', key: ['nl0123456789ab', '02:03:04:05:06:07', 'fd00::2'], owner: null },
    ['6e6c3031 32333435 36373839 61620000 02030405 06070000 fd000000 00000000 00000000 00000002'],
  ],
  [
    'nft add element bridge netloom leased_macs { "nl0123456789ab" . 02:03:04:05:06:07 }',
    { set: 'leased_macs', key: ['nl0123456789ab', '02:03:04:05:06:07'], owner: null },
    ['6e6c3031 32333435 36373839 61620000 02030405 06070000'],
  ],
  [
    'nft add element bridge netloom free_macs { "nl0" . fe:ff:00:05:06:07 }',
    { set: 'free_macs', key: ['nl0', 'fe:ff:00:05:06:07'], owner: null },
    ['6e6c3000 00000000 00000000 00000000 feff0005 06070000'],
  ],
  [
    'nft add element bridge netloom held_links { "nl0" }',
    { set: 'held_links', key: ['nl0'], owner: null },
    ['6e6c3000 00000000 00000000 00000000'],
  ],
];
