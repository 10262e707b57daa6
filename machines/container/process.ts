import { assertEvent } from 'xstate';
import type { ContainerEvent } from '../../src/core/actor-event.ts';
import type { ContainerWish } from '../../src/core/container/wish.ts';
import { exitCodePlan, lookPlan, watchPlan } from '../../src/core/plan/container/process.ts';
import { grantOf } from './context.ts';
import { askerOf, commandOf, decide, type Given, isResultOf, nameOf, refusal, remember } from './decisions.ts';

/** The process in a container's network: its start, which may have a deadline, and its end. */

const isOurProcess = ({ context: { process }, event }: Given): boolean =>
  event.type === 'process.exited' && event.pid === process?.pid;

const reportsExit = ({ context: { process } }: Given): boolean => process?.reportsExit ?? false;

/** Checks whether the container ends with its process. */
const isLast = ({ context: { wish } }: Given): boolean => wish?.removeOnExit ?? false;

/** Checks whether the exit code is late, or no longer expected after a restart of the daemon. */
const isUnreported = ({ event }: Given): boolean =>
  (event.type === 'deadline.passed' && event.deadline === 'exit-code') ||
  (event.type === 'actor.recovered' && !event.rebooted) ||
  (event.type === 'steps.failed' && isResultOf(event, 'exit-code'));

const isWatch = ({ event }: Given): boolean => isResultOf(event, 'watch');

export const isForced = ({ event }: Given): boolean => 'force' in event && event.force === true;

const hasGuests = ({ context: { guests } }: Given): boolean => guests.length > 0;

/** Checks whether the network is the container's own, so that a teardown would take it from any process in the namespace. */
export const ownsNetwork = ({ context: { wish, inode } }: Given): boolean =>
  inode !== null && wish?.netns.kind !== 'host' && wish?.netns.kind !== 'container';

export const isStartDeadline = ({ context, event }: Given): boolean =>
  event.type === 'deadline.passed' && event.deadline === 'start' && event.at === context.startBy;

export const isLook = ({ event }: Given): boolean => isResultOf(event, 'look');

/** Checks whether a process lives, or may live, in its namespace. */
export const foundLife = (given: Given): boolean =>
  hasGuests(given) ||
  given.event.type !== 'steps.applied' ||
  given.event.outputs.every(({ inhabited }) => inhabited !== false);

/** Adds the set-up's deadline to a wish that was stored before. */
export function withDeadline(wish: ContainerWish | null, event: ContainerEvent): ContainerWish | null {
  const said = event.type === 'container.setup' ? event.startWithinMs : undefined;
  return wish && said !== undefined ? { ...wish, startWithinMs: said } : wish;
}

/** P18: returns why a container that was never started is removed. */
function abandonment(wish: ContainerWish | null, event: ContainerEvent) {
  const startWithinMs = wish?.startWithinMs ?? null;
  const owner = wish?.owner ?? null;
  const why =
    event.type === 'container.abandon'
      ? ({ cause: 'collected', reason: 'its process was never started, and no process is in its namespace' } as const)
      : ({ cause: 'deadline', reason: `its process did not start within ${(startWithinMs ?? 0) / 1000} s` } as const);
  return { ...why, startWithinMs, owner };
}

/** P18: returns why a container that was not started in time stays. */
function occupancy([guest]: readonly string[], event: ContainerEvent) {
  if (event.type === 'steps.failed')
    return {
      cause: 'unseen',
      reason: 'whether a process lives in its namespace is not known',
      fault: event.fault,
    } as const;
  return guest === undefined
    ? ({ cause: 'process', reason: 'a process lives in its namespace' } as const)
    : ({ cause: 'guest', guest, reason: `container ${guest} runs in its namespace` } as const);
}

export const processActions = {
  keepProcess: remember(({ event }) => {
    assertEvent(event, ['container.started', 'container.exited']);
    const reportsExit = event.type === 'container.started' && event.reportsExit;
    return { process: { pid: event.pid, startTicks: null, ...(reportsExit && { reportsExit }) }, startBy: null };
  }),
  watchProcess: decide(({ context: { wish, process } }) =>
    wish && process ? [{ kind: 'apply', plan: watchPlan(wish, process.pid, process.startTicks) }] : [],
  ),
  keepStartTime: remember(({ context, event }) => {
    assertEvent(event, 'steps.applied');
    const startTicks = event.outputs.find((output) => output.startTicks !== undefined)?.startTicks ?? null;
    return { process: context.process && { ...context.process, startTicks } };
  }),
  announceRunning: decide(({ context: { process } }) =>
    process ? [{ kind: 'announce', fact: 'running', data: { pid: process.pid } }] : [],
  ),
  /** Announces a process that cannot be watched: it may live, so nothing is taken from it. */
  announceUnwatched: decide(({ context: { process }, event }) => {
    assertEvent(event, 'steps.failed');
    return process ? [{ kind: 'announce', fact: 'unwatched', data: { pid: process.pid, fault: event.fault } }] : [];
  }),
  awaitExitCode: decide(({ context: { wish } }) => (wish ? [{ kind: 'apply', plan: exitCodePlan(wish) }] : [])),
  keepExitCode: remember(({ context, event }) => {
    assertEvent(event, 'container.exited');
    return { process: context.process && { ...context.process, exitCode: event.exitCode } };
  }),
  announceExited: decide(({ context: { process } }) => {
    if (!process) return [];
    const { pid, exitCode } = process;
    return [{ kind: 'announce', fact: 'exited', data: { pid, ...(exitCode !== undefined && { exitCode }) } }];
  }),

  // ---- P18: a start with a deadline
  lookInside: decide(({ context }) => {
    const { wish, inode } = context;
    return wish && inode !== null ? [{ kind: 'apply', plan: lookPlan(wish, grantOf(context).netns, inode) }] : [];
  }),
  keepNextDeadline: remember(({ context, event }) => {
    assertEvent(event, ['steps.applied', 'steps.failed']);
    return { startBy: event.outputs.find(({ deadlineAt }) => deadlineAt)?.deadlineAt ?? context.startBy };
  }),
  announceOverdue: decide(({ context: { wish, guests }, event }) => {
    assertEvent(event, ['steps.applied', 'steps.failed']);
    const data = { startWithinMs: wish?.startWithinMs ?? null, owner: wish?.owner ?? null };
    return [{ kind: 'announce', fact: 'overdue', data: { ...occupancy(guests, event), ...data } }];
  }),
  announceAbandoned: decide(({ context: { wish }, event }) => [
    { kind: 'announce', fact: 'abandoned', data: abandonment(wish, event) },
  ]),
  /** Repeats the removal as soon as the container's network has been taken down. */
  deferRemoval: remember(({ context, event }) => {
    const removal = { type: 'container.remove', command: commandOf(event), from: askerOf(event) } as const;
    return { deferred: [...context.deferred, removal] };
  }),

  refuseRunning: refusal(
    'container.running',
    ({ context }) =>
      `container ${nameOf(context)} is running (process ${context.process?.pid}): stop it first (kill ${context.process?.pid}), or force it (--force)`,
  ),
  refuseHeld: refusal(
    'container.running',
    ({ context }) =>
      `container ${context.guests[0]} runs in the network namespace of container ${nameOf(context)}: stop it first, or force it (--force)`,
  ),
  refuseStarted: refusal('container.state', ({ context }) => `container ${nameOf(context)} was started`),
  refuseOtherProcess: refusal(
    'container.state',
    ({ context }) => `the process of container ${nameOf(context)} is ${context.process?.pid}`,
  ),
};

export const processGuards = {
  isWatch,
  isOurProcess,
  isOurProcessAndReported: (given: Given) => isOurProcess(given) && reportsExit(given),
  isOurProcessAndLast: (given: Given) => isOurProcess(given) && isLast(given),
  isAnotherProcess: ({ context, event }: Given) =>
    event.type === 'container.exited' && event.pid !== context.process?.pid,
  /** Checks whether it is a former process: its network is no longer up, or is up for the next one. */
  isFormerProcess: ({ context: { process, formerPid }, event }: Given) =>
    event.type === 'container.exited' && event.pid === (process?.pid ?? formerPid),
  isLast,
  isUnreported,
  isUnreportedAndLast: (given: Given) => isUnreported(given) && isLast(given),
  isUnwatched: (given: Given) =>
    isWatch(given) && given.event.type === 'steps.failed' && given.event.fault.code !== 'process.gone',
  isWatchAndReported: (given: Given) => isWatch(given) && reportsExit(given),
  isWatchAndLast: (given: Given) => isWatch(given) && isLast(given),
  hasWish: ({ context }: Given) => context.wish !== null,
  /** P11: the same for a container that shares the namespace */
  isHeldByGuest: (given: Given) => hasGuests(given) && !isForced(given),
};
