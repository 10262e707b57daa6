import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How often this checks for work, and how much work makes a collection worth it. */
const everyMs = 5_000;
const worthIt = 1_000;

/**
 * Collects garbage when a thread is idle. V8 collects only when it needs room, and an idle thread needs none: after a thousand
 * set-ups it would keep five times the memory that it needs. A collection takes some 30 ms; it runs after much work and a
 * moment without any.
 */
export class IdleCollector {
  readonly #timer = setInterval(() => this.#look(), everyMs).unref();
  /** work since the last collection, and at the last check */
  #done = 0;
  #seen = 0;

  /** Counts a piece of work of this thread. */
  note(): void {
    this.#done++;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#done === this.#seen && this.#done >= worthIt) {
      collectGarbage();
      this.#done = 0;
    }
    this.#seen = this.#done;
  }
}

/** Collects garbage: only a context made while the flag is set has the function. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  collect();
}
