import type { Family } from '../address.ts';
import type { PublishedPort } from '../port.ts';
import { isEverywhere, isLoopback6, publishedFamilies } from '../port.ts';
import { elementIdentity, type NftSet } from './nft.ts';
import { hostSpan, rangeAddress } from './port-elements.ts';

/** The counters of a published port. */

export interface TrafficCounter {
  packets: number;
  bytes: number;
}

/** Traffic through a published port since it was published, from all clients. */
export interface PortTraffic {
  toContainer: TrafficCounter;
  fromContainer: TrafficCounter;
}

interface CounterKey {
  direction: keyof PortTraffic;
  set: NftSet;
  key: string[];
}

/**
 * Returns the elements that carry the counters of a published port: one per direction and family. Their keys are the addresses
 * that clients connect to, which no other published port can have; so a range is one element wherever it leads, and two ports
 * that lead to the same port of a container are counted apart.
 */
export function portCounterKeys(port: PublishedPort): CounterKey[] {
  if (isLoopback6(port)) return [];
  return publishedFamilies(port).flatMap((family) => counterKeys(port, family));
}

export function counterKeys(port: PublishedPort, family: Family): CounterKey[] {
  return (['toContainer', 'fromContainer'] as const).map((direction) => {
    const start = [direction === 'toContainer' ? 'original' : 'reply', port.protocol];
    if (port.range > 1)
      return { direction, set: `counted_range${family}`, key: [...start, rangeAddress(port, family), hostSpan(port)] };
    return isEverywhere(port, family)
      ? { direction, set: `counted_any${family}`, key: [...start, `${port.hostPort}`] }
      : { direction, set: `counted_host${family}`, key: [...start, port.hostIp as string, `${port.hostPort}`] };
  });
}

/**
 * Adds up a published port's counters. `counterOf` finds one among the listed elements, by `elementIdentity`; a missing one (the
 * container has no address of the family, for example) counts as zero.
 */
export function portTraffic(
  port: PublishedPort,
  counterOf: (identity: string) => TrafficCounter | null | undefined,
): PortTraffic {
  const traffic = { toContainer: { packets: 0, bytes: 0 }, fromContainer: { packets: 0, bytes: 0 } };
  for (const { direction, ...element } of portCounterKeys(port)) {
    const counter = counterOf(elementIdentity(element));
    traffic[direction].packets += counter?.packets ?? 0;
    traffic[direction].bytes += counter?.bytes ?? 0;
  }
  return traffic;
}
