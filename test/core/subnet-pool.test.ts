import { describe, expect, it } from 'vitest';
import { formatSubnet, parseSubnet, type Subnet } from '../../src/core/address.ts';
import { freeSubnet } from '../../src/core/subnet-pool.ts';

const subnets = (...texts: string[]): Subnet[] => texts.map((text) => parseSubnet(text) as Subnet);
const free = (family: 4 | 6, ...used: string[]): string | null => {
  const found = freeSubnet(family, subnets(...used));
  return found && formatSubnet(found);
};

describe('free subnets', () => {
  it("free subnets start where podman's pools start", () => {
    expect(free(4)).toBe('10.89.0.0/24');
    expect(free(6)).toBe('fd4e:6c6d:6f6f::/64');
  });

  it('free subnets skip subnets in use, also smaller or larger than a block', () => {
    expect(free(4, '10.89.0.0/24', '10.89.1.128/30')).toBe('10.89.2.0/24');
    expect(free(4, '10.89.0.0/17')).toBe('10.89.128.0/24');
    expect(free(6, 'fd4e:6c6d:6f6f::/64', 'fd4e:6c6d:6f6f:1::/64')).toBe('fd4e:6c6d:6f6f:2::/64');
  });

  it('free subnets fill the gap between two in use', () => {
    expect(free(4, '10.89.0.0/24', '10.89.2.0/24')).toBe('10.89.1.0/24');
  });

  it('free subnets continue in the next pool when one is full', () => {
    expect(free(4, '10.89.0.0/16')).toBe('10.90.0.0/24');
    expect(free(4, '10.88.0.0/13')).toBe('10.96.0.0/24');
  });

  it('free subnets run out: null when every pool is taken, at once even when one subnet covers all', () => {
    expect(free(4, '10.0.0.0/8')).toBeNull();
    expect(free(4, '10.89.0.0/16', '10.90.0.0/15', '10.92.0.0/14', '10.96.0.0/11', '10.128.0.0/9')).toBeNull();
    expect(free(6, 'fd00::/8')).toBeNull();
  });

  it('free subnets are found at once among thousands in use, in any order, also nested', () => {
    const many = Array.from({ length: 20_000 }, (_, index) => `10.89.${index >> 8}.${index & 255}/32`);
    const pool = [{ base: '10.88.0.0/13', prefixLength: 32 }];
    const started = performance.now();
    const used = subnets('10.88.0.0/16', ...many.reverse(), '10.89.0.0/20', '10.89.78.32/31');
    expect(formatSubnet(freeSubnet(4, used, pool) as Subnet)).toBe('10.89.78.34/32');
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('free subnets are of the requested family: the other one takes nothing', () => {
    expect(free(6, '10.0.0.0/8')).toBe('fd4e:6c6d:6f6f::/64');
  });
});
