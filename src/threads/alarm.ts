/** Re-check interval: the wall clock may be set, the machine may sleep, and a timer of Node ends after 24 days. */
const lookEveryMs = 60_000;

/** Timer that fires once, at a time of its clock; soon, and in order, if that has passed. Does not keep the process alive. */
export class Alarm {
  #timer: NodeJS.Timeout;

  /** clock: in ms; default: the wall clock (since 1970) */
  constructor(
    private readonly atMs: number,
    private readonly ring: () => void,
    private readonly clock: () => number = Date.now,
  ) {
    this.#timer = this.#wait();
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }

  #wait(): NodeJS.Timeout {
    const leftMs = Math.min(Math.max(this.atMs - this.clock(), 0), lookEveryMs);
    return setTimeout(() => this.#look(), leftMs).unref();
  }

  #look(): void {
    if (this.clock() >= this.atMs) this.ring();
    else this.#timer = this.#wait();
  }
}
