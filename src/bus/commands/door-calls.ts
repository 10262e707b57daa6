import { fault, NetloomError } from '../../core/fault.ts';

/** How many calls that were taken back are remembered: far more than can be on their way. */
const mostTakenBack = 1_000;

/** Stored teardowns of doors. */
export interface StoredTeardowns {
  /** Resolves when those stored so far are done. Rejects if one of this container could not be tried yet. */
  done(id: string): Promise<void>;
}

/** The order of what doors ask for: on the bus, and by files. */
export class DoorCalls {
  readonly #takenBack = new Set<string>();
  #stored: StoredTeardowns | null = null;

  /** Set-ups come after the teardowns stored there. */
  follow(stored: StoredTeardowns): void {
    this.#stored = stored;
  }

  /** A set-up that follows a stored teardown is not undone by it. */
  async afterTeardowns(id: string): Promise<void> {
    await this.#stored?.done(id);
  }

  /** The caller of this set-up no longer waits, and has reported it as failed. */
  takeBack(call: string): void {
    this.#takenBack.add(call);
    const [first = call] = this.#takenBack;
    if (this.#takenBack.size > mostTakenBack) this.#takenBack.delete(first);
  }

  /** The request may arrive after the file that takes it back. */
  refuseTakenBack(call: string): void {
    if (this.#takenBack.has(call))
      throw new NetloomError(fault('container.state', 'the caller of this set-up has reported it as failed'));
  }
}
