import type { AnyStateMachine, StateFrom } from 'xstate';
import type { FactState } from '../src/contract/facts.ts';
import type { ActorKind } from '../src/core/actor-address.ts';
import type { containerMachine } from './container/chart.ts';
import { containerState } from './container/view.ts';
import type { dhcpMachine } from './dhcp/chart.ts';
import { leaseState } from './dhcp/view.ts';
import type { hostMachine } from './host/chart.ts';
import type { networkMachine } from './network/chart.ts';
import { networkState } from './network/view.ts';

/** What is stored of a machine: everything that XState needs to continue. */
type Stored<Machine extends AnyStateMachine> = Pick<StateFrom<Machine>, 'value' | 'context'>;

interface StoredByKind {
  host: Stored<typeof hostMachine>;
  network: Stored<typeof networkMachine>;
  container: Stored<typeof containerMachine>;
  dhcp: Stored<typeof dhcpMachine>;
}

/** The stored state of an actor of one kind, or of any, typed by its chart. */
export type ActorState<Kind extends ActorKind = ActorKind> = StoredByKind[Kind];

const stateByKind: { [Kind in ActorKind]: (stored: ActorState<Kind>) => FactState } = {
  host: ({ value }) => value,
  network: ({ value }) => networkState(value),
  container: ({ value, context }) => containerState(value, context),
  dhcp: ({ value }) => leaseState(value),
};

/** Returns an actor's state as views show it; null: it has ended. Every event carries the state after its commit. */
export function stateOf<Kind extends ActorKind>(kind: Kind, stored: ActorState<Kind> | null): FactState {
  return stored ? stateByKind[kind](stored) : 'removed';
}
