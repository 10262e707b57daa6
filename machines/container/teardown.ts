import { assertEvent } from 'xstate';
import { teardownPlan, unlinkPlan } from '../../src/core/plan/container/plan.ts';
import { grantOf, leavingsOf, statusOf } from './context.ts';
import { answerTo, commandOf, decide, type Given, isResultOf } from './decisions.ts';
import { endDhcp } from './dhcp.ts';

/** A teardown: its plan, answers and events. */

export const teardownActions = {
  unbuild: decide(({ context }) => [
    ...leavingsOf(context),
    { kind: 'announce', fact: 'tearing-down', data: { netns: statusOf(context).netns } },
    ...endDhcp(context),
    { kind: 'apply', plan: teardownPlan(grantOf(context)) },
  ]),
  replyTornDown: decide(({ context, event }) => {
    assertEvent(event, 'steps.applied');
    const { change, command, id } = context;
    const tornDown = { id, nothingToDo: false, kernelMs: event.tookMs };
    return [{ kind: 'reply', command, output: change?.kind === 'detach' ? { id } : tornDown }];
  }),
  replyNothingToDo: decide(({ context, event }) => [
    { kind: 'reply', command: commandOf(event), output: { id: context.id, nothingToDo: true, kernelMs: 0 } },
  ]),
  awaitUnlinked: decide(({ context }) => [{ kind: 'apply', plan: unlinkPlan(grantOf(context)) }]),
  announceTornDown: decide(() => [{ kind: 'announce', fact: 'torn-down', data: {} }]),
  announceRemoved: decide(({ context, event }) => [
    { kind: 'announce', fact: 'removed', data: {} },
    answerTo(event, context.id, { output: { id: context.id } }),
  ]),
};

export const teardownGuards = {
  isTeardown: ({ event }: Given) => isResultOf(event, 'teardown'),
  isUnlink: ({ event }: Given) => isResultOf(event, 'unlink'),
};
