import { RestartPause } from './restart-pause.ts';

/** One life of a thread or a process, which ends by itself or is ended. */
export interface Life<End> {
  readonly exited: Promise<End>;
  stop(): Promise<unknown>;
}

export interface Supervision<Lived extends Life<End>, End> {
  /** Starts a life; rejects if it cannot. The signal ends the attempt. */
  begin(signal: AbortSignal): Lived | Promise<Lived>;
  /** Prepares a life before it counts as started. It is `current` meanwhile. Rejects if the life ends. */
  prepare?(life: Lived): Promise<unknown>;
  /** Called when a life has ended by itself. */
  lost?(end: End, life: Lived): void;
  /** Called when another life has replaced it. */
  restarted?(life: Lived): void;
  /** Called when a life could not be started or prepared; the next attempt follows. */
  failed?(error: unknown): void;
}

/** Keeper of one life: starts another one after each that ends by itself, after a growing pause. */
export class Supervisor<Lived extends Life<End>, End> {
  #current: Lived | null;
  readonly #pause = new RestartPause();
  readonly #stopping = new AbortController();
  #kept: Promise<void> = Promise.resolve();

  /** Takes the first life, already started and prepared: if that fails, there is no second one. */
  constructor(
    first: Lived,
    private readonly how: Supervision<Lived, End>,
  ) {
    this.#current = first;
  }

  /** The current life; null between two lives. */
  get current(): Lived | null {
    return this.#current;
  }

  /** Starts replacing lives that end by themselves. */
  keep(): void {
    this.#kept = this.#run();
  }

  /** Marks the next end as wanted: the next life starts at once. */
  expectEnd(): void {
    this.#pause.forget();
  }

  /** Ends the current life by `end`; no other follows. */
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

  /** Starts the next life; null: stopped meanwhile. */
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
    // stop() has not seen this life
    signal.throwIfAborted();
    await this.how.prepare?.(life);
    if (!signal.aborted) this.how.restarted?.(life);
    return life;
  }
}
