import type { Journal } from '../actors/journal.ts';
import type { ActorAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/actor-event.ts';
import { isStorageFull } from '../files/free-space.ts';
import type { Workers } from './pool.ts';

const sendAgainMs = 250;

interface Notice {
  to: ActorAddress;
  event: ActorEvent;
  isTrue: () => boolean;
}

/** Sends events that belong to no command to actors, in the order in which they were sent. */
export class Post {
  /** notices for which there was no room in the journal, and those behind them */
  readonly #waiting: Notice[] = [];
  #retry: NodeJS.Timeout | null = null;

  constructor(
    private readonly journal: Pick<Journal, 'enqueue'>,
    private readonly workers: Pick<Workers, 'deliver' | 'suspect'>,
  ) {}

  /**
   * Journals an event for an actor and delivers it; later if there is no room for it, and then behind all that wait. isTrue is
   * asked just before: a notice that waited may be outdated, and is left out.
   */
  tell(to: ActorAddress, event: ActorEvent, isTrue: () => boolean = () => true): void {
    this.#waiting.push({ to, event, isTrue });
    if (!this.#retry) this.#flush();
  }

  /** Lets an actor check whether it has lost something. */
  suspect(address: ActorAddress): void {
    this.workers.suspect(address);
  }

  #flush(): void {
    this.#retry = null;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift())
      if (!this.#send(next)) {
        this.#waiting.unshift(next);
        this.#retry = setTimeout(() => this.#flush(), sendAgainMs).unref();
        return;
      }
  }

  /** Returns false if there is no room in the journal. */
  #send({ to, event, isTrue }: Notice): boolean {
    if (!isTrue()) return true;
    try {
      this.workers.deliver(this.journal.enqueue(to, event));
      return true;
    } catch (error) {
      if (!isStorageFull(error)) throw error;
      return false;
    }
  }
}
