import type { NetloomClient, StreamedEvent } from '../../src/client.ts';
import type { Noun } from '../../src/contract/subjects.ts';

const patienceMs = 10_000;

/** `container/web exited` → the event of that fact; any event where that is not a literal. */
type EventOf<What extends string> = What extends `${infer N}/${string} ${infer F}`
  ? Extract<StreamedEvent, { type: `dev.netloom.${N}.${F}` }>
  : StreamedEvent;

/** The events that a client receives, from the stream's first one on. A test waits for a fact instead of for a time. */
export class Facts {
  readonly events: StreamedEvent[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #end = new AbortController();
  readonly #reading: Promise<void>;

  constructor(client: NetloomClient) {
    this.#reading = this.#read(client);
  }

  /** Its facts so far, in order: `created`, `netns-ready`, … */
  of(noun: 'container' | 'network' | 'node', id: string): string[] {
    const prefix = `dev.netloom.${noun}.`;
    return this.events
      .filter(({ type, subject }) => type.startsWith(prefix) && subject === id)
      .map(({ type }) => type.slice(prefix.length));
  }

  /** The events of one kind, whatever their subject. */
  all<N extends Noun, F extends string>(noun: N, fact: F): EventOf<`${N}/ ${F}`>[] {
    const isMeant = (event: StreamedEvent): event is EventOf<`${N}/ ${F}`> =>
      event.type === `dev.netloom.${noun}.${fact}`;
    return this.events.filter(isMeant);
  }

  /** Resolves when `container/web exited` has arrived that often, with the last of those events. */
  async event<What extends string>(what: What, times = 1): Promise<EventOf<What>> {
    const isMeant = (event: StreamedEvent): event is EventOf<What> => describe(event) === what;
    const found = () => this.events.filter(isMeant)[times - 1];
    const deadline = Date.now() + patienceMs;
    for (let event = found(); ; event = found()) {
      if (event) return event;
      const timeLeftMs = deadline - Date.now();
      if (timeLeftMs <= 0)
        throw new Error(`never arrived (${times} times): ${what}; but ${this.events.map(describe).join(', ')}`);
      await this.#next(timeLeftMs);
    }
  }

  /** Resolves when the event with that number has arrived. */
  async through(sequence: number): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (Number(this.events.at(-1)?.sequence ?? 0) < sequence) {
      if (Date.now() > deadline) throw new Error(`event ${sequence} never arrived`);
      await this.#next(deadline - Date.now());
    }
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#reading;
  }

  async #read(client: NetloomClient): Promise<void> {
    for await (const event of client.events({ since: 'all', signal: this.#end.signal })) {
      this.events.push(event);
      for (const listener of [...this.#listeners]) listener();
    }
  }

  #next(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#listeners.add(done);
    });
  }
}

/** `container/web exited` */
function describe({ type, subject }: StreamedEvent): string {
  const [, , noun, fact] = type.split('.');
  return `${noun}/${subject} ${fact}`;
}
