import { EventEmitter } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { beginNetns, shareNetnsDirectory } from '#native';
import type { Answer, Delivery } from '../actors/journal.ts';
import type { FromWorker, ToWorker, Verb, Verbs, WorkerSettings } from '../actors/protocol.ts';
import { type ActorAddress, workerOf } from '../core/actor-address.ts';
import type { ContainerWish } from '../core/container/wish.ts';
import { fault, NetloomError } from '../core/fault.ts';
import { netnsOf } from '../core/plan/container/grant.ts';
import { namespaceSysctls } from '../core/plan/interface-settings.ts';
import { makeDirectories } from '../files/make-directories.ts';
import { RestartPause } from '../threads/restart-pause.ts';
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

interface Member {
  thread: Worker;
  /** open ones; null once the thread has ended */
  calls: Map<number, { resolve(output: never): void; reject(error: NetloomError): void }> | null;
  ready: Promise<void>;
}

/** The workers as seen from the main thread: starts them, joins them to each other, replaces those that die. */
export class Pool extends EventEmitter<PoolEvents> {
  readonly #members: Member[] = [];
  readonly #pauses: RestartPause[];
  #resolver: Reachable | null = null;
  #firewalld: Reachable | null = null;
  #calls = 0;
  #started = false;
  #stopping = false;
  /** since when commands are taken, by the monotonic clock; null: not yet */
  #servedMs: number | null = null;

  /** The threads begin to load what they need; nothing is done before start(). */
  constructor(private readonly settings: Omit<WorkerSettings, 'index'>) {
    super();
    this.#pauses = Array.from({ length: settings.workers }, () => new RestartPause());
    prepareNetnsDirectory(settings.netnsDirectory);
    try {
      for (let index = 0; index < settings.workers; index++) this.#members[index] = this.#spawn(index);
    } catch (error) {
      // the threads that did start would keep this process for good
      for (const { thread } of this.#members) void thread.terminate();
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
    this.#started = true;
    this.#resolver = resolver;
    this.#firewalld = firewalld;
    await Promise.all(this.#members.map(({ ready }) => ready));
    for (let one = 0; one < this.size; one++) for (let other = 0; other < one; other++) await this.#join(one, other);
    await this.connectResolver();
    await Promise.all(this.#members.map((_, index) => this.#giveFirewalld(index)));
    await this.#recover(this.#members.map((_, index) => index));
  }

  deliver(delivery: Delivery): void {
    this.#post(workerOf(delivery.to, this.size), { kind: 'deliver', delivery });
  }

  /**
   * A set-up by this wish is about to be decided. What it needs first takes the kernel longest, a network namespace, and
   * is begun meanwhile; nothing of it is to be undone when the decision is another.
   */
  foresee(wish: ContainerWish): void {
    if (wish.netns.kind === 'create') beginNetns(netnsOf(wish, this.settings.netnsDirectory, null), namespaceSysctls);
  }

  /** Gives every worker a fresh way to the resolver; one that is dead gets it when it is started again. */
  async connectResolver(): Promise<void> {
    await Promise.all(this.#members.map((_, index) => this.#giveResolver(index).catch(() => {})));
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
    this.#post(workerOf(address, this.size), { kind: 'suspect', address });
  }

  /** Commands are taken. Engines that had lost the daemon find it again before anything is given up that they were waited for with. */
  async serve(): Promise<void> {
    this.#servedMs = performance.now();
    await Promise.all(this.#members.map((_, index) => this.#letServe(index).catch(() => {})));
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

  /** Asks a worker; its death answers with worker.lost. */
  call<V extends Verb>(index: number, verb: V, input: Verbs[V][0], transfer: MessagePort[] = []): Promise<Verbs[V][1]> {
    const member = this.#members[index];
    if (!member) return Promise.reject(new NetloomError(fault('worker.unknown', `no worker ${index}`)));
    const { calls } = member;
    if (!calls) return Promise.reject(lost(index));
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      calls.set(id, { resolve: resolve as (output: never) => void, reject });
      this.#post(index, { kind: 'call', id, verb, input }, transfer);
    });
  }

  /** Makes a worker die in the middle of its work, as a crash would; resolves when another has taken its place. */
  async crash(index: number, afterTurns = 0): Promise<void> {
    if (!this.#members[index]) throw new NetloomError(fault('worker.unknown', `no worker ${index}`));
    const recovered = new Promise<void>((resolve) => {
      const listener = (which: number) => {
        if (which !== index) return;
        this.off('recovered', listener);
        resolve();
      };
      this.on('recovered', listener);
    });
    // asked for, so no reason to wait before the next start
    this.#pauses[index]?.forget();
    this.call(index, 'exit', { afterTurns }).catch(() => {});
    await recovered;
  }

  /** Lets plans that are under way end, for up to so long; what they have not done by then is taken up by the next life. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    await within(timeoutMs, Promise.allSettled(this.#members.map((_, index) => this.call(index, 'stop', null))));
    await Promise.allSettled(this.#members.map(({ thread }) => thread.terminate()));
  }

  #post(index: number, message: ToWorker, transfer: MessagePort[] = []): void {
    this.#members[index]?.thread.postMessage(message, transfer);
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

  #spawn(index: number): Member {
    const workerData: WorkerSettings = { ...this.settings, index };
    const thread = new Worker(new URL('./worker.js', import.meta.url), {
      workerData,
      resourceLimits,
      name: `netloom-${index}`,
    });
    const ready = new Promise<void>((resolve, reject) => {
      thread.once('message', () => resolve());
      thread.once('exit', () => reject(lost(index)));
    });
    ready.catch(() => {});
    const member: Member = { thread, calls: new Map(), ready };
    thread.on('message', (message: FromWorker) => this.#heard(index, member, message));
    thread.on('error', (error) => this.emit('unexpected', reportOf(index, error)));
    thread.on('exit', (exitCode) => void this.#exited(index, member, exitCode));
    return member;
  }

  #heard(index: number, { calls }: Member, message: FromWorker): void {
    switch (message.kind) {
      case 'reply': {
        const call = calls?.get(message.id);
        calls?.delete(message.id);
        if (message.ok) call?.resolve(message.output as never);
        else call?.reject(new NetloomError(message.fault));
        break;
      }
      case 'committed':
        this.emit('committed', message.answers, message.announced);
        break;
      case 'unexpected':
        this.emit('unexpected', message);
        break;
      case 'stalled':
        this.emit('stalled', index, message.message);
        break;
      case 'ready':
    }
  }

  async #exited(index: number, ended: Member, exitCode: number): Promise<void> {
    const open = [...(ended.calls?.values() ?? [])];
    ended.calls = null;
    for (const { reject } of open) reject(lost(index));
    // who cannot even load what it needs is told of by start()
    if (this.#stopping || !this.#started) return;
    this.emit('died', index, exitCode);
    await this.#pauses[index]?.wait();
    if (this.#stopping) return;
    const member = this.#spawn(index);
    this.#members[index] = member;
    try {
      await member.ready;
      for (let other = 0; other < this.size; other++) if (other !== index) await this.#join(index, other);
      await this.#giveResolver(index);
      await this.#giveFirewalld(index);
      await this.#recover([index]);
      await this.#letServe(index);
      this.emit('recovered', index);
    } catch {
      // it died again before it was ready: its own exit starts the next one
    }
  }

  /** Actors that are asked wake before those that ask: the host, networks, containers, then their DHCP clients. */
  async #recover(indices: readonly number[]): Promise<void> {
    await Promise.all(indices.map((index) => this.call(index, 'restore', null)));
    for (const kind of ['host', 'network', 'container', 'dhcp'] as const)
      await Promise.all(indices.map((index) => this.call(index, 'wake', { kind })));
  }
}

/** Where everybody else pins namespaces, too. */
const commonNetnsDirectory = '/run/netns';

/** Others make it a mount of its own when they need it: what was pinned before that would lie below theirs. */
function prepareNetnsDirectory(path: string): void {
  makeDirectories(path, 0o755);
  if (path === commonNetnsDirectory) shareNetnsDirectory(path);
}

function lost(index: number): NetloomError {
  return new NetloomError(fault('worker.lost', `worker ${index} ended`));
}

function reportOf(index: number, error: unknown): Extract<FromWorker, { kind: 'unexpected' }> {
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
  return { kind: 'unexpected', address: `worker ${index}`, event: 'exit', message, stack: stack ?? null };
}
