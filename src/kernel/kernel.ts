import type { ActorAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/event.ts';
import type { SystemFault } from '../core/fault.ts';
import type { TrafficCounter } from '../core/firewall/port-counters.ts';
import type { PublishedPort } from '../core/port.ts';
import type { NamespaceStatistics } from '../core/statistics.ts';
import type { HostLink } from '../core/steps/host.ts';
import type { FoundLink } from '../core/steps/link.ts';
import type { Step, StepOutput } from '../core/steps/step.ts';

/** What we ask of Linux. NativeKernel does it; FakeKernel in the tests plays it; one contract suite binds both. */
export interface Kernel {
  /**
   * Performs steps in order until one fails. A step that finds its work done, and the same, has succeeded. Never throws:
   * what went wrong is in the result. Steps next to each other may go to the kernel in one message, so a step behind the
   * failed one may have been done too; `done` tells. Mending: what the steps are about is looked at before it is set, so
   * that `changed` tells what was missing.
   */
  perform(steps: readonly Step[], mending?: boolean): Promise<Performed>;
  /**
   * Counters of every interface of a namespace, by name, loopback left out; and what went through published ports. Throws
   * SystemError.
   */
  statistics(netnsPath: string, ports: readonly PublishedPort[]): NamespaceStatistics;
  /** B14: frames that the bridges did not take, by the host's end of the veth. None of a veth that is not held. Throws SystemError. */
  dropped(): Record<string, TrafficCounter>;
  /** Source address of the way to a public address (C09), by route look-up; null without one. */
  hostIp(): string | null;
  /** of the host's own namespace */
  hostLinks(): HostLink[];
  /** A link of the host; null: that of the way out. Throws SystemError ENODEV. */
  findLink(name: string | null, mtuOf: 'uplink' | null): FoundLink;
  /** Facts that come by themselves: a process that ended. */
  onFact(listener: (to: ActorAddress, event: ActorEvent) => void): void;
  close(): void;
}

export interface Performed {
  /** one per step that was done, in the order of `done` */
  outputs: StepOutput[];
  /** indices of the steps that have taken effect, or found their work done */
  done: number[];
  /** indices of those that add something and did not find it there; of steps that only set or delete nothing is known */
  changed: number[];
  failure: StepFailure | null;
}

export interface StepFailure extends SystemFault {
  index: number;
}
