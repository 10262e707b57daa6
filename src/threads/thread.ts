import { type MessagePort, type Transferable, Worker, type WorkerOptions } from 'node:worker_threads';
import { type Fault, fault, NetloomError } from '../core/fault.ts';
import { type Call, Caller, type Reply, type VerbsOf } from './calls.ts';

/** A message without an answer. Its kind differs from those of calls, replies and a thread's `ready`. */
export interface Notice {
  kind: string;
}

/** A message from a thread. */
export type FromThread<Says extends Notice> = Says | Reply | { kind: 'ready' };

export interface ThreadOptions {
  /** the compiled file */
  file: URL;
  /** its name in messages: `worker 0` */
  title: string;
  /** its name in tools */
  name: string;
  /** `workerData`: plain data */
  settings: unknown;
  resourceLimits?: WorkerOptions['resourceLimits'];
}

export interface ThreadEnd {
  exitCode: number;
  /** the thread's uncaught error */
  error: Error | null;
}

/**
 * One thread, from its start to its end. It answers calls by verb, and receives and sends notices. Its end answers every
 * open call with `worker.lost`.
 */
export class Thread<Verbs extends VerbsOf<Verbs>, Hears extends Notice = never, Says extends Notice = never> {
  /** Resolves when the thread serves; rejects with worker.lost if it ends before. */
  readonly ready: Promise<void>;
  /** Resolves when every open call has been answered. */
  readonly exited: Promise<ThreadEnd>;
  readonly #worker: Worker;
  readonly #caller: Caller<Verbs>;

  constructor(options: ThreadOptions, hear: (said: Says) => void = () => {}) {
    const { file, title, name, settings, resourceLimits } = options;
    const worker = new Worker(file, { workerData: settings, name, resourceLimits });
    this.#worker = worker;
    this.#caller = new Caller((call, transfer) => worker.postMessage(call, transfer));
    this.exited = endOf(worker).then((end) => {
      this.#caller.end(lost(title, end));
      return end;
    });
    this.ready = new Promise((resolve, reject) => {
      worker.on('message', (message: FromThread<Says>) => {
        if (isReady(message)) resolve();
        else if (isReply(message)) this.#caller.settle(message);
        else hear(message);
      });
      void this.exited.then((end) => reject(new NetloomError(lost(title, end), { cause: end.error })));
    });
    // the thread's end reports a failure, even if nothing waits for its start
    this.ready.catch(() => {});
  }

  call<Verb extends keyof Verbs>(
    verb: Verb,
    input: Verbs[Verb][0],
    transfer?: readonly MessagePort[],
  ): Promise<Verbs[Verb][1]> {
    return this.#caller.call(verb, input, transfer);
  }

  tell(notice: Hears, transfer: readonly Transferable[] = []): void {
    this.#worker.postMessage(notice, transfer);
  }

  /** Ends the thread at any point. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}

function endOf(worker: Worker): Promise<ThreadEnd> {
  let error: Error | null = null;
  worker.on('error', (thrown: unknown) => {
    error = thrown instanceof Error ? thrown : new Error(String(thrown));
  });
  return new Promise((resolve) => worker.on('exit', (exitCode) => resolve({ exitCode, error })));
}

const lost = (title: string, { error }: ThreadEnd): Fault =>
  fault('worker.lost', error ? `${title} ended: ${error.message}` : `${title} ended`);

const isReady = (message: Notice): message is { kind: 'ready' } => message.kind === 'ready';
const isReply = (message: Notice): message is Reply => message.kind === 'reply';

/** A message to a thread. */
export type ToThread<Verbs extends VerbsOf<Verbs>, Hears extends Notice> = Hears | Call<Verbs>;
