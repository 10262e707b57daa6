import type { MessagePort } from 'node:worker_threads';
import { type Fault, fault, NetloomError } from '../core/fault.ts';
import type { Done } from '../threads/calls.ts';

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

/** What a client had established, for a resolver that knows nothing yet. */
export interface Established {
  networks: ResolverNetwork[];
  entries: ResolverEntry[];
}

/** Faults have an errno: `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`; `ENOENT` for a network that is not served. */
export interface ResolverVerbs {
  serve: [ResolverNetwork, OpenPorts];
  retire: [string, Done];
  /** patient: after a death, the network may be another client's, which establishes it later */
  add: [{ entry: ResolverEntry; patient: boolean }, Done];
  remove: [{ network: string; container: string }, Done];
  status: [null, ResolverStatus];
  /** Networks first; entries of networks that are not served yet are kept. Answers what could not be opened again. */
  restore: [Established, Fault[]];
}

/** What the main thread tells the resolver. */
export interface ToResolver {
  kind: 'client';
  port: MessagePort;
}

/** Of anything thrown by the system: what was done, the error's name, and where. */
export function resolverFault(step: string, error: unknown): Fault {
  if (error instanceof NetloomError) return error.fault;
  // a name as such: of Node's own errors it is the code, of the addon's the errno
  const { code, errno, message } = error as { code?: string; errno?: unknown; message?: string };
  const detail = message ?? String(error);
  return refused(step, code ?? (typeof errno === 'string' ? errno : 'EIO'), detail);
}

export const refused = (step: string, errno: string, detail: string): Fault =>
  fault('kernel.refused', `${step}: ${errno} (${detail})`, { step, errno, detail });

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
