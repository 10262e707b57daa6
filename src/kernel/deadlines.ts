import type { ActorAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/event.ts';
import type { Step } from '../core/steps/step.ts';
import { Alarm } from '../threads/alarm.ts';

type Request = Extract<Step, { verb: 'deadline.set' }>;

/** One that runs. */
interface Running {
  deadline: Request['deadline'];
  /** of the wall's clock, as it is told and kept */
  at: number;
  /** of the clock that nobody sets */
  dueMs: number;
  /** set in an earlier life: what it waits for may have come while no command was taken */
  isCarriedOver: boolean;
  /** null: not before commands are taken */
  alarm: Alarm | null;
}

const clock = () => performance.now();

/**
 * Tells owners that what they wait for has not come in time. One deadline each. Counts by the monotonic clock: the wall's only carries a
 * deadline from one life of the daemon to the next.
 */
export class Deadlines {
  readonly #running = new Map<ActorAddress, Running>();
  /** before this, none of an earlier life passes */
  #graceUntilMs = Number.POSITIVE_INFINITY;
  #listener: (owner: ActorAddress, event: ActorEvent) => void = () => {};

  onPassed(listener: (owner: ActorAddress, event: ActorEvent) => void): void {
    this.#listener = listener;
  }

  /** Commands are taken. Deadlines of an earlier life that have passed meanwhile are told of after so long. */
  serve(graceMs: number): void {
    this.#graceUntilMs = clock() + graceMs;
    for (const [owner, running] of this.#running) if (!running.alarm) this.#arm(owner, running);
  }

  /** Answers when it passes, in ms since 1970. */
  set({ owner, deadline, withinMs, at: known }: Request): number {
    const at = known ?? Date.now() + withinMs;
    const before = this.#running.get(owner);
    // it runs on, whatever has been done to the wall's clock since
    if (before?.deadline === deadline && before.at === at) return at;
    this.clear(owner);
    const leftMs = Math.min(Math.max(at - Date.now(), 0), withinMs);
    const running = { deadline, at, dueMs: clock() + leftMs, isCarriedOver: known !== null, alarm: null };
    this.#running.set(owner, running);
    this.#arm(owner, running);
    return at;
  }

  clear(owner: ActorAddress): void {
    this.#running.get(owner)?.alarm?.cancel();
    this.#running.delete(owner);
  }

  close(): void {
    for (const owner of [...this.#running.keys()]) this.clear(owner);
  }

  #arm(owner: ActorAddress, running: Running): void {
    const { deadline, at, dueMs, isCarriedOver } = running;
    const atMs = isCarriedOver ? Math.max(dueMs, this.#graceUntilMs) : dueMs;
    if (atMs === Number.POSITIVE_INFINITY) return;
    const ring = () => {
      this.#running.delete(owner);
      this.#listener(owner, { type: 'deadline.passed', command: null, deadline, at });
    };
    running.alarm = new Alarm(atMs, ring, clock);
  }
}
