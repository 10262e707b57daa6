import * as native from '#native';
import { isNamed } from '../rtnetlink/existing-links.ts';

/** Watch for links that go, by the kernel's notices. The first question opens it. */
export class LinkWatch {
  /** by index: the name may have been another link's, whose notice is still unread */
  readonly #waiting = new Map<number, { name: string; gone: Set<() => void> }>();
  #watch: native.Watch | null = null;

  constructor(private readonly socket: native.RouteSocket) {}

  /** Resolves when there is no link of that name (and alias); deletes it if it is still there after graceMs. */
  async gone(name: string, graceMs: number, alias?: string): Promise<void> {
    this.#open();
    // checked after the watch was opened: one of the two sees a link that goes in between
    const link = native.linkByName(this.socket, name);
    if (!link || (alias !== undefined && !isNamed(link, alias))) return;
    if (graceMs > 0 && (await this.#goneWithin(link, graceMs))) return;
    const [fault] = native.route(this.socket, [{ verb: 'deleteLink', name }]);
    if (fault && fault.errno !== 'ENODEV') throw fault;
  }

  close(): void {
    this.#watch?.close();
    this.#watch = null;
  }

  #goneWithin({ name, index }: native.LinkInfo, graceMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(index) ?? { name, gone: new Set() };
      const settle = (isGone: boolean) => {
        clearTimeout(timer);
        waiting.gone.delete(found);
        if (waiting.gone.size === 0) this.#waiting.delete(index);
        resolve(isGone);
      };
      const found = () => settle(true);
      const timer = setTimeout(() => settle(false), graceMs);
      waiting.gone.add(found);
      this.#waiting.set(index, waiting);
    });
  }

  #open(): void {
    if (this.#watch) return;
    this.#watch = native.watchRoutes(
      { links: true, addresses: false, routes: false, deletionsOnly: true },
      (notices) => {
        for (const notice of notices) this.#notice(notice);
      },
    );
    this.#watch.unref();
  }

  #notice(notice: native.RouteNotice): void {
    if (notice.kind === 'link.deleted') this.#release(notice.index);
    else if (notice.kind === 'overrun') this.#lookAgain();
  }

  /** Checks every awaited link after dropped notices: one may have gone unseen. */
  #lookAgain(): void {
    for (const [index, { name }] of [...this.#waiting])
      if (native.linkByName(this.socket, name)?.index !== index) this.#release(index);
  }

  #release(index: number): void {
    for (const found of [...(this.#waiting.get(index)?.gone ?? [])]) found();
  }
}
