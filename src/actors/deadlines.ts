import type { ActorAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/event.ts';
import type { Step } from '../core/plan/step.ts';
import { Alarm } from '../dhcp/alarm.ts';

/** Tells owners that what they wait for has not come in time. One deadline each. */
export class Deadlines {
  readonly #alarms = new Map<ActorAddress, Alarm>();
  #listener: (owner: ActorAddress, event: ActorEvent) => void = () => {};

  onPassed(listener: (owner: ActorAddress, event: ActorEvent) => void): void {
    this.#listener = listener;
  }

  /** Answers when it passes, in ms since 1970. */
  set({ owner, deadline, withinMs, at: known }: Extract<Step, { verb: 'deadline.set' }>): number {
    const at = known ?? Date.now() + withinMs;
    this.clear(owner);
    const alarm = new Alarm(at, () => {
      this.#alarms.delete(owner);
      this.#listener(owner, { type: 'deadline.passed', command: null, deadline, at });
    });
    this.#alarms.set(owner, alarm);
    return at;
  }

  clear(owner: ActorAddress): void {
    this.#alarms.get(owner)?.cancel();
    this.#alarms.delete(owner);
  }

  close(): void {
    for (const owner of [...this.#alarms.keys()]) this.clear(owner);
  }
}
