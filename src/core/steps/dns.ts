import type { StepKinds } from './kind.ts';

export interface DnsSteps {
  /**
   * answers the names of a network's containers at its gateways, port 53; asks `servers` (or the host's) for the rest. `link`: of
   * others, where this host listens at the addresses that it has in the subnets, whichever there are. Output: those; where another
   * program has the port it is left there, and the output says why
   */
  'dns.serve': { link?: string } & ServedNetwork;
  'dns.retire': { network: string };
  /** the names of one container on one network, instead of those that it had there */
  'dns.add': ContainerNames;
  'dns.remove': { network: string; container: string };
}

export interface ServedNetwork {
  network: string;
  /** gateway addresses */
  listen: string[];
  /**
   * The resolver listens at a port of its own (null: any), and the firewall leads queries to port 53 there. null: it
   * listens at port 53 itself, on a bridge whose traffic our firewall leaves alone
   */
  redirect: { port: number | null } | null;
  /** whose questions are answered */
  subnets: string[];
  searchDomain: string;
  servers: string[];
  /** whether anything is asked outside */
  forward: boolean;
}

export interface ContainerNames {
  network: string;
  container: string;
  names: string[];
  addresses: string[];
  /** the container's own name servers */
  servers: string[];
  /** what its engine puts behind names; absent: the search domain of the network */
  domain?: string;
}

/** Where names are answered on a link of others. */
export interface ServedNames {
  servers: string[];
  /** why nowhere, though this host has addresses there */
  refused: string | null;
}

export const dnsSteps: StepKinds<keyof DnsSteps> = {
  'dns.serve': {
    inverse: ({ network }) => ({ verb: 'dns.retire', network }),
    describe: ({ network, link, listen }) => `${network} at ${link ? `the addresses of ${link}` : listen.join(', ')}`,
    faults: { EADDRINUSE: { code: 'port.taken' } },
    isPrivate: true,
  },
  'dns.retire': { inverse: null, describe: ({ network }) => network, isPrivate: true },
  'dns.add': {
    inverse: ({ network, container }) => ({ verb: 'dns.remove', network, container }),
    describe: ({ names, network }) => `${names.join(', ')} on ${network}`,
    isPrivate: true,
  },
  'dns.remove': {
    inverse: null,
    describe: ({ container, network }) => `${container} on ${network}`,
    isPrivate: true,
  },
};
