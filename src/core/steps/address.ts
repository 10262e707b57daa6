import { type StepKinds, within } from './kind.ts';

interface LinkAddress {
  netns: string | null;
  link: string;
  address: string;
}

export interface AddressSteps {
  /** ip address add <address> dev <link> nodad */
  'address.add': LinkAddress;
  /** ip address delete <address> dev <link> */
  'address.delete': LinkAddress;
  /**
   * ip -6 route get <address>, until it is local: a new IPv6 address takes effect a moment later, by a work queue that other work
   * may delay. Continues after a moment even if it is not
   */
  'address.settle': { netns: string; addresses: string[] };
  /**
   * arping -U (IPv4), ndsend (IPv6): announces to all neighbours the MAC address of the link's addresses, now and some more times
   * within a second; no step waits for the repetitions
   */
  'address.announce': { netns: string; link: string; addresses: string[] };
}

const onLink = ({ address, link, netns }: LinkAddress): string => `${address} dev ${link}${within(netns)}`;

export const addressSteps: StepKinds<keyof AddressSteps> = {
  'address.add': {
    inverse: (step) => ({ ...step, verb: 'address.delete' }),
    describe: onLink,
    linkUsed: ({ link, netns }) => (netns === null ? link : null),
  },
  'address.delete': { inverse: null, describe: onLink },
  'address.settle': { inverse: null, describe: ({ addresses, netns }) => `${addresses.join(', ')}${within(netns)}` },
  'address.announce': {
    inverse: null,
    describe: ({ addresses, link, netns }) => `${addresses.join(', ')} dev ${link}${within(netns)}`,
  },
};
