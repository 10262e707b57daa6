import type { Family } from './address.ts';
import type { Attachment } from './container/attachments.ts';
import type { Fault } from './fault.ts';
import type { PortTraffic, TrafficCounter } from './firewall/port-counters.ts';
import type { Leases } from './lease/addresses.ts';
import type { NetworkDefinition } from './network/definition.ts';
import type { PublishedPort, ShownPort } from './port.ts';
import type { StatusBlock } from './status.ts';
import type { ServedNames } from './steps/dns.ts';
import type { LinkCounters } from './traffic.ts';

/** Views for users: derived from committed state, never stored. */

export const containerStates = [
  'created',
  'claiming',
  'building',
  'leasing',
  'addressing',
  'configured',
  'running',
  'exited',
  'degraded',
  'unconfiguring',
  'unlinking',
  'failed',
] as const;
export type ContainerState = (typeof containerStates)[number];

export interface ContainerView {
  id: string;
  name: string;
  mode: string;
  state: ContainerState;
  netns: { path: string; inode: number | null } | null;
  pid: number | null;
  attachments: Omit<Attachment, 'definition' | 'isDefault'>[];
  /** per network, empty while the network is down */
  status: Record<string, StatusBlock>;
  ports: ShownPort[];
  removeOnExit: boolean;
  labels: Record<string, string>;
  /** the engine that set it up; null: unknown */
  owner: string | null;
  /** of its ended process; null while it runs, or if its engine did not report it */
  exitCode: number | null;
  /** when it is torn down and forgotten, unless its process has started; ISO 8601 */
  startBy: string | null;
  /** when it was created, ISO 8601; absent: by an older version */
  created?: string;
  lastFault: Fault | null;
}

export const networkStates = [
  'claiming',
  'defining',
  'defined',
  'updating',
  'routing',
  'raising',
  'up',
  'degraded',
  'emptying',
  'lowering',
] as const;
export type NetworkState = (typeof networkStates)[number];

export const hostStates = ['absent', 'starting', 'serving', 'degraded', 'failed'] as const;

export interface NetworkView extends NetworkDefinition {
  state: NetworkState;
  /**
   * what its next container is attached to, and the MTU: its bridge, or a parent; null while the network is not up. names: where
   * they are answered on a foreign bridge, or why not
   */
  device: { name: string; mtuBytes: number | null; names: ServedNames | null } | null;
  /** container ID → addresses */
  leases: Leases;
  /** why it is degraded */
  lastFault: Fault | null;
}

/** A view of many or one, with its position in the event stream: following from `streamSequence` + 1 misses nothing. */
export interface AsOf {
  /** number of the last fact that this answer includes */
  sequence: number;
  /** its position in NETLOOM_EVENTS (or an earlier fact's, while later ones are under way); null: not known yet */
  streamSequence: number | null;
}

/** How this host forwards a family (B5). */
export interface ForwardingView {
  family: Family;
  /** `before`: it was on; `netloom`: netloom switched it on; `switching`: that is under way */
  since: 'before' | 'netloom' | 'switching';
  /** foreign links: `apart`: they do not reach each other through this host; `forwarded`: they do */
  foreign: 'apart' | 'forwarded';
}

export interface NodeInfo {
  node: string;
  version: string;
  state: 'recovering' | 'serving' | 'draining';
  bootId: string;
  kernel: string;
  nodeVersion: string;
  startedAt: string;
  pid: number;
  workers: number;
  /** source address of a route to the outside (C09); null: no such route */
  hostIp: string | null;
  /** of each family that this host forwards for netloom's networks */
  forwarding: ForwardingView[];
  containers: number;
  networks: number;
  /** facts that wait for the bus */
  outbox: number;
  directories: { run: string; state: string; netns: string; networks: string; sysctl: string };
  storage: StorageView;
}

/** Space on the disks that the daemon writes to. */
export interface StorageView {
  /** on the file system of the run directory */
  runFreeBytes: number;
  /** free space within the journal's file, for teardowns on a full disk */
  reservedBytes: number;
  /** on the file system of the state directory */
  stateFreeBytes: number;
  /** why set-ups are refused now: the run directory is full, or too many events wait in the state directory */
  refused: 'run' | 'events' | null;
}

/** B14: frames that a bridge refused, because they carried neither the MAC nor an address of the lease: by network, or by container. */
export type DroppedFrames = Record<string, TrafficCounter>;

export interface ContainerStatistics {
  id: string;
  interfaces: Record<string, LinkCounters>;
  /** since each was published, for all clients */
  ports: (PublishedPort & PortTraffic)[];
}
