import * as native from '#native';

/** Knows when a link is gone, from the kernel's own notices. The watch is opened with the first question. */
export class LinkWatch {
  readonly #waiting = new Map<string, Set<() => void>>();
  #watch: native.Watch | null = null;

  constructor(private readonly socket: native.RouteSocket) {}

  /** Resolves when there is no link of that name; deletes it by hand when it is still there after graceMs. */
  async gone(name: string, graceMs: number): Promise<void> {
    if (await this.#goneWithin(name, graceMs)) return;
    const [fault] = native.route(this.socket, [{ verb: 'deleteLink', name }]);
    if (fault && fault.errno !== 'ENODEV') throw fault;
  }

  close(): void {
    this.#watch?.close();
    this.#watch = null;
  }

  #goneWithin(name: string, graceMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isGone: boolean) => {
        clearTimeout(timer);
        const others = this.#waiting.get(name);
        others?.delete(found);
        if (others?.size === 0) this.#waiting.delete(name);
        resolve(isGone);
      };
      const found = () => settle(true);
      const timer = setTimeout(() => settle(false), graceMs);
      this.#waiting.set(name, (this.#waiting.get(name) ?? new Set()).add(found));
      this.#open();
      // looked at after the watch was opened: what goes in between is seen by one of the two
      if (!native.linkByName(this.socket, name)) settle(true);
      else if (graceMs === 0) settle(false);
    });
  }

  #open(): void {
    if (this.#watch) return;
    this.#watch = native.watchRoutes({ links: true, addresses: false, routes: false }, (notices) => {
      for (const notice of notices) this.#notice(notice);
    });
    this.#watch.unref();
  }

  #notice(notice: native.RouteNotice): void {
    if (notice.kind === 'link.deleted') this.#release(notice.name);
    else if (notice.kind === 'overrun')
      for (const name of [...this.#waiting.keys()]) if (!native.linkByName(this.socket, name)) this.#release(name);
  }

  #release(name: string): void {
    for (const found of [...(this.#waiting.get(name) ?? [])]) found();
  }
}
