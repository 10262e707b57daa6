import type { Journal } from '../actors/journal.ts';
import type { ActorAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/actor-event.ts';
import { isStorageFull } from '../files/free-space.ts';
import type { Workers } from './pool.ts';

const sendAgainMs = 250;

/** Sends events that belong to no command to actors. */
export class Post {
  constructor(
    private readonly journal: Journal,
    private readonly workers: Pick<Workers, 'deliver' | 'suspect'>,
  ) {}

  /** Journals an event for an actor and delivers it; later if there is no room for it. */
  tell(to: ActorAddress, event: ActorEvent): void {
    try {
      this.workers.deliver(this.journal.enqueue(to, event));
    } catch (error) {
      if (!isStorageFull(error)) throw error;
      setTimeout(() => this.tell(to, event), sendAgainMs).unref();
    }
  }

  /** Lets an actor check whether it has lost something. */
  suspect(address: ActorAddress): void {
    this.workers.suspect(address);
  }
}
