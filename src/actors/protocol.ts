import type { MessagePort } from 'node:worker_threads';
import type { ActorAddress, ActorKind } from '../core/actor-address.ts';
import type { TrafficCounter } from '../core/firewall/port-counters.ts';
import type { Inventory } from '../core/gc.ts';
import type { PublishedPort } from '../core/port.ts';
import type { Evidence } from '../core/rebuild/evidence.ts';
import type { HostLink } from '../core/steps/host.ts';
import type { FoundLink } from '../core/steps/link.ts';
import type { Step } from '../core/steps/step.ts';
import type { NamespaceStatistics } from '../core/traffic.ts';
import type { Done } from '../threads/calls.ts';
import type { Answer, Delivery } from './journal.ts';

/** Everything that passes between the main thread and a worker. Plain data, except the ports that join two threads. */

/** Calls to a worker. */
export interface WorkerVerbs {
  /** port to another worker, a new one for each start of that worker */
  join: [{ index: number; port: MessagePort }, Done];
  /** reads the actors from the journal */
  restore: [null, Done];
  /** starts the actors of one kind with their unfinished work; done when each has its start event */
  wake: [{ kind: ActorKind }, Done];
  /** D04: counters of every interface in a namespace, and of published ports */
  statistics: [{ netnsPath: string; ports: readonly PublishedPort[] }, NamespaceStatistics];
  /** B14: frames that the bridges dropped, by veth */
  dropped: [null, Record<string, TrafficCounter>];
  /** port to the resolver, a new one for each of its starts */
  names: [{ port: MessagePort }, Done];
  /** port to firewalld, once */
  firewalld: [{ port: MessagePort }, Done];
  hostIp: [null, string | null];
  hostLinks: [null, HostLink[]];
  /** a link of the host, or that of the default route (null), as `link.find` finds it */
  findLink: [Extract<Step, { verb: 'link.find' }>, FoundLink];
  /** every object in the kernel with a name of netloom's */
  inventory: [null, Inventory];
  /** what shows which containers live in the kernel */
  evidence: [null, Evidence];
  /** inodes of the network namespaces in which threads are; refused unless all can be seen */
  inhabited: [null, ReadonlySet<number>];
  /** commands are accepted: deadlines that have passed before are reported after graceMs */
  serve: [{ graceMs: number }, Done];
  /** finishes the work under way, then closes sockets and ports */
  stop: [null, Done];
  /** ends the thread at once: the end is the answer */
  exit: [null, Done];
}

/** Messages to a worker. */
export type ToWorker =
  | { kind: 'deliver'; delivery: Delivery }
  /** the actor may have lost something in the kernel: not stored, because a restored actor verifies everything anyway */
  | { kind: 'suspect'; address: ActorAddress };

/** Messages of a worker. */
export type FromWorker =
  | { kind: 'committed'; answers: Answer[]; announced: boolean }
  /** decisions wait until the journal has room again */
  | { kind: 'stalled'; message: string }
  | { kind: 'unexpected'; address: string; event: string; message: string; stack: string | null };

export interface WorkerSettings {
  index: number;
  workers: number;
  runDirectory: string;
  netnsDirectory: string;
  networksDirectory: string;
  /** directory from which systemd-sysctl reads settings of interfaces */
  sysctlDirectory: string;
  searchDomain: string;
  /** name of this host on the bus */
  node: string;
  forwardForeign: boolean;
}
