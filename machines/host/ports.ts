import { containerAddress } from '../../src/core/actor-address.ts';
import { giveBackPorts, grantPorts, type PortLedger, portConflict } from '../../src/core/claims.ts';
import { entryOf } from '../../src/core/entry.ts';
import type { HostEvent } from '../../src/core/event.ts';
import type { Fault } from '../../src/core/fault.ts';
import { withEntry, withoutEntry } from '../../src/core/ledger.ts';
import { holdAgainPlan, holdPlan, letGoPlan } from '../../src/core/plan/host.ts';
import { type GrantedPort, isSamePort, type PublishedPort } from '../../src/core/port.ts';
import { uncoveredPorts } from '../../src/core/served-ports.ts';
import type { Effect } from '../effect.ts';
import type { Decision } from '../effects.ts';
import type { HostContext } from './context.ts';
import { decide, type Given, purposeOf, resolve } from './words.ts';

/** Published ports: each host port has one container, and is bound before it is granted. */

type Event<Type extends HostEvent['type']> = Extract<HostEvent, { type: Type }>;
type Held = HostContext['holding'][string];

/** Whose ports a plan was about. */
function containerOf({ type, purpose }: Event<'steps.applied' | 'steps.failed'>): string {
  if ('container' in purpose) return purpose.container;
  throw new TypeError(`${type} is not about the ports of a container`);
}

function claim(
  context: HostContext,
  { container, attempt, ports: asked }: Event<'ports.claim'>,
): Decision<HostContext> {
  const conflict = portConflict(context.ports, container, asked);
  if (conflict) return { effects: [refuse(container, attempt, conflict)] };
  const granted = grantPorts(context.ports, container, asked);
  const all = [...(entryOf(context.ports, container) ?? []), ...granted];
  const ports = withEntry(context.ports, container, all);
  const own = ownPorts(granted, all);
  if (own.length === 0) return { context: { ports }, effects: [grant(container, attempt, granted, 0)] };
  const holding = { ...context.holding, [container]: { attempt, count: granted.length } };
  const plan = holdPlan(container, attempt, own);
  return { context: { ports, holding }, effects: [{ kind: 'apply', plan }] };
}

/** The ports are bound: those that were picked are known now. */
function bound(context: HostContext, event: Event<'steps.applied'>): Decision<HostContext> {
  const container = containerOf(event);
  const { outputs, tookMs } = event;
  const { [container]: held, ...holding } = context.holding;
  const { attempt, count } = held as Held;
  const all = entryOf(context.ports, container) ?? [];
  const { before, claimed } = splitPorts(all, count);
  // a picked port is held as it was asked for: no other container has a part of it
  const own = ownPorts(claimed, all);
  const ports = claimed.map((port) =>
    port.hostPort === 0 ? { ...port, hostPort: outputs[own.indexOf(port)]?.port ?? 0 } : port,
  );
  return {
    context: { holding, ports: withEntry(context.ports, container, [...before, ...ports]) },
    effects: [grant(container, attempt, ports, tookMs)],
  };
}

function unbound(context: HostContext, event: Event<'steps.failed'>): Decision<HostContext> {
  const container = containerOf(event);
  const { [container]: held, ...holding } = context.holding;
  const { attempt, count } = held as Held;
  const { before } = splitPorts(entryOf(context.ports, container) ?? [], count);
  return {
    context: { ports: withPorts(context.ports, container, before), holding },
    effects: [refuse(container, attempt, event.fault)],
  };
}

function release(
  context: HostContext,
  { container, ports: released = null }: Event<'ports.release'>,
): Decision<HostContext> {
  const held = entryOf(context.ports, container);
  if (!held) return {};
  // what a refused claim had asked for is not held: it must not be taken for what is
  const gone = released && held.filter((port) => released.some((other) => isSamePort(port, other)));
  if (gone?.length === 0) return {};
  const left = gone ? held.filter((port) => !gone.includes(port)) : [];
  const { [container]: _, ...holding } = context.holding;
  const { ledger, freed } = giveBackPorts(withPorts(context.ports, container, left), gone ?? held);
  const news = Object.entries(freed).map(
    ([other, ports]): Effect => ({
      kind: 'tell',
      to: containerAddress(other),
      event: { type: 'ports.freed', command: null, ports },
    }),
  );
  const own = ownPorts(gone ?? held, held);
  const plan = letGoPlan(container, gone && own);
  return {
    context: { ports: ledger, holding },
    effects: [...news, ...(own.length > 0 ? [{ kind: 'apply', plan } as const] : [])],
  };
}

/** After a restart of the daemon nothing is bound: hold again what containers publish. Claims under way hold their own. */
function holdAgain({ ports, holding }: HostContext): Effect[] {
  return Object.entries(ports).flatMap(([container, all]): Effect[] => {
    const before = ownPorts(splitPorts(all, entryOf(holding, container)?.count ?? 0).before, all);
    if (before.length === 0) return [];
    return [{ kind: 'apply', plan: holdAgainPlan(container, before) }];
  });
}

const refuse = (container: string, attempt: number, fault: Fault): Effect => ({
  kind: 'tell',
  to: containerAddress(container),
  event: { type: 'claim.refused', attempt, fault },
});

const grant = (container: string, attempt: number, ports: GrantedPort[], tookMs: number): Effect => ({
  kind: 'tell',
  to: containerAddress(container),
  event: { type: 'ports.granted', attempt, ports, tookMs },
});

/** A container's ports: those that it had, and those that it claims. */
function splitPorts(ports: readonly PublishedPort[], count: number) {
  return { before: ports.slice(0, ports.length - count), claimed: ports.slice(ports.length - count) };
}

function withPorts(ledger: PortLedger, container: string, ports: readonly PublishedPort[]): PortLedger {
  return ports.length > 0 ? withEntry(ledger, container, ports) : withoutEntry(ledger, container);
}

const isHeldByCaller = ({ heldByCaller }: PublishedPort): boolean => heldByCaller ?? false;

/** Those that this host binds: what the container's engine has not bound. `all`: every port of the container, these included. */
function ownPorts(ports: readonly PublishedPort[], all: readonly PublishedPort[]): PublishedPort[] {
  const own = ports.filter((port) => !isHeldByCaller(port));
  return uncoveredPorts(own, all.filter(isHeldByCaller));
}

export const portActions = {
  claimPorts: resolve('ports.claim', claim),
  grantPorts: resolve('steps.applied', bound),
  refuseHeld: resolve('steps.failed', unbound),
  releasePorts: resolve('ports.release', release),
  holdAgain: decide(({ context }) => holdAgain(context)),
  announcePortLost: resolve('steps.failed', (_, event) => ({
    effects: [{ kind: 'announce', fact: 'port-lost', data: { container: containerOf(event), fault: event.fault } }],
  })),
  announcePortStuck: resolve('steps.failed', (_, event) => ({
    effects: [{ kind: 'announce', fact: 'port-stuck', data: { container: containerOf(event), fault: event.fault } }],
  })),
};

export const portGuards = {
  /** The result of an earlier claim, given up meanwhile, belongs to no claim any more. */
  isHoldOfThisAttempt: ({ context, event }: Given): boolean => {
    const hold = purposeOf(event, 'hold');
    return hold !== null && entryOf(context.holding, hold.container)?.attempt === hold.attempt;
  },
  isHoldAgain: ({ context, event }: Given): boolean => {
    const hold = purposeOf(event, 'hold-again');
    return hold !== null && Object.hasOwn(context.ports, hold.container);
  },
  isRelease: ({ event }: Given): boolean => purposeOf(event, 'release') !== null,
};
