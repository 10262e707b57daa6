import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How often this checks for work, and how much work makes a collection worth it. */
const everyMs = 5_000;
const worthIt = 1_000;

/**
 * Collects garbage when a thread is idle. V8 does so when it needs room, and an idle thread needs none: after a thousand set-ups
 * it would keep five times what it needs for as long as nothing comes. A collection takes some 30 ms, after much work and a
 * moment without any.
 */
export class IdleCollector {
  readonly #timer = setInterval(() => this.#look(), everyMs).unref();
  /** since the last collection, and when it was looked last */
  #done = 0;
  #seen = 0;

  /** This thread has done something. */
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

/** Only a context that is made while the flag is set has the function. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  collect();
}
