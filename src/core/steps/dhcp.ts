import type { ActorAddress } from '../actor-address.ts';
import type { DhcpQuestion } from '../dhcp/requests.ts';
import type { DhcpTerms, DhcpTimes } from '../dhcp/terms.ts';
import { type StepKinds, within } from './kind.ts';

export interface DhcpSteps {
  /**
   * dhclient <link>: asks DHCP servers, again until one answers; replaces the owner's earlier question. The owner receives the
   * answers: `dhcp.offered`, `dhcp.acknowledged`, `dhcp.refused`; after an offer, its server is asked for some seconds only
   * (`dhcp.unacknowledged`). `withinMs`: if no lease results from the questions within that time, the owner is notified once
   * (`dhcp.timeout`); null: asks forever
   */
  'dhcp.ask': { owner: ActorAddress; place: DhcpPlace; question: DhcpQuestion; withinMs: number | null };
  /** reports to the owner when its lease must be renewed, must be rebound, and has ended; null: never */
  'dhcp.keep': { owner: ActorAddress; times: DhcpTimes | null };
  /**
   * dhclient -r <link>: asks and keeps nothing more for the owner, and notifies the server that its lease is free; null: no
   * lease. If the server misses the message, it frees the address when the lease ends: no failure
   */
  'dhcp.release': { owner: ActorAddress; place: DhcpPlace; lease: DhcpRelease | null };
  /** the same without a message to the server */
  'dhcp.stop': { owner: ActorAddress };
}

/** Where a DHCP client sends and receives. */
export interface DhcpPlace {
  netns: string;
  /** null: whichever namespace is there */
  inode: number | null;
  link: string;
  macAddress: string;
  /** name that servers may show for it */
  hostName: string | null;
  /** subnets of the container's other networks, unless DHCP gives them: an address in one of them is not accepted. Absent: none */
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
