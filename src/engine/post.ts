import type { Journal } from '../actors/journal.ts';
import type { ActorAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/event.ts';
import { isStorageFull } from '../files/room.ts';
import type { Workers } from './pool.ts';

const sendAgainMs = 250;

/** Sends actors what belongs to no command. */
export class Post {
  constructor(
    private readonly journal: Journal,
    private readonly workers: Pick<Workers, 'deliver' | 'suspect'>,
  ) {}

  /** Journals an event for an actor and delivers it; where there is no room to keep it, later. */
  tell(to: ActorAddress, event: ActorEvent): void {
    try {
      this.workers.deliver(this.journal.enqueue(to, event));
    } catch (error) {
      if (!isStorageFull(error)) throw error;
      setTimeout(() => this.tell(to, event), sendAgainMs).unref();
    }
  }

  /** Lets an actor look whether it has lost something. */
  suspect(address: ActorAddress): void {
    this.workers.suspect(address);
  }
}
