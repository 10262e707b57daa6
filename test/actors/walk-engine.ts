import { EventEmitter } from 'node:events';
import { ActorSystem, type Outside } from '../../src/actors/actor-system.ts';
import { type Delivery, Journal } from '../../src/actors/journal.ts';
import type { OutboxRecord } from '../../src/contract/outbox.ts';
import { type ActorAddress, workerOf } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { describePurpose } from '../../src/core/plan/purpose.ts';
import type { PublishedPort } from '../../src/core/port.ts';
import type { Step } from '../../src/core/steps/step.ts';
import { ActorEngine, type EngineSettings } from '../../src/engine/engine.ts';
import type { Pool } from '../../src/engine/pool.ts';
import { StorageGuard } from '../../src/files/storage-guard.ts';
import { foundLink } from '../../src/kernel/found-link.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';

/** Far longer than anything takes here. */
const patienceMs = 5_000;

const soon = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Plans of several actors are under way at once, and which of them ends first is Linux's affair. In a walk, they end in
 * the order in which they began.
 */
function inOrder(kernel: Kernel): Kernel {
  let before: Promise<unknown> = Promise.resolve();
  return {
    perform: async (steps, mending) => {
      const [earlier, work] = [before, kernel.perform(steps, mending)];
      before = Promise.allSettled([earlier, work]);
      await before;
      return work;
    },
    statistics: (path, ports) => kernel.statistics(path, ports),
    dropped: () => kernel.dropped(),
    hostIp: () => kernel.hostIp(),
    hostLinks: () => kernel.hostLinks(),
    findLink: (...wanted) => kernel.findLink(...wanted),
    onFact: (listener) => kernel.onFact(listener),
    close: () => kernel.close(),
  };
}

/** The workers of a daemon without threads: their actors on the kernels that are given, in this thread. */
class ThreadlessPool extends EventEmitter {
  readonly #systems: ActorSystem[];
  readonly unexpected: string[] = [];
  inFlight = 0;

  constructor(
    journal: Journal,
    private readonly kernels: readonly Kernel[],
    netnsDirectory: string,
  ) {
    super();
    const workers = kernels.length;
    const outside: Outside = {
      deliver: (worker, delivery) => this.#hand(worker, delivery),
      // as a message from another thread comes: later
      committed: (answers, announced) => setImmediate(() => this.emit('committed', answers, announced)),
      stalled: ({ message }) => this.unexpected.push(message),
      unexpected: (address: ActorAddress, event: ActorEvent, error: unknown) =>
        this.unexpected.push(`${address} ${event.type}: ${error}`),
    };
    this.#systems = kernels.map(
      (kernel, index) =>
        new ActorSystem(journal, inOrder(kernel), outside, {
          index,
          workers,
          netnsDirectory,
          searchDomain: 'dns.netloom',
          node: 'testnode',
        }),
    );
  }

  get size(): number {
    return this.kernels.length;
  }

  /** Here a kernel step begins when it is performed. */
  prewarmNetns(): void {}

  start(): void {
    for (const system of this.#systems) system.restore();
    for (const kind of ['host', 'network', 'container'] as const) for (const system of this.#systems) system.wake(kind);
  }

  deliver(delivery: Delivery): void {
    this.#hand(this.home(delivery.to), delivery);
  }

  home(address: ActorAddress): number {
    return workerOf(address, this.size);
  }

  async call(index: number, verb: string, input: Asked): Promise<unknown> {
    const kernel = this.kernels[index] as Kernel;
    switch (verb) {
      case 'findLink':
        return foundLink(kernel, input);
      case 'hostIp':
        return kernel.hostIp();
      case 'hostLinks':
        return kernel.hostLinks();
      case 'dropped':
        return kernel.dropped();
      case 'statistics':
        return kernel.statistics(input.netnsPath, input.ports);
      default:
        throw new Error(`the walk's workers have no ${verb}`);
    }
  }

  async stop(): Promise<void> {
    for (const system of this.#systems) await system.stop();
  }

  #hand(worker: number, delivery: Delivery): void {
    this.inFlight += 1;
    setImmediate(() => {
      this.inFlight -= 1;
      this.#systems[worker]?.deliver(delivery);
    });
  }
}

type Asked = { netnsPath: string; ports: PublishedPort[] } & Extract<Step, { verb: 'link.find' }>;

/** A daemon as the bus sees it, on kernels of the test's. */
export class WalkEngine {
  readonly engine: ActorEngine;
  readonly #journal: Journal;
  readonly #pool: ThreadlessPool;
  readonly #storage: StorageGuard;
  #told = 0;

  constructor(directory: string, netnsDirectory: string, kernels: readonly Kernel[], files: EngineSettings['files']) {
    this.#journal = new Journal(directory);
    this.#journal.noticeBoot('this boot');
    this.#pool = new ThreadlessPool(this.#journal, kernels, netnsDirectory);
    const [networks, sysctl] = [`${directory}/networks`, `${directory}/sysctl.d`];
    const directories = { run: directory, state: directory, netns: netnsDirectory, networks, sysctl };
    this.#storage = new StorageGuard({
      runDirectory: directory,
      stateDirectory: directory,
      keepReserve: () => this.#journal.keepReserve(),
      pending: () => 0,
    });
    const node = { node: 'walk', version: '0', bootId: 'this boot', defaultNetwork: 'podman', directories };
    const settings = { ...node, storage: this.#storage, files };
    // what an engine asks of a pool, but not its threads
    this.engine = new ActorEngine(this.#journal, this.#pool as unknown as Pool, settings);
  }

  async start(): Promise<void> {
    this.#pool.start();
    await this.settle();
    await this.engine.serve({ position: () => ({ sequence: 0, streamSequence: null }) });
  }

  /** Until no plan is under way and no message unread. */
  async settle(): Promise<void> {
    const deadline = Date.now() + patienceMs;
    for (let quiet = 0; quiet < 2; ) {
      if (Date.now() > deadline) throw new Error(`still under way: ${this.#unfinished().join('; ')}`);
      await soon();
      quiet = this.#pool.inFlight === 0 && this.#unfinished().length === 0 ? quiet + 1 : 0;
    }
  }

  /** What comes to an actor by itself. */
  tell(to: ActorAddress, event: ActorEvent): void {
    this.#pool.deliver(this.#journal.enqueue(to, event));
  }

  /** Facts that were told since this was asked last. */
  facts(): OutboxRecord[] {
    const facts = this.#journal.after(this.#told, 10_000);
    this.#told = this.#journal.lastSequence();
    return facts;
  }

  /** Containers whose process lives, as far as they know. */
  watching(pid: number): ActorAddress[] {
    return this.#journal.actorsOf('container').flatMap(({ address, record }) => {
      const { context, value } = record;
      const isRunning = typeof value === 'object' && value.up.process === 'running';
      return context.process?.pid === pid && isRunning ? [address] : [];
    });
  }

  /** What no machine could digest. */
  get unexpected(): readonly string[] {
    return this.#pool.unexpected;
  }

  async close(): Promise<void> {
    await this.engine.drain(0);
    this.#storage.stop();
    await this.#pool.stop();
    await this.#journal.close();
  }

  #unfinished(): string[] {
    const plans = this.#journal
      .actors()
      .flatMap(({ address }) =>
        this.#journal.pendingOf(address).map(({ plan }) => `${address} has ${describePurpose(plan.purpose)} out`),
      );
    return [...plans, ...this.#journal.inboxAddresses().map((address) => `${address} has not read all`)];
  }
}
