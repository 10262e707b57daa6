import ipaddr from 'ipaddr.js';

/** IPv4 and IPv6 addresses and subnets as strings in canonical form, with the arithmetic that leases need. */

export type Family = 4 | 6;

export const families = [4, 6] as const satisfies readonly Family[];

export interface Subnet {
  family: Family;
  /** network address, host bits zero */
  base: bigint;
  prefixLength: number;
}

const bits = (family: Family): number => (family === 4 ? 32 : 128);

/** Returns the canonical spelling (`fd00::1`, `10.0.0.1`), or null if it is not an address. Refuses zone ids and shorthand IPv4. */
export function canonicalAddress(text: string): string | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text).toString();
  if (!text.includes('%') && ipaddr.IPv6.isValid(text)) return ipaddr.IPv6.parse(text).toString();
  return null;
}

/** Turns an IPv4 address spelt as IPv6 (`::ffff:192.0.2.1`) into that IPv4 address. */
export function unmappedAddress(address: string): string {
  return ipaddr.process(address).toString();
}

/** Checks whether the address is one of fe80::/10, which every link with IPv6 has. */
export function isLinkLocal6(address: string): boolean {
  return familyOf(address) === 6 && ipaddr.parse(address).range() === 'linkLocal';
}

/** Checks whether the address is link-local or a group's: what it names depends on the host and link that use it. */
export function isOfOneLink(address: string): boolean {
  return isLinkLocal6(address) || ['multicast', 'broadcast'].includes(ipaddr.parse(address).range());
}

/** Checks whether the address can be the source of a packet that leaves this host: unspecified, loopback and group addresses cannot. */
export function canBeSource(address: string): boolean {
  return !['unspecified', 'loopback', 'multicast', 'broadcast'].includes(ipaddr.parse(address).range());
}

/** Returns the family of an address or a subnet. */
export function familyOf(address: string): Family {
  return address.includes(':') ? 6 : 4;
}

/** Returns the address of `10.89.0.7/24`, without the prefix length. */
export function withoutPrefixLength(text: string): string {
  const [address = ''] = text.split('/');
  return address;
}

/** Returns an address as it is written before a port: `127.0.0.1`, `[::1]`. */
export const beforePort = (address: string): string => (familyOf(address) === 6 ? `[${address}]` : address);

export function addressBytes(address: string): Uint8Array {
  return Uint8Array.from(ipaddr.parse(address).toByteArray());
}

export function addressToBigint(address: string): bigint {
  return addressBytes(address).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

export function bigintToAddress(value: bigint, family: Family): string {
  const bytes = Array.from({ length: bits(family) / 8 }, (_, index, all = bits(family) / 8) =>
    Number((value >> BigInt(8 * (all - 1 - index))) & 0xffn),
  );
  return ipaddr.fromByteArray(bytes).toString();
}

/** Parses `10.89.0.0/24` and clears host bits. null: not a valid subnet. */
export function parseSubnet(text: string): Subnet | null {
  const [address = '', prefix = '', ...rest] = text.split('/');
  const canonical = canonicalAddress(address);
  if (canonical === null || rest.length > 0 || !/^\d{1,3}$/.test(prefix)) return null;
  const family = familyOf(canonical);
  const prefixLength = Number(prefix);
  if (prefixLength > bits(family)) return null;
  const hostBits = BigInt(bits(family) - prefixLength);
  return { family, prefixLength, base: (addressToBigint(canonical) >> hostBits) << hostBits };
}

/** Checks whether it names an address within the subnet instead of the subnet: `10.89.0.7/24`. */
export function hasHostBits(text: string): boolean {
  const subnet = parseSubnet(text);
  return subnet !== null && addressToBigint(withoutPrefixLength(text)) !== subnet.base;
}

export function formatSubnet(subnet: Subnet): string {
  return `${bigintToAddress(subnet.base, subnet.family)}/${subnet.prefixLength}`;
}

/** Returns the first address above the subnet. */
export function subnetEnd(subnet: Subnet): bigint {
  return subnet.base + (1n << BigInt(bits(subnet.family) - subnet.prefixLength));
}

export function subnetContains(subnet: Subnet, address: string): boolean {
  if (familyOf(address) !== subnet.family) return false;
  const value = addressToBigint(address);
  return value >= subnet.base && value < subnetEnd(subnet);
}

export function subnetsOverlap(one: Subnet, other: Subnet): boolean {
  return one.family === other.family && one.base < subnetEnd(other) && other.base < subnetEnd(one);
}

/** Returns the n-th address of the subnet (1 is the usual gateway). */
export function subnetAddress(subnet: Subnet, index: bigint): string {
  return bigintToAddress(subnet.base + index, subnet.family);
}

/** Returns the highest address that a host may get: IPv4 keeps the broadcast address out (except /31 and /32). */
export function lastHost(subnet: Subnet): bigint {
  const end = subnetEnd(subnet) - 1n;
  return subnet.family === 4 && subnet.prefixLength < 31 ? end - 1n : end;
}

/** Checks whether the address is the subnet's broadcast address: the kernel takes no route via it. */
export function isBroadcast(subnet: Subnet, address: string): boolean {
  return subnetContains(subnet, address) && addressToBigint(address) > lastHost(subnet);
}

/** Returns the lowest address that a host may get: the network address itself is left out where there is room. */
export function firstHost(subnet: Subnet): bigint {
  return bits(subnet.family) - subnet.prefixLength > 1 ? subnet.base + 1n : subnet.base;
}

/** Returns the IPv6 address that an interface derives from its MAC address (modified EUI-64). */
export function linkLocalAddress(macAddress: string): string {
  const [first = 0, second = 0, third = 0, ...rest] = macAddress.split(':').map((byte) => Number.parseInt(byte, 16));
  return ipaddr.fromByteArray([0xfe, 0x80, 0, 0, 0, 0, 0, 0, first ^ 2, second, third, 0xff, 0xfe, ...rest]).toString();
}
