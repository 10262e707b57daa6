import type { ActorAddress } from '../../src/core/actor-address.ts';
import type { HostEvent } from '../../src/core/actor-event.ts';
import type { Fault } from '../../src/core/fault.ts';
import { awaitPlan } from '../../src/core/plan/host.ts';
import type { Effect } from '../effect.ts';
import type { HostContext, Waiting } from './context.ts';
import { andThen, claimantOf, type Given, purposeOf, resolve, type Turn } from './decisions.ts';

/** Claims on what a leaving actor still holds: each waits until it is released, or until its deadline. */

/** Reason why a claim cannot be granted now: it cannot wait and is refused, or it waits. */
export type Obstacle<Claim> = { fault: Fault; wait: null } | Wait<Claim>;

interface Wait<Claim> {
  /** why the claim is refused at its deadline; null: it is granted then */
  fault: Fault | null;
  /** the claim as it waits, and the effects that go with it */
  wait: { claim: Claim; effects: Effect<'host'>[] };
}

/** Claims of one kind: where they wait, and how they are decided. */
interface ClaimKind<Claim extends object> {
  claimantOf: (claim: Claim) => ActorAddress;
  /** returns the waiting claims, in order of arrival */
  waitingIn: (context: HostContext) => readonly Waiting<Claim>[];
  withWaiting: (context: HostContext, waiting: Waiting<Claim>[]) => HostContext;
  /** returns null if the claim can be granted */
  obstacleTo: (context: HostContext, claim: Claim) => Obstacle<Claim> | null;
  grant: (context: HostContext, claim: Claim) => Turn;
  refuse: (claim: Claim, fault: Fault) => Effect<'host'>;
}

/** Returns the decisions on claims of one kind, and the actions and guards of their deadlines. */
export function waitingClaims<Claim extends object>(kind: ClaimKind<Claim>) {
  const { waitingIn, withWaiting, obstacleTo, grant, refuse } = kind;

  const find = (context: HostContext, claimant: ActorAddress | undefined): Waiting<Claim> | undefined =>
    waitingIn(context).find((claim) => kind.claimantOf(claim) === claimant);

  /** Drops the waiting claim of an actor. */
  const drop = (context: HostContext, claimant: ActorAddress): HostContext =>
    withWaiting(
      context,
      waitingIn(context).filter((claim) => kind.claimantOf(claim) !== claimant),
    );

  /** Decides a new claim, and sets its deadline if it waits. It replaces the former claim of its actor. */
  function claim(context: HostContext, asked: Claim): Turn {
    const turn = decideClaim(context, { ...asked, until: null });
    const claimant = kind.claimantOf(asked);
    return find(turn.context, claimant) ? { ...turn, effects: [setDeadline(claimant, null), ...turn.effects] } : turn;
  }

  /** Decides the waiting claims in order of arrival; one that still waits keeps its deadline. */
  function decideWaiting(context: HostContext): Turn {
    const first: Turn = { context: withWaiting(context, []), effects: [] };
    return waitingIn(context).reduce((turn, claim) => andThen(turn, (before) => decideClaim(before, claim)), first);
  }

  function decideClaim(context: HostContext, claim: Waiting<Claim>): Turn {
    const before = drop(context, kind.claimantOf(claim));
    const obstacle = obstacleTo(before, claim);
    if (!obstacle) return grant(before, claim);
    if (!obstacle.wait) return { context: before, effects: [refuse(claim, obstacle.fault)] };
    const { claim: asked, effects } = obstacle.wait;
    const waiting = { ...asked, until: claim.until };
    return { context: withWaiting(before, [...waitingIn(before), waiting]), effects };
  }

  /** Records until when the claim waits: a restart of the daemon must not delay it. */
  function keepDeadline(context: HostContext, event: Extract<HostEvent, { type: 'steps.applied' }>) {
    const until = event.outputs[0]?.deadlineAt ?? null;
    const known = find(context, claimantOf(event));
    const waiting = waitingIn(context).map((claim) => (claim === known ? { ...claim, until } : claim));
    return { context: withWaiting(context, waiting) };
  }

  /** Decides a claim whose wait is over: it is refused if its obstacle is a fault. */
  function giveUp(context: HostContext, event: HostEvent): Partial<Turn> {
    const claim = find(context, claimantOf(event));
    if (!claim) return {};
    const before = drop(context, kind.claimantOf(claim));
    const obstacle = obstacleTo(before, claim);
    const fault = obstacle?.fault;
    return fault ? { context: before, effects: [refuse(claim, fault)] } : grant(before, claim);
  }

  return {
    claim,
    drop,
    decideWaiting,
    /** Sets known deadlines again: none runs after a restart of the daemon. Unknown ones are set by their own plans. */
    setDeadlines: (context: HostContext): Effect<'host'>[] =>
      waitingIn(context).flatMap((claim) =>
        claim.until === null ? [] : [setDeadline(kind.claimantOf(claim), claim.until)],
      ),
    keepDeadline: resolve('steps.applied', keepDeadline),
    giveUp: resolve(['steps.failed', 'deadline.passed'], giveUp),
    /** Checks whether the event is the result of setting a deadline. */
    isWait: ({ context, event }: Given): boolean =>
      purposeOf(event, 'wait') !== null && find(context, claimantOf(event)) !== undefined,
    /** Checks whether the deadline is for the waiting claim: it may be another one of its actor by now. */
    isDeadline: ({ context, event }: Given): boolean =>
      event.type === 'deadline.passed' && find(context, claimantOf(event))?.until === event.at,
  };
}

const setDeadline = (claimant: ActorAddress, until: number | null): Effect<'host'> => ({
  kind: 'apply',
  plan: awaitPlan(claimant, until),
});
