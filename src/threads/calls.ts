import type { MessagePort } from 'node:worker_threads';
import { type Fault, faultOf, NetloomError } from '../core/fault.ts';

/** Verb → [input, output]. Both are plain data; ports in an input are transferred. */
export type VerbsOf<Verbs> = { [Verb in keyof Verbs]: [input: unknown, output: unknown] };

/** Output of a verb that only reports its end. */
// biome-ignore lint/suspicious/noConfusingVoidType: it is the return type of a handler
export type Done = void;

/** A request from one end of a port to the other. Each call gets one reply. */
export type Call<Verbs extends VerbsOf<Verbs>, Verb extends keyof Verbs = keyof Verbs> = {
  [Each in Verb]: { kind: 'call'; id: number; verb: Each; input: Verbs[Each][0] };
}[Verb];

export type Reply =
  | { kind: 'reply'; id: number; ok: true; output: unknown }
  | { kind: 'reply'; id: number; ok: false; fault: Fault };

/** The other end's function for each verb. */
export type Handlers<Verbs extends VerbsOf<Verbs>> = {
  [Verb in keyof Verbs]: (input: Verbs[Verb][0]) => Verbs[Verb][1] | Promise<Verbs[Verb][1]>;
};

type Post<Verbs extends VerbsOf<Verbs>> = (call: Call<Verbs>, transfer: readonly MessagePort[]) => void;

interface Open<Verbs extends VerbsOf<Verbs>> {
  call: Call<Verbs>;
  settle(reply: Reply): void;
}

/** The calling end of a port: pairs replies with calls. */
export class Caller<Verbs extends VerbsOf<Verbs>> {
  readonly #open = new Map<number, Open<Verbs>>();
  #nextId = 1;
  /** why no call is answered any more */
  #end: Fault | null = null;

  constructor(private readonly post: Post<Verbs>) {}

  /** Sends a call. Rejects with a NetloomError: the other end's error, or why it cannot answer. */
  call<Verb extends keyof Verbs>(
    verb: Verb,
    input: Verbs[Verb][0],
    transfer: readonly MessagePort[] = [],
  ): Promise<Verbs[Verb][1]> {
    if (this.#end) return Promise.reject(new NetloomError(this.#end));
    const call: Call<Verbs, Verb> = { kind: 'call', id: this.#nextId++, verb, input };
    return new Promise((resolve, reject) => {
      this.post(call, transfer);
      const settle = (reply: Reply) => (reply.ok ? resolve(reply.output) : reject(new NetloomError(reply.fault)));
      this.#open.set(call.id, { call, settle });
    });
  }

  /** Returns calls without a reply, oldest first. */
  get open(): Call<Verbs>[] {
    return [...this.#open.values()].map(({ call }) => call);
  }

  /** Accepts a reply of the other end, or one in its place. */
  settle(reply: Reply): void {
    const open = this.#open.get(reply.id);
    this.#open.delete(reply.id);
    open?.settle(reply);
  }

  /** Rejects every open and later call, because the other end is gone. */
  end(reason: Fault): void {
    this.#end = reason;
    for (const { id } of this.open) this.settle({ kind: 'reply', id, ok: false, fault: reason });
  }
}

/** Carries out a call, and passes its reply to `post`. */
export async function answer<Verbs extends VerbsOf<Verbs>, Verb extends keyof Verbs>(
  handlers: Handlers<Verbs>,
  { id, verb, input }: Call<Verbs, Verb>,
  post: (reply: Reply) => void,
): Promise<void> {
  try {
    const output = await handlers[verb](input);
    post({ kind: 'reply', id, ok: true, output });
  } catch (error) {
    post({ kind: 'reply', id, ok: false, fault: faultOf(error) });
  }
}

/** Answers every call that comes over a port. */
export function answerCalls<Verbs extends VerbsOf<Verbs>>(port: MessagePort, handlers: Handlers<Verbs>): void {
  port.on('message', (call: Call<Verbs>) => void answer(handlers, call, (reply) => port.postMessage(reply)));
}
