import { setTimeout as delay } from 'node:timers/promises';

const firstPauseMs = 50;
const longestPauseMs = 5_000;
/** A life that has lasted this long since the last death has got over what ended the one before. */
const healthyAfterMs = 10_000;

/** What ends by itself is started again at once; one that ends again soon waits, twice as long each time. */
export class RestartPause {
  #lastDeathMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  /** Call it at a death, or when a start failed: resolves when the next start is due, or the signal is aborted. */
  async wait(signal?: AbortSignal): Promise<void> {
    const now = Date.now();
    this.#count = now - this.#lastDeathMs < healthyAfterMs ? this.#count + 1 : 0;
    this.#lastDeathMs = now;
    const pauseMs = this.#count === 0 ? 0 : Math.min(firstPauseMs * 2 ** (this.#count - 1), longestPauseMs);
    await delay(pauseMs, undefined, { signal }).catch(() => {});
  }

  /** The death to come is wanted, and no reason to wait. */
  forget(): void {
    this.#lastDeathMs = Number.NEGATIVE_INFINITY;
  }
}
