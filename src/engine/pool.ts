import { EventEmitter } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Answer, Delivery } from '../actors/journal.ts';
import type { FromWorker, ToWorker, WorkerSettings, WorkerVerbs } from '../actors/protocol.ts';
import { type ActorAddress, workerOf } from '../core/actor-address.ts';
import type { ContainerWish } from '../core/container/wish.ts';
import { fault, NetloomError } from '../core/fault.ts';
import { netnsOf } from '../core/plan/container/grant.ts';
import { makeDirectories } from '../files/make-directories.ts';
import { beginNetns, shareNetnsDirectory } from '../kernel/netns/begin-netns.ts';
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

/** A service of another thread: the resolver, or the connection to firewalld. */
export interface Reachable {
  /** creates a port for one client; null while the service is not available */
  connect(): MessagePort | null;
}

/** V8's default lets the young generation of a thread grow to 48 MB; much below this value, short-lived objects move to the old generation. */
const resourceLimits = { maxYoungGenerationSizeMb: 24 };

/** Time for engines to find a daemon again after it was away: their clients look for it every two seconds. */
const graceMs = 5_000;

type WorkerThread = Thread<WorkerVerbs, ToWorker, FromWorker>;

/** The main thread's side of the workers: starts them, connects them to each other, replaces those that die. */
export class Pool extends EventEmitter<PoolEvents> {
  readonly #workers: Supervisor<WorkerThread, ThreadEnd>[] = [];
  #resolver: Reachable | null = null;
  #firewalld: Reachable | null = null;
  /** since when commands are taken, by the monotonic clock; null: not yet */
  #servedMs: number | null = null;

  /** Creates the threads, which load their modules; they do no work before start(). */
  constructor(private readonly settings: Omit<WorkerSettings, 'index'>) {
    super();
    prepareNetnsDirectory(settings.netnsDirectory);
    try {
      for (let index = 0; index < settings.workers; index++) this.#workers[index] = this.#supervised(index);
    } catch (error) {
      // the threads that did start would keep this process alive for good
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
   * Begins to make the network namespace for a wish that is about to be decided: a set-up needs it first, and it takes the
   * kernel longest. If the wish is refused, there is nothing to undo.
   */
  prewarmNetns(wish: ContainerWish): void {
    if (wish.netns.kind === 'create') beginNetns(netnsOf(wish, this.settings.netnsDirectory, null));
  }

  /** Gives every worker a new port to the resolver; a dead worker gets it when it is started again. */
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

  /** Starts the grace period when commands are taken: engines that had lost the daemon find it again before deadlines that wait for them pass. */
  async serve(): Promise<void> {
    this.#servedMs = performance.now();
    await Promise.all(this.#indices().map((index) => this.#letServe(index).catch(() => {})));
  }

  /** Gives a worker the rest of the grace period: one that is started again later has less, or nothing. */
  async #letServe(index: number): Promise<void> {
    if (this.#servedMs === null) return;
    await this.call(index, 'serve', { graceMs: Math.max(this.#servedMs + graceMs - performance.now(), 0) });
  }

  /** Returns the index of an actor's worker. */
  home(address: ActorAddress): number {
    return workerOf(address, this.size);
  }

  /** Calls a worker; rejects with worker.lost if it ends. */
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

  /** Ends a worker at once; resolves when another has replaced it. */
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

  /** Lets plans under way end, for at most timeoutMs; the next life continues with what is left. */
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

  /** Sends a notice to an actor's worker. One that is being replaced gets none: the next one reads the journal. */
  #tell(address: ActorAddress, notice: ToWorker): void {
    this.#workers[this.home(address)]?.current?.tell(notice);
  }

  /**
   * Connects two workers, and waits until both are ready: a worker that is started again reads its inbox only afterwards, so
   * that it misses no message that was posted to its predecessor's port.
   */
  async #join(one: number, other: number): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    await Promise.all([
      this.call(one, 'join', { index: other, port: port1 }, [port1]),
      // a dead worker is connected when it is started again
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

  /** Prepares a worker that replaces another. */
  async #prepare(index: number, thread: WorkerThread): Promise<void> {
    await thread.ready;
    for (const other of this.#indices()) if (other !== index) await this.#join(index, other);
    await this.#giveResolver(index);
    await this.#giveFirewalld(index);
    await this.#recover([index]);
    await this.#letServe(index);
  }

  /** Restores actors, and wakes those that answer before those that ask: host, networks, containers, then DHCP clients. */
  async #recover(indices: readonly number[]): Promise<void> {
    await Promise.all(indices.map((index) => this.call(index, 'restore', null)));
    for (const kind of ['host', 'network', 'container', 'dhcp'] as const)
      await Promise.all(indices.map((index) => this.call(index, 'wake', { kind })));
  }
}

/** The part of the pool that the engine uses. */
export type Workers = Pick<Pool, 'call' | 'deliver' | 'prewarmNetns' | 'home' | 'restart' | 'size' | 'suspect'> &
  Pick<EventEmitter<PoolEvents>, 'on' | 'off'>;

/** The directory where all programs pin namespaces. */
const commonNetnsDirectory = '/run/netns';

/** Prepares the directory. Other programs make the common one a mount when they need it, which would hide earlier pins. */
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
