import { stateIn } from 'xstate';
import type { NetworkEvent } from '../../src/core/actor-event.ts';
import { type Fault, fault } from '../../src/core/fault.ts';
import type { NetworkPurpose } from '../../src/core/plan/purpose.ts';
import { decisionsOf, isResultOf } from '../decisions.ts';
import type { DeviceState, NetworkContext, Regions } from './context.ts';

/** Decisions of networks: `machines/decisions.ts` for their machine, and what its actions and guards share. */

export type Given = { context: NetworkContext; event: NetworkEvent };

export const { decision, decide, remember, resolve, refuse } = decisionsOf<NetworkContext, NetworkEvent, 'network'>();

/** Checks the states of regions. */
export const inRegions = (regions: Partial<Regions>) =>
  stateIn<NetworkContext, NetworkEvent, unknown>({ present: regions });

export const inDevice = (device: DeviceState) => inRegions({ device });

/** It has a file. */
export const isFiled = inRegions({ definition: 'filed' });
/** It has no file, only members. */
export const isTransient = inRegions({ definition: 'transient' });

/** Returns a guard for results of plans of these kinds. */
export const resultOf =
  (...kinds: NetworkPurpose['kind'][]) =>
  ({ event }: Given): boolean =>
    isResultOf(event, ...kinds);

export const unknownFault = (network: string): Fault => fault('network.unknown', `no network ${network}`);
