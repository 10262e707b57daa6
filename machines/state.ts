import type { FactState } from '../src/contract/facts.ts';
import type { ActorKind } from '../src/core/actor-address.ts';
import type { HostState } from '../src/core/view.ts';
import type { ContainerContext } from './container/chart.ts';
import { containerState } from './container/view.ts';
import { leaseState } from './dhcp/view.ts';
import { networkState } from './network/view.ts';

/** An actor's record in the journal; null: it has ended. */
export type KeptActor = { value: unknown; context: unknown } | null;

/** Returns an actor's state as views show it. Every event carries the state after its commit. */
export function stateOf(kind: ActorKind, kept: KeptActor): FactState {
  if (!kept) return 'removed';
  const { value, context } = kept;
  switch (kind) {
    case 'container':
      return containerState(value, context as ContainerContext);
    case 'network':
      return networkState(value);
    case 'dhcp':
      return leaseState(value);
    case 'host':
      return value as HostState;
  }
}
