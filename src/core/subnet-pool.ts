import { type Family, formatSubnet, parseSubnet, type Subnet, subnetEnd, subnetsOverlap } from './address.ts';

/** Subnets of that length are cut from it. */
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
/** IPv6: /64 subnets of one unique-local /48 of ours. */
const pools6: SubnetPool[] = [{ base: 'fd4e:6c6d:6f6f::/48', prefixLength: 64 }];

/** The first subnet of the pools that overlaps none in use; null when every one is taken. */
export function freeSubnet(
  family: Family,
  inUse: readonly Subnet[],
  from: readonly SubnetPool[] = family === 4 ? pools : pools6,
): Subnet | null {
  for (const pool of from) {
    const range = parseSubnet(pool.base);
    if (range?.family !== family || pool.prefixLength < range.prefixLength) continue;
    const step = 1n << BigInt((family === 4 ? 32 : 128) - pool.prefixLength);
    for (let base = range.base; base < subnetEnd(range); base += step) {
      const candidate = { family, base, prefixLength: pool.prefixLength };
      const taken = inUse.find((used) => subnetsOverlap(used, candidate));
      if (!taken) return candidate;
      base = skipTo(taken, base, step);
    }
  }
  return null;
}

/** Jumps over a large subnet in use instead of walking through it. */
function skipTo(taken: Subnet, base: bigint, step: bigint): bigint {
  const blocks = (subnetEnd(taken) - base + step - 1n) / step;
  return blocks > 1n ? base + (blocks - 1n) * step : base;
}

export function describeSubnets(subnets: readonly Subnet[]): string {
  return subnets.map(formatSubnet).join(', ');
}
