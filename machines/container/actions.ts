import { and, assertEvent, assign, enqueueActions, not, raise, setup, stateIn } from 'xstate';
import { containerAddress } from '../../src/core/actor-address.ts';
import type { ContainerEvent } from '../../src/core/actor-event.ts';
import { attachmentsOf } from '../../src/core/container/attachments.ts';
import { effectsOf, enqueueEffect, wasRebooted, wasRestarted } from '../decisions.ts';
import { accepted, lastFaultOf } from '../present.ts';
import { attachingActions, attachingGuards } from './attaching.ts';
import { changeActions, changeGuards } from './changes/actions.ts';
import { type ContainerCommand, type ContainerContext, type ContainerInput, wishOf } from './context.ts';
import { answerTo, commandOf, decide, type Given, nameOf, refusal, sentAt } from './decisions.ts';
import { findingActions, findingGuards } from './finding.ts';
import {
  foundLife,
  isForced,
  isLook,
  isStartDeadline,
  ownsNetwork,
  processActions,
  processGuards,
  withDeadline,
} from './process.ts';
import { repeatedActions, repeatedGuards } from './repeated.ts';
import { setUpActions, setUpGuards } from './set-up.ts';
import { sharingActions, sharingGuards } from './sharing.ts';
import { teardownActions, teardownGuards } from './teardown.ts';
import { isVerifyThatFoundNothing, verificationActions, verificationGuards } from './verification.ts';

/** Returns an event that waits for its turn. Throws for one that is not a command, because the chart is wrong then. */
function waitingCommand(event: ContainerEvent): ContainerCommand {
  if (!('command' in event)) throw new TypeError(`${event.type} cannot wait: it is not a command`);
  return event;
}

/** Checks whether an event of this type may remove the container. */
const mayRemove = ({ inode }: ContainerContext, type: ContainerEvent['type']): boolean =>
  type === 'container.remove' || type === 'container.forget' || (type === 'container.detach' && inode === null);

const leftSomething = ({ context: { lastFault, leases, ports, inode } }: Given): boolean =>
  Object.keys(leases).length > 0 || ports.length > 0 || inode !== null || (lastFault?.leftBehind?.length ?? 0) > 0;

/** Actions and guards of the chart. Actions only list effects and change the context. */
export const containerSetup = setup({
  types: {
    context: {} as ContainerContext,
    events: {} as ContainerEvent,
    input: {} as ContainerInput,
  },
  actions: {
    ...effectsOf<'container'>(),
    ...processActions,
    ...sharingActions,
    ...changeActions,
    ...verificationActions,
    ...setUpActions,
    ...teardownActions,
    ...attachingActions,
    ...repeatedActions,
    ...findingActions,
    /** Removes the container as its wish asked, even if processes run in containers that share its namespace. */
    removeByItself: raise({ type: 'container.remove', command: null, force: true, from: null }),

    // ---- the wish
    keepWish: assign(({ context, event }) => {
      assertEvent(event, ['container.create', 'container.setup', 'container.attach']);
      const wish = withDeadline(event.wish ?? context.wish, event);
      const overrides = event.type === 'container.setup' ? (event.overrides ?? null) : null;
      const isFirst = context.wish === null && event.created !== undefined;
      const kept = isFirst ? { created: event.created } : {};
      if (!wish || !overrides) return { ...kept, wish, lasting: null };
      const attachments = accepted(attachmentsOf(wish.id, overrides));
      return { ...kept, wish: { ...wish, attachments }, lasting: wish };
    }),
    announceCreated: decide(({ context }) => {
      const wish = wishOf(context);
      return [
        {
          kind: 'announce',
          fact: 'created',
          data: {
            name: wish.name,
            mode: wish.mode,
            networks: wish.attachments.map(({ network }) => network),
            labels: wish.labels ?? {},
            owner: wish.owner ?? null,
          },
        },
      ];
    }),
    replyDone: decide(({ context, event }) => [
      { kind: 'reply', command: commandOf(event), output: { id: context.id } },
    ]),
    keepCommand: assign(({ event }) => ({ command: commandOf(event), ...sentAt(event) })),

    // ---- commands that must wait
    defer: assign({ deferred: ({ context, event }) => [...context.deferred, waitingCommand(event)] }),
    /** Repeats the waiting commands, up to a removal: those after it are for the next container of this id. */
    resume: enqueueActions(({ context, enqueue }) => {
      const removal = context.deferred.findIndex(({ type }) => mayRemove(context, type));
      const last = removal === -1 ? context.deferred.length : removal + 1;
      enqueue.assign({ deferred: [] });
      for (const command of context.deferred.slice(0, last)) enqueue.raise(command);
      for (const command of context.deferred.slice(last))
        enqueue({ type: 'tell', params: { to: containerAddress(context.id), event: command } });
    }),
    /** A teardown that failed is not repeated by itself: the waiting commands are answered with its fault. */
    failDeferred: enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ deferred: [] });
      for (const event of context.deferred)
        enqueueEffect(enqueue, answerTo(event, context.id, { fault: lastFaultOf(context) }));
    }),
    answered: assign({ command: null }),

    // ---- refusals
    refuseDegraded: refusal(
      'container.state',
      ({ context }) => `the network of container ${nameOf(context)} is degraded: reload it first`,
    ),
    refuseUnknown: refusal('container.unknown', ({ context }) => `no container ${context.id}`),
    refuseExists: refusal('container.exists', ({ context }) => `container ${nameOf(context)} already exists`),
    refuseNotUp: refusal(
      'container.state',
      ({ context }) => `the network of container ${nameOf(context)} is not set up`,
    ),
    refuseUp: refusal(
      'container.state',
      ({ context }) => `the network of container ${nameOf(context)} is already set up`,
    ),
  },
  guards: {
    ...processGuards,
    ...sharingGuards,
    ...changeGuards,
    ...verificationGuards,
    ...setUpGuards,
    ...teardownGuards,
    ...attachingGuards,
    ...repeatedGuards,
    ...findingGuards,
    isToBeNew: ({ event }) => event.type === 'container.setup' && event.isNew === true,
    /** P11: a process lives in the namespace, and the command is not forced */
    isHeldByProcess: and([stateIn({ up: { process: 'running' } }), not(isForced)]),
    isEnding: stateIn({ up: { process: 'ending' } }),
    isUnstarted: stateIn({ up: { process: 'configured' } }),
    isStartOverdue: and([stateIn({ up: { process: 'configured' } }), isStartDeadline]),
    isStartOverdueInside: and([stateIn({ up: { process: 'configured' } }), isStartDeadline, ownsNetwork]),
    isLookAtNone: and([stateIn({ up: { process: 'configured' } }), isLook, not(foundLife)]),
    isLookAtLife: and([stateIn({ up: { process: 'configured' } }), isLook, foundLife]),
    isLookAtStarted: and([not(stateIn({ up: { process: 'configured' } })), isLook]),
    isVerifyThatFoundNothingWhileEnding: and([stateIn({ up: { process: 'ending' } }), isVerifyThatFoundNothing]),
    bringsWish: ({ event }) => event.type === 'container.setup' && event.wish !== null,
    hasDeferred: ({ context }) => context.deferred.length > 0,
    leftSomething,
    leftNothing: not(leftSomething),
    wasRestarted,
    wasRebooted: (given) => wasRebooted(given) && given.context.wish !== null,
  },
});
