import { EventEmitter, once } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { ResolverSettings } from './protocol.ts';

/** The resolver's thread, from the side that starts it. Emits `died` (code, error or null) when it ends by itself. */
export class ResolverThread extends EventEmitter<{ died: [code: number, error: Error | null] }> {
  #stopping = false;

  private constructor(private readonly worker: Worker) {
    super();
    let failure: Error | null = null;
    worker.on('error', (error) => {
      failure = error as Error;
    });
    worker.on('exit', (code) => {
      if (!this.#stopping) this.emit('died', code, failure);
    });
  }

  /** Resolves when it takes calls. */
  static async start(settings: ResolverSettings = {}): Promise<ResolverThread> {
    const worker = new Worker(workerFile, { workerData: settings, resourceLimits: { maxYoungGenerationSizeMb: 6 } });
    const thread = new ResolverThread(worker);
    await once(worker, 'message');
    return thread;
  }

  /** A port for one client, to be given to another thread or used in this one. */
  connect(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.worker.postMessage(port1, [port1]);
    return port2;
  }

  /** Closes every socket; nobody is told that it died. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.worker.terminate();
  }

  /** Ends the thread as a crash would: `died` follows. */
  async kill(): Promise<void> {
    await this.worker.terminate();
  }
}

/** The compiled file, from the compiled tree and from the sources alike. */
const workerFile = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/src/resolver/worker.js', import.meta.url)
  : new URL('./worker.js', import.meta.url);
