import type { ActorAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/actor-event.ts';
import type { Step } from '../core/steps/step.ts';
import { Alarm } from '../threads/alarm.ts';

type Request = Extract<Step, { verb: 'deadline.set' }>;

/** A deadline that is running. */
interface Running {
  owner: ActorAddress;
  claimant: ActorAddress | undefined;
  deadline: Request['deadline'];
  /** on the wall clock, as it is reported and stored */
  at: number;
  /** on the monotonic clock */
  dueMs: number;
  /** set in an earlier life: its event may have happened while the daemon took no commands */
  isCarriedOver: boolean;
  /** null: not started before commands are taken */
  alarm: Alarm | null;
}

const keyOf = (owner: ActorAddress, claimant?: ActorAddress): string => `${owner} ${claimant ?? ''}`;

const clock = () => performance.now();

/**
 * Notifies owners when a deadline passes. An owner has one deadline, and one for each claim that waits in it. Counts by the
 * monotonic clock: the wall clock only carries a deadline from one life of the daemon to the next.
 */
export class Deadlines {
  /** by owner and claimant */
  readonly #running = new Map<string, Running>();
  /** before this, no deadline of an earlier life passes */
  #graceUntilMs = Number.POSITIVE_INFINITY;
  #listener: (owner: ActorAddress, event: ActorEvent) => void = () => {};

  onPassed(listener: (owner: ActorAddress, event: ActorEvent) => void): void {
    this.#listener = listener;
  }

  /** Starts when commands are taken. Reports deadlines of an earlier life that have passed meanwhile after the grace period. */
  serve(graceMs: number): void {
    this.#graceUntilMs = clock() + graceMs;
    for (const running of this.#running.values()) if (!running.alarm) this.#arm(running);
  }

  /** Returns when the deadline passes, in ms since 1970. */
  set({ owner, deadline, withinMs, at: known, claimant }: Request): number {
    const at = known ?? Date.now() + withinMs;
    const before = this.#running.get(keyOf(owner, claimant));
    // it runs on, even if the wall clock was set since
    if (before?.deadline === deadline && before.at === at) return at;
    this.clear(owner, claimant);
    const leftMs = Math.min(Math.max(at - Date.now(), 0), withinMs);
    const dueMs = clock() + leftMs;
    const running = { owner, claimant, deadline, at, dueMs, isCarriedOver: known !== null, alarm: null };
    this.#running.set(keyOf(owner, claimant), running);
    this.#arm(running);
    return at;
  }

  clear(owner: ActorAddress, claimant?: ActorAddress): void {
    const key = keyOf(owner, claimant);
    this.#running.get(key)?.alarm?.cancel();
    this.#running.delete(key);
  }

  close(): void {
    for (const { owner, claimant } of [...this.#running.values()]) this.clear(owner, claimant);
  }

  #arm(running: Running): void {
    const { owner, claimant, deadline, at, dueMs, isCarriedOver } = running;
    const atMs = isCarriedOver ? Math.max(dueMs, this.#graceUntilMs) : dueMs;
    if (atMs === Number.POSITIVE_INFINITY) return;
    const ring = () => {
      this.#running.delete(keyOf(owner, claimant));
      this.#listener(owner, { type: 'deadline.passed', command: null, deadline, at, ...(claimant && { claimant }) });
    };
    running.alarm = new Alarm(atMs, ring, clock);
  }
}
