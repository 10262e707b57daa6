import type { AnyStateMachine } from 'xstate';
import type { Effect } from '../../machines/effect.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { describePurpose, type Purpose } from '../../src/core/plan/purpose.ts';
import { applied, begin, failed, littered, type Snapshot, stateName, take } from './walk.ts';

/** A machine without other actors: its plans wait in order until a test ends them. */
export class Walker<Context> {
  snapshot: Snapshot<Context>;
  readonly plans: Purpose[] = [];
  /** command → number of its replies */
  readonly replies = new Map<string, number>();
  /** past events, for the message of a failing test */
  readonly trail: string[] = [];

  constructor(
    private readonly machine: AnyStateMachine,
    private readonly input: unknown,
    private readonly tell: (effect: Extract<Effect, { kind: 'tell' }>) => void,
  ) {
    this.snapshot = begin(machine, input);
  }

  hear(event: ActorEvent): void {
    const { next, effects } = take(this.machine, this.snapshot, event);
    this.trail.push(
      `${event.type}${'purpose' in event ? ` ${describePurpose(event.purpose)}` : ''} → ${stateName(next.value)}`,
    );
    if ('command' in event && event.command !== null)
      this.replies.set(event.command, this.replies.get(event.command) ?? 0);
    this.snapshot = next;
    for (const effect of effects) this.#perform(effect);
    if (next.status !== 'active') this.#end();
  }

  /** Ends the oldest plan. */
  finish(
    how: 'applied' | 'failed' | 'littered',
    outputs: object[] = [
      { netns: { path: '/n', inode: 1 } },
      { link: { name: 'netloom0', mtuBytes: 1500, macAddress: '02:00:00:00:00:01', addresses: [] } },
      { deadlineAt: 5 },
    ],
  ): void {
    const purpose = this.plans.shift();
    if (purpose === undefined) return;
    const fault = how === 'littered' ? littered : {};
    this.hear(how === 'applied' ? applied(purpose, outputs) : failed(purpose, fault));
  }

  /** Restarts the daemon; a reboot makes it forget the plans under way. */
  recover(rebooted: boolean): void {
    if (rebooted) this.plans.length = 0;
    this.hear({ type: 'actor.recovered', rebooted });
  }

  get state(): string {
    return stateName(this.snapshot.value);
  }

  unanswered(): string[] {
    return [...this.replies]
      .filter(([, count]) => count !== 1)
      .map(([command, count]) => `${command}: ${count} answers`);
  }

  #perform(effect: Effect): void {
    if (effect.kind === 'tell') this.tell(effect);
    if (effect.kind === 'apply') this.plans.push(effect.plan.purpose);
    if (effect.kind !== 'reply' || effect.command === null) return;
    this.replies.set(effect.command, (this.replies.get(effect.command) ?? 0) + 1);
  }

  /** Deletes its record and its plans; later messages go to a new one, with continued numbers. */
  #end(): void {
    this.plans.length = 0;
    const attempt = (this.snapshot.context as { attempt?: number }).attempt;
    this.snapshot = begin(this.machine, { ...(this.input as object), attempt });
  }
}

/** Picks an entry at random; the list may have an entry several times. */
export function pick<T>(random: () => number, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}
