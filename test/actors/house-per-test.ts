import { afterEach, beforeEach, expect } from 'vitest';
import type { HostContext } from '../../machines/host/chart.ts';
import { hostAddress } from '../../src/core/actor-address.ts';
import { describeElement } from '../../src/core/firewall/nft.ts';
import { guardElements } from '../../src/core/forwarding.ts';
import { House } from './house.ts';
import { disorder } from './order.ts';

/** Gives every test of a file a house of its own, which must be in order at the end. */
export function housePerTest(use: (house: House) => void): void {
  let house: House;
  beforeEach(() => {
    house = new House();
    use(house);
  });
  afterEach(async () => {
    expect(disorder(house)).toEqual([]);
    await house.demolish();
  });
}

/** Nothing of containers and networks is left; the separation of foreign links stays with IPv4 forwarding. */
export function expectBare(house: House): void {
  expect([...house.linux.pins.keys()]).toEqual([]);
  expect([...house.linux.host.links.keys()]).toEqual(['lo']);
  const elements = [...(house.linux.elements?.keys() ?? [])];
  const { forwarding, forwardForeign } = house.context(hostAddress) as HostContext;
  expect(elements).toEqual(guardElements(forwarding, forwardForeign).map(describeElement));
  expect([...house.linux.ports]).toEqual([]);
}
