import { setTimeout as delay } from 'node:timers/promises';

const firstPauseMs = 50;
const longestPauseMs = 5_000;
/** A life that lasts this long resets the pause. */
const healthyAfterMs = 10_000;

/** Pause before a restart: none at first; after another early end a pause, which doubles each time. */
export class RestartPause {
  #lastDeathMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  /** Waits after a death or a failed start: resolves when the next start is due, or the signal is aborted. */
  async wait(signal?: AbortSignal): Promise<void> {
    const now = Date.now();
    this.#count = now - this.#lastDeathMs < healthyAfterMs ? this.#count + 1 : 0;
    this.#lastDeathMs = now;
    const pauseMs = this.#count === 0 ? 0 : Math.min(firstPauseMs * 2 ** (this.#count - 1), longestPauseMs);
    await delay(pauseMs, undefined, { signal }).catch(() => {});
  }

  /** Marks the next death as wanted: it causes no pause. */
  forget(): void {
    this.#lastDeathMs = Number.NEGATIVE_INFINITY;
  }
}
