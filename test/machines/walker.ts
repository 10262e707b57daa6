import type { AnyStateMachine } from 'xstate';
import type { Effect } from '../../machines/effect.ts';
import type { ActorEvent } from '../../src/core/event.ts';
import { describePurpose, type Purpose } from '../../src/core/plan/purpose.ts';
import { applied, begin, failed, littered, type Snapshot, stateName, take } from './walk.ts';

/** The loop around a machine, with nothing behind it: its plans wait in order until somebody says how they end. */
export class Walker<Context> {
  snapshot: Snapshot<Context>;
  readonly plans: Purpose[] = [];
  /** command → how often it was answered */
  readonly replies = new Map<string, number>();
  /** what happened, for the message of a failing test */
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

  /** The plan that was asked for first ends. */
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

  /** The daemon starts again; a reboot makes it forget the plans that are out. */
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

  /** Its record is deleted, with what it has out; whoever speaks to it now speaks to a new one, numbered on. */
  #end(): void {
    this.plans.length = 0;
    const attempt = (this.snapshot.context as { attempt?: number }).attempt;
    this.snapshot = begin(this.machine, { ...(this.input as object), attempt });
  }
}

/** One of the list, by chance; entries may stand there several times. */
export function pick<T>(random: () => number, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}
