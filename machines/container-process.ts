import type { ContainerWish } from '../src/core/container.ts';
import type { ContainerEvent } from '../src/core/event.ts';
import type { ContainerContext } from './container-context.ts';

/** The process that lives in a container's network: its start, which may be waited for, and its end. */

export const isOurProcess = ({ process }: ContainerContext, event: ContainerEvent): boolean =>
  event.type === 'process.exited' && event.pid === process?.pid;

export const reportsExit = ({ process }: ContainerContext): boolean => process?.reportsExit ?? false;

/** Whether the container ends with its process. */
export const isLast = ({ wish }: ContainerContext): boolean => wish?.removeOnExit ?? false;

/** The exit code did not come in time, or is not waited for any more: after a restart of the daemon. */
export const isUnreported = (event: ContainerEvent): boolean =>
  (event.type === 'deadline.passed' && event.deadline === 'exit-code') ||
  (event.type === 'actor.recovered' && !event.rebooted) ||
  (event.type === 'steps.failed' && event.plan === 'exit code');

/** A set-up may set the deadline, though the wish was kept before. */
export function withDeadline(wish: ContainerWish | null, event: ContainerEvent): ContainerWish | null {
  const said = event.type === 'container.setup' ? event.startWithinMs : undefined;
  return wish && said !== undefined ? { ...wish, startWithinMs: said } : wish;
}

/** P18: why a container that was never started goes. */
export function abandonment(wish: ContainerWish | null, event: ContainerEvent) {
  const startWithinMs = wish?.startWithinMs ?? null;
  const owner = wish?.owner ?? null;
  return event.type === 'deadline.passed'
    ? {
        cause: 'deadline',
        reason: `its process did not start within ${(startWithinMs ?? 0) / 1000} s`,
        startWithinMs,
        owner,
      }
    : {
        cause: 'collected',
        reason: 'its process was never started, and no process is in its namespace',
        startWithinMs,
        owner,
      };
}
