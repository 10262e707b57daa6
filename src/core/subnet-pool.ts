import { type Family, parseSubnet, type Subnet, subnetEnd } from './address.ts';

/** A range that is divided into subnets of that length. */
export interface SubnetPool {
  base: string;
  prefixLength: number;
}

/** podman's default pools: /24 subnets, tried in this order. */
const pools: SubnetPool[] = [
  { base: '10.89.0.0/16', prefixLength: 24 },
  { base: '10.90.0.0/15', prefixLength: 24 },
  { base: '10.92.0.0/14', prefixLength: 24 },
  { base: '10.96.0.0/11', prefixLength: 24 },
  { base: '10.128.0.0/9', prefixLength: 24 },
];
/** IPv6: /64 subnets of netloom's unique-local /48. */
const pools6: SubnetPool[] = [{ base: 'fd4e:6c6d:6f6f::/48', prefixLength: 64 }];

/** Returns the first subnet of the pools that overlaps none in use; null if every one is taken. */
export function freeSubnet(
  family: Family,
  inUse: readonly Subnet[],
  from: readonly SubnetPool[] = family === 4 ? pools : pools6,
): Subnet | null {
  // an engine may send thousands: each is checked once per pool
  const ascending = inUse.filter((used) => used.family === family).sort(byBase);
  for (const { base, prefixLength } of from) {
    const range = parseSubnet(base);
    if (range?.family !== family || prefixLength < range.prefixLength) continue;
    const free = firstGap(range, prefixLength, ascending);
    if (free !== null) return { family, base: free, prefixLength };
  }
  return null;
}

const byBase = (one: Subnet, other: Subnet): number => (one.base < other.base ? -1 : one.base > other.base ? 1 : 0);

/** Returns the first block of that length in the range that overlaps none of those, which are in ascending order. */
function firstGap(range: Subnet, prefixLength: number, ascending: readonly Subnet[]): bigint | null {
  const end = subnetEnd(range);
  const step = 1n << BigInt((range.family === 4 ? 32 : 128) - prefixLength);
  let base = range.base;
  for (const used of ascending) {
    if (used.base >= base + step) break;
    if (subnetEnd(used) > base) base += step * ((subnetEnd(used) - base + step - 1n) / step);
    if (base >= end) return null;
  }
  return base < end ? base : null;
}
