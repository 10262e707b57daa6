/** What passes between the resolver's thread and its clients: plain data, each call paired with one reply. */

/** Where names are asked for. */
export const dnsPort = 53;

export interface ResolverNetwork {
  name: string;
  /** gateway addresses; one port, UDP and TCP, is opened on each */
  listen: string[];
  /** which port: the first of these that is free, 0 for any. Default: 53 and no other. What is open stays as it is */
  ports?: number[];
  /** CIDR: questions from elsewhere get nothing; within it the holders of addresses are served, and this host itself */
  subnets: string[];
  /** `dns.netloom` */
  searchDomain: string;
  /** where unknown names are asked; none: at the host's servers */
  servers: string[];
  /** false: nothing leaves this network */
  forward: boolean;
}

export interface ResolverEntry {
  network: string;
  /** full id */
  container: string;
  /** name, aliases, short id: PTR tells them in this order */
  names: string[];
  addresses: string[];
  /** the container's own servers, instead of the network's; may be none */
  servers: string[];
  /** what its engine puts behind names; absent: the network's search domain */
  domain?: string;
}

export interface QueryCounters {
  received: number;
  /** from own records */
  answered: number;
  forwarded: number;
  /** forwarded, and no server answered, or too many were under way */
  failed: number;
  /** from outside the subnets, or from an address there that is not leased: dropped */
  foreign: number;
  malformed: number;
}

/** Listening address → its port. */
export type OpenPorts = Record<string, number>;

export interface ResolverStatus {
  networks: { name: string; listen: string[]; ports: OpenPorts; containers: number; names: number }[];
  /** of networks that are served and of those that are still awaited */
  entries: number;
  queries: QueryCounters;
}

/** What the kernel refused: `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`; `ENOENT` for a network that is not served. */
export interface ResolverFault {
  op: string;
  errno: string;
  detail: string;
}

/** What a client had established, for a resolver that knows nothing yet. */
export interface Established {
  networks: ResolverNetwork[];
  entries: ResolverEntry[];
}

export interface ResolverVerbs {
  serve: [ResolverNetwork, OpenPorts];
  retire: [string, null];
  add: [ResolverEntry, null];
  remove: [{ network: string; container: string }, null];
  status: [null, ResolverStatus];
  /** Networks first; entries of networks that nobody serves yet are kept. Tells what could not be opened again. */
  restore: [Established, ResolverFault[]];
}

export type ResolverVerb = keyof ResolverVerbs;

export interface ResolverCall<V extends ResolverVerb = ResolverVerb> {
  id: number;
  verb: V;
  input: ResolverVerbs[V][0];
  /** after a death: the network may be another client's, whose turn is yet to come */
  patient: boolean;
}

export type ResolverReply =
  | { id: number; ok: true; output: ResolverVerbs[ResolverVerb][1] }
  | { id: number; ok: false; fault: ResolverFault };

/** Thrown form of a `ResolverFault`. */
export class ResolverError extends Error implements ResolverFault {
  override readonly name = 'ResolverError';
  readonly op: string;
  readonly errno: string;
  readonly detail: string;
  constructor({ op, errno, detail }: ResolverFault) {
    super(`${op}: ${errno} (${detail})`);
    this.op = op;
    this.errno = errno;
    this.detail = detail;
  }
}

export function resolverFault(op: string, error: unknown): ResolverFault {
  if (error instanceof ResolverError) return { op: error.op, errno: error.errno, detail: error.detail };
  // a name as such: of Node's own errors it is the code, of the addon's the errno
  const { code, errno, message } = error as { code?: string; errno?: unknown; message?: string };
  return { op, errno: code ?? (typeof errno === 'string' ? errno : 'EIO'), detail: message ?? String(error) };
}

/** How the worker is started; the defaults are what a daemon uses. */
export interface ResolverSettings {
  resolvConf?: string;
  /** for one try at one server */
  timeoutMs?: number;
  maxForwards?: number;
  /** holders of addresses whose names are not known yet: they are served from the start */
  leases?: KnownLease[];
}

export type KnownLease = Pick<ResolverEntry, 'network' | 'container' | 'addresses'>;
