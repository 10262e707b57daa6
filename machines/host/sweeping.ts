import type { HostEvent } from '../../src/core/actor-event.ts';
import type { GcResult } from '../../src/core/gc.ts';
import { sweepPlan } from '../../src/core/plan/host.ts';
import type { HostContext, Sweep } from './context.ts';
import { type Given, purposeOf, resolve } from './decisions.ts';
import { abandon } from './group-commands.ts';

/** `node.gc`: removal of kernel objects without an owner, one sweep per command; then containers are asked to go. */

function sweepOf({ sweeping }: HostContext, event: HostEvent): Sweep | undefined {
  const purpose = purposeOf(event, 'sweep');
  return purpose ? sweeping.find(({ command }) => command === purpose.command) : undefined;
}

const swept = (found: Sweep['found'], failed: GcResult['failed'], unstarted: GcResult['unstarted']): GcResult => ({
  ...found,
  dryRun: false,
  failed,
  unstarted,
});

export const sweepActions = {
  sweep: resolve('node.gc', ({ sweeping }, { command, steps, found, unstarted }) => ({
    context: { sweeping: [...sweeping, { command, found, unstarted }] },
    effects: [{ kind: 'apply', plan: sweepPlan(command, steps) }],
  })),
  /** Asks the command's containers to go; without containers, it replies at once. */
  takeSwept: resolve(['steps.applied', 'steps.failed'], (context, event) => {
    const sweep = sweepOf(context, event);
    if (!sweep) return {};
    const { command, found, unstarted = [] } = sweep;
    const failed = event.type === 'steps.failed' ? (event.fault.leftBehind ?? []) : [];
    const { context: asking, effects } = abandon(context, command, swept(found, failed, unstarted));
    return { context: { ...asking, sweeping: context.sweeping.filter((other) => other !== sweep) }, effects };
  }),
  /** Answers sweeps after a reboot, which removed all leftovers. No container is asked: each may be set up anew by then. */
  replySweptByReboot: resolve('actor.recovered', ({ sweeping }) => ({
    context: { sweeping: [] },
    effects: sweeping.map(({ command, found }) => ({ kind: 'reply', command, output: swept(found, [], []) })),
  })),
};

export const sweepGuards = {
  isSweep: ({ context, event }: Given): boolean => sweepOf(context, event) !== undefined,
};
