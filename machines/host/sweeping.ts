import type { HostEvent } from '../../src/core/actor-event.ts';
import type { Leftovers, Swept } from '../../src/core/gc.ts';
import { sweepPlan } from '../../src/core/plan/host.ts';
import type { HostContext, Sweep } from './context.ts';
import { type Given, purposeOf, resolve } from './decisions.ts';

/** Removal of kernel objects without an owner: one sweep per command. */

function sweepOf({ sweeping }: HostContext, event: HostEvent): Sweep | undefined {
  const purpose = purposeOf(event, 'sweep');
  return purpose ? sweeping.find(({ command }) => command === purpose.command) : undefined;
}

const swept = (found: Leftovers, failed: Swept['failed']): Swept => ({ ...found, dryRun: false, failed });

export const sweepActions = {
  sweep: resolve('host.sweep', ({ sweeping }, { command, steps, found }) => ({
    context: { sweeping: [...sweeping, { command, found }] },
    effects: [{ kind: 'apply', plan: sweepPlan(command, steps) }],
  })),
  replySwept: resolve(['steps.applied', 'steps.failed'], (context, event) => {
    const sweep = sweepOf(context, event);
    if (!sweep) return {};
    const failed = event.type === 'steps.failed' ? (event.fault.leftBehind ?? []) : [];
    return {
      context: { sweeping: context.sweeping.filter((other) => other !== sweep) },
      effects: [{ kind: 'reply', command: sweep.command, output: swept(sweep.found, failed) }],
    };
  }),
  /** Answers sweeps after a reboot, which removed all leftovers. */
  replySweptByReboot: resolve('actor.recovered', ({ sweeping }) => ({
    context: { sweeping: [] },
    effects: sweeping.map(({ command, found }) => ({ kind: 'reply', command, output: swept(found, []) })),
  })),
};

export const sweepGuards = {
  isSweep: ({ context, event }: Given): boolean => sweepOf(context, event) !== undefined,
};
