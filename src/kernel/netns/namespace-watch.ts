import * as native from '#native';
import type { ActorAddress } from '../../core/actor-address.ts';

/**
 * Notifies owners when their namespaces end. The kernel reports the end of a namespace that has a number in this one; a namespace
 * whose links have no other end here causes no other notice. The kernel soon reuses the number for another namespace.
 */
export class NamespaceWatch {
  readonly #owners = new Map<number, ActorAddress>();
  #watch: native.Watch | null = null;
  #listener: (owner: ActorAddress) => void = () => {};

  constructor(private readonly socket: native.RouteSocket) {}

  onEnd(listener: (owner: ActorAddress) => void): void {
    this.#listener = listener;
  }

  /** Watches the one namespace of an owner: watching again changes nothing. */
  watch(owner: ActorAddress, path: string): void {
    // opened before the number is assigned, so that an end in between is noticed
    this.#open();
    const number = native.assignNetnsId(this.socket, path);
    this.unwatch(owner);
    this.#owners.set(number, owner);
  }

  unwatch(owner: ActorAddress): void {
    for (const [number, other] of this.#owners) if (other === owner) this.#owners.delete(number);
  }

  close(): void {
    this.#watch?.close();
    this.#watch = null;
  }

  #open(): void {
    if (this.#watch) return;
    this.#watch = native.watchRoutes(
      { links: false, addresses: false, routes: false, namespaces: true, deletionsOnly: true },
      (notices) => {
        for (const notice of notices) this.#notice(notice);
      },
    );
    this.#watch.unref();
  }

  #notice(notice: native.RouteNotice): void {
    if (notice.kind === 'netns.ended') this.#ended(notice.number);
    // notices were dropped: every watched container checks its namespace
    else if (notice.kind === 'overrun') for (const owner of this.#owners.values()) this.#listener(owner);
  }

  #ended(number: number): void {
    const owner = this.#owners.get(number);
    this.#owners.delete(number);
    if (owner !== undefined) this.#listener(owner);
  }
}
