import { createHash } from 'node:crypto';

/** The network of every peer's containers: one network of this subnet, two published TCP ports each. */
export const subnet = '10.66.0.0/16';
export const gateway = '10.66.0.1';
export const prefixLength = 16;
export const bridgeName = 'bench0';

export interface BenchContainer {
  /** 64 hex digits, as engines have them */
  id: string;
  name: string;
  address: string;
  ports: { hostPort: number; containerPort: number }[];
}

/** Indices from 0 to some 20,000: no two of them share an address, a port or the beginning of an id. */
export function containerAt(index: number): BenchContainer {
  const name = `bench${index}`;
  const host = index + 2;
  return {
    id: createHash('sha256').update(name).digest('hex'),
    name,
    address: `10.66.${host >> 8}.${host & 255}`,
    ports: [
      { hostPort: 10_000 + 2 * index, containerPort: 80 },
      { hostPort: 10_001 + 2 * index, containerPort: 443 },
    ],
  };
}
