import type { NetloomClient, StreamedEvent } from '../../src/client.ts';

const patienceMs = 10_000;

/** The events that a NATS client receives, from the daemon's first one on: shown as they come, and waited for. */
export class Facts {
  readonly #heard: string[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #end = new AbortController();
  readonly #reading: Promise<void>;

  constructor(client: NetloomClient, show: (event: StreamedEvent) => void) {
    this.#reading = this.#read(client, show);
  }

  /** Resolves when each of `container/web removed` and so on was heard, in whatever order, after this many facts. */
  async all(wanted: string[], after = 0): Promise<void> {
    const missing = () => wanted.filter((fact) => !this.#heard.includes(fact, after));
    const deadline = Date.now() + patienceMs;
    while (missing().length > 0) {
      const timeLeftMs = deadline - Date.now();
      if (timeLeftMs <= 0) throw new Error(`never heard of: ${missing().join(', ')}`);
      await this.#next(timeLeftMs);
    }
  }

  get count(): number {
    return this.#heard.length;
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#reading;
  }

  async #read(client: NetloomClient, show: (event: StreamedEvent) => void): Promise<void> {
    for await (const event of client.events({ since: 'all', signal: this.#end.signal })) {
      show(event);
      const [, , noun, fact] = event.type.split('.');
      this.#heard.push(`${noun}/${event.subject} ${fact}`);
      for (const listener of this.#listeners) listener();
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
