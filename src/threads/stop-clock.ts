/** Clock for the remaining time of a stop. */
export class StopClock {
  #endsAtMs = Number.POSITIVE_INFINITY;

  /** withinMs: for the whole stop */
  constructor(private readonly withinMs: number) {}

  start(): void {
    this.#endsAtMs = performance.now() + this.withinMs;
  }

  /** Returns the remaining time, limited to `most`. */
  leftMs(most: number): number {
    return Math.max(0, Math.min(most, this.#endsAtMs - performance.now()));
  }
}
