import type { ActorAddress } from '../actor-address.ts';
import type { Family } from '../address.ts';
import type { StepKinds } from './kind.ts';

export interface HostSteps {
  /** ip route show; ip address show; ip link show: what subnets and names this host uses already */
  'host.survey': object;
  /** changes nothing: what decides whether this host forwards, and what that would change. Output: forwarding */
  'forwarding.survey': object;
  /** firewall-cmd --zone=trusted --add-source=<subnet>, at run time; nothing where no firewalld answers */
  'firewalld.trust': { subnets: string[] };
  /** firewall-cmd --zone=trusted --remove-source=<subnet> */
  'firewalld.distrust': { subnets: string[] };
}

/** A link of the host; owner: whose it is, where netloom made it. */
export interface HostLink {
  name: string;
  owner: ActorAddress | null;
}

export interface HostSurvey {
  /** what this host is on: the subnets of its addresses, and those of routes that the kernel made with them */
  connected: HostRoute[];
  /** ip route show: the other ones */
  routes: HostRoute[];
  linkNames: string[];
  /** those of them that are bridges */
  bridges: string[];
}

export interface HostRoute {
  destination: string;
  /** null where a route leads nowhere */
  link: string | null;
}

export interface ForwardingSurvey {
  /** families for which it forwards */
  on: Family[];
  /** families for which links that come do */
  future: Family[];
  /** accept_ra of the links that are not ours, by name, and of those that come (`default`) */
  acceptRa: Record<string, number>;
  /** names of the bridges that are not ours */
  bridges: string[];
}

const subnetsOf = ({ subnets }: { subnets: string[] }): string => subnets.join(', ');

export const hostSteps: StepKinds<keyof HostSteps> = {
  'host.survey': { inverse: null, describe: () => '' },
  'forwarding.survey': { inverse: null, describe: () => '' },
  'firewalld.trust': { inverse: (step) => ({ ...step, verb: 'firewalld.distrust' }), describe: subnetsOf },
  'firewalld.distrust': { inverse: null, describe: subnetsOf },
};
