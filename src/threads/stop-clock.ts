/** What of the time for a stop is left. */
export class StopClock {
  #endsAtMs = Number.POSITIVE_INFINITY;

  /** withinMs: for all that a stop waits for */
  constructor(private readonly withinMs: number) {}

  start(): void {
    this.#endsAtMs = performance.now() + this.withinMs;
  }

  /** At most so much. */
  leftMs(most: number): number {
    return Math.max(0, Math.min(most, this.#endsAtMs - performance.now()));
  }
}
