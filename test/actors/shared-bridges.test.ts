import { beforeEach, describe, expect, it } from 'vitest';
import { containerAddress, networkAddress } from '../../src/core/actor-address.ts';
import { describeElement, type NftSet } from '../../src/core/firewall/nft.ts';
import { definitionOf } from '../core/samples.ts';
import { type House, toContainer } from './house.ts';
import { housePerTest } from './house-per-test.ts';

/** Networks on one bridge, trunk0, as files of podman define them: blue and red with VLANs, plain without. */

const bridge = 'trunk0';
const numbers = { plain: 6, blue: 7, red: 8 };
type Name = keyof typeof numbers;

let house: House;
housePerTest((next) => {
  house = next;
});

async function define(name: Name): Promise<void> {
  const number = numbers[name];
  const options: Record<string, string> = name === 'plain' ? {} : { vlan: `${number}` };
  const definition = {
    ...definitionOf({ name, subnets: [{ subnet: `10.44.${number}.0/24` }], options }),
    id: `${number}`.repeat(64),
    network_interface: bridge,
  };
  house.tell(networkAddress(name), { type: 'definition.found', definition });
  await house.settle();
}

async function lose(name: Name): Promise<void> {
  house.tell(networkAddress(name), { type: 'definition.lost' });
  await house.settle();
  expect(house.facts(networkAddress(name))).toContain('removed');
}

async function setUp(network: Name): Promise<void> {
  const { fault } = await house.ask(
    containerAddress(network),
    toContainer.setup({ id: network, networks: [{ network }] }),
  );
  expect(fault).toBeUndefined();
}

async function remove(name: Name): Promise<void> {
  expect((await house.ask(containerAddress(name), toContainer.remove)).fault).toBeUndefined();
}

const trunk = () => house.linux.host.links.get(bridge);
const elements = (...sets: NftSet[]) => sets.flatMap((set) => house.linux.elementsOf(set).map(describeElement));
const ownersOf = (set: NftSet) => house.linux.elementsOf(set).map(({ owner }) => owner);

describe.each([1, 3])('VLANs of one bridge, with %i workers', (workers) => {
  beforeEach(async () => {
    await house.start({ workers });
    await define('blue');
    await define('red');
  });

  it.each<[Name, Name]>([
    ['blue', 'red'],
    ['red', 'blue'],
  ])('keep their bridge when %s is removed, and the last one takes it along', async (first, last) => {
    await setUp('blue');
    await setUp('red');
    const made = trunk();
    await remove(first);
    await lose(first);
    expect(trunk()).toBe(made);
    expect(trunk()?.addresses.filter((address) => address.startsWith('10.'))).toEqual([`10.44.${numbers[last]}.1/24`]);
    expect(elements('network_links', 'same_link')).toEqual([
      'network_links { trunk0 }',
      'same_link { trunk0 . trunk0 }',
    ]);
    expect(ownersOf('network_links')).toEqual([`network/${last}`]);
    expect([...house.linux.settingsFiles.keys()]).toEqual([bridge]);
    await remove(last);
    await lose(last);
    expect(trunk()).toBeUndefined();
    expect(elements('network_links', 'same_link')).toEqual([]);
    expect([...house.linux.settingsFiles.keys()]).toEqual([]);
  });

  it.each<[Name, Name]>([
    ['plain', 'red'],
    ['red', 'plain'],
  ])('share it with a network without a VLAN: it stays without %s, and goes with %s', async (first, last) => {
    await define('plain');
    await setUp('plain');
    await setUp('red');
    const made = trunk();
    await remove(first);
    await lose(first);
    expect(trunk()).toBe(made);
    expect(ownersOf('network_links')).toEqual([`network/${last}`]);
    await remove(last);
    await lose(last);
    expect(trunk()).toBeUndefined();
  });

  it('go together without leaving their bridge', async () => {
    await setUp('blue');
    await setUp('red');
    await remove('blue');
    await remove('red');
    for (const name of ['blue', 'red'] as const) house.tell(networkAddress(name), { type: 'definition.lost' });
    await house.settle();
    expect(trunk()).toBeUndefined();
  });

  it('have a bridge for a container that comes while another VLAN is removed', async () => {
    await setUp('blue');
    await remove('blue');
    house.tell(networkAddress('blue'), { type: 'definition.lost' });
    await setUp('red');
    expect(trunk()?.addresses).toContain('10.44.8.1/24');
    expect(ownersOf('network_links')).toEqual(['network/red']);
  });
});
