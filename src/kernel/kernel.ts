import type { ActorAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/actor-event.ts';
import type { SystemFault } from '../core/fault.ts';
import type { TrafficCounter } from '../core/firewall/port-counters.ts';
import type { PublishedPort } from '../core/port.ts';
import type { HostLink } from '../core/steps/host.ts';
import type { FoundLink } from '../core/steps/link.ts';
import type { Step, StepOutput } from '../core/steps/step.ts';
import type { NamespaceStatistics } from '../core/traffic.ts';

/** Linux as netloom uses it. NativeKernel is the real one, FakeKernel the one for tests; both pass one contract suite. */
export interface Kernel {
  /**
   * Performs steps in order until one fails. A step that finds its work done in the same way succeeds. Never throws: the
   * result has the failure. Adjacent steps may go to the kernel in one message, so a step after the failed one may have been
   * done too; `done` lists it. With `mending`, steps check before they set anything, so that `changed` lists what was
   * missing.
   */
  perform(steps: readonly Step[], mending?: boolean): Promise<Performed>;
  /**
   * Reads the counters of every interface of a namespace, by name, without loopback, and of published ports. Throws
   * SystemError.
   */
  statistics(netnsPath: string, ports: readonly PublishedPort[]): NamespaceStatistics;
  /** B14: reads the counters of frames that bridges dropped, by the veth's host end; without unheld veths. Throws SystemError. */
  dropped(): Record<string, TrafficCounter>;
  /** Returns the source address of the route to a public address (C09), or null without a route. */
  hostIp(): string | null;
  /** Lists the links of the host's namespace. */
  hostLinks(): HostLink[];
  /** Finds a link of the host; null: the uplink. Throws SystemError ENODEV. */
  findLink(name: string | null, mtuOf: 'uplink' | null): FoundLink;
  /** Subscribes to facts that no step asked for, such as the end of a process. */
  onFact(listener: (to: ActorAddress, event: ActorEvent) => void): void;
  close(): void;
}

export interface Performed {
  /** one per completed step, in the order of `done` */
  outputs: StepOutput[];
  /** indices of the steps that took effect or found their work done */
  done: number[];
  /** indices of the steps that added something missing; unknown for steps that only set or delete */
  changed: number[];
  failure: StepFailure | null;
}

export interface StepFailure extends SystemFault {
  index: number;
}
