import { ActorSystem, type Outside } from '../../src/actors/actor-system.ts';
import {
  type ActorRecord,
  type Answer,
  type Commit,
  type Committed,
  type Delivery,
  Journal,
} from '../../src/actors/journal.ts';
import {
  type ActorAddress,
  containerAddress,
  type KindOf,
  networkAddress,
  workerOf,
} from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { ContainerRequest } from '../../src/core/container/request.ts';
import { type ContainerWish, containerWish } from '../../src/core/container/wish.ts';
import type { Fault } from '../../src/core/fault.ts';
import type { NetworkRequest } from '../../src/core/network/request.ts';
import { describePurpose } from '../../src/core/plan/purpose.ts';
import type { Step } from '../../src/core/steps/step.ts';
import type { Kernel, Performed } from '../../src/kernel/kernel.ts';
import { networkWishOf } from '../core/samples.ts';
import { FakeKernel } from '../support/fake-kernel.ts';
import { FakeLinux } from '../support/fake-linux.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';
import { seeded } from '../support/seeded.ts';

/**
 * A daemon without threads and without Linux: its workers' ActorSystems in this thread, on FakeKernels of one FakeLinux.
 * It, or one of its workers, can die at any relevant moment: after the n-th commit or kernel step nothing more is written.
 */
export interface HouseSettings {
  workers?: number;
  /** commits and kernel steps until it dies; absent: it lives */
  diesAfter?: number;
  /** only this worker dies */
  mortal?: number;
  /** steps that the kernels refuse from the first one on */
  refusing?: (step: Step) => boolean;
}

/** The remaining time until the death. */
class Life {
  spent = 0;
  #left: number;

  constructor(left = Number.POSITIVE_INFINITY) {
    this.#left = left;
  }

  get isOver(): boolean {
    return this.#left <= 0;
  }

  spend(): void {
    this.spent += 1;
    this.#left -= 1;
  }

  end(): void {
    this.#left = 0;
  }
}

class Died extends Error {}

/** Every message between actors, and the order in which they were delivered. */
export interface Post {
  sent: Map<number, { from: ActorAddress; to: ActorAddress }>;
  heard: number[];
}

/** A journal that refuses all writes after the end. */
function mortalJournal(journal: Journal, life: Life, post: Post): Journal {
  const mortal: Pick<Journal, 'commit' | 'drop'> = {
    commit: (commit: Commit): Committed => {
      if (life.isOver) throw new Died();
      const committed = journal.commit(commit);
      for (const { to, sequence } of [...committed.deliveries, ...committed.news])
        post.sent.set(sequence, { from: commit.address, to });
      if (commit.consumed !== null) post.heard.push(commit.consumed);
      life.spend();
      return committed;
    },
    drop: (address, consumed, ...more) => {
      if (life.isOver) return null;
      const delivery = journal.drop(address, consumed, ...more);
      if (consumed !== null) post.heard.push(consumed);
      life.spend();
      return delivery;
    },
  };
  return new Proxy(journal, {
    get: (target, key) => {
      if (key in mortal) return mortal[key as keyof typeof mortal];
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A plan that is under way at the end never returns. */
class MortalKernel implements Kernel {
  constructor(
    private readonly kernel: FakeKernel,
    private readonly life: Life,
  ) {}

  async perform(steps: readonly Step[]): Promise<Performed> {
    const all: Performed = { outputs: [], done: [], changed: [], failure: null };
    for (const [index, step] of steps.entries()) {
      if (this.life.isOver) return new Promise(() => {});
      const { outputs, changed, failure } = await this.kernel.perform([step]);
      if (changed.length > 0) all.changed.push(index);
      this.life.spend();
      if (this.life.isOver) return new Promise(() => {});
      if (failure) return { ...all, failure: { ...failure, index } };
      all.outputs.push(...outputs);
      all.done.push(index);
    }
    return all;
  }

  statistics = (...asked: Parameters<Kernel['statistics']>) => this.kernel.statistics(...asked);
  dropped = () => this.kernel.dropped();
  hostIp = () => this.kernel.hostIp();
  hostLinks = () => this.kernel.hostLinks();
  findLink = (...wanted: Parameters<Kernel['findLink']>) => this.kernel.findLink(...wanted);
  onFact = (listener: Parameters<Kernel['onFact']>[0]) =>
    this.kernel.onFact((to, event) => this.life.isOver || listener(to, event));
  close = () => this.kernel.close();
}

/** Far longer than anything takes here. */
const patienceMs = 3_000;

const pause = () => new Promise((resolve) => setImmediate(resolve));

/** What lasts from one life to the next: the directory, the host, and the replies that clients have got. */
export class House {
  readonly linux = new FakeLinux();
  readonly directory = temporaryDirectory();
  readonly answers = new Map<string, Answer[]>();
  readonly post: Post = { sent: new Map(), heard: [] };
  /** events that no machine could process */
  readonly unexpected: string[] = [];
  journal!: Journal;
  #workers: { kernel: FakeKernel; life: Life; system: ActorSystem }[] = [];
  #inFlight = 0;
  /** messages on their way from one worker to another */
  readonly #ports = new Map<string, Delivery[]>();
  readonly #random = seeded(1);
  #commands = 0;
  #boots = 1;

  // ------------------------------------------------------------------------------------------------------------ life

  async start({ workers = 1, diesAfter, mortal, refusing }: HouseSettings = {}): Promise<void> {
    this.journal = new Journal(this.directory.path);
    this.journal.noticeBoot(`boot ${this.#boots}`);
    const life = new Life(diesAfter);
    const lifeOf = (index: number) => (mortal === undefined || mortal === index ? life : new Life());
    this.#workers = Array.from({ length: workers }, (_, index) => this.#hire(index, workers, lifeOf(index)));
    if (refusing) for (const { kernel } of this.#workers) kernel.failWhen(refusing, 'EPERM');
    await this.#wake(this.#workers);
  }

  #hire(index: number, workers: number, life: Life) {
    const outside: Outside = {
      deliver: (to, delivery) => life.isOver || this.#hint(index, to, delivery),
      committed: (answers) => {
        if (life.isOver) return;
        for (const answer of answers)
          this.answers.set(answer.command, [...(this.answers.get(answer.command) ?? []), answer]);
      },
      stalled: ({ message }) => this.unexpected.push(message),
      unexpected: (address, event, error) => {
        if (!(error instanceof Died)) this.unexpected.push(`${address} ${event.type}: ${error}`);
      },
    };
    const kernel = new FakeKernel(this.linux);
    const settings = { index, workers, netnsDirectory: '/netns', searchDomain: 'dns.netloom', node: 'testnode' };
    const journal = mortalJournal(this.journal, life, this.post);
    return { kernel, life, system: new ActorSystem(journal, new MortalKernel(kernel, life), outside, settings) };
  }

  async #wake(workers: { system: ActorSystem }[]): Promise<void> {
    for (const { system } of workers) system.restore();
    for (const kind of ['host', 'network', 'container', 'dhcp'] as const) {
      for (const { system } of workers) system.wake(kind);
      await pause();
    }
  }

  /**
   * Delivers as a MessagePort does: later, and in order; but what another worker sends may overtake it. Messages to a dead worker are
   * lost.
   */
  #hint(from: number, to: number, delivery: Delivery): void {
    const port = this.#ports.get(`${from} ${to}`) ?? [];
    this.#ports.set(`${from} ${to}`, port.concat(delivery));
    this.#inFlight += 1;
    const arrive = (rounds: number): void => {
      if (rounds > 0) {
        setImmediate(arrive, rounds - 1);
        return;
      }
      this.#inFlight -= 1;
      const [first, ...rest] = this.#ports.get(`${from} ${to}`) ?? [];
      this.#ports.set(`${from} ${to}`, rest);
      const worker = this.#workers[to];
      if (first && worker && !worker.life.isOver) worker.system.deliver(first);
    };
    setImmediate(arrive, Math.floor(3 * this.#random()));
  }

  /** commits and kernel steps of this life */
  get spent(): number {
    return this.#workers.reduce((sum, { life }) => sum + life.spent, 0);
  }

  /** the same for one worker, or for all */
  spentBy(worker?: number): number {
    return worker === undefined ? this.spent : (this.#workers[worker]?.life.spent ?? 0);
  }

  /** Checks whether it, or the worker that was to die, has died. */
  get isDead(): boolean {
    return this.#workers.some(({ life }) => life.isOver);
  }

  get deadWorkers(): number[] {
    return this.#workers.flatMap(({ life }, index) => (life.isOver ? [index] : []));
  }

  /** the kernels of the workers of this life */
  get kernels(): FakeKernel[] {
    return this.#workers.map(({ kernel }) => kernel);
  }

  /** Ends without warning: what is not in the journal or in the kernel is lost. */
  async crash(): Promise<void> {
    for (const { life } of this.#workers) life.end();
    // no turn of the dead reads the closed journal
    await pause();
    await this.#leave();
  }

  /** Everything that was running has ended, and nothing is left. Start it anew afterwards. */
  async reboot(): Promise<void> {
    await this.crash();
    this.linux.reboot();
    this.#boots += 1;
  }

  async stop(): Promise<void> {
    for (const { system } of this.#workers) await system.stop();
    await this.#leave();
  }

  async #leave(): Promise<void> {
    for (const { kernel } of this.#workers) kernel.close();
    await this.journal.close();
  }

  /** Replaces a worker that ended in the middle of its work; the others continued meanwhile. */
  async replaceWorker(index: number, diesAfter?: number): Promise<void> {
    const worker = this.#workers[index];
    worker?.life.end();
    worker?.kernel.close();
    const next = this.#hire(index, this.#workers.length, new Life(diesAfter));
    this.#workers[index] = next;
    await this.#wake([next]);
  }

  async demolish(): Promise<void> {
    await this.stop();
    this.directory.remove();
  }

  /** Waits until nothing is under way, or something has died. */
  async settle(): Promise<void> {
    const deadline = Date.now() + patienceMs;
    for (let quiet = 0; quiet < 3 && !this.isDead; ) {
      if (Date.now() > deadline) throw new Error(`still under way: ${this.#unfinished().join('; ')}`);
      const before = this.spent;
      await pause();
      const isQuiet = before === this.spent && this.#inFlight === 0 && this.#unfinished().length === 0;
      quiet = isQuiet ? quiet + 1 : 0;
    }
  }

  #unfinished(): string[] {
    const { journal } = this;
    const plans = journal
      .actors()
      .flatMap(({ address }) =>
        journal.pendingOf(address).map(({ plan }) => `${address} has plan ${describePurpose(plan.purpose)} out`),
      );
    const messages = journal
      .inboxAddresses()
      .flatMap((address) => journal.inboxOf(address).map(({ event }) => `${address} has not read ${event.type}`));
    return [...plans, ...messages];
  }

  // -------------------------------------------------------------------------------------------------------- commands

  /** Sends a command under one ID for all repetitions; returns the ID. */
  say(to: ActorAddress, event: object, command = `kept ${++this.#commands}`): string {
    const delivery = this.journal.take(command, to, { ...event, command } as ActorEvent);
    const worker = this.#workers[workerOf(to, this.#workers.length)];
    if (delivery && worker && !worker.life.isOver) worker.system.deliver(delivery);
    return command;
  }

  /** Sends an event to an actor that belongs to no command. */
  tell(to: ActorAddress, event: ActorEvent): void {
    this.#workers[workerOf(to, this.#workers.length)]?.system.deliver(this.journal.enqueue(to, event));
  }

  /** The one reply to a command, once everything is quiet. */
  async ask(to: ActorAddress, event: object): Promise<Answer> {
    const command = this.say(to, event);
    await this.settle();
    const [answer, ...more] = this.answers.get(command) ?? [];
    if (!answer || more.length > 0)
      throw new Error(`${command} to ${to} was answered ${more.length + (answer ? 1 : 0)} times`);
    return answer;
  }

  // ---------------------------------------------------------------------------------------------------------- seeing

  facts(source?: ActorAddress): string[] {
    return this.journal
      .after(0, 100_000)
      .filter((record) => source === undefined || record.source === source)
      .map((record) => (source === undefined ? `${record.source} ${record.fact}` : record.fact));
  }

  value<Address extends ActorAddress>(address: Address): ActorRecord<KindOf<Address>>['value'] | undefined {
    return this.journal.actor(address)?.value;
  }

  context<Address extends ActorAddress>(address: Address): ActorRecord<KindOf<Address>>['context'] | undefined {
    return this.journal.actor(address)?.context;
  }
}

export const toContainer = {
  setup: (request: ContainerRequest) => ({ type: 'container.setup', wish: wishFor(request) }),
  create: (request: ContainerRequest) => ({ type: 'container.create', wish: wishFor(request) }),
  setupAgain: { type: 'container.setup', wish: null },
  started: (pid: number) => ({ type: 'container.started', pid }),
  teardown: { type: 'container.teardown' },
  remove: { type: 'container.remove' },
};

export const toNetwork = {
  create: (request: Partial<NetworkRequest> = {}) => ({
    type: 'network.create',
    wish: networkWishOf(request),
    created: '2026-01-01T00:00:00Z',
  }),
  remove: { type: 'network.remove' },
};

export const demo = networkAddress('demo');
export const web = containerAddress('web');

function wishFor(request: ContainerRequest): ContainerWish {
  const wish = containerWish(request);
  if ('code' in wish) throw new Error((wish as Fault).message);
  return wish;
}

/** A container's request on the network `demo`. */
export const onDemo = (id: string, more: object = {}) => ({ id, networks: [{ network: 'demo' }], ...more });
export const port8080 = { ports: [{ hostPort: 8080, containerPort: 80 }] };
