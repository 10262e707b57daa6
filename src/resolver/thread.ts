import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Thread, type ThreadEnd } from '../threads/thread.ts';
import type { ResolverSettings, ToResolver } from './protocol.ts';

type NoVerbs = Record<never, never>;

/** The resolver's thread, on the side that starts it. */
export class ResolverThread {
  private constructor(private readonly thread: Thread<NoVerbs, ToResolver>) {}

  /** Starts the thread; resolves when it accepts calls. */
  static async start(settings: ResolverSettings = {}): Promise<ResolverThread> {
    const resourceLimits = { maxYoungGenerationSizeMb: 6 };
    const thread: Thread<NoVerbs, ToResolver> = new Thread({
      file,
      title: 'the resolver',
      name: 'netloom-resolver',
      settings,
      resourceLimits,
    });
    await thread.ready;
    return new ResolverThread(thread);
  }

  get exited(): Promise<ThreadEnd> {
    return this.thread.exited;
  }

  /** Creates a port for one client, in this thread or another one. */
  connect(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.thread.tell({ kind: 'client', port: port1 }, [port1]);
    return port2;
  }

  /** Closes every socket, and ends the thread. */
  stop(): Promise<void> {
    return this.thread.stop();
  }
}

/** The compiled file: a package import leads to it from the sources, too. */
const file = pathToFileURL(createRequire(import.meta.url).resolve('#resolver-worker'));
