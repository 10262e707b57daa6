import type { MessagePort } from 'node:worker_threads';
import type { Fault } from '../core/fault.ts';
import { type Call, Caller, type Reply } from '../threads/calls.ts';
import {
  type OpenPorts,
  type ResolverEntry,
  type ResolverNetwork,
  type ResolverStatus,
  type ResolverVerbs,
  refused,
} from './protocol.ts';

/** after a start or a reconnection, calls wait this long for networks that other clients establish */
const patienceMs = 5000;

/**
 * One thread's connection to the resolver. It remembers what it established: when the resolver dies, calls wait; `reconnect`
 * sends all of it to the next one, then the calls made meanwhile.
 */
export class ResolverClient {
  readonly #networks = new Map<string, ResolverNetwork>();
  readonly #entries = new Map<string, ResolverEntry>();
  readonly #caller = new Caller<ResolverVerbs>((call) => this.#port?.postMessage(call));
  #port: MessagePort | null = null;
  #patientUntilMs = Date.now() + patienceMs;

  constructor(port: MessagePort) {
    this.#attach(port);
  }

  /** Serves a network. Resolves with the port of each address. Rejects with an errno: EADDRINUSE, EADDRNOTAVAIL, EACCES. */
  async serve(network: ResolverNetwork): Promise<OpenPorts> {
    const open = await this.#caller.call('serve', network);
    // the next resolver opens the same ports, if it can: open flows lead there
    this.#networks.set(network.name, {
      ...network,
      ports: [...new Set([...Object.values(open), ...(network.ports ?? [])])],
    });
    return open;
  }

  async retire(name: string): Promise<void> {
    await this.#caller.call('retire', name);
    this.#networks.delete(name);
    for (const [key, entry] of this.#entries) if (entry.network === name) this.#entries.delete(key);
  }

  /** Replaces the container's records on that network. Rejects with ENOENT when the network is not served. */
  async add(entry: ResolverEntry): Promise<void> {
    await this.#caller.call('add', { entry, patient: Date.now() < this.#patientUntilMs });
    this.#entries.set(keyOf(entry), entry);
  }

  async remove(network: string, container: string): Promise<void> {
    await this.#caller.call('remove', { network, container });
    this.#entries.delete(keyOf({ network, container }));
  }

  status(): Promise<ResolverStatus> {
    return this.#caller.call('status', null);
  }

  /** Connects to a new resolver and restores its state. Resolves at the end, with what could not be opened again. */
  async reconnect(port: MessagePort): Promise<Fault[]> {
    const asked = this.#caller.open.filter(({ verb }) => verb !== 'restore');
    this.#abandonRestores();
    this.#attach(port);
    this.#patientUntilMs = Date.now() + patienceMs;
    const established = { networks: [...this.#networks.values()], entries: [...this.#entries.values()] };
    const restored = this.#caller.call('restore', established);
    for (const call of asked) port.postMessage(patiently(call));
    return restored;
  }

  close(): void {
    this.#detach();
    this.#caller.end(refused('resolver', 'ECANCELED', 'closed'));
  }

  /** Settles restores that a resolver's death interrupted: the next resolver gets the whole state again. */
  #abandonRestores(): void {
    for (const { id, verb } of this.#caller.open)
      if (verb === 'restore') this.#caller.settle({ kind: 'reply', id, ok: true, output: [] });
  }

  #attach(port: MessagePort): void {
    this.#detach();
    this.#port = port;
    port.on('message', (reply: Reply) => this.#caller.settle(reply));
    port.unref();
  }

  #detach(): void {
    this.#port?.removeAllListeners('message');
    this.#port?.close();
    this.#port = null;
  }
}

function patiently(call: Call<ResolverVerbs>): Call<ResolverVerbs> {
  return call.verb === 'add' ? { ...call, input: { ...call.input, patient: true } } : call;
}

function keyOf({ network, container }: { network: string; container: string }): string {
  return `${network}/${container}`;
}
