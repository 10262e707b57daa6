import { describeElement, type Element } from '../../../src/core/firewall/nft.ts';
import { publishedFlows } from '../../../src/core/port.ts';
import type { NftSteps } from '../../../src/core/steps/nft.ts';
import type { FakeLinux } from '../fake-linux.ts';
import { type FakeVerbs, Refused } from './verb.ts';

export const nftVerbs = (linux: FakeLinux): FakeVerbs<keyof NftSteps> => ({
  'nft.load': {
    perform: () => {
      linux.elements ??= new Map();
    },
    isSet: () => linux.elements !== null,
  },
  'nft.add': {
    perform: ({ elements }) => change(linux, [], elements),
    isSet: ({ elements }) => elements.every((element) => linux.elements?.has(keyOf(element))),
  },
  'nft.delete': {
    perform: ({ elements }) => {
      for (const element of elements) linux.elements?.delete(keyOf(element));
    },
  },
  'nft.replace': { perform: ({ remove, add }) => change(linux, remove, add), isSet: () => false },
  'conntrack.flush': { perform: ({ ports }) => linux.forgetFlows(ports.flatMap(publishedFlows)), follows: true },
});

const keyOf = ({ set, key }: Element): string => describeElement({ set, key });

/** Performs all or none. */
function change({ elements: kept }: FakeLinux, removed: readonly Element[], added: readonly Element[]): void {
  if (!kept) throw new Refused('add element', 'ENOENT', 'no table inet netloom');
  for (const element of added) {
    const there = kept.get(keyOf(element));
    const isRemoved = removed.some((other) => keyOf(other) === keyOf(element));
    if (there && !isRemoved && describeElement(there) !== describeElement(element))
      throw new Refused('add element', 'EEXIST', `${describeElement(there)} is there`);
  }
  for (const element of removed) kept.delete(keyOf(element));
  for (const element of added) kept.set(keyOf(element), element);
}
