import type { ExplainedSetting } from '../../src/core/plan/interface-settings.ts';
import { settingsOfBridge } from '../../src/core/plan/network.ts';
import type { NetworkState, NetworkView } from '../../src/core/view.ts';
import type { NetworkContext } from './context.ts';

/** A network as users see it, and what the engine asks about one: derived from what is committed. */

/** That its bridge stops routing loopback addresses is no state of its own for users. */
export const networkState = (value: unknown): NetworkState => (value === 'closing' ? 'up' : (value as NetworkState));

export function networkView(value: unknown, context: NetworkContext): NetworkView | null {
  const { definition, leases, lastFault } = context;
  if (!definition) return null;
  const { name, mtuBytes = null, names = null } = context.device ?? {};
  const device = name === undefined ? null : { name, mtuBytes, names };
  return { ...definition, state: networkState(value), device, leases, lastFault };
}

/** Of the network's bridge, while it is there. */
export function networkSettingsView({ definition, device }: NetworkContext): ExplainedSetting[] {
  return definition && device ? settingsOfBridge(definition, device.routesLoopback) : [];
}

/** Whether it has a file, as far as it knows. */
export const isFiled = ({ definition, isTransient }: NetworkContext): boolean => definition !== null && !isTransient;

/** Whether it is to hear that its file is gone: one that is still being defined has no file yet, and would hear of it when it has. */
export const hearsOfLoss = (value: unknown, { isTransient }: NetworkContext): boolean =>
  !isTransient && !['claiming', 'defining', 'lowering'].includes(String(value));
