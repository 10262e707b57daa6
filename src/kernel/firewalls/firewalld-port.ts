import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Firewalld } from './firewalld.ts';

/** The way of a kernel worker to the one connection, which is the main thread's. */

interface Call {
  id: number;
  verb: 'trust' | 'distrust';
  subnets: string[];
}

interface Reply {
  id: number;
  changed: boolean;
}

/** A port for one client. */
export function connectFirewalld(firewalld: Firewalld): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', async ({ id, verb, subnets }: Call) => {
    const changed = verb === 'trust' ? await firewalld.trust(subnets) : await firewalld.distrust(subnets);
    port1.postMessage({ id, changed: changed ?? false } satisfies Reply);
  });
  port1.unref();
  return port2;
}

export class FirewalldClient {
  readonly #open = new Map<number, (changed: boolean) => void>();
  #ids = 0;

  constructor(private readonly port: MessagePort) {
    port.on('message', ({ id, changed }: Reply) => {
      this.#open.get(id)?.(changed);
      this.#open.delete(id);
    });
    port.unref();
  }

  trust(subnets: string[]): Promise<boolean> {
    return this.#call('trust', subnets);
  }

  distrust(subnets: string[]): Promise<boolean> {
    return this.#call('distrust', subnets);
  }

  close(): void {
    this.port.close();
    for (const settle of this.#open.values()) settle(false);
  }

  #call(verb: Call['verb'], subnets: string[]): Promise<boolean> {
    const id = ++this.#ids;
    return new Promise((resolve) => {
      this.#open.set(id, resolve);
      this.port.postMessage({ id, verb, subnets } satisfies Call);
    });
  }
}
