import type { Family } from './address.ts';
import type { Attachment } from './container/attachments.ts';
import type { Fault } from './fault.ts';
import type { PortTraffic, TrafficCounter } from './firewall/port-counters.ts';
import type { Leases } from './lease/addresses.ts';
import type { NetworkDefinition } from './network/definition.ts';
import type { PublishedPort, ShownPort } from './port.ts';
import type { LinkCounters } from './statistics.ts';
import type { StatusBlock } from './status.ts';
import type { ServedNames } from './steps/dns.ts';

/** What a user is shown: derived from committed state, never stored. */

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

/** Its end has begun, and for whoever asked it may be over already. */
export const leavingStates: readonly ContainerState[] = ['unconfiguring', 'unlinking'];

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
  /** the engine that set it up; null if unknown */
  owner: string | null;
  /** of the process, which has ended; null while it runs, or where its engine did not report it */
  exitCode: number | null;
  /** torn down and forgotten then, unless its process has started; ISO 8601 */
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
export type HostState = (typeof hostStates)[number];

export interface NetworkView extends NetworkDefinition {
  state: NetworkState;
  /**
   * what its next container is attached to, with which MTU: its bridge, or a parent; null while the network is not up. names: where
   * they are answered on a bridge of others, and why not
   */
  device: { name: string; mtuBytes: number | null; names: ServedNames | null } | null;
  /** container id → addresses */
  leases: Leases;
  /** why it is degraded */
  lastFault: Fault | null;
}

/** A view of many or one, and how far the event stream had got: follow from `streamSequence` + 1 and nothing is missed. */
export interface AsOf {
  /** number of the last fact that this answer includes */
  sequence: number;
  /** its place in NETLOOM_EVENTS (or of one before it, while later ones are on their way); null while not known */
  streamSequence: number | null;
}

/** How this host forwards a family (B5). */
export interface ForwardingView {
  family: Family;
  /** `before`: it was on; `netloom`: netloom switched it on; `switching`: that is under way */
  since: 'before' | 'netloom' | 'switching';
  /** links that are not netloom's: `apart`: they do not reach each other through this host; `forwarded`: they do */
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
  /** source address of a route to the outside (C09); null without one */
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

/** Room on the disks that the daemon writes to. */
export interface StorageView {
  /** on the file system of the run directory */
  runFreeBytes: number;
  /** of the journal's own file, for what is taken down on a disk that is full */
  reservedBytes: number;
  /** on the file system of the state directory */
  stateFreeBytes: number;
  /** why set-ups are refused now: the run directory is full, or too many events wait in the state directory */
  refused: 'run' | 'events' | null;
}

/** B14: frames that a bridge did not take, for they carried neither the MAC nor an address of the lease: by network, or by container. */
export type DroppedFrames = Record<string, TrafficCounter>;

export interface ContainerStatistics {
  id: string;
  interfaces: Record<string, LinkCounters>;
  /** since each was published, whoever asked */
  ports: (PublishedPort & PortTraffic)[];
}
