import type { StepKinds } from './kind.ts';

export interface DnsSteps {
  /**
   * answers the names of a network's containers at its gateways, port 53; asks `servers` (or the host's) for the rest. `link`: a
   * foreign link, where this host listens at all addresses that it has in the subnets. Output: those; if another program has the
   * port there, it keeps it, and the output gives the reason
   */
  'dns.serve': { link?: string } & ServedNetwork;
  'dns.retire': { network: string };
  /** the names of one container on one network; replaces its former names there */
  'dns.add': ContainerNames;
  'dns.remove': { network: string; container: string };
}

export interface ServedNetwork {
  network: string;
  /** gateway addresses */
  listen: string[];
  /**
   * the resolver listens at another port (null: any), and the firewall redirects queries from port 53. null: it listens at port
   * 53 itself, on a bridge whose traffic netloom's firewall leaves alone
   */
  redirect: { port: number | null } | null;
  /** sources whose questions are answered */
  subnets: string[];
  searchDomain: string;
  servers: string[];
  /** whether outside servers are asked */
  forward: boolean;
}

export interface ContainerNames {
  network: string;
  container: string;
  names: string[];
  addresses: string[];
  /** the container's own name servers */
  servers: string[];
  /** the domain that its engine appends to names; absent: the search domain of the network */
  domain?: string;
}

/** Where names are answered on a foreign link. */
export interface ServedNames {
  servers: string[];
  /** why they are answered at no address, although this host has addresses there */
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
