import { assertEvent } from 'xstate';
import { containerAddress } from '../../src/core/actor-address.ts';
import type { ContainerEvent } from '../../src/core/actor-event.ts';
import { fault } from '../../src/core/fault.ts';
import type { Effect } from '../effect.ts';
import { type ContainerContext, netnsOwnerOf, shareOf } from './context.ts';
import { decide, decision, type Given, nameOf, remember, resolve } from './decisions.ts';

/**
 * Containers that share a namespace (`container:<id>`), directly or through another container, and the namespace's owner. The
 * owner knows all of them (members), and those whose process runs (guests).
 */

function tellOwner(context: ContainerContext, event: ContainerEvent): Effect<'container'>[] {
  const to = netnsOwnerOf(context);
  return to === null ? [] : [{ kind: 'tell', to, event }];
}

const join = (context: ContainerContext): Effect<'container'>[] =>
  tellOwner(context, { type: 'netns.joined', container: context.id, inode: context.inode });

/** Releases the shared namespace: only a container with a granted namespace can be a member. */
export const releaseOfNamespace = (context: ContainerContext): Effect<'container'>[] =>
  context.share === null ? [] : tellOwner(context, { type: 'netns.release', container: context.id });

/** Lets a member compare with the kernel: a namespace that the owner may not remove (`ns:<path>`, `host`) still exists. */
const suspectMember = (id: string): Effect<'container'> => ({
  kind: 'tell',
  to: containerAddress(id),
  event: { type: 'drift.suspected' },
});

export const sharingActions = {
  /** Joins the owner, which answers even if it has been taken down meanwhile. */
  joinOwner: decide(({ context }) => join(context)),
  /** Joins again after a restart of the daemon, for an owner that does not know this member, or has another namespace now. */
  joinOwnerAgain: decide(({ context }) => (context.change?.kind === 'recovery' ? join(context) : [])),
  keepMember: remember(({ context: { members }, event }) => {
    assertEvent(event, 'netns.joined');
    return { members: [...members.filter((member) => member !== event.container), event.container] };
  }),
  forgetMember: remember(({ context: { members }, event }) => {
    assertEvent(event, 'netns.release');
    return { members: members.filter((member) => member !== event.container) };
  }),
  /** Suspects a loss: the namespace that it has found is no longer up. */
  suspectJoined: decide(({ event }) => {
    assertEvent(event, 'netns.joined');
    return [suspectMember(event.container)];
  }),
  /** Lets members check: the kernel reports the end of a namespace to its owner only. */
  suspectMembers: decide(({ context: { members } }) => members.map(suspectMember)),

  // ---- P11: processes of containers that share the namespace
  tellOwnerOfStart: decide(({ context }) => tellOwner(context, { type: 'netns.entered', container: context.id })),
  tellOwnerOfEnd: decide(({ context }) => tellOwner(context, { type: 'netns.left', container: context.id })),
  keepGuest: remember(({ context: { guests }, event }) => {
    assertEvent(event, 'netns.entered');
    return { guests: [...guests.filter((guest) => guest !== event.container), event.container] };
  }),
  forgetGuest: remember(({ context: { guests }, event }) => {
    assertEvent(event, 'netns.left');
    return { guests: guests.filter((guest) => guest !== event.container) };
  }),

  // ---- the namespace for others
  awaitNamespace: resolve('netns.share', ({ sharers }, request) => ({
    context: { sharers: [...sharers, request] },
  })),
  shareWithWaiting: decision(({ context }) => {
    const share = shareOf(context);
    const effects = context.sharers.map(
      ({ from, attempt }): Effect<'container'> => ({
        kind: 'tell',
        to: from,
        event: { type: 'netns.shared', attempt, share },
      }),
    );
    return { context: { sharers: [] }, effects };
  }),
  refuseWaiting: decision(({ context }) => {
    const gone = fault('netns.gone', `container ${nameOf(context)} has no network namespace to share`);
    const effects = context.sharers.map(
      ({ from, attempt }): Effect<'container'> => ({
        kind: 'tell',
        to: from,
        event: { type: 'claim.refused', attempt, fault: gone },
      }),
    );
    return { context: { sharers: [] }, effects };
  }),
  share: decide(({ context, event }) => {
    assertEvent(event, 'netns.share');
    const { from, attempt } = event;
    return [{ kind: 'tell', to: from, event: { type: 'netns.shared', attempt, share: shareOf(context) } }];
  }),
  refuseShare: decide(({ context, event }) => {
    assertEvent(event, 'netns.share');
    const gone = fault(
      'netns.gone',
      context.wish
        ? `container ${nameOf(context)} has no network namespace to share`
        : `there is no container ${context.id} to share the network namespace of`,
    );
    return [{ kind: 'tell', to: event.from, event: { type: 'claim.refused', attempt: event.attempt, fault: gone } }];
  }),
};

export const sharingGuards = {
  /** Checks whether it is the present namespace, not that of an earlier set-up. */
  isOurNamespace: ({ context: { inode }, event }: Given) => event.type === 'netns.joined' && event.inode === inode,
};
