import type { MessagePort } from 'node:worker_threads';
import { type Fault, fault, NetloomError } from '../core/fault.ts';
import type { Done } from '../threads/calls.ts';

/** Messages between the resolver's thread and its clients: plain data, each call paired with one reply. */

/** The DNS port. */
export const dnsPort = 53;

export interface ResolverNetwork {
  name: string;
  /** gateway addresses; one port, UDP and TCP, is opened on each */
  listen: string[];
  /** the first free port of these, 0 for any. Default: only 53. An open port stays as it is */
  ports?: number[];
  /** CIDR: questions from elsewhere are dropped; within them, holders of addresses and this host are served */
  subnets: string[];
  /** `dns.netloom` */
  searchDomain: string;
  /** servers for unknown names; empty: the host's servers */
  servers: string[];
  /** false: no query leaves this network */
  forward: boolean;
}

export interface ResolverEntry {
  network: string;
  /** full id */
  container: string;
  /** name, aliases, short ID: PTR lists them in this order */
  names: string[];
  addresses: string[];
  /** the container's own servers, instead of the network's; may be empty */
  servers: string[];
  /** its engine's suffix for names; absent: the network's search domain */
  domain?: string;
}

export interface QueryCounters {
  received: number;
  /** from netloom's records */
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
  /** of served networks and of networks still awaited */
  entries: number;
  queries: QueryCounters;
}

/** Everything that a client had established, for a new resolver. */
export interface Established {
  networks: ResolverNetwork[];
  entries: ResolverEntry[];
}

/** Faults have an errno: `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`; `ENOENT` for a network that is not served. */
export interface ResolverVerbs {
  serve: [ResolverNetwork, OpenPorts];
  retire: [string, Done];
  /** patient: after a death, another client may establish the network later */
  add: [{ entry: ResolverEntry; patient: boolean }, Done];
  remove: [{ network: string; container: string }, Done];
  status: [null, ResolverStatus];
  /** Restores networks first; keeps entries of networks that are not served yet. Returns what could not be opened again. */
  restore: [Established, Fault[]];
}

/** Notices of the main thread to the resolver. */
export interface ToResolver {
  kind: 'client';
  port: MessagePort;
}

/** Converts a system error to a fault: the operation, the error's name, and the place. */
export function resolverFault(step: string, error: unknown): Fault {
  if (error instanceof NetloomError) return error.fault;
  // the error's name: Node's errors have it in code, the addon's in errno
  const { code, errno, message } = error as { code?: string; errno?: unknown; message?: string };
  const detail = message ?? String(error);
  return refused(step, code ?? (typeof errno === 'string' ? errno : 'EIO'), detail);
}

export const refused = (step: string, errno: string, detail: string): Fault =>
  fault('kernel.refused', `${step}: ${errno} (${detail})`, { step, errno, detail });

/** Settings of the worker; a daemon uses the defaults. */
export interface ResolverSettings {
  resolvConf?: string;
  /** for one try at one server */
  timeoutMs?: number;
  maxForwards?: number;
  /** holders of addresses without known names yet: they are served from the start */
  leases?: KnownLease[];
}

export type KnownLease = Pick<ResolverEntry, 'network' | 'container' | 'addresses'>;
