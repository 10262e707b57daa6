import { afterEach, beforeEach, expect } from 'vitest';
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
