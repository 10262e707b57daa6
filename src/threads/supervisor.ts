import { RestartPause } from './restart-pause.ts';

/** One life of what ends by itself, or is ended: a thread, a process. */
export interface Life<End> {
  readonly exited: Promise<End>;
  stop(): Promise<unknown>;
}

export interface Supervision<Lived extends Life<End>, End> {
  /** Begins a life; rejects if it cannot. The signal ends the attempt. */
  begin(signal: AbortSignal): Lived | Promise<Lived>;
  /** Gives a life what it needs before it counts. It is `current` meanwhile. Rejects if the life ends. */
  prepare?(life: Lived): Promise<unknown>;
  /** A life has ended by itself. */
  lost?(end: End, life: Lived): void;
  /** Another life has taken its place. */
  restarted?(life: Lived): void;
  /** A life could not be begun or prepared; the next attempt follows. */
  failed?(error: unknown): void;
}

/** Keeps one life of its kind going: each one that ends by itself is followed by another, after a pause that grows. */
export class Supervisor<Lived extends Life<End>, End> {
  #current: Lived | null;
  readonly #pause = new RestartPause();
  readonly #stopping = new AbortController();
  #kept: Promise<void> = Promise.resolve();

  /** The first life is begun and prepared by its starter: where that fails there is no second. */
  constructor(
    first: Lived,
    private readonly how: Supervision<Lived, End>,
  ) {
    this.#current = first;
  }

  /** null between two lives */
  get current(): Lived | null {
    return this.#current;
  }

  /** From now on a life that ends by itself is followed by another. */
  keep(): void {
    this.#kept = this.#run();
  }

  /** The end to come is wanted: the next life begins at once. */
  expectEnd(): void {
    this.#pause.forget();
  }

  /** No life follows; the current one is ended by `end`. */
  async stop(end: (life: Lived) => Promise<unknown> = (life) => life.stop()): Promise<void> {
    this.#stopping.abort();
    if (this.#current) await end(this.#current);
    await this.#kept;
  }

  async #run(): Promise<void> {
    for (let life = this.#current; life; life = await this.#next()) {
      const end = await life.exited;
      this.#current = null;
      if (!this.#stopping.signal.aborted) this.how.lost?.(end, life);
    }
  }

  /** null: it is to be stopped */
  async #next(): Promise<Lived | null> {
    const { signal } = this.#stopping;
    for (;;) {
      await this.#pause.wait(signal);
      if (signal.aborted) return null;
      try {
        return await this.#begin(signal);
      } catch (error) {
        await this.#current?.stop();
        this.#current = null;
        if (!signal.aborted) this.how.failed?.(error);
      }
    }
  }

  async #begin(signal: AbortSignal): Promise<Lived> {
    const life = await this.how.begin(signal);
    this.#current = life;
    // stop() has not seen it
    signal.throwIfAborted();
    await this.how.prepare?.(life);
    if (!signal.aborted) this.how.restarted?.(life);
    return life;
  }
}
