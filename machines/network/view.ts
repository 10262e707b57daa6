import type { ExplainedSetting } from '../../src/core/plan/interface-settings.ts';
import { settingsOfBridge } from '../../src/core/plan/network.ts';
import type { NetworkState, NetworkView } from '../../src/core/view.ts';
import type { NetworkContext } from './context.ts';

/** Views of a network for users and for the engine, derived from committed state. */

/** A value of the machine: parallel regions once the network is defined. */
export type NetworkValue =
  | 'absent'
  | 'claiming'
  | 'defining'
  | 'removed'
  | { present: { definition: 'filed' | 'transient'; device: string; verification: string } };

/** States of the device that users see under another name: while it is closed or verified, it works. */
const shownStates: Record<string, NetworkState> = { down: 'defined', settled: 'up', verifying: 'up', closing: 'up' };

/** Returns the state that users see. */
export function networkState(value: unknown): NetworkState {
  const state = value as NetworkValue;
  if (typeof state === 'string') return state as NetworkState;
  const { device } = state.present;
  return shownStates[device] ?? (device as NetworkState);
}

export function networkView(value: unknown, context: NetworkContext): NetworkView | null {
  const { definition, leases, lastFault } = context;
  if (!definition) return null;
  const { name, mtuBytes = null, names = null } = context.device ?? {};
  const device = name === undefined ? null : { name, mtuBytes, names };
  return { ...definition, state: networkState(value), device, leases, lastFault };
}

/** Explains the settings of the network's bridge, while it exists. */
export function networkSettingsView({ definition, device }: NetworkContext): ExplainedSetting[] {
  return definition && device ? settingsOfBridge(definition, device.routesLoopback) : [];
}

/** Whether it has a file, as far as the machine knows. */
export function isFiled(value: unknown): boolean {
  const state = value as NetworkValue;
  return typeof state === 'object' && state.present.definition === 'filed';
}

/** Whether to notify it of a missing file: a network that is being defined has no file yet, and would get the notice when it has one. */
export const hearsOfLoss = (value: unknown): boolean => isFiled(value) && networkState(value) !== 'lowering';
