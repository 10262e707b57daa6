import { EventEmitter } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { beginNetns, shareNetnsDirectory } from '#native';
import type { Answer, Delivery } from '../actors/journal.ts';
import type { FromWorker, ToWorker, WorkerSettings, WorkerVerbs } from '../actors/protocol.ts';
import { type ActorAddress, workerOf } from '../core/actor-address.ts';
import type { ContainerWish } from '../core/container/wish.ts';
import { fault, NetloomError } from '../core/fault.ts';
import { netnsOf } from '../core/plan/container/grant.ts';
import { namespaceSysctls } from '../core/plan/interface-settings.ts';
import { makeDirectories } from '../files/make-directories.ts';
import { Supervisor } from '../threads/supervisor.ts';
import { Thread, type ThreadEnd } from '../threads/thread.ts';
import { within } from '../threads/within.ts';

export interface PoolEvents {
  committed: [answers: Answer[], announced: boolean];
  unexpected: [report: Extract<FromWorker, { kind: 'unexpected' }>];
  /** a worker waits for room in the journal */
  stalled: [index: number, message: string];
  /** a worker ended by itself; it is started again and recovers its actors from the journal */
  died: [index: number, exitCode: number];
  recovered: [index: number];
}

/** What is another thread's: the resolver, and the connection to firewalld. */
export interface Reachable {
  /** a port for one client; null while there is none */
  connect(): MessagePort | null;
}

/** V8 lets the nursery of a thread grow to 48 MB; much smaller than this, and what is soon thrown away is first kept for long. */
const resourceLimits = { maxYoungGenerationSizeMb: 24 };

/** How long engines may take to find a daemon again that was away: their clients look for it every two seconds. */
const graceMs = 5_000;

type WorkerThread = Thread<WorkerVerbs, ToWorker, FromWorker>;

/** The workers as seen from the main thread: starts them, joins them to each other, replaces those that die. */
export class Pool extends EventEmitter<PoolEvents> {
  readonly #workers: Supervisor<WorkerThread, ThreadEnd>[] = [];
  #resolver: Reachable | null = null;
  #firewalld: Reachable | null = null;
  /** since when commands are taken, by the monotonic clock; null: not yet */
  #servedMs: number | null = null;

  /** The threads begin to load what they need; nothing is done before start(). */
  constructor(private readonly settings: Omit<WorkerSettings, 'index'>) {
    super();
    prepareNetnsDirectory(settings.netnsDirectory);
    try {
      for (let index = 0; index < settings.workers; index++) this.#workers[index] = this.#supervised(index);
    } catch (error) {
      // the threads that did start would keep this process for good
      for (const worker of this.#workers) void worker.stop();
      throw error;
    }
  }

  get size(): number {
    return this.settings.workers;
  }

  async start({
    resolver = null,
    firewalld = null,
  }: Partial<Record<'resolver' | 'firewalld', Reachable | null>> = {}): Promise<void> {
    this.#resolver = resolver;
    this.#firewalld = firewalld;
    await Promise.all(this.#workers.map(({ current }) => current?.ready));
    for (const worker of this.#workers) worker.keep();
    for (let one = 0; one < this.size; one++) for (let other = 0; other < one; other++) await this.#join(one, other);
    await this.connectResolver();
    await Promise.all(this.#indices().map((index) => this.#giveFirewalld(index)));
    await this.#recover(this.#indices());
  }

  deliver(delivery: Delivery): void {
    this.#tell(delivery.to, { kind: 'deliver', delivery });
  }

  /**
   * A set-up by this wish is about to be decided. What it needs first takes the kernel longest, a network namespace, and
   * is begun meanwhile; nothing of it is to be undone when the decision is another.
   */
  prewarmNetns(wish: ContainerWish): void {
    if (wish.netns.kind === 'create') beginNetns(netnsOf(wish, this.settings.netnsDirectory, null), namespaceSysctls);
  }

  /** Gives every worker a fresh way to the resolver; one that is dead gets it when it is started again. */
  async connectResolver(): Promise<void> {
    await Promise.all(this.#indices().map((index) => this.#giveResolver(index).catch(() => {})));
  }

  async #giveResolver(index: number): Promise<void> {
    const port = this.#resolver?.connect();
    if (port) await this.call(index, 'names', { port }, [port]);
  }

  async #giveFirewalld(index: number): Promise<void> {
    const port = this.#firewalld?.connect();
    if (port) await this.call(index, 'firewalld', { port }, [port]);
  }

  suspect(address: ActorAddress): void {
    this.#tell(address, { kind: 'suspect', address });
  }

  /** Commands are taken. Engines that had lost the daemon find it again before anything is given up that they were waited for with. */
  async serve(): Promise<void> {
    this.#servedMs = performance.now();
    await Promise.all(this.#indices().map((index) => this.#letServe(index).catch(() => {})));
  }

  /** One that is started anew while commands are taken has less to wait, or nothing. */
  async #letServe(index: number): Promise<void> {
    if (this.#servedMs === null) return;
    await this.call(index, 'serve', { graceMs: Math.max(this.#servedMs + graceMs - performance.now(), 0) });
  }

  /** The worker on which an actor lives. */
  home(address: ActorAddress): number {
    return workerOf(address, this.size);
  }

  /** Calls a worker; its end answers with worker.lost. */
  call<Verb extends keyof WorkerVerbs>(
    index: number,
    verb: Verb,
    input: WorkerVerbs[Verb][0],
    transfer: MessagePort[] = [],
  ): Promise<WorkerVerbs[Verb][1]> {
    const worker = this.#workers[index];
    if (!worker) return Promise.reject(unknown(index));
    return worker.current?.call(verb, input, transfer) ?? Promise.reject(lost(index));
  }

  /** Ends a worker at once; resolves when another has taken its place. */
  async restart(index: number): Promise<void> {
    const worker = this.#workers[index];
    if (!worker) throw unknown(index);
    const recovered = new Promise<void>((resolve) => {
      const listener = (which: number) => {
        if (which !== index) return;
        this.off('recovered', listener);
        resolve();
      };
      this.on('recovered', listener);
    });
    worker.expectEnd();
    this.call(index, 'exit', null).catch(() => {});
    await recovered;
  }

  /** Lets plans that are under way end, for up to so long; what they have not done by then is taken up by the next life. */
  async stop(timeoutMs: number): Promise<void> {
    const end = async (thread: WorkerThread) => {
      await within(timeoutMs, Promise.allSettled([thread.call('stop', null)]));
      await thread.stop();
    };
    await Promise.allSettled(this.#workers.map((worker) => worker.stop(end)));
  }

  #indices(): number[] {
    return [...this.#workers.keys()];
  }

  /** A worker that is being replaced is told nothing: the next one reads the journal. */
  #tell(address: ActorAddress, notice: ToWorker): void {
    this.#workers[this.home(address)]?.current?.tell(notice);
  }

  /**
   * Joins two workers, and waits until both know: a worker that is started anew reads its inbox only afterwards, so that
   * no message can be written behind its back and posted into the port of its forerunner.
   */
  async #join(one: number, other: number): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    await Promise.all([
      this.call(one, 'join', { index: other, port: port1 }, [port1]),
      // one that is dead is joined when it is started again
      this.call(other, 'join', { index: one, port: port2 }, [port2]).catch(() => {}),
    ]);
  }

  #supervised(index: number): Supervisor<WorkerThread, ThreadEnd> {
    return new Supervisor(this.#startWorker(index), {
      begin: () => this.#startWorker(index),
      prepare: (thread) => this.#prepare(index, thread),
      lost: ({ exitCode }) => this.emit('died', index, exitCode),
      restarted: () => this.emit('recovered', index),
      failed: (error) => this.emit('unexpected', reportOf(index, error)),
    });
  }

  #startWorker(index: number): WorkerThread {
    const file = new URL('./worker.js', import.meta.url);
    const settings: WorkerSettings = { ...this.settings, index };
    const title = `worker ${index}`;
    const thread: WorkerThread = new Thread(
      { file, title, name: `netloom-${index}`, settings, resourceLimits },
      (said) => this.#heard(index, said),
    );
    void thread.exited.then(({ error }) => error && this.emit('unexpected', reportOf(index, error)));
    return thread;
  }

  #heard(index: number, said: FromWorker): void {
    switch (said.kind) {
      case 'committed':
        this.emit('committed', said.answers, said.announced);
        break;
      case 'unexpected':
        this.emit('unexpected', said);
        break;
      case 'stalled':
        this.emit('stalled', index, said.message);
    }
  }

  /** What a worker gets that takes another's place. */
  async #prepare(index: number, thread: WorkerThread): Promise<void> {
    await thread.ready;
    for (const other of this.#indices()) if (other !== index) await this.#join(index, other);
    await this.#giveResolver(index);
    await this.#giveFirewalld(index);
    await this.#recover([index]);
    await this.#letServe(index);
  }

  /** Actors that are asked wake before those that ask: the host, networks, containers, then their DHCP clients. */
  async #recover(indices: readonly number[]): Promise<void> {
    await Promise.all(indices.map((index) => this.call(index, 'restore', null)));
    for (const kind of ['host', 'network', 'container', 'dhcp'] as const)
      await Promise.all(indices.map((index) => this.call(index, 'wake', { kind })));
  }
}

/** What the engine needs of the workers. */
export type Workers = Pick<Pool, 'call' | 'deliver' | 'prewarmNetns' | 'home' | 'restart' | 'size' | 'suspect'> &
  Pick<EventEmitter<PoolEvents>, 'on'>;

/** Where everybody else pins namespaces, too. */
const commonNetnsDirectory = '/run/netns';

/** Others make it a mount of its own when they need it: what was pinned before that would lie below theirs. */
function prepareNetnsDirectory(path: string): void {
  makeDirectories(path, 0o755);
  if (path === commonNetnsDirectory) shareNetnsDirectory(path);
}

function unknown(index: number): NetloomError {
  return new NetloomError(fault('worker.unknown', `no worker ${index}`));
}

function lost(index: number): NetloomError {
  return new NetloomError(fault('worker.lost', `worker ${index} ended`));
}

function reportOf(index: number, error: unknown): Extract<FromWorker, { kind: 'unexpected' }> {
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
  return { kind: 'unexpected', address: `worker ${index}`, event: 'exit', message, stack: stack ?? null };
}
