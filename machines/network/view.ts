import type { ExplainedSetting } from '../../src/core/plan/interface-settings.ts';
import { settingsOfBridge } from '../../src/core/plan/network.ts';
import type { NetworkState, NetworkView } from '../../src/core/view.ts';
import type { NetworkValue } from './chart.ts';
import type { DeviceState, NetworkContext } from './context.ts';

/** Views of a network for users and for the engine, derived from committed state. */

/** State of the device → the state that users see: while it is closed or verified, it works. */
const shownStates: Record<DeviceState, NetworkState> = {
  down: 'defined',
  updating: 'updating',
  routing: 'routing',
  raising: 'raising',
  settled: 'up',
  verifying: 'up',
  closing: 'up',
  degraded: 'degraded',
  emptying: 'emptying',
  lowering: 'lowering',
};

/** Returns the state that users see. */
export function networkState(value: NetworkValue): NetworkState | 'absent' | 'removed' {
  return typeof value === 'string' ? value : shownStates[value.present.device];
}

export function networkView(value: NetworkValue, context: NetworkContext): NetworkView | null {
  const { definition, leases, lastFault } = context;
  const state = networkState(value);
  if (!definition || state === 'absent' || state === 'removed') return null;
  const { name, mtuBytes = null, names = null } = context.device ?? {};
  const device = name === undefined ? null : { name, mtuBytes, names };
  return { ...definition, state, device, leases, lastFault };
}

/** Explains the settings of the network's bridge, while it exists. */
export function networkSettingsView({ definition, device }: NetworkContext): ExplainedSetting[] {
  return definition && device ? settingsOfBridge(definition, device.routesLoopback) : [];
}

/** Checks whether it has a file, as far as the machine knows. */
export function isFiled(value: NetworkValue): boolean {
  return typeof value === 'object' && value.present.definition === 'filed';
}

/** Checks whether to notify it of a missing file: a network that is being defined has no file yet, and would get the notice when it has one. */
export const hearsOfLoss = (value: NetworkValue): boolean => isFiled(value) && networkState(value) !== 'lowering';
