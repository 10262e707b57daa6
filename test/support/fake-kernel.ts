import type { ActorAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { portTraffic, type TrafficCounter } from '../../src/core/firewall/port-counters.ts';
import { ownerOfAlias } from '../../src/core/object-names.ts';
import type { PublishedPort } from '../../src/core/port.ts';
import type { HostLink } from '../../src/core/steps/host.ts';
import type { FoundLink } from '../../src/core/steps/link.ts';
import type { Step, Verb } from '../../src/core/steps/step.ts';
import type { NamespaceStatistics } from '../../src/core/traffic.ts';
import { Deadlines } from '../../src/kernel/deadlines.ts';
import type { Kernel, Performed, StepFailure } from '../../src/kernel/kernel.ts';
import { type FakeLink, FakeLinux, type FakeNetns } from './fake-linux.ts';
import { addressVerbs } from './fake-verbs/address.ts';
import { definitionVerbs } from './fake-verbs/definition.ts';
import { FakeDhcp } from './fake-verbs/dhcp.ts';
import { dnsVerbs } from './fake-verbs/dns.ts';
import { hostVerbs } from './fake-verbs/host.ts';
import { findLink, linkVerbs } from './fake-verbs/link.ts';
import { netnsVerbs } from './fake-verbs/netns.ts';
import { nftVerbs } from './fake-verbs/nft.ts';
import { FakePorts } from './fake-verbs/port.ts';
import { processVerbs } from './fake-verbs/process.ts';
import { routeVerbs } from './fake-verbs/route.ts';
import { settingVerbs } from './fake-verbs/settings.ts';
import { type FakeVerbs, Refused } from './fake-verbs/verb.ts';

type Refusal = { errno: string; detail: string };

/** The hands of one daemon (or worker) on a FakeLinux. Passes the same tests as the real one: test/kernel/both-kernels. */
export class FakeKernel implements Kernel {
  /** steps that were performed, refused ones included, in order */
  readonly performed: Step[] = [];
  #refuse: (step: Step, count: number) => Refusal | null = () => null;
  #listener: (to: ActorAddress, event: ActorEvent) => void = () => {};
  /** owner → process, and namespace, of which it hears the end */
  readonly #processes = new Map<string, number>();
  readonly #namespaces = new Map<string, FakeNetns>();
  readonly #unwatch: () => void;
  readonly #deadlines = new Deadlines();
  readonly #ports: FakePorts;
  readonly #dhcp: FakeDhcp;
  readonly #verbs: FakeVerbs<Verb>;

  constructor(readonly linux: FakeLinux = new FakeLinux()) {
    this.#deadlines.serve(0);
    this.#ports = new FakePorts(linux);
    this.#dhcp = new FakeDhcp(linux, (to, event) => this.#listener(to, event));
    this.#verbs = {
      ...netnsVerbs(linux, this.#namespaces),
      ...linkVerbs(linux),
      ...addressVerbs(linux),
      ...routeVerbs(linux),
      ...settingVerbs(linux),
      ...nftVerbs(linux),
      ...this.#ports.verbs,
      ...processVerbs(linux, this.#processes, this.#deadlines),
      ...dnsVerbs(linux),
      ...definitionVerbs(linux),
      ...this.#dhcp.verbs,
      ...hostVerbs(linux),
    };
    const watches = [linux.onExit((pid) => this.#exited(pid)), linux.onNetnsEnd((netns) => this.#ended(netns))];
    this.#unwatch = () => {
      for (const unwatch of watches) unwatch();
    };
  }

  // -------------------------------------------------------------------------------------------- what tests arrange

  /** Makes the n-th step from now (1 is the next) fail. */
  failAt(n: number, errno: string): void {
    const from = this.performed.length;
    this.failWhen((_, count) => count === from + n, errno);
  }

  /** Makes every matching step fail; `count` counts all steps that were ever performed. */
  failWhen(matches: (step: Step, count: number) => boolean, errno: string): void {
    this.#refuse = (step, count) => (matches(step, count) ? { errno, detail: 'as the test arranged' } : null);
  }

  /** An impossible outcome: not a refusal, but an error in our own code. */
  throwWhen(matches: (step: Step) => boolean): void {
    this.#refuse = (step) => {
      if (matches(step)) throw new TypeError('as the test arranged');
      return null;
    };
  }

  failNoMore(): void {
    this.#refuse = () => null;
  }

  // --------------------------------------------------------------------------------------------------------- Kernel

  async perform(steps: readonly Step[], mending = false): Promise<Performed> {
    const performed: Performed = { outputs: [], done: [], changed: [], failure: null };
    for (const [index, step] of steps.entries()) {
      const failure = await this.#performOne(step, index, mending, performed, () => this.#arrange(step));
      if (failure) return { ...performed, failure: { index, ...failure } };
    }
    return performed;
  }

  statistics(netnsPath: string, ports: readonly PublishedPort[]): NamespaceStatistics {
    const netns = this.linux.netns(netnsPath);
    if (!netns) throw new Refused('open netns', 'ENOENT');
    const idle = {
      rxBytes: 0,
      txBytes: 0,
      rxPackets: 0,
      txPackets: 0,
      rxErrors: 0,
      txErrors: 0,
      rxDropped: 0,
      txDropped: 0,
    };
    const links = [...netns.links.values()].filter(({ kind }) => kind !== 'loopback');
    return {
      interfaces: Object.fromEntries(links.map(({ name }) => [name, { ...idle }])),
      ports: ports.map((port) => portTraffic(port, () => null)),
    };
  }

  /** nothing is ever sent here */
  dropped(): Record<string, TrafficCounter> {
    const held = [...(this.linux.elements?.values() ?? [])].filter(({ set }) => set === 'held_links');
    return Object.fromEntries(held.map(({ key }) => [key[0] as string, { packets: 0, bytes: 0 }]));
  }

  findLink(name: string | null, mtuOf: 'uplink' | null): FoundLink {
    return findLink(this.linux, name, mtuOf);
  }

  hostIp(): string | null {
    return null;
  }

  hostLinks(): HostLink[] {
    const ownerOf = ({ settings }: FakeLink) => (settings.alias ? ownerOfAlias(settings.alias) : null);
    return [...this.linux.host.links.values()].map((link) => ({ name: link.name, owner: ownerOf(link) }));
  }

  onFact(listener: (to: ActorAddress, event: ActorEvent) => void): void {
    this.#listener = listener;
    this.#deadlines.onPassed(listener);
  }

  /** Does what a crash does as well: bound ports and watches go with their process. */
  close(): void {
    this.#unwatch();
    this.#deadlines.close();
    this.#dhcp.close();
    this.#processes.clear();
    this.#namespaces.clear();
    this.#ports.close();
  }

  // ---------------------------------------------------------------------------------------------------------- steps

  /** `arranged`: throws what the test arranged for the step. */
  async #performOne<V extends Verb>(
    step: Step<V>,
    index: number,
    mending: boolean,
    { outputs, done, changed }: Performed,
    arranged: () => void,
  ): Promise<Omit<StepFailure, 'index'> | null> {
    const { perform, isSet, driftOf, follows } = this.#verbs[step.verb];
    const wasSet = isSet?.(step) ?? true;
    const drifted = (mending && driftOf?.(step)) || [];
    const isIdle = mending && follows && !changed.includes(index - 1);
    try {
      if (!isIdle) arranged();
      const output = isIdle ? {} : ((await perform(step)) ?? {});
      outputs.push(drifted.length > 0 ? { drifted } : output);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { op, errno, detail, port } = error;
      return { op, errno, detail, ...(port !== undefined && { port }) };
    }
    done.push(index);
    if (!wasSet) changed.push(index);
    return null;
  }

  #arrange(step: Step): void {
    this.performed.push(step);
    const refusal = this.#refuse(step, this.performed.length);
    if (refusal) throw new Refused(step.verb, refusal.errno, refusal.detail);
  }

  #ended(netns: FakeNetns): void {
    for (const [owner, watched] of [...this.#namespaces]) {
      if (watched !== netns) continue;
      this.#namespaces.delete(owner);
      setImmediate(() => this.#listener(owner as ActorAddress, { type: 'drift.suspected' }));
    }
  }

  #exited(pid: number): void {
    for (const [owner, watched] of [...this.#processes]) {
      if (watched !== pid) continue;
      this.#processes.delete(owner);
      setImmediate(() => this.#listener(owner as ActorAddress, { type: 'process.exited', pid }));
    }
  }
}
