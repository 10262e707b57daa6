import { describe, expect, it } from 'vitest';
import {
  addressBytes,
  addressToBigint,
  bigintToAddress,
  canonicalAddress,
  firstHost,
  formatSubnet,
  lastHost,
  linkLocalAddress,
  parseSubnet,
  type Subnet,
  subnetAddress,
  subnetContains,
  subnetEnd,
  subnetsOverlap,
} from '../../src/core/address.ts';

const subnet = (text: string): Subnet => parseSubnet(text) as Subnet;
const hosts = (text: string) => {
  const parsed = subnet(text);
  return [firstHost(parsed), lastHost(parsed)].map((value) => bigintToAddress(value, parsed.family));
};

describe('addresses', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['FD00:0:0::0001', 'fd00::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ])('an address spells %s as %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  it.each(['', '10.0.0', '10.0.0.256', '1', '0x0a000001', '10.0.0.1/24', 'fe80::1%eth0', 'fd00::g', 'localhost'])(
    'an address cannot be %j',
    (text) => {
      expect(canonicalAddress(text)).toBeNull();
    },
  );

  it.each(['0.0.0.0', '10.89.0.255', '255.255.255.255', '::', 'fd00::ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'])(
    'the address %s survives conversion to a number and back',
    (text) => {
      expect(bigintToAddress(addressToBigint(text), text.includes(':') ? 6 : 4)).toBe(text);
    },
  );

  it('an address gives bytes in network order', () => {
    expect([...addressBytes('10.89.0.2')]).toEqual([10, 89, 0, 2]);
    expect([...addressBytes('fd00::1:2')]).toEqual([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2]);
  });

  it('addresses of a link follow from its MAC address as in the kernel', () => {
    expect(linkLocalAddress('7a:6e:76:60:53:2e')).toBe('fe80::786e:76ff:fe60:532e');
    expect(linkLocalAddress('00:00:5e:00:53:01')).toBe('fe80::200:5eff:fe00:5301');
  });
});

describe('subnets', () => {
  it.each([
    ['10.89.0.77/24', '10.89.0.0/24'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['10.0.0.1/32', '10.0.0.1/32'],
    ['fd00::1234/64', 'fd00::/64'],
    ['::/0', '::/0'],
  ])('a subnet reads %s as %s', (text, canonical) => {
    expect(formatSubnet(subnet(text))).toBe(canonical);
  });

  it.each(['10.0.0.0', '10.0.0.0/', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/24/8', '10.0.0.0/-1', '10.0.0.0/2x', '/24'])(
    'a subnet cannot be %j',
    (text) => {
      expect(parseSubnet(text)).toBeNull();
    },
  );

  it('subnets contain their own addresses, first to last, and no address of the other family', () => {
    const net = subnet('10.89.1.0/24');
    expect(['10.89.1.0', '10.89.1.255'].every((address) => subnetContains(net, address))).toBe(true);
    expect(['10.89.0.255', '10.89.2.0', '::a59:101'].some((address) => subnetContains(net, address))).toBe(false);
  });

  it.each([
    ['10.89.0.0/24', '10.89.0.128/25', true],
    ['10.89.0.0/16', '10.89.7.0/24', true],
    ['10.89.0.0/24', '10.89.1.0/24', false],
    ['0.0.0.0/0', '255.255.255.0/24', true],
    ['::/0', '10.89.0.0/24', false],
    ['fd00::/48', 'fd00:0:0:7::/64', true],
    ['fd00::/64', 'fd00:0:0:1::/64', false],
  ])('subnets %s and %s overlap: %s, whichever comes first', (one, other, overlap) => {
    expect(subnetsOverlap(subnet(one), subnet(other))).toBe(overlap);
    expect(subnetsOverlap(subnet(other), subnet(one))).toBe(overlap);
  });

  it('subnets count their addresses from the network address', () => {
    expect(subnetAddress(subnet('10.89.0.0/24'), 1n)).toBe('10.89.0.1');
    expect(subnetAddress(subnet('fd00::/64'), 0x10000n)).toBe('fd00::1:0');
  });

  it.each([
    ['10.0.0.0/24', ['10.0.0.1', '10.0.0.254']],
    ['10.0.0.0/30', ['10.0.0.1', '10.0.0.2']],
    ['10.0.0.0/31', ['10.0.0.0', '10.0.0.1']],
    ['10.0.0.7/32', ['10.0.0.7', '10.0.0.7']],
    ['fd00::/64', ['fd00::1', 'fd00::ffff:ffff:ffff:ffff']],
    ['fd00::/127', ['fd00::', 'fd00::1']],
    ['fd00::7/128', ['fd00::7', 'fd00::7']],
  ])('subnets reserve the network and broadcast addresses of %s where there is room', (text, ends) => {
    expect(hosts(text)).toEqual(ends);
  });

  it('subnets end where the next one of the same size begins', () => {
    expect(subnetEnd(subnet('10.0.0.0/24'))).toBe(addressToBigint('10.0.1.0'));
    expect(subnetEnd(subnet('255.255.255.0/24'))).toBe(1n << 32n);
  });
});
