import type { ActorAddress } from '../actor-address.ts';
import type { DhcpQuestion } from '../dhcp/requests.ts';
import type { DhcpTerms, DhcpTimes } from '../dhcp/terms.ts';
import { type StepKinds, within } from './kind.ts';

export interface DhcpSteps {
  /**
   * dhclient <link>: asks DHCP servers, again until one answers, instead of what the owner has asked before. The owner hears what
   * comes: `dhcp.offered`, `dhcp.acknowledged`, `dhcp.refused`; a server that has offered something is asked for it for some
   * seconds only (`dhcp.unacknowledged`). `withinMs`: what is asked from now on must lead to a lease within that time, or the owner
   * hears so, once (`dhcp.timeout`); null: it is asked for ever
   */
  'dhcp.ask': { owner: ActorAddress; place: DhcpPlace; question: DhcpQuestion; withinMs: number | null };
  /** reports to the owner when its lease is to be renewed, is to be rebound, and has ended; null: never */
  'dhcp.keep': { owner: ActorAddress; times: DhcpTimes | null };
  /**
   * dhclient -r <link>: nothing more is asked or kept for the owner, and the server hears that its lease is free; null: there is none. A
   * server that does not hear of it gives the address away when the lease has ended: no failure
   */
  'dhcp.release': { owner: ActorAddress; place: DhcpPlace; lease: DhcpRelease | null };
  /** the same without a message to the server */
  'dhcp.stop': { owner: ActorAddress };
}

/** Where a DHCP client speaks. */
export interface DhcpPlace {
  netns: string;
  /** null: whichever namespace is there */
  inode: number | null;
  link: string;
  macAddress: string;
  /** what servers may show it as */
  hostName: string | null;
  /** of the container's other networks, as far as they are not given by DHCP: an address in one of them is not taken. Absent: none */
  otherSubnets?: string[];
}

export type DhcpRelease = Pick<DhcpTerms, 'address' | 'server' | 'serverMac'>;

const byLink = ({ link, netns }: DhcpPlace): string => `by ${link}${within(netns)}`;

export const dhcpSteps: StepKinds<keyof DhcpSteps> = {
  'dhcp.ask': { inverse: null, describe: ({ question, place }) => `${question.kind} ${byLink(place)}` },
  'dhcp.keep': { inverse: null, describe: () => '' },
  'dhcp.release': {
    inverse: null,
    describe: ({ lease, place }) => `${lease ? `${lease.address} ` : ''}${byLink(place)}`,
  },
  'dhcp.stop': { inverse: null, describe: () => '' },
};
