import { containerAddress } from '../../src/core/actor-address.ts';
import { giveBackPorts, grantPorts, type PortLedger, portConflicts, portTaken } from '../../src/core/claims.ts';
import { entryOf } from '../../src/core/entry.ts';
import type { Fault } from '../../src/core/fault.ts';
import { withEntry, withoutEntry } from '../../src/core/ledger.ts';
import { holdAgainPlan, holdPlan, letGoPlan } from '../../src/core/plan/host.ts';
import { type GrantedPort, isSamePort, type PublishedPort } from '../../src/core/port.ts';
import { uncoveredPorts } from '../../src/core/served-ports.ts';
import { type Decision, without } from '../decisions.ts';
import type { Effect } from '../effect.ts';
import { present } from '../present.ts';
import type { HostContext, PortsClaim } from './context.ts';
import { andThen, decide, type EventOf, type Given, purposeOf, resolve, type Turn } from './decisions.ts';
import { type Obstacle, waitingClaims } from './waiting-claims.ts';

/** Published ports: each host port has one container, and is bound before it is granted. */

/** Returns the container whose ports a plan was about. */
function containerOf({ type, purpose }: EventOf<'steps.applied' | 'steps.failed'>): string {
  if ('container' in purpose) return purpose.container;
  throw new TypeError(`${type} is not about the ports of a container`);
}

const portClaims = waitingClaims<PortsClaim>({
  claimantOf: ({ container }) => containerAddress(container),
  waitingIn: ({ portsWaiting }) => portsWaiting,
  withWaiting: (context, portsWaiting) => ({ ...context, portsWaiting }),
  obstacleTo: conflictOf,
  grant: hold,
  refuse,
});

/** Decides a claim. It ends the leaving of its container: claims that waited for that are decided again. */
function claim(context: HostContext, { type: _, ...asked }: EventOf<'ports.claim'>): Turn {
  const { portsLeaving } = context;
  if (!portsLeaving.includes(asked.container)) return portClaims.claim(context, asked);
  const stayed = portClaims.decideWaiting({ ...context, portsLeaving: without(portsLeaving, asked.container) });
  return andThen(stayed, (after) => portClaims.claim(after, asked));
}

/** Returns the conflict that decides: one with a container that stays, which is not waited for, before one with a leaving container. */
function conflictOf({ ports, portsLeaving }: HostContext, claim: PortsClaim): Obstacle<PortsClaim> | null {
  const conflicts = portConflicts(ports, claim.container, claim.ports);
  const lasting = conflicts.find(({ owner }) => !portsLeaving.includes(owner));
  const conflict = lasting ?? conflicts[0];
  return conflict ? { fault: portTaken(conflict), wait: lasting ? null : { claim, effects: [] } } : null;
}

function hold(context: HostContext, { container, attempt, ports: asked }: PortsClaim): Turn {
  const granted = grantPorts(context.ports, container, asked);
  const all = [...(entryOf(context.ports, container) ?? []), ...granted];
  const ports = withEntry(context.ports, container, all);
  const own = ownPorts(granted, all);
  if (own.length === 0) return { context: { ...context, ports }, effects: [grant(container, attempt, granted, 0)] };
  const holding = { ...context.holding, [container]: { attempt, count: granted.length } };
  const plan = holdPlan(container, attempt, own);
  return { context: { ...context, ports, holding }, effects: [{ kind: 'apply', plan }] };
}

function leave(context: HostContext, { container }: EventOf<'ports.leaving'>): Decision<HostContext, 'host'> {
  const { ports, portsLeaving } = context;
  if (!entryOf(ports, container) || portsLeaving.includes(container)) return {};
  return { context: { portsLeaving: [...portsLeaving, container] } };
}

/** Grants bound ports: picked ones are known now. */
function bound(context: HostContext, event: EventOf<'steps.applied'>): Decision<HostContext, 'host'> {
  const container = containerOf(event);
  const { outputs, tookMs } = event;
  const { [container]: held, ...holding } = context.holding;
  const { attempt, count } = present(held, 'the claim whose ports are bound');
  const all = entryOf(context.ports, container) ?? [];
  const { before, claimed } = splitPorts(all, count);
  // a picked port is held as requested: no other container has a part of it
  const own = ownPorts(claimed, all);
  const ports = claimed.map((port) =>
    port.hostPort === 0 ? { ...port, hostPort: outputs[own.indexOf(port)]?.port ?? 0 } : port,
  );
  return {
    context: { holding, ports: withEntry(context.ports, container, [...before, ...ports]) },
    effects: [grant(container, attempt, ports, tookMs)],
  };
}

function unbound(context: HostContext, event: EventOf<'steps.failed'>): Turn {
  const container = containerOf(event);
  const { [container]: held, ...holding } = context.holding;
  const { attempt, count } = present(held, 'the claim whose ports are bound');
  const { before } = splitPorts(entryOf(context.ports, container) ?? [], count);
  const ports = withPorts(context.ports, container, before);
  const effects = [refuse({ container, attempt }, event.fault)];
  return andThen({ context: { ...context, ports, holding }, effects }, portClaims.decideWaiting);
}

const release = (context: HostContext, event: EventOf<'ports.release'>): Turn =>
  andThen(giveBack(withoutWaiting(context, event), event), portClaims.decideWaiting);

/** Drops the waiting claim if its ports are released: its container has given up. */
function withoutWaiting(context: HostContext, { container, ports = null }: EventOf<'ports.release'>): HostContext {
  const isReleased = (port: PublishedPort) => ports?.some((other) => isSamePort(port, other)) ?? true;
  const isGivenUp = (claim: PortsClaim) => claim.container === container && claim.ports.every(isReleased);
  const { portsWaiting } = context;
  return { ...context, portsWaiting: portsWaiting.filter((claim) => !isGivenUp(claim)) };
}

function giveBack(context: HostContext, { container, ports: released = null }: EventOf<'ports.release'>): Turn {
  const held = entryOf(context.ports, container);
  if (!held) return { context, effects: [] };
  // ports of a refused claim are not held, and must not count as held ports
  const gone = released ? held.filter((port) => released.some((other) => isSamePort(port, other))) : held;
  if (released && gone.length === 0) return { context, effects: [] };
  const left = held.filter((port) => !gone.includes(port));
  const { [container]: _, ...holding } = context.holding;
  const { portsLeaving } = context;
  const { ledger, freed } = giveBackPorts(withPorts(context.ports, container, left), gone);
  const own = ownPorts(gone, held);
  const plan = letGoPlan(container, released && own);
  return {
    context: {
      ...context,
      ports: ledger,
      holding,
      portsLeaving: left.length === 0 ? without(portsLeaving, container) : portsLeaving,
    },
    effects: [...newsOf(freed), ...(own.length > 0 ? [{ kind: 'apply', plan } as const] : [])],
  };
}

const newsOf = (freed: Record<string, GrantedPort[]>): Effect<'host'>[] =>
  Object.entries(freed).map(([other, ports]) => ({
    kind: 'tell',
    to: containerAddress(other),
    event: { type: 'ports.freed', command: null, ports },
  }));

/** Holds published ports again: none is bound after a restart of the daemon. Claims under way hold their own. */
function holdAgain({ ports, holding }: HostContext): Effect<'host'>[] {
  return Object.entries(ports).flatMap(([container, all]): Effect<'host'>[] => {
    const before = ownPorts(splitPorts(all, entryOf(holding, container)?.count ?? 0).before, all);
    if (before.length === 0) return [];
    return [{ kind: 'apply', plan: holdAgainPlan(container, before) }];
  });
}

function refuse({ container, attempt }: Omit<PortsClaim, 'ports'>, fault: Fault): Effect<'host'> {
  return { kind: 'tell', to: containerAddress(container), event: { type: 'claim.refused', attempt, fault } };
}

const grant = (container: string, attempt: number, ports: GrantedPort[], tookMs: number): Effect<'host'> => ({
  kind: 'tell',
  to: containerAddress(container),
  event: { type: 'ports.granted', attempt, ports, tookMs },
});

/** Splits a container's ports into former and claimed ones. */
function splitPorts(ports: readonly PublishedPort[], count: number) {
  return { before: ports.slice(0, ports.length - count), claimed: ports.slice(ports.length - count) };
}

function withPorts(ledger: PortLedger, container: string, ports: readonly PublishedPort[]): PortLedger {
  return ports.length > 0 ? withEntry(ledger, container, ports) : withoutEntry(ledger, container);
}

const isHeldByCaller = ({ heldByCaller }: PublishedPort): boolean => heldByCaller ?? false;

/** Returns the ports that netloom binds: those that the container's engine has not bound. `all`: every port of the container, including these. */
function ownPorts(ports: readonly PublishedPort[], all: readonly PublishedPort[]): PublishedPort[] {
  const own = ports.filter((port) => !isHeldByCaller(port));
  return uncoveredPorts(own, all.filter(isHeldByCaller));
}

export const portActions = {
  claimPorts: resolve('ports.claim', claim),
  notePortsLeaving: resolve('ports.leaving', leave),
  keepUntil: portClaims.keepDeadline,
  refuseWaitingPorts: portClaims.giveUp,
  grantPorts: resolve('steps.applied', bound),
  refuseHeld: resolve('steps.failed', unbound),
  releasePorts: resolve('ports.release', release),
  holdAgain: decide(({ context }) => [...holdAgain(context), ...portClaims.setDeadlines(context)]),
  announcePortLost: resolve('steps.failed', (_, event) => ({
    effects: [{ kind: 'announce', fact: 'port-lost', data: { container: containerOf(event), fault: event.fault } }],
  })),
  announcePortStuck: resolve('steps.failed', (_, event) => ({
    effects: [{ kind: 'announce', fact: 'port-stuck', data: { container: containerOf(event), fault: event.fault } }],
  })),
};

export const portGuards = {
  /** Checks whether the result is for the present claim, not for an earlier one that was given up. */
  isHoldOfThisAttempt: ({ context, event }: Given): boolean => {
    const hold = purposeOf(event, 'hold');
    return hold !== null && entryOf(context.holding, hold.container)?.attempt === hold.attempt;
  },
  isHoldAgain: ({ context, event }: Given): boolean => {
    const hold = purposeOf(event, 'hold-again');
    return hold !== null && Object.hasOwn(context.ports, hold.container);
  },
  isWaitForPorts: portClaims.isWait,
  isPortsDeadline: portClaims.isDeadline,
  isRelease: ({ event }: Given): boolean => purposeOf(event, 'release') !== null,
};
