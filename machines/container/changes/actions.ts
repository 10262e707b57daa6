import { assertEvent } from 'xstate';
import { present } from '../../present.ts';
import { grantOf, statusOf, withAnswer, withJoin } from '../context.ts';
import {
  commandOf,
  decide,
  decision,
  type Given,
  isResultOf,
  isResultOfChange,
  membershipRefused,
  remember,
  sentAt,
} from '../decisions.ts';
import {
  askDhcp,
  changeAfter,
  faultAfter,
  isLastLeaseOfChange,
  isLeaseOfChange,
  tellNeighbours,
  unleasedOfChange,
} from '../dhcp.ts';
import { asksNothingNew, changeAskedFor } from './asked.ts';
import { changeFacts, offlineStatus } from './facts.ts';
import { changePlan, claimsOfChange, networksOf, notesOfPorts, releasesOfChange, withdrawPlan } from './kernel.ts';
import { changedWishes, freedFamilies, grantAfter } from './outcome.ts';
import { changeRefusal, joinRefusal } from './refusals.ts';

/** Changes of a container's network: actions and guards of the chart. */

export const changeActions = {
  askDhcpOfChange: decide(({ context }) => askDhcp(context, unleasedOfChange(context))),
  keepTermsOfChange: remember(({ context, event }) => ({ change: changeAfter(context, event) })),
  withdraw: decide(({ context }) => [{ kind: 'apply', plan: withdrawPlan(context) }]),
  keepFaultOfChange: remember(({ context, event }) => {
    assertEvent(event, ['steps.failed', 'dhcp.lost']);
    return withJoin(context, { fault: event.fault });
  }),
  keepRefusalOfChange: remember(({ context }) => withJoin(context, { fault: joinRefusal(context) })),
  replyFaultOfChange: decide(({ context: { command, change } }) =>
    change?.kind === 'join' && change.fault ? [{ kind: 'reply', command, fault: change.fault }] : [],
  ),
  changeWish: remember(({ context, event }) => changedWishes(context, changeAskedFor(context, event))),
  replyChanged: decide(({ context, event }) => [
    ...changeFacts(context, changeAskedFor(context, event)),
    {
      kind: 'reply',
      command: commandOf(event),
      output: event.type === 'container.detach' ? { id: context.id } : offlineStatus(context),
    },
  ]),
  replyUnchanged: decide(({ context, event }) => [
    {
      kind: 'reply',
      command: commandOf(event),
      output: context.inode === null ? offlineStatus(context) : statusOf(context),
    },
  ]),
  keepChange: remember(({ context, event }) => ({
    change: changeAskedFor(context, event),
    command: commandOf(event),
    ...sentAt(event),
  })),
  claimChange: decision(({ context }) => {
    const effects = claimsOfChange(context);
    const { change } = withJoin(context, { unanswered: effects.length });
    return { context: { attempt: context.attempt + 1, kernelMs: 0, change }, effects };
  }),
  keepChangeGrant: remember(({ context, event }) => {
    assertEvent(event, ['lease.granted', 'ports.granted', 'claim.refused']);
    switch (event.type) {
      case 'lease.granted':
        return { ...withAnswer(context), leases: { ...context.leases, [event.lease.network]: event.lease } };
      case 'ports.granted':
        return { ...withAnswer(context, { ports: event.ports }), kernelMs: event.tookMs };
      case 'claim.refused':
        return withAnswer(context, { fault: event.fault });
    }
  }),
  /** Releases claims, and withdraws notices to networks about ports that are not published after all. */
  releaseChange: decide(({ context }) => [
    ...releasesOfChange(context),
    ...(context.change?.kind === 'join' ? notesOfPorts(context, grantAfter(context).ports, context.ports) : []),
  ]),
  makeChange: decide(({ context }) => [
    ...(context.change?.kind === 'join' ? notesOfPorts(context, context.ports, grantAfter(context).ports) : []),
    { kind: 'apply', plan: changePlan(context) },
  ]),
  tellNeighbours: decide(({ context }) => tellNeighbours(context, grantOf(context), grantAfter(context))),
  keepChanged: remember(({ context, event }) => {
    assertEvent(event, 'steps.applied');
    const { change } = context;
    const leases = { ...grantAfter(context).leases };
    for (const network of change?.kind === 'leave' ? change.networks : []) delete leases[network];
    return {
      ...changedWishes(context, change),
      leases,
      ports: [...grantAfter(context).ports],
      kernelMs: context.kernelMs + event.tookMs,
      lastFault: faultAfter(context, leases),
    };
  }),
  /** Releases claims at their owners, once their objects are gone from the kernel. */
  releaseGivenUp: decide(({ context }) =>
    context.change?.kind === 'leave'
      ? [...releasesOfChange(context), ...notesOfPorts(context, context.ports, grantAfter(context).ports)]
      : [],
  ),
  announceChanged: decide(({ context }) => changeFacts(context, context.change)),
  /** Drops leases of networks that were not joined after all. */
  dropChange: remember(({ context: { change, leases } }) => {
    if (change?.kind !== 'join') return {};
    const joined = networksOf(change);
    return { leases: Object.fromEntries(Object.entries(leases).filter(([network]) => !joined.includes(network))) };
  }),
  /** Keeps what could not be undone in the container's context, because the teardown goes by the wish. */
  keepHalfMade: remember(({ context }) => {
    const { change } = context;
    if (change?.kind === 'address') return { leases: { ...grantAfter(context).leases } };
    if (change?.kind === 'freed') return { ports: [...grantAfter(context).ports] };
    if (change?.kind !== 'join') return {};
    return { ...changedWishes(context, change), ports: [...grantAfter(context).ports] };
  }),
  forgetChange: remember(() => ({ change: null, command: null })),
  replyFault: decide(({ context, event }) => {
    assertEvent(event, 'steps.failed');
    const { change, command } = context;
    const askedBy = change?.kind === 'leave' ? change.askedBy : null;
    return [
      { kind: 'reply', command, fault: event.fault },
      ...(askedBy === null ? [] : [membershipRefused(context.id, askedBy, event.fault)]),
    ];
  }),
  refuseChange: decide(({ context, event }) => [
    { kind: 'reply', command: commandOf(event), fault: present(changeRefusal(context, event), 'the refusal') },
  ]),
};

export const changeGuards = {
  isRefused: ({ context, event }: Given) => changeRefusal(context, event) !== null,
  freesPorts: ({ context, event }: Given) =>
    event.type === 'ports.freed' && freedFamilies(context, event.ports).length > 0,
  asksNothingNew: ({ context, event }: Given) => asksNothingNew(context, event),
  isLeaseOfChange: ({ context, event }: Given) => isLeaseOfChange(context, event),
  isLastLeaseOfChange: ({ context, event }: Given) => isLastLeaseOfChange(context, event),
  isLastLeaseOfChangeUnreachable: ({ context, event }: Given) =>
    isLastLeaseOfChange(context, event) && joinRefusal({ ...context, change: changeAfter(context, event) }) !== null,
  isJoinThatAsks: ({ context, event }: Given) => isResultOf(event, 'join') && unleasedOfChange(context).length > 0,
  /** The links exist, and an address could not be added. */
  isJoinThatAsked: ({ context: { change }, event }: Given) =>
    isResultOf(event, 'join') && change?.kind === 'join' && Object.keys(change.terms).length > 0,
  isWithdraw: ({ event }: Given) => isResultOf(event, 'withdraw'),
  isChange: isResultOfChange,
  isChangeThatLeftNothing: ({ context, event }: Given) =>
    isResultOfChange({ context, event }) &&
    context.change?.kind === 'join' &&
    event.type === 'steps.failed' &&
    !event.fault.leftBehind?.length,
  /** All owners have answered, and one refuses, or their grants conflict. */
  isJoinRefused: ({ context: { change } }: Given) =>
    change?.kind === 'join' && change.unanswered === 0 && change.fault !== null,
  cannotJoin: ({ context }: Given) =>
    context.change?.kind === 'join' && context.change.unanswered === 0 && joinRefusal(context) !== null,
  isGranted: ({ context: { change } }: Given) => change?.kind === 'join' && change.unanswered === 0,
};
