import type { DoorOrder } from '../bus/commands/engine-interface.ts';
import { fault, NetloomError } from '../core/fault.ts';

/** How many calls that were taken back are remembered: far more than can be on their way. */
const mostTakenBack = 1_000;

/** Stored teardowns of doors. */
export interface StoredTeardowns {
  /** Resolves when those stored so far are done. Rejects if one of this container could not be tried yet. */
  done(id: string): Promise<void>;
}

export class DoorCalls implements DoorOrder {
  readonly #takenBack = new Set<string>();
  #stored: StoredTeardowns | null = null;

  /** Set-ups come after the teardowns stored there. */
  follow(stored: StoredTeardowns): void {
    this.#stored = stored;
  }

  async afterTeardowns(id: string): Promise<void> {
    await this.#stored?.done(id);
  }

  takeBack(call: string): void {
    this.#takenBack.add(call);
    const [first = call] = this.#takenBack;
    if (this.#takenBack.size > mostTakenBack) this.#takenBack.delete(first);
  }

  refuseTakenBack(call: string): void {
    if (this.#takenBack.has(call))
      throw new NetloomError(fault('container.state', 'the caller of this set-up has reported it as failed'));
  }
}
