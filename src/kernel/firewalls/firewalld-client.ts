import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { fault } from '../../core/fault.ts';
import { answerCalls, Caller, type Done, type Reply } from '../../threads/calls.ts';
import type { Firewalld } from './firewalld.ts';

/** A kernel worker's access to the one connection to firewalld, which the main thread has. */
interface FirewalldVerbs {
  /** returns whether one of the subnets was not trusted before */
  trust: [subnets: string[], changed: boolean];
  distrust: [subnets: string[], done: Done];
}

/** Creates the port of one client. */
export function connectFirewalld(firewalld: Firewalld): MessagePort {
  const { port1, port2 } = new MessageChannel();
  answerCalls<FirewalldVerbs>(port1, {
    trust: (subnets) => firewalld.trust(subnets),
    distrust: (subnets) => firewalld.distrust(subnets),
  });
  port1.unref();
  return port2;
}

export class FirewalldClient {
  readonly #caller = new Caller<FirewalldVerbs>((call) => this.port.postMessage(call));

  constructor(private readonly port: MessagePort) {
    port.on('message', (reply: Reply) => this.#caller.settle(reply));
    port.unref();
  }

  trust(subnets: string[]): Promise<boolean> {
    return this.#caller.call('trust', subnets);
  }

  distrust(subnets: string[]): Promise<void> {
    return this.#caller.call('distrust', subnets);
  }

  close(): void {
    this.port.close();
    this.#caller.end(fault('node.draining', 'the connection to firewalld is closed'));
  }
}
