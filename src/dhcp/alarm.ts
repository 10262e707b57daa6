/** Re-check interval: the wall clock may be set, and the machine may sleep. */
const lookEveryMs = 60_000;

/** Rings once, at a time of the wall clock (ms since 1970); soon, and in order, when that has passed. Does not keep the process alive. */
export class Alarm {
  #timer: NodeJS.Timeout;

  constructor(
    private readonly atMs: number,
    private readonly ring: () => void,
  ) {
    this.#timer = this.#wait();
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }

  #wait(): NodeJS.Timeout {
    const leftMs = Math.min(Math.max(this.atMs - Date.now(), 0), lookEveryMs);
    return setTimeout(() => this.#look(), leftMs).unref();
  }

  #look(): void {
    if (Date.now() >= this.atMs) this.ring();
    else this.#timer = this.#wait();
  }
}
