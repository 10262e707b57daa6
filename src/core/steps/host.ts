import type { ActorAddress } from '../actor-address.ts';
import type { Family } from '../address.ts';
import type { StepKinds } from './kind.ts';

export interface HostSteps {
  /** ip route show; ip address show; ip link show: the subnets and names that this host uses already */
  'host.survey': object;
  /** changes nothing: reads what decides whether this host forwards, and what a change would affect. Output: forwarding */
  'forwarding.survey': object;
  /** firewall-cmd --zone=trusted --add-source=<subnet>, at run time; does nothing if no firewalld answers */
  'firewalld.trust': { subnets: string[] };
  /** firewall-cmd --zone=trusted --remove-source=<subnet> */
  'firewalld.distrust': { subnets: string[] };
}

/** A link of the host; owner: set if netloom made it. */
export interface HostLink {
  name: string;
  owner: ActorAddress | null;
}

export interface HostSurvey {
  /** directly connected: the subnets of the host's addresses, and of the routes that the kernel made with them */
  connected: HostRoute[];
  /** ip route show: the other ones */
  routes: HostRoute[];
  linkNames: string[];
  /** those links that are bridges */
  bridges: string[];
}

export interface HostRoute {
  destination: string;
  /** null: the route has no link */
  link: string | null;
}

export interface ForwardingSurvey {
  /** families for which it forwards */
  on: Family[];
  /** families for which new links forward */
  future: Family[];
  /** accept_ra of foreign links, by name, and of new links (`default`) */
  acceptRa: Record<string, number>;
  /** names of foreign bridges */
  bridges: string[];
}

const subnetsOf = ({ subnets }: { subnets: string[] }): string => subnets.join(', ');

export const hostSteps: StepKinds<keyof HostSteps> = {
  'host.survey': { inverse: null, describe: () => '' },
  'forwarding.survey': { inverse: null, describe: () => '' },
  'firewalld.trust': {
    inverse: (step) => ({ ...step, verb: 'firewalld.distrust' }),
    describe: subnetsOf,
    isOfWholeNetwork: true,
  },
  'firewalld.distrust': { inverse: null, describe: subnetsOf, isOfWholeNetwork: true },
};
