import type { Leftovers, Swept } from '../../src/core/gc.ts';
import { sweepPlan } from '../../src/core/plan/host.ts';
import { type Given, resolve } from './words.ts';

/** Removes what has no owner in the kernel: one sweep per command. */

const sweepPrefix = 'sweep ';
const commandOf = (plan: string): string => plan.slice(sweepPrefix.length);

const swept = (found: Leftovers, failed: Swept['failed']): Swept => ({ ...found, dryRun: false, failed });

export const sweepActions = {
  sweep: resolve('host.sweep', ({ sweeping }, { command, steps, found }) => ({
    context: { sweeping: { ...sweeping, [command ?? '']: found } },
    effects: [{ kind: 'apply', plan: sweepPlan(`${sweepPrefix}${command ?? ''}`, steps) }],
  })),
  replySwept: resolve(['steps.applied', 'steps.failed'], (context, event) => {
    const command = commandOf(event.plan);
    const { [command]: found, ...sweeping } = context.sweeping;
    const failed = event.type === 'steps.failed' ? (event.fault.leftBehind ?? []) : [];
    return {
      context: { sweeping },
      effects: [{ kind: 'reply', command, output: swept(found as Leftovers, failed) }],
    };
  }),
  /** What was left behind went with the reboot. */
  replySweptByReboot: resolve('actor.recovered', ({ sweeping }) => ({
    context: { sweeping: {} },
    effects: Object.entries(sweeping).map(([command, found]) => ({
      kind: 'reply',
      command,
      output: swept(found, []),
    })),
  })),
};

export const sweepGuards = {
  isSweep: ({ context, event }: Given): boolean =>
    'plan' in event && event.plan.startsWith(sweepPrefix) && Object.hasOwn(context.sweeping, commandOf(event.plan)),
};
