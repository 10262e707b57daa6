import type { MessagePort } from 'node:worker_threads';
import type { ActorAddress, ActorKind } from '../core/actor-address.ts';
import type { TrafficCounter } from '../core/firewall/port-counters.ts';
import type { Inventory } from '../core/gc.ts';
import type { PublishedPort } from '../core/port.ts';
import type { NamespaceStatistics } from '../core/statistics.ts';
import type { HostLink } from '../core/steps/host.ts';
import type { FoundLink } from '../core/steps/link.ts';
import type { Step } from '../core/steps/step.ts';
import type { Done } from '../threads/calls.ts';
import type { Answer, Delivery } from './journal.ts';

/** All that passes between the main thread and a worker. Plain data, but for the ports that join two threads. */

/** What a worker is called for. */
export interface WorkerVerbs {
  /** the way to another worker, anew each time that worker was started */
  join: [{ index: number; port: MessagePort }, Done];
  /** reads the actors from the journal */
  restore: [null, Done];
  /** gives the actors of one kind their unfinished work; done when each has been told */
  wake: [{ kind: ActorKind }, Done];
  /** D04: counters of every interface in a namespace, and of published ports */
  statistics: [{ netnsPath: string; ports: readonly PublishedPort[] }, NamespaceStatistics];
  /** B14: frames that the bridges did not take, by veth */
  dropped: [null, Record<string, TrafficCounter>];
  /** the way to the resolver, anew each time that one was started */
  names: [{ port: MessagePort }, Done];
  /** the way to firewalld, once */
  firewalld: [{ port: MessagePort }, Done];
  hostIp: [null, string | null];
  hostLinks: [null, HostLink[]];
  /** a link of the host, or that of the way out (null), as `link.find` finds it */
  findLink: [Extract<Step, { verb: 'link.find' }>, FoundLink];
  /** everything in the kernel that carries a name of netloom's */
  inventory: [null, Inventory];
  /** inodes of the network namespaces in which threads are; refused unless all can be seen */
  inhabited: [null, ReadonlySet<number>];
  /** commands are taken: what was waited for in vain before that is told after graceMs */
  serve: [{ graceMs: number }, Done];
  /** lets what is under way end, then gives up sockets and ports */
  stop: [null, Done];
  /** ends the thread at once: the end is the answer */
  exit: [null, Done];
}

/** What a worker is told. */
export type ToWorker =
  | { kind: 'deliver'; delivery: Delivery }
  /** it may have lost something in the kernel: not kept, for who is restored looks at everything anyway */
  | { kind: 'suspect'; address: ActorAddress };

/** What a worker says. */
export type FromWorker =
  | { kind: 'committed'; answers: Answer[]; announced: boolean }
  /** nothing is decided until the journal has room again */
  | { kind: 'stalled'; message: string }
  | { kind: 'unexpected'; address: string; event: string; message: string; stack: string | null };

export interface WorkerSettings {
  index: number;
  workers: number;
  runDirectory: string;
  netnsDirectory: string;
  networksDirectory: string;
  /** where systemd-sysctl reads settings of interfaces */
  sysctlDirectory: string;
  searchDomain: string;
  /** name of this host on the bus */
  node: string;
  forwardForeign: boolean;
}
