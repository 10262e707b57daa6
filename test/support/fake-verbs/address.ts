import type { AddressSteps } from '../../../src/core/steps/address.ts';
import type { FakeLinux } from '../fake-linux.ts';
import { type FakeVerbs, linkIn, netnsAt } from './verb.ts';

export const addressVerbs = (linux: FakeLinux): FakeVerbs<keyof AddressSteps> => ({
  'address.add': {
    perform: ({ netns, link, address }) => {
      const { addresses } = linkIn(netnsAt(linux, netns), link, 'add address');
      if (!addresses.includes(address)) addresses.push(address);
    },
    isSet: ({ netns, link, address }) => linux.netns(netns)?.links.get(link)?.addresses.includes(address) ?? false,
  },
  'address.delete': {
    perform: ({ netns, link: name, address }) => {
      const link = linux.netns(netns)?.links.get(name);
      if (link) link.addresses = link.addresses.filter((other) => other !== address);
    },
  },
  'address.announce': {
    perform: ({ netns, link }) => void linkIn(netnsAt(linux, netns), link, 'announce addresses'),
  },
  'address.settle': { perform: ({ netns }) => void netnsAt(linux, netns) },
});
