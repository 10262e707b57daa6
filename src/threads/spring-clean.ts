import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How often it is looked whether anything was done, and how much must have been done for a collection to be worth it. */
const everyMs = 5_000;
const worthIt = 1_000;

/**
 * V8 looks for garbage when it wants room, and whoever does nothing wants none: after a thousand set-ups a thread would keep
 * five times what it needs for as long as nothing comes. When nothing came for a moment, after much, garbage is looked for.
 * That takes some 30 ms of a thread that has nothing else to do.
 */
export class SpringClean {
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
