import type { FactState } from '../../src/contract/facts.ts';
import type { DhcpValue } from './chart.ts';

/** Committed state as events show it. */

/** Returns the state of a lease: its progress with an address; without one, always the same state. */
export function leaseState(value: DhcpValue): FactState {
  if (typeof value === 'string') return value;
  if ('leased' in value) return value.leased;
  return 'lost' in value ? 'lost' : 'acquiring';
}
