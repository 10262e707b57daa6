import type { ExplainedSetting } from '../../src/core/plan/interface-settings.ts';
import { settingsOfBridge } from '../../src/core/plan/network.ts';
import type { NetworkState, NetworkView } from '../../src/core/view.ts';
import type { NetworkContext } from './context.ts';

/** Views of a network for users and for the engine, derived from committed state. */

/** Returns the state that users see: a bridge that stops routing loopback addresses counts as up. */
export const networkState = (value: unknown): NetworkState => (value === 'closing' ? 'up' : (value as NetworkState));

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
export const isFiled = ({ definition, isTransient }: NetworkContext): boolean => definition !== null && !isTransient;

/** Whether to notify it of a missing file: a network that is being defined has no file yet, and would get the notice when it has one. */
export const hearsOfLoss = (value: unknown, { isTransient }: NetworkContext): boolean =>
  !isTransient && !['claiming', 'defining', 'lowering'].includes(String(value));
