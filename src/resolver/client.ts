import type { MessagePort } from 'node:worker_threads';
import {
  type OpenPorts,
  type ResolverCall,
  type ResolverEntry,
  ResolverError,
  type ResolverFault,
  type ResolverNetwork,
  type ResolverReply,
  type ResolverStatus,
  type ResolverVerb,
  type ResolverVerbs,
} from './protocol.ts';

/** after a start or a reconnection, calls wait for networks that other clients are about to establish (again) */
const patienceMs = 5000;

interface Open {
  call: ResolverCall;
  settle(reply: ResolverReply): void;
}

/**
 * One thread's way to the resolver. It remembers what it established: when the resolver dies, calls wait; `reconnect`
 * gives the next one all of it, then what was asked meanwhile.
 */
export class ResolverClient {
  readonly #networks = new Map<string, ResolverNetwork>();
  readonly #entries = new Map<string, ResolverEntry>();
  readonly #open = new Map<number, Open>();
  #port: MessagePort | null = null;
  #nextId = 1;
  #patientUntilMs = Date.now() + patienceMs;

  constructor(port: MessagePort) {
    this.#attach(port);
  }

  /** Resolves with the port of each address. Rejects with `{op, errno, detail}`: EADDRINUSE, EADDRNOTAVAIL, EACCES. */
  async serve(network: ResolverNetwork): Promise<OpenPorts> {
    const open = await this.#call('serve', network);
    // the next resolver opens the same ports, if it can: flows that are under way lead there
    this.#networks.set(network.name, {
      ...network,
      ports: [...new Set([...Object.values(open), ...(network.ports ?? [])])],
    });
    return open;
  }

  async retire(name: string): Promise<void> {
    await this.#call('retire', name);
    this.#networks.delete(name);
    for (const [key, entry] of this.#entries) if (entry.network === name) this.#entries.delete(key);
  }

  /** Replaces the container's records on that network. Rejects with ENOENT when the network is not served. */
  async add(entry: ResolverEntry): Promise<void> {
    await this.#call('add', entry);
    this.#entries.set(keyOf(entry), entry);
  }

  async remove(network: string, container: string): Promise<void> {
    await this.#call('remove', { network, container });
    this.#entries.delete(keyOf({ network, container }));
  }

  status(): Promise<ResolverStatus> {
    return this.#call('status', null);
  }

  /** To a resolver that knows nothing yet. Resolves with what could not be opened again, when all else is. */
  async reconnect(port: MessagePort): Promise<ResolverFault[]> {
    const asked = [...this.#open.values()].filter(({ call }) => call.verb !== 'restore');
    this.#abandonRestores();
    this.#attach(port);
    this.#patientUntilMs = Date.now() + patienceMs;
    const established = { networks: [...this.#networks.values()], entries: [...this.#entries.values()] };
    const restored = this.#call('restore', established);
    for (const { call } of asked) port.postMessage({ ...call, patient: true });
    return restored;
  }

  close(): void {
    this.#detach();
    for (const { call, settle } of this.#open.values())
      settle({ id: call.id, ok: false, fault: { op: `resolver.${call.verb}`, errno: 'ECANCELED', detail: 'closed' } });
  }

  /** A resolver that died while it took up the state: the next one is given it anew. */
  #abandonRestores(): void {
    for (const { call, settle } of this.#open.values())
      if (call.verb === 'restore') settle({ id: call.id, ok: true, output: [] });
  }

  #attach(port: MessagePort): void {
    this.#detach();
    this.#port = port;
    port.on('message', (reply: ResolverReply) => this.#open.get(reply.id)?.settle(reply));
    port.unref();
  }

  #detach(): void {
    this.#port?.removeAllListeners('message');
    this.#port?.close();
    this.#port = null;
  }

  #call<V extends ResolverVerb>(verb: V, input: ResolverVerbs[V][0]): Promise<ResolverVerbs[V][1]> {
    const call: ResolverCall = { id: this.#nextId++, verb, input, patient: Date.now() < this.#patientUntilMs };
    return new Promise((resolve, reject) => {
      const settle = (reply: ResolverReply) => {
        this.#open.delete(call.id);
        if (reply.ok) resolve(reply.output as ResolverVerbs[V][1]);
        else reject(new ResolverError(reply.fault));
      };
      this.#open.set(call.id, { call, settle });
      this.#port?.postMessage(call);
    });
  }
}

function keyOf({ network, container }: { network: string; container: string }): string {
  return `${network}/${container}`;
}
